// What lies along the time: Chrome's trace format, and the page to look around in.
#include <algorithm>
#include <boost/json.hpp>
#include <stress/report/page.hpp>
#include <stress/trace/story.hpp>

namespace mulproc::stress {
namespace {

namespace json = boost::json;

double microseconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1000; }

std::string_view word_of(Receipt::End how) {
  switch (how) {
    case Receipt::End::held: return "still held";
    case Receipt::End::done: return "done";
    case Receipt::End::given_back: return "given back";
    case Receipt::End::failed: return "failed, back in its place";
    case Receipt::End::refused: return "refused";
    case Receipt::End::with_its_holder: return "its holder ended";
  }
  return "";
}

/// What lasts, at one actor; a flow leaves it or enters it where it begins.
struct Slice {
  std::uint64_t begin, end;
  json::object event;
  std::vector<std::size_t> leaving = {}, entering = {};
};
Slice slice(std::string name, std::string_view category, std::uint64_t begin, std::uint64_t end, json::object args = {}) {
  return {begin, end, {{"ph", "X"}, {"name", std::move(name)}, {"cat", category}, {"ts", microseconds(begin)}, {"dur", microseconds(end - begin)}, {"args", std::move(args)}}};
}

/// A viewer draws slices of a thread one in the other: what is held while another message comes and goes, and is let go of
/// later, needs a line of its own, a thread that does not exist.
class Lines {
 public:
  /// The first line in which it cuts no other; they come in the order in which they begin, the longest first.
  std::size_t line_for(const Slice& one) {
    for (std::size_t i = 0;; ++i) {
      if (i == open_.size()) open_.emplace_back();
      auto& ends = open_[i];
      while (!ends.empty() && ends.back() <= one.begin) ends.pop_back();
      if (!ends.empty() && ends.back() < one.end) continue;
      return ends.push_back(one.end), i;
    }
  }

 private:
  std::vector<std::vector<std::uint64_t>> open_;  // of each line the ends of what is under way, the innermost last
};

}  // namespace

