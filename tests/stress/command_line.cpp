// mulproc-stress as a user meets it: exit statuses, and sentences that say what to do. argv: the program, SCHEMA.md.
#define BOOST_TEST_MODULE command_line
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace {
struct Said {
  int code;
  std::string text;
  bool speaks_of(const std::string& words) const { return text.find(words) != text.npos; }
};
Said say(const std::string& arguments) {
  const auto& suite = boost::unit_test::framework::master_test_suite();
  if (suite.argc < 2) throw std::runtime_error("name the program as the first argument");
  FILE* pipe = ::popen((std::string(suite.argv[1]) + ' ' + arguments + " 2>&1").c_str(), "r");
  std::string text;
  for (char buffer[4096]; const std::size_t count = std::fread(buffer, 1, sizeof buffer, pipe);)
    text.append(buffer, count);
  const int status = ::pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text};
}
}  // namespace

#define REFUSES(arguments, words)                                           \
  do {                                                                      \
    const Said said = say(arguments);                                       \
    BOOST_TEST(said.code == 2, arguments << " exits with " << said.code);   \
    BOOST_TEST(said.speaks_of(words), arguments << " says: " << said.text); \
  } while (false)

BOOST_AUTO_TEST_CASE(bad_usage_is_explained_and_exits_with_2) {
  REFUSES("", "name a scenario; there are: full_duplex, word_count");
  REFUSES("full_duples", "no scenario \"full_duples\"; there are: full_duplex");
  REFUSES("full_duplex --transport pip", "no transport \"pip\"; there are: ");
  REFUSES("full_duplex --serializer xml", "no serializer \"xml\"; there are: trivially_copyable, boost_binary");
  REFUSES("full_duplex --child 3", "--child");
  REFUSES("full_duplex --children 0", "--children must be 1 to 400, not \"0\"");
  REFUSES("full_duplex --children -1", "--children must be 1 to 400, not \"-1\"");
  REFUSES("full_duplex --rounds ten", "--rounds must be");
  REFUSES("full_duplex --seed 1x", "--seed must be");
  REFUSES("full_duplex --duration 30", "--duration takes a time such as");
  REFUSES("full_duplex --duration 0s", "--duration must be");
  REFUSES("full_duplex --payload-bytes log:0..10", "--payload-bytes takes 64, 10..10KiB or log:10..1MiB");
  REFUSES("full_duplex --rate 0", "--rate must be");
  REFUSES("full_duplex --warmup 3", "--warmup takes a time such as");
  REFUSES("churn --chaos freeze=1s", "--chaos takes kill=PERIOD");
  REFUSES("poison --transport pipe", "does not hand on what the dead held");
  REFUSES("compare only_one.json", "compare takes two files");
  REFUSES("full_duplex --chaos kill=1s --transport shm_deque", "under --chaos: ");
  REFUSES("churn --chaos kill=1s --transport pipe", "does not hand on what the dead held");
  REFUSES("word_count --input /no/such/file", "is no file");
  REFUSES("fan_in --payload-bytes 2MiB", "needs another --serializer");
}
BOOST_AUTO_TEST_CASE(help_and_list_exit_with_0) {
  BOOST_TEST(say("--help").code == 0);
  const Said list = say("--list");
  BOOST_TEST(list.code == 0);
  for (const char* word : {"churn", "ping_pong", "message_queue", "boost_text", "in_memory",
                           "no: the transport does not hand on what the dead held"})
    BOOST_TEST(list.speaks_of(word), word << " is not in the list");
}

