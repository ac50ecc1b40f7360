// What lies along the time: Chrome's trace format, and the page to look around in.
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

json::object slice(const Actor& actor, std::string name, std::string_view category, std::uint64_t begin, std::uint64_t end) {
  return {{"ph", "X"}, {"name", std::move(name)}, {"cat", category}, {"pid", actor.id.pid}, {"tid", actor.id.pid},
          {"ts", microseconds(begin)}, {"dur", microseconds(end - begin)}};
}

}  // namespace

/// Source:  "Trace Event Format", the document that chrome://tracing and ui.perfetto.dev refer to
std::string as_chrome(const Story& story) {
  json::array events;
  for (std::size_t i = 0; i < story.actors.size(); ++i) {
    const Actor& actor = story.actors[i];
    events.push_back({{"ph", "M"}, {"name", "process_name"}, {"pid", actor.id.pid}, {"args", {{"name", actor.name}}}});
    events.push_back({{"ph", "M"}, {"name", "process_sort_index"}, {"pid", actor.id.pid}, {"args", {{"sort_index", i}}}});
    for (const auto& wait : actor.waits) events.push_back(slice(actor, "waits", "wait", wait.begin, wait.end));
    if (actor.how == Actor::End::died)
      events.push_back({{"ph", "i"}, {"s", "p"}, {"name", "died"}, {"cat", "death"}, {"pid", actor.id.pid}, {"tid", actor.id.pid}, {"ts", microseconds(actor.end)}});
  }
  std::size_t flow = 0;
  for (const Posted& message : story.messages) {
    if (message.may_be_left_out()) continue;
    const Actor& from = story.actors[message.from];
    json::object args{{"sequence", message.envelope.sequence}, {"body_bytes", message.envelope.body_bytes}, {"link", message.link}};
    if (message.envelope.in_reply_to != 0) args["in_reply_to"] = message.envelope.in_reply_to;
    if (message.not_sent) args["not_sent"] = in_short(*message.not_sent);
    auto send = slice(from, "send " + message.name(), "send", message.sent, std::max(message.published, message.sent));
    send["args"] = args;
    events.push_back(std::move(send));
    for (const Receipt& receipt : message.receipts) {
      const Actor& by = story.actors[receipt.by];
      auto held = slice(by, message.name(), "held", receipt.at, receipt.end);
      json::object its = args;
      its["attempt"] = receipt.attempt, its["ended"] = word_of(receipt.how);
      held["args"] = its;
      events.push_back(std::move(held));
      for (const auto& [phase, actor, at] : {std::tuple("s", &from, message.sent), std::tuple("f", &by, receipt.at)}) {
        json::object end{{"ph", phase}, {"id", flow}, {"name", "message"}, {"cat", "message"}, {"pid", actor->id.pid}, {"tid", actor->id.pid}, {"ts", microseconds(at)}};
        if (*phase == 'f') end["bp"] = "e";
        events.push_back(std::move(end));
      }
      ++flow;
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
