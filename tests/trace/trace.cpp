// traced.hpp, trace_file.hpp and mulproc-trace: what happens is recorded, and each picture shows it. argv: mulproc-trace,
// mulproc-stress.
#define BOOST_TEST_MODULE trace
#include <regex.h>
#include <sys/wait.h>

#include <boost/json.hpp>
#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <mulproc/channel.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/in_memory.hpp>
#include <mulproc/transport/message_queue.hpp>
#include <mulproc/transport/pipe.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <mulproc/transport/shm_lanes.hpp>
#include <mulproc/transport/traced.hpp>
#include <set>
#include <sstream>

using namespace mulproc;
using transport::traced, transport::TraceEvent, transport::TraceFile, transport::TraceHead, transport::TraceKind;

namespace {

template <class T>
using Over = Channel<T, serializer::trivially_copyable, routing::addressed_to_me>;
using Memory = Over<traced<transport::in_memory>>;

template <class T, class U = traced<T>>
constexpr bool can_do_the_same = Transport<U> && Selective<T> == Selective<U> && TellsOfDeaths<T> == TellsOfDeaths<U> && Joinable<T> == Joinable<U> &&
                                 Pollable<T> == Pollable<U> && NamedTransport<T> == NamedTransport<U> && Lending<T> == Lending<U>;

/// The path of a file that is gone at the end.
struct Path {
  std::string text = (std::filesystem::temp_directory_path() / ("mulproc-trace-" + std::to_string(::getpid()) + '-' + std::to_string(count++))).string();
  ~Path() { std::filesystem::remove(text); }
  std::string content() const {
    std::ostringstream all;
    all << std::ifstream(text, std::ios::binary).rdbuf();
    return all.str();
  }
  std::vector<TraceEvent> events() const {
    const auto bytes = content();
    TraceHead head;
    std::memcpy(static_cast<void*>(&head), bytes.data(), sizeof head);
    std::vector<TraceEvent> all(std::min(head.next, head.capacity));
    std::memcpy(static_cast<void*>(all.data()), bytes.data() + sizeof head, all.size() * sizeof(TraceEvent));
    return all;
  }
  static inline int count = 0;
};

struct Said {
  int code;
  std::string text;
};
Said run(int program, const std::string& arguments) {
  const auto& suite = boost::unit_test::framework::master_test_suite();
  if (suite.argc < 3) throw std::runtime_error("name mulproc-trace and mulproc-stress");
  FILE* pipe = ::popen((std::string(suite.argv[program]) + ' ' + arguments + " 2>&1").c_str(), "r");
  std::string text;
  for (char buffer[4096]; const std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe);) text.append(buffer, got);
  const int status = ::pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text};
}
bool is_like(const std::string& text, const std::string& pattern) {
  regex_t compiled;
  if (::regcomp(&compiled, ("^(" + pattern + ")$").c_str(), REG_EXTENDED | REG_NOSUB) != 0) throw std::logic_error(pattern);
  const bool matches = ::regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
  ::regfree(&compiled);
  return matches;
}
/// The part of Mermaid's grammar that is used: Mermaid 11 has drawn such texts, and read each escaped sign as itself.
void must_be_mermaid(const std::string& diagram) {
  const std::string who = "p[0-9]+", words = "([^#;:<>%$&\\\\[:cntrl:]]|#[0-9]+;)+";
  std::istringstream lines(diagram);
  std::map<std::string, int> active;
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line); ++number) {
    const auto word = line.substr(0, line.find(' ', 2));
    if (number < 2) {
      BOOST_TEST(is_like(line, number == 0 ? "%% [^%[:cntrl:]]*" : "sequenceDiagram"), line);
    } else if (word == "  participant") {
      BOOST_TEST(is_like(line, "  participant " + who + " as " + words + "<br/>[0-9]+"), line);
      active[line.substr(14, line.find(" as ") - 14)] = 0;
    } else if (word == "  activate" || word == "  deactivate") {
      const auto whose = line.substr(word.size() + 1);
      BOOST_REQUIRE(active.count(whose) == 1u);
      BOOST_TEST((active[whose] += word == "  activate" ? 1 : -1) >= 0, diagram);  // an error in Mermaid
    } else {
      BOOST_TEST(is_like(line, "  (Note over " + who + "|" + who + "(->>|-->>|-x|--x|-[)])" + who + "): " + words), line);
    }
  }
}
std::string drawn(const Path& trace, const std::string& as) {
  const Said said = run(1, trace.text + " --as " + as);
  BOOST_TEST(said.code == 0, said.text);
  if (as.starts_with("mermaid")) must_be_mermaid(said.text);
  return said.text;
}