/// Source:  "Trace Event Format", the document that chrome://tracing and ui.perfetto.dev refer to
std::string as_chrome(const Story& story) {
  std::vector<std::vector<Slice>> slices(story.actors.size());
  for (std::size_t i = 0; i < story.actors.size(); ++i) {
    for (const auto& wait : story.actors[i].waits) slices[i].push_back(slice("waits", "wait", wait.begin, wait.end));
  }
  std::size_t flow = 0;
  for (const Posted& message : story.messages) {
    if (message.may_be_left_out()) continue;
    json::object args{{"sequence", message.envelope.sequence}, {"body_bytes", message.envelope.body_bytes}, {"link", message.link}};
    if (message.envelope.in_reply_to != 0) args["in_reply_to"] = message.envelope.in_reply_to;
    if (message.not_sent) args["not_sent"] = in_short(*message.not_sent);
    auto send = slice("send " + message.name(), "send", message.sent, std::max(message.published, message.sent), args);
    for (const Receipt& receipt : message.receipts) {
      json::object its = args;
      its["attempt"] = receipt.attempt, its["ended"] = word_of(receipt.how);
      auto held = slice(message.name(), "held", receipt.at, receipt.end, std::move(its));
      held.entering.push_back(flow), send.leaving.push_back(flow++);
      slices[receipt.by].push_back(std::move(held));
    }
    slices[message.from].push_back(std::move(send));
  }

  json::array events;
  for (std::size_t i = 0; i < story.actors.size(); ++i) {
    const Actor& actor = story.actors[i];
    events.push_back({{"ph", "M"}, {"name", "process_name"}, {"pid", actor.id.pid}, {"args", {{"name", actor.name}}}});
    events.push_back({{"ph", "M"}, {"name", "process_sort_index"}, {"pid", actor.id.pid}, {"args", {{"sort_index", i}}}});
    if (actor.how == Actor::End::died)
      events.push_back({{"ph", "i"}, {"s", "p"}, {"name", "died"}, {"cat", "death"}, {"pid", actor.id.pid}, {"tid", actor.id.pid}, {"ts", microseconds(actor.end)}});
    std::stable_sort(slices[i].begin(), slices[i].end(), [](const Slice& a, const Slice& b) { return a.begin != b.begin ? a.begin < b.begin : a.end > b.end; });
    Lines lines;
    for (Slice& one : slices[i]) {
      constexpr std::int64_t beyond_all_threads = 1 << 22;  // the kernel's largest pid is smaller
      const auto thread = actor.id.pid + static_cast<std::int64_t>(lines.line_for(one)) * beyond_all_threads;
      one.event["pid"] = actor.id.pid, one.event["tid"] = thread;
      events.push_back(std::move(one.event));
      const auto end_of_a_flow = [&](const char* phase, std::size_t id) {
        json::object end{{"ph", phase}, {"id", id}, {"name", "message"}, {"cat", "message"}, {"pid", actor.id.pid}, {"tid", thread}, {"ts", microseconds(one.begin)}};
        if (*phase == 'f') end["bp"] = "e";  // to the slice around it, not to the next one
        events.push_back(std::move(end));
      };
      for (const std::size_t id : one.leaving) end_of_a_flow("s", id);
      for (const std::size_t id : one.entering) end_of_a_flow("f", id);
    }
  }
  for (const auto& depth : story.depths)
    events.push_back({{"ph", "C"}, {"name", "unfinished messages"}, {"pid", story.actors.front().id.pid}, {"ts", microseconds(depth.at)}, {"args", {{"messages", depth.messages}}}});
  return json::serialize(json::object{{"displayTimeUnit", "ns"}, {"otherData", {{"title", story.title}, {"lost_events", story.lost}}}, {"traceEvents", std::move(events)}}) + '\n';
}

std::string as_page(const Story& story) {
  json::array actors, messages, depths;
  for (const Actor& actor : story.actors) {
    json::array waits;
    for (const auto& wait : actor.waits) waits.push_back({wait.begin, wait.end});
    actors.push_back({{"name", actor.name}, {"pid", actor.id.pid}, {"begin", actor.begin}, {"end", actor.end},
                      {"how", actor.how == Actor::End::died ? "died" : actor.how == Actor::End::left ? "left" : "open"}, {"waits", std::move(waits)}});
  }
  for (const Posted& message : story.messages) {
    if (message.may_be_left_out()) continue;
    json::array receipts;
    for (const Receipt& one : message.receipts) receipts.push_back({{"by", one.by}, {"at", one.at}, {"end", one.end}, {"attempt", one.attempt}, {"how", word_of(one.how)}});
    messages.push_back({{"request", readable(message.envelope.request)}, {"sequence", message.envelope.sequence}, {"answers", message.envelope.in_reply_to}, {"bytes", message.envelope.body_bytes},
                        {"to", message.envelope.recipient.pid}, {"from", message.from}, {"sent", message.sent}, {"published", message.published},
                        {"notSent", message.not_sent ? json::value(in_short(*message.not_sent)) : json::value()}, {"deadLetter", message.is_dead_letter}, {"receipts", std::move(receipts)}});
  }
  for (const auto& depth : story.depths) depths.push_back({depth.at, depth.messages});
  std::string text = json::serialize(json::object{{"title", story.title}, {"events", story.events}, {"lost", story.lost}, {"length", story.length}, {"actors", std::move(actors)},
                                                  {"messages", std::move(messages)}, {"depths", std::move(depths)}});
  for (std::size_t at = 0; (at = text.find('<', at)) != text.npos;) text.replace(at, 1, "\\u003c");  // no end of the script
  std::string page(trace_page_template());
  const std::string place = "{{data}}";
  return page.replace(page.find(place), place.size(), text);
}

}  // namespace mulproc::stress