namespace {
struct Reported {
  std::filesystem::path json = file(".json"), page = file(".html");
  ~Reported() { std::filesystem::remove(json), std::filesystem::remove(page); }
  static std::filesystem::path file(const char* ending) {
    static int count = 0;
    return std::filesystem::temp_directory_path() /
           ("mulproc-stress-" + std::to_string(::getpid()) + "-" + std::to_string(count++) + ending);
  }
  std::string options() const { return " --json " + json.string() + " --report " + page.string(); }
  static std::string text(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
};
/// The members of an example must be in the value, of the same kind, whatever their value; null stands for any kind.
void has_the_shape(const boost::json::value& example, const boost::json::value& value, const std::string& where) {
  if (example.is_null()) return;
  const auto kind = [](const boost::json::value& of) {
    return of.is_number() ? boost::json::kind::double_ : of.kind();
  };
  BOOST_TEST((kind(example) == kind(value)), where << " is of another kind");
  if (example.is_object() && value.is_object()) {
    for (const auto& [key, part] : example.as_object()) {
      const auto* found = value.as_object().if_contains(key);
      BOOST_TEST(found != nullptr, where << " has no " << key);
      if (found != nullptr) has_the_shape(part, *found, where + "." + std::string(key));
    }
    for (const auto& [key, part] : value.as_object())
      BOOST_TEST(example.as_object().contains(key), where << "." << key << " is not in SCHEMA.md");
  }
  if (example.is_array() && value.is_array() && !example.as_array().empty()) {
    for (const auto& part : value.as_array()) has_the_shape(example.as_array()[0], part, where + "[]");
  }
}
}  // namespace

BOOST_AUTO_TEST_CASE(a_run_that_holds_exits_with_0_and_writes_what_it_printed) {
  const Reported files;
  const Said said =
      say("ping_pong --transport pipe --serializer json --messages 7 --children 2 --seed 4711" + files.options());
  BOOST_TEST(said.code == 0, said.text);
  BOOST_TEST(said.speaks_of("seed 4711"));
  BOOST_TEST(said.speaks_of("report: " + files.page.string()));
  const auto report = boost::json::parse(Reported::text(files.json));
  BOOST_TEST(report.at("passed").as_bool());
  const auto& run = report.at("runs").at(0);
  BOOST_TEST(run.at("scenario").as_string() == "ping_pong");
  BOOST_TEST(run.at("messages").to_number<int>() == 14);
  BOOST_TEST(run.at("latency").at("count").to_number<int>() == 7);
  BOOST_TEST(run.at("answer_latency").at("count").to_number<int>() == 7);
  BOOST_TEST(run.at("seed").to_number<int>() == 4711);
  BOOST_TEST(run.at("verdict").as_string() == "ok");

  const Said compared = say("compare " + files.json.string() + " " + files.json.string());
  BOOST_TEST(compared.code == 0, compared.text);
  BOOST_TEST(compared.speaks_of("(x1.00)"), compared.text);
  BOOST_TEST(say("compare " + files.json.string() + " /no/such/file").code == 1);
  BOOST_TEST(say("compare " + files.json.string() + " " + files.page.string()).speaks_of("is no report"));
}
BOOST_AUTO_TEST_CASE(json_is_as_its_schema_says_and_the_page_holds_the_same) {
  const Reported files;
  const Said said =
      say("churn --transport shm_deque --children 3 --chaos kill=10ms,stop=20ms --soak 300ms --duration 100ms" +
          files.options());
  BOOST_TEST(said.code == 0, said.text);
  const auto report = boost::json::parse(Reported::text(files.json));
  const std::string schema = Reported::text(boost::unit_test::framework::master_test_suite().argv[2]);
  const auto begin = schema.find("```json\n"), end = schema.find("```", begin + 8);
  BOOST_REQUIRE(begin != schema.npos);
  has_the_shape(boost::json::parse(schema.substr(begin + 8, end - begin - 8)), report, "the report");

  const std::string page = Reported::text(files.page);
  const std::string opens = "<script type=\"application/json\" id=\"data\">";
  const auto from = page.find(opens);
  BOOST_REQUIRE(from != page.npos);
  const auto to = page.find("</script>", from);
  // The moment apart, to the second: the two were written one after the other.
  auto there = boost::json::parse(page.substr(from + opens.size(), to - from - opens.size()));
  there.as_object()["made_at"] = report.at("made_at");
  BOOST_TEST((there == report));
  for (const char* part : {"<html lang=\"en\">", "name=\"viewport\"", "prefers-color-scheme", "The MIT License",
                           "Leon Sorokin", "<main>", "aria-label"})
    BOOST_TEST(page.find(part) != page.npos, part << " is not in the page");
  for (const char* outside : {"src=", "@import", "url(", "{{"})
    BOOST_TEST(page.find(outside) == page.npos, outside << ": the page needs more than itself");
}
BOOST_AUTO_TEST_CASE(in_an_open_loop_a_stall_shows_in_every_message_it_delays) {
  // The only child is stopped for 1.2 s of 2 s: of 400 messages a second those due meanwhile are late, though none of
  // them could be sent while there was no room.
  const Reported files;
  const Said said =
      say("fan_out --transport shm_deque --children 1 --rate 400 --duration 2s --warmup 100ms --chaos pause=400ms "
          "--seed 1" +
          files.options());
  BOOST_TEST(said.code == 0, said.text);
  const auto latency = boost::json::parse(Reported::text(files.json)).at("runs").at(0).at("latency");
  std::int64_t late = 0;
  for (const auto& bucket : latency.at("buckets").as_array())
    late += bucket.at(0).to_number<std::int64_t>() >= 100'000'000 ? bucket.at(2).to_number<std::int64_t>() : 0;
  BOOST_TEST(late * 5 >= latency.at("count").to_number<std::int64_t>(),
             late << " of " << latency.at("count") << " were 100 ms late");
}
BOOST_AUTO_TEST_CASE(a_text_is_counted_whole_and_again_up_to_the_messages_asked_for) {
  const auto messages_of = [](const std::string& options) {
    const Reported files;
    const Said said = say("word_count --transport shm_deque --children 2 --input /usr/share/common-licenses/BSD " +
                          options + files.options());  // 26 lines
    BOOST_TEST(said.code == 0, said.text);
    return boost::json::parse(Reported::text(files.json)).at("runs").at(0).at("messages").to_number<int>();
  };
  BOOST_TEST(messages_of("--messages 75") == 150);
  BOOST_TEST(messages_of("--messages 1") == 52);
}
BOOST_AUTO_TEST_CASE(a_report_that_cannot_be_written_is_an_error) {
  const Said said = say("ping_pong --transport pipe --messages 1 --children 1 --json /no/such/folder/file");
  BOOST_TEST(said.code == 1);
  BOOST_TEST(said.speaks_of("/no/such/folder/file"));
}
BOOST_AUTO_TEST_CASE(an_interrupt_ends_in_order_with_what_ran) {
  int out[2];
  BOOST_REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
  posix_spawn_file_actions_t to_pipe;
  ::posix_spawn_file_actions_init(&to_pipe);
  for (const int fd : {1, 2}) ::posix_spawn_file_actions_adddup2(&to_pipe, out[1], fd);
  posix_spawnattr_t own_group;  // as a terminal's foreground group, so that its children get the signal too
  ::posix_spawnattr_init(&own_group);
  ::posix_spawnattr_setflags(&own_group, POSIX_SPAWN_SETPGROUP);
  std::vector<std::string> words{boost::unit_test::framework::master_test_suite().argv[1],
                                 "fan_out",
                                 "--transport",
                                 "shm_deque",
                                 "--duration",
                                 "100s",
                                 "--chaos",
                                 "kill=20ms"};
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t pid = 0;
  BOOST_REQUIRE(::posix_spawn(&pid, arguments[0], &to_pipe, &own_group, arguments.data(), environ) == 0);
  ::close(out[1]);
  const std::string children = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children";
  for (std::string line; line.empty();) std::getline(std::ifstream(children), line);  // until it works
  ::kill(-pid, SIGINT);
  std::string text;
  char buffer[4096];
  for (ssize_t count; (count = ::read(out[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(count));
  ::close(out[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  BOOST_TEST(text.find("interrupted: this is what ran") != text.npos, text);
  BOOST_TEST(WIFEXITED(status));
  BOOST_TEST(WEXITSTATUS(status) == 0, text);
}
