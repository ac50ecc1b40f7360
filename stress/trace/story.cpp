#include <stress/trace/story.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>

namespace mulproc::stress {
namespace {

std::vector<TraceEvent> events_of(const std::string& path, Story& story) {
  const auto refuse = [&](const std::string& why) { throw std::runtime_error('"' + path + "\" " + why); };
  std::ifstream file(path, std::ios::binary);
  transport::TraceHead head;
  if (!file) refuse("cannot be read: " + system_error_code(errno).message());
  if (!file.read(reinterpret_cast<char*>(&head), sizeof head) || head.magic != transport::TraceHead::mark)
    refuse("is no trace: mulproc-stress --trace and transport::TraceFile write them");
  if (head.event_bytes != sizeof(TraceEvent)) refuse("was written by another version: its events have another size");
  const auto count = std::min(head.next, head.capacity);
  file.seekg(0, std::ios::end);
  const auto there = static_cast<std::uint64_t>(file.tellg()) - sizeof head;
  if (there / sizeof(TraceEvent) < count)
    refuse("is damaged: it speaks of " + std::to_string(count) + " events and has room for " +
           std::to_string(there / sizeof(TraceEvent)));
  file.seekg(sizeof head);
  std::vector<TraceEvent> events(count);
  file.read(reinterpret_cast<char*>(events.data()), static_cast<std::streamsize>(count * sizeof(TraceEvent)));
  if (!file) refuse("cannot be read to its end");
  std::erase_if(events, [](const TraceEvent& event) { return event.committed != 1; });  // whose writer was killed
  for (const auto& event : events) {
    if (event.kind < TraceKind::attached || event.kind > TraceKind::left)
      refuse("is damaged: there is no event of kind " + std::to_string(static_cast<int>(event.kind)));
  }
  if (events.empty()) refuse("holds no event: nothing was opened over transport::traced while it was recorded");
  std::stable_sort(events.begin(), events.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
  story.title.assign(head.title.data(), ::strnlen(head.title.data(), head.title.size()));
  story.events = events.size();
  story.lost = head.next > head.capacity && head.capacity != 0 ? head.next - head.capacity : 0;
  return events;
}

/// Goes through the events once.
class Teller {
 public:
  explicit Teller(Story& story) : story_(story) {}

  void tell(const TraceEvent& event, std::uint64_t at) {
    if (story_.depths.empty() || story_.depths.back().messages != event.depth) story_.depths.push_back({at, event.depth});
    if (event.kind == TraceKind::death) return died(event.process, at);
    const std::size_t who = actor(event, at);
    Actor& actor = story_.actors[who];
    if (actor.how != Actor::End::died) actor.end = at;
    switch (event.kind) {
      case TraceKind::park: actor.waits.push_back({at, 0}); break;
      case TraceKind::wake:
        if (!actor.waits.empty() && actor.waits.back().end == 0) actor.waits.back().end = at;
        break;
      case TraceKind::left: left(who, at); break;
      case TraceKind::send:
        by_name_[name(event)] = story_.messages.size();
        story_.messages.push_back({event.link, event.envelope, who, at, at, {}, false, {}});
        break;
      case TraceKind::published: message(event, who, at).published = at; break;
      case TraceKind::not_sent: {
        const int code = static_cast<int>(event.detail);
        message(event, who, at).not_sent = code <= static_cast<int>(Errc::wrong_thread) ? make_error_code(static_cast<Errc>(code)) : system_error_code(code);
        break;
      }
      case TraceKind::dead_letter: message(event, who, at).is_dead_letter = true; [[fallthrough]];
      case TraceKind::received:
      case TraceKind::redelivery: message(event, who, at).receipts.push_back({who, at, event.attempt, at}); break;
      case TraceKind::refused: {
        auto& receipts = message(event, who, at).receipts;
        receipts.push_back({who, at, event.attempt, at, Receipt::End::refused});
        break;
      }
      case TraceKind::done: settle(event, who, at, Receipt::End::done); break;
      case TraceKind::given_back: settle(event, who, at, Receipt::End::given_back); break;
      case TraceKind::failed: settle(event, who, at, Receipt::End::failed); break;
      case TraceKind::attached:
      case TraceKind::death: break;
    }
  }
  void finish(std::uint64_t at) {
    story_.length = at;
    for (Actor& actor : story_.actors) {
      if (actor.how == Actor::End::open) actor.end = at;
      for (auto& wait : actor.waits) {
        if (wait.end == 0) wait.end = actor.end;
      }
    }
    for (Posted& message : story_.messages) {
      for (Receipt& receipt : message.receipts) {
        if (receipt.how != Receipt::End::held) continue;
        receipt.end = story_.actors[receipt.by].end;
        if (story_.actors[receipt.by].how != Actor::End::open) receipt.how = Receipt::End::with_its_holder;
      }
    }
    name_actors();
  }

 private:
  using Name = std::tuple<std::uint32_t, ProcessId, std::uint64_t>;
  static Name name(const TraceEvent& event) { return {event.link, event.envelope.sender, event.envelope.sequence}; }

  std::size_t actor(const TraceEvent& event, std::uint64_t at) {
    const auto [found, is_new] = actors_.try_emplace(event.process, story_.actors.size());
    if (is_new) story_.actors.push_back({event.process, "", event.side == TraceEvent::parent, at, at, Actor::End::open, {}});
    if (event.kind == TraceKind::attached) ++endpoints_[found->second], story_.actors[found->second].how = Actor::End::open;
    return found->second;
  }
  Posted& message(const TraceEvent& event, std::size_t who, std::uint64_t at) {
    const auto found = by_name_.find(name(event));
    if (found != by_name_.end()) return story_.messages[found->second];
    // Its sending is not in the trace: there was no room, or it is older.
    by_name_[name(event)] = story_.messages.size();
    const auto sender = actors_.find(event.envelope.sender);
    return story_.messages.emplace_back(Posted{event.link, event.envelope, sender == actors_.end() ? who : sender->second, at, at, {}, false, {}});
  }
  void settle(const TraceEvent& event, std::size_t who, std::uint64_t at, Receipt::End how) {
    auto& receipts = message(event, who, at).receipts;
    const auto its = std::find_if(receipts.rbegin(), receipts.rend(), [&](const Receipt& one) { return one.by == who && one.how == Receipt::End::held; });
    if (its != receipts.rend()) its->end = at, its->how = how;
  }
  void left(std::size_t who, std::uint64_t at) {
    if (endpoints_[who] != 0 && --endpoints_[who] != 0) return;  // a parent has one endpoint on each of its links
    if (story_.actors[who].how == Actor::End::open) story_.actors[who].how = Actor::End::left, story_.actors[who].end = at;
  }
  void died(ProcessId who, std::uint64_t at) {
    const auto found = actors_.find(who);
    if (found == actors_.end()) {
      story_.deaths_of_somebody.push_back(at);
    } else if (story_.actors[found->second].how != Actor::End::left) {
      story_.actors[found->second].how = Actor::End::died, story_.actors[found->second].end = at;
    }
  }
  void name_actors() {
    std::size_t children = 0, parents = 0;
    for (const Actor& actor : story_.actors) parents += actor.is_parent;
    for (Actor& actor : story_.actors) {
      const auto id = std::to_string(actor.id.pid);
      actor.name = actor.is_parent ? (parents == 1 ? "parent" : "parent " + id) : "child " + std::to_string(++children);
    }
    // The parent first; the others in the order in which they came.
    std::vector<std::size_t> place(story_.actors.size()), order(story_.actors.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return story_.actors[a].is_parent > story_.actors[b].is_parent; });
    std::vector<Actor> sorted;
    for (std::size_t i = 0; i < order.size(); ++i) place[order[i]] = i, sorted.push_back(story_.actors[order[i]]);
    story_.actors = std::move(sorted);
    for (Posted& message : story_.messages) {
      message.from = place[message.from];
      for (Receipt& receipt : message.receipts) receipt.by = place[receipt.by];
    }
  }

  Story& story_;
  std::map<ProcessId, std::size_t> actors_;
  std::map<std::size_t, std::size_t> endpoints_;
  std::map<Name, std::size_t> by_name_;
};

}  // namespace

Story Story::read(const std::string& path) {
  Story story;
  const auto events = events_of(path, story);
  Teller teller(story);
  for (const TraceEvent& event : events) teller.tell(event, event.time - events.front().time);
  teller.finish(events.back().time - events.front().time);
  return story;
}

const Actor* Story::actor_of(ProcessId id) const {
  const auto found = std::find_if(actors.begin(), actors.end(), [&](const Actor& actor) { return actor.id == id; });
  return found == actors.end() ? nullptr : &*found;
}

std::vector<Step> Story::steps(std::size_t wanted) const {
  std::vector<Step> steps;
  std::size_t shown = 0;
  std::uint64_t until = length;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (messages[i].may_be_left_out()) continue;
    if (wanted != 0 && shown++ == wanted) {
      until = messages[i].sent;
      break;
    }
    steps.push_back({Step::What::send, messages[i].sent, i});
    for (std::size_t r = 0; r < messages[i].receipts.size(); ++r) {
      const Receipt& receipt = messages[i].receipts[r];
      steps.push_back({Step::What::take, receipt.at, i, r});
      if (receipt.how != Receipt::End::refused) steps.push_back({Step::What::end, receipt.end, i, r});
    }
  }
  for (std::size_t i = 0; i < actors.size(); ++i) {
    if (actors[i].end > until) continue;
    if (actors[i].how == Actor::End::left) steps.push_back({Step::What::leave, actors[i].end, i});
    if (actors[i].how == Actor::End::died) steps.push_back({Step::What::die, actors[i].end, i});
  }
  std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) { return a.at < b.at; });
  return steps;
}

std::string Posted::name() const {
  const auto request = readable(envelope.request);
  return (request.empty() ? "(no request)" : request) + " " + std::to_string(envelope.sequence);
}

std::string time_in_text(std::uint64_t nanoseconds) {
  static constexpr std::pair<double, const char*> units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}};
  char text[32];
  for (const auto& [size, unit] : units) {
    const double value = static_cast<double>(nanoseconds) / size;
    if (value < 0.9995) continue;
    std::snprintf(text, sizeof text, "%.*f %s", value < 9.9995 ? 3 : value < 99.995 ? 2 : 1, value, unit);
    return text;
  }
  return std::to_string(nanoseconds) + " ns";
}
std::string readable(const Request& request) {
  std::string text = request.text();
  std::replace_if(text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}
std::string in_short(std::error_code error) {
  const auto text = error.message();
  return text.substr(0, text.find(':'));
}

}  // namespace mulproc::stress