/// All that can happen to a message inside one process, in an order that is always the same.
void record_a_small_story(const Path& path) {
  const TraceFile file({.path = path.text, .title = "a <small> story"});
  auto link = Memory::open({.capacity = 4, .max_body_bytes = 64});
  auto parent = link.parent();
  std::optional<Memory> first(link.child()), second(link.child());
  parent.send({.request = "DO", .recipient = first->id()}, std::uint64_t{7}).value();
  parent.send({.request = "RISKY"}).value();
  {
    auto job = first->try_receive([](const auto& seen) { return seen.request() == Request("DO"); }).value();
    first->reply(job, "FINISHED", std::uint16_t{1}).value();
  }
  parent.try_receive().value();
  first->try_receive().value().give_back().value();
  try {
    const auto risky = first->try_receive().value();
    throw 1;
  } catch (int) {
  }
  second->try_receive().value();
  BOOST_TEST((second->try_receive([](const auto&) { return true; }).error() == Errc::not_ready));
  parent.send({.request = "NO"}).value();
  BOOST_TEST(!second->try_receive([](const auto&) { return false; }));
  BOOST_TEST((parent.send({.request = "BIG"}, std::array<char, 65>{}).error() == Errc::too_large));
  TraceFile::death(second->id());
  const auto gone = first->id();
  first.reset();
  BOOST_TEST((parent.send({.request = "LATE", .recipient = gone}).error() == Errc::recipient_gone));
}
constexpr const char* small_story_in_mermaid = R"(%% a <small> story
sequenceDiagram
  participant p0 as parent<br/>1
  participant p1 as child 1<br/>2
  participant p2 as child 2<br/>3
  p0->>p1: DO 1, 8 B
  p0->>p1: RISKY 2
  activate p1
  p1-->>p0: FINISHED 1, 2 B
  deactivate p1
  activate p0
  deactivate p0
  activate p1
  deactivate p1
  Note over p1: RISKY 2 given back
  p0-)p1: RISKY 2 again
  activate p1
  deactivate p1
  Note over p1: RISKY 2 failed, back in its place
  p0-)p2: RISKY 2 again, attempt 2
  activate p2
  deactivate p2
  Note over p0: NO 3, which nobody took
  Note over p2: NO 3 refused
  Note over p2: died
  Note over p1: leaves
  p0-xp1: LATE 4, not sent, recipient gone
  Note over p0: leaves
)";

std::vector<std::string> lines_with(const std::string& text, const std::string& what) {
  std::vector<std::string> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.find(what) != line.npos) found.push_back(line);
  }
  return found;
}

}  // namespace

using transports = std::tuple<transport::in_memory, transport::pipe, transport::message_queue, transport::shm_deque, transport::shm_lanes>;

BOOST_AUTO_TEST_CASE_TEMPLATE(what_happens_over_each_transport_is_recorded, T, transports) {
  static_assert(can_do_the_same<T>);
  const Path path;
  {
    const TraceFile file({.path = path.text});
    auto link = Over<traced<T>>::open();
    auto parent = link.parent();
    auto child = link.child();
    parent.send({.request = "DO", .recipient = child.id()}, 1).value();
    auto job = child.receive_for(std::chrono::seconds(20)).value();
    child.reply(job, "FINISHED").value();
    job.done().value();
    parent.receive_for(std::chrono::seconds(20)).value();
    BOOST_TEST((parent.receive_until(Deadline::after(std::chrono::milliseconds(2))).error() == Errc::not_ready));
  }
  std::vector<TraceKind> kinds;
  std::uint64_t before = 0;
  for (const TraceEvent& event : path.events()) {
    BOOST_TEST(event.committed == 1u);
    BOOST_TEST(event.time >= before);
    before = event.time;
    kinds.push_back(event.kind);
    if (event.kind == TraceKind::received || event.kind == TraceKind::redelivery) BOOST_TEST(event.attempt == 1);
    if (event.kind == TraceKind::wake) BOOST_TEST(event.detail >= 2'000'000u);
    if (event.kind == TraceKind::published) BOOST_TEST((event.depth == 1u || event.depth == 2u));
  }
  using enum TraceKind;
  const std::vector<TraceKind> expected{attached, attached, send, published, received, send, published, done, received, done, park, wake, left, left};
  BOOST_TEST((kinds == expected));
}
BOOST_AUTO_TEST_CASE(what_is_opened_outside_a_recording_is_not_recorded) {
  const Path path;
  auto before = Memory::open();
  {
    const TraceFile file({.path = path.text});
    BOOST_CHECK_THROW(TraceFile({.path = path.text + "-second"}), std::system_error);  // one at a time
    before.parent();
  }
  Memory::open().parent();
  BOOST_TEST(path.events().empty());
  BOOST_CHECK_THROW(TraceFile({.path = "/no/such/folder/trace"}), std::system_error);
  BOOST_CHECK_THROW(TraceFile({.path = path.text, .events = 0}), std::invalid_argument);
  const Said said = run(1, path.text + " --as svg");
  BOOST_TEST(said.code == 1);
  BOOST_TEST(said.text.find("holds no event") != said.text.npos, said.text);
}
BOOST_AUTO_TEST_CASE(a_full_trace_keeps_what_came_first_and_says_how_much_is_missing) {
  const Path path;
  {
    const TraceFile file({.path = path.text, .events = 4});
    auto link = Memory::open();
    auto parent = link.parent(), child = link.child();
    for (int i = 0; i < 3; ++i) parent.send({.request = "DO"}).value();
  }
  BOOST_TEST(path.events().size() == 4u);
  BOOST_TEST(drawn(path, "mermaid").find("6 events found no room in the trace") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(mermaid_shows_all_that_can_happen_in_its_order) {
  const Path path;
  record_a_small_story(path);
  BOOST_TEST(drawn(path, "mermaid") == small_story_in_mermaid);
  BOOST_TEST(lines_with(drawn(path, "mermaid --messages 2"), "more").size() == 1u);
}
BOOST_AUTO_TEST_CASE(no_request_and_no_title_means_anything_to_mermaid) {
  const Path path;
  {
    const TraceFile file({.path = path.text, .title = "two\nlines %%{init}%%"});
    auto link = Memory::open();
    auto parent = link.parent();
    parent.send({.request = "%%{x}%% #1; a:b"}).value();
    parent.send({.request = "$$<br>\\&amp"}).value();
    parent.send({.request = "\n\xe4"}).value();
  }
  const auto diagram = drawn(path, "mermaid");
  BOOST_TEST(diagram.starts_with("%% two lines   {init}  \n"), diagram);
  BOOST_TEST(lines_with(diagram, ": #37;#37;{x}#37;#37; #35;1#59; a#58;b 1, which nobody took").size() == 1u, diagram);
  BOOST_TEST(lines_with(diagram, ": #36;#36;#60;br#62;#92;#38;amp 2,").size() == 1u, diagram);
  BOOST_TEST(lines_with(diagram, ": ?? 3,").size() == 1u, diagram);
}
BOOST_AUTO_TEST_CASE(a_text_that_mermaid_refuses_to_draw_says_so) {
  const Path path;
  {
    const TraceFile file({.path = path.text});
    auto link = Memory::open({.capacity = 2000});
    auto parent = link.parent();
    for (int i = 0; i < 1500; ++i) parent.send({.request = "NOBODY ASKED"}).value();
  }
  const std::string says = "Mermaid draws no more than 50000";
  BOOST_TEST(lines_with(run(1, path.text + " --as mermaid --messages 0").text, says).size() == 1u);
  BOOST_TEST(lines_with(run(1, path.text + " --as mermaid").text, says).empty());
  BOOST_TEST(lines_with(run(1, path.text + " --as svg --messages 0").text, says).empty());
}
BOOST_AUTO_TEST_CASE(svg_is_well_formed_and_has_a_line_for_each_message) {
  const Path path;
  record_a_small_story(path);
  std::istringstream text(drawn(path, "svg"));
  boost::property_tree::ptree tree;
  boost::property_tree::read_xml(text, tree);  // throws where it is not well-formed
  const auto& svg = tree.get_child("svg");
  BOOST_TEST(svg.get<std::string>("title") == "a <small> story");
  BOOST_TEST(svg.get<std::string>("<xmlattr>.role") == "img");
  BOOST_TEST(svg.count("rect") == 1u + 3u + 5u);  // the ground, the processes, the leases
  BOOST_TEST(svg.count("line") >= 3u + 5u);
}
namespace {
/// What the Trace Event Format and Perfetto ask: each kind has its members, slices of a thread lie one in the other, and a
/// flow goes from inside a slice to inside a later one.
void must_be_chrome(const boost::json::array& events) {
  using Thread = std::pair<std::int64_t, std::int64_t>;
  struct Slice {
    double begin, end;
  };
  const auto time = [](const boost::json::value& event) { return event.at("ts").to_number<double>(); };
  const auto thread = [](const boost::json::value& event) {
    return Thread(event.at("pid").to_number<std::int64_t>(), event.at("tid").to_number<std::int64_t>());
  };
  std::map<Thread, std::vector<Slice>> slices;
  std::map<std::int64_t, std::pair<int, int>> flows;
  std::map<std::int64_t, double> begun;
  const auto is_in_a_slice = [&](const boost::json::value& event) {
    const double at = time(event);
    const auto& all = slices[thread(event)];
    return std::any_of(all.begin(), all.end(), [&](const Slice& one) { return one.begin <= at && at <= one.end; });
  };
  for (const auto& event : events) {
    if (event.at("ph").as_string() == "X") slices[thread(event)].push_back({time(event), time(event) + event.at("dur").to_number<double>()});
    if (event.at("ph").as_string() == "s") begun[event.at("id").to_number<std::int64_t>()] = time(event);
  }
  for (const auto& event : events) {
    const std::string phase(event.at("ph").as_string());
    BOOST_TEST(event.at("name").is_string());
    BOOST_TEST(event.at("pid").is_int64());
    if (phase != "M") BOOST_TEST(time(event) >= 0);
    if (phase == "M" || phase == "C") BOOST_TEST(event.at("args").is_object());
    if (phase == "i") BOOST_TEST(event.at("s").as_string() == "p");
    if (phase == "s" || phase == "f") {
      const auto id = event.at("id").to_number<std::int64_t>();
      ++(phase == "s" ? flows[id].first : flows[id].second);
      BOOST_TEST(is_in_a_slice(event), event);
      if (phase == "f") BOOST_TEST(event.at("bp").as_string() == "e");
      if (phase == "f") BOOST_TEST(begun.at(id) <= time(event));
    }
    BOOST_TEST(is_like(phase, "M|X|s|f|i|C"), phase);
  }
  for (const auto& [id, ends] : flows) BOOST_TEST((ends == std::pair(1, 1)), "flow " << id);
  const double inexact = 1e-6;  // a thousandth of a nanosecond
  for (const auto& [whose, all] : slices) {
    for (const Slice& one : all) {
      for (const Slice& other : all)
        BOOST_TEST(!(one.begin + inexact < other.begin && other.begin + inexact < one.end && one.end + inexact < other.end),
                   "in thread " << whose.second << " a slice from " << one.begin << " to " << one.end << " is cut by one from "
                                << other.begin << " to " << other.end);
    }
  }
}
}  // namespace
BOOST_AUTO_TEST_CASE(chrome_shows_messages_held_at_once_beside_each_other) {
  const Path path;
  {
    const TraceFile file({.path = path.text});
    auto link = Memory::open();
    auto parent = link.parent(), child = link.child();
    for (const auto request : {Request("FIRST"), Request("SECOND"), Request("THIRD")}) parent.send({.request = request}).value();
    auto first = child.try_receive().value(), second = child.try_receive().value();
    first.done().value();
    const auto third = child.try_receive().value();
    second.done().value();
  }
  const auto events = boost::json::parse(drawn(path, "chrome")).at("traceEvents").as_array();
  must_be_chrome(events);
  std::map<std::string, std::int64_t> thread_of;
  for (const auto& event : events) {
    if (event.at("ph").as_string() == "X") thread_of[std::string(event.at("name").as_string())] = event.at("tid").as_int64();
  }
  BOOST_TEST(thread_of.at("FIRST 1") != thread_of.at("SECOND 2"));
  BOOST_TEST(thread_of.at("FIRST 1") == thread_of.at("THIRD 3"));
}
BOOST_AUTO_TEST_CASE(chrome_gets_whole_flows_between_slices) {
  const Path path;
  record_a_small_story(path);
  const auto events = boost::json::parse(drawn(path, "chrome")).at("traceEvents").as_array();
  must_be_chrome(events);
  std::multiset<std::int64_t> begun, ended;
  std::multiset<std::string> slices;
  for (const auto& event : events) {
    const auto& phase = event.at("ph").as_string();
    if (phase == "X") {
      slices.insert(std::string(event.at("name").as_string()));
      BOOST_TEST(event.at("dur").to_number<double>() >= 0);
    }
    if (phase == "s") begun.insert(event.at("id").to_number<std::int64_t>());
    if (phase == "f") ended.insert(event.at("id").to_number<std::int64_t>());
  }
  BOOST_TEST(begun.size() == 6u);
  BOOST_TEST((begun == ended));
  BOOST_TEST(slices.count("send RISKY 2") == 1u);
  BOOST_TEST(slices.count("RISKY 2") == 3u);
}
BOOST_AUTO_TEST_CASE(the_page_asks_nobody_for_anything_and_no_text_ends_its_script) {
  const Path path;
  record_a_small_story(path);
  const auto page = drawn(path, "html");
  BOOST_TEST(page.find("{{") == page.npos);
  BOOST_TEST(page.find("http") == page.npos);
  BOOST_TEST(page.find("a <small> story") == page.npos);
  const auto begin = page.find("id=\"data\">") + 10;
  const auto data = boost::json::parse(page.substr(begin, page.find("</script>", begin) - begin));
  BOOST_TEST(data.at("title").as_string() == "a <small> story");
  BOOST_TEST(data.at("actors").as_array().size() == 3u);
  BOOST_TEST(data.at("messages").as_array().size() == 5u);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_drawn_is_refused_in_a_sentence) {
  const auto refuses = [](const std::string& arguments, int code, const std::string& words) {
    const Said said = run(1, arguments);
    BOOST_TEST(said.code == code, arguments << " exits with " << said.code);
    BOOST_TEST(said.text.find(words) != said.text.npos, arguments << " says: " << said.text);
  };
  const Path path, damaged;
  record_a_small_story(path);
  refuses("", 2, "name one trace");
  refuses("a b --as svg", 2, "name one trace");
  refuses(path.text, 2, "say --as mermaid, svg, html or chrome");
  refuses(path.text + " --as png", 2, "--as must be mermaid, svg, html or chrome, not \"png\"");
  refuses(path.text + " --az svg", 2, "--az");
  refuses(path.text + " --as svg --messages many", 2, "--messages must be a number, not \"many\"");
  refuses("/no/such/file --as svg", 1, "cannot be read: No such file");
  refuses("/etc/passwd --as svg", 1, "is no trace");
  refuses("/dev/null --as svg", 1, "is no trace");
  refuses(path.text + " --as svg --output /no/such/folder/x", 1, "cannot be written");
  const auto whole = path.content();
  const auto write = [&](std::string bytes) { std::ofstream(damaged.text, std::ios::binary) << bytes; };
  write(whole.substr(0, sizeof(TraceHead) + 3 * sizeof(TraceEvent) + 5));
  refuses(damaged.text + " --as svg", 1, "is damaged: it speaks of ");
  auto other = whole;
  other[sizeof(TraceHead) + 4] = 99;
  write(other);
  refuses(damaged.text + " --as svg", 1, "there is no event of kind 99");
  other = whole;
  other[8] = 95;
  write(other);
  refuses(damaged.text + " --as svg", 1, "another version");
}

BOOST_AUTO_TEST_CASE(the_poison_pills_of_full_duplex_are_shown_in_their_order) {
  const Path path;
  const Said said = run(2, "full_duplex --children 4 --rounds 10 --trace " + path.text);
  BOOST_TEST(said.code == 0, said.text);
  const auto diagram = drawn(path, "mermaid");
  std::vector<std::string> arrows;
  for (const auto& line : lines_with(diagram, ">>")) arrows.push_back(line);
  BOOST_REQUIRE(arrows.size() == 24u);
  for (std::size_t round = 0; round < 10; ++round) {
    const auto& asked = arrows[2 * round];
    const auto& answered = arrows[2 * round + 1];
    const auto child = asked.substr(7, 2);
    BOOST_TEST(asked.find("  p0->>" + child + ": DO " + std::to_string(round + 1) + ",") == 0u, asked);
    BOOST_TEST(answered.find("  " + child + "-->>p0: FINISHED ") == 0u, answered);
  }
  std::set<std::string> dismissed;
  for (std::size_t i = 20; i < 24; ++i) {
    BOOST_TEST(arrows[i].find(": DIE " + std::to_string(i - 9)) == 9u, arrows[i]);
    dismissed.insert(arrows[i].substr(7, 2));
    const auto leaves = "Note over " + arrows[i].substr(7, 2) + ": leaves";
    BOOST_TEST(diagram.find(leaves) > diagram.find(arrows[i]), arrows[i]);
    BOOST_TEST(diagram.find(leaves) != diagram.npos, leaves);
  }
  BOOST_TEST(dismissed.size() == 4u);
}
BOOST_AUTO_TEST_CASE(deaths_and_what_is_handed_on_are_shown) {
  const Path path;
  const Said said = run(2, "poison --children 2 --messages 30 --seed 1 --transport shm_lanes --trace " + path.text);
  BOOST_TEST(said.code == 0, said.text);
  must_be_chrome(boost::json::parse(drawn(path, "chrome")).at("traceEvents").as_array());
  const auto diagram = drawn(path, "mermaid --messages 0");
  BOOST_TEST(lines_with(diagram, ": died").size() == 5u);
  for (const char* attempt : {"again, attempt 2", "again, attempt 3", "again, attempt 4", "again, attempt 5", "a dead letter"})
    BOOST_TEST(lines_with(diagram, attempt).size() == 1u, attempt);
}
BOOST_AUTO_TEST_CASE(a_trace_is_of_one_run) {
  BOOST_TEST(run(2, "full_duplex fan_in --trace x").text.find("--trace records one run") != std::string::npos);
  BOOST_TEST(run(2, "full_duplex --transport all --trace x").code == 2);
  BOOST_TEST(run(2, "full_duplex --serializer json --trace x").text.find("--trace records trivially_copyable only, not json") != std::string::npos);
}
