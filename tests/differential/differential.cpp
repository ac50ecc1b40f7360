// The same random script over a transport and over in_memory, the oracle: every answer must be the same. Over a transport
// without one order for all, each receive names the sender whose messages it wants: of one sender they are in order.
#define BOOST_TEST_MODULE differential
#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cstdlib>
#include <mulproc/channel.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/in_memory.hpp>
#include <mulproc/transport/message_queue.hpp>
#include <mulproc/transport/pipe.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <mulproc/transport/shm_lanes.hpp>
#include <optional>
#include <random>
#include <sstream>
#include <support/watchdog.hpp>

using namespace mulproc;
using namespace std::chrono_literals;

namespace {

tests::Watchdog watchdog(90s);

/// As much as the transport shows, one's own too.
struct Shown {
  bool accepts(const Envelope&, ProcessId) const noexcept { return true; }
};

/// A parent and its children in one thread, played by a script; each step answers in words.
template <class T>
class World {
  using C = Channel<T, serializer::trivially_copyable, Shown>;

 public:
  explicit World(std::size_t children) : link_(C::open({.capacity = 5})) {
    endpoints_.push_back(link_.parent());
    while (endpoints_.size() <= children) endpoints_.push_back(link_.child());
    for (std::uint64_t who = 0; who <= children; ++who) names_.push_back(who);
  }
  std::uint64_t names() const { return next_name(); }

  /// Its request names its sender; a successor has a name of its own.
  std::string send(std::size_t who, int number) { return said(endpoints_[who].try_send({.request = named(names_[who], who == 0)}, number)); }

  enum class Wanted { any, from_the_other_side, odd_from_the_other_side, from_one_sender };
  std::string receive(std::size_t who, Wanted wanted, std::uint64_t sender) {
    auto message = wanted == Wanted::any ? endpoints_[who].try_receive() : endpoints_[who].try_receive([&](const typename C::MessageView& seen) {
      if (wanted == Wanted::from_one_sender) return seen.request().second == sender + 1;
      const bool other_side = (seen.request().first == 1) == (who != 0);
      return other_side && (wanted == Wanted::from_the_other_side || seen.template body<int>().value() % 2 == 1);
    });
    if (!message) return said(message);
    held_.push_back(*std::move(message));
    return words_of(held_.back());
  }
  /// A predicate that throws over the first message of that sender.
  std::string receive_and_throw(std::size_t who, std::uint64_t sender) {
    try {
      return said(endpoints_[who].try_receive([&](const typename C::MessageView& seen) { return seen.request().second == sender + 1 ? throw seen.template body<int>().value() : false; }));
    } catch (int number) {
      return "thrown over " + std::to_string(number);
    }
  }
  /// Takes a message of that sender and fails, until it is a dead letter.
  std::string wear_out(std::size_t who, std::uint64_t sender) {
    std::string words;
    for (int attempt = 1; attempt <= max_attempts; ++attempt) {
      words += receive(who, Wanted::from_one_sender, sender) + ", ";
      if (!words.ends_with(std::string(received) + ", ")) return words;
      fail(held_.size() - 1);
    }
    return words;
  }
  std::size_t held() const { return held_.size(); }
  std::string done(std::size_t which) { return said(held_[which].done()); }
  std::string give_back(std::size_t which) { return said(held_[which].give_back()); }
  void let_go(std::size_t which) { held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(which)); }
  void fail(std::size_t which) {
    auto message = std::move(held_[which]);
    let_go(which);
    try {
      auto unwound = std::optional(std::move(message));
      throw 0;
    } catch (int) {
    }
  }
  std::string empty(std::size_t who) { return endpoints_[who].empty() ? "empty" : "not empty"; }
  std::string close(std::size_t who) { return said(endpoints_[who].close()); }
  /// The child goes, with or without a successor.
  void replace_child(std::size_t who) {
    endpoints_.erase(endpoints_.begin() + static_cast<std::ptrdiff_t>(who));
    endpoints_.insert(endpoints_.begin() + static_cast<std::ptrdiff_t>(who), link_.child());
    names_[who] = next_name();
  }
  std::string counts() {
    std::ostringstream words;
    if constexpr (Joinable<T>) words << endpoints_[0].unfinished() << " unfinished, join: " << said(endpoints_[0].join_for(0ms));
    return words.str();
  }
  /// Their order, and which of them is dropped, depends on what the oldest is: sent first, or dead first.
  std::string dead_letters(std::size_t who, bool all_counted) {
    std::vector<int> numbers;
    for (const auto& letter : endpoints_[who].dead_letters()) numbers.push_back(letter.template body<int>().value());
    const auto dropped = endpoints_[who].dead_letters_dropped();
    if (dropped != 0) return all_counted ? std::to_string(numbers.size()) + " and " + std::to_string(dropped) + " dropped" : "some";
    std::sort(numbers.begin(), numbers.end());
    std::ostringstream words;
    for (const int number : numbers) words << number << ' ';
    return words.str();
  }

 private:
  template <class R>
  static std::string said(const R& result) {
    return result ? "ok" : result.error().message();
  }
  static constexpr std::string_view received = " received";
  static std::string words_of(const typename C::MessageView& message) {
    std::ostringstream words;
    words << message.template body<int>().value() << " attempt " << message.attempt() << " sequence " << message.sequence() << received;
    return words.str();
  }
  static Request named(std::uint64_t name, bool is_parent) {
    Request request;
    request.first = is_parent ? 1 : 2;
    request.second = name + 1;
    return request;
  }
  std::uint64_t next_name() const { return 1 + *std::max_element(names_.begin(), names_.end()); }

  typename C::Link link_;
  std::vector<C> endpoints_;
  std::vector<std::uint64_t> names_;
  std::vector<typename C::Message> held_;
};

/// One script. Says at which step, and how, the worlds part.
template <class T>
std::string play(unsigned seed) {
  constexpr bool many = T::promises.many_to_many, one_order = T::promises.global_order;
  constexpr bool room_per_side = many && !T::promises.addressed;  // a pipe's room is the kernel's, a lane's its own
  const std::size_t children = many ? 2 + seed % 3 : 1;
  World<T> world(children);
  World<transport::in_memory> oracle(children);
  std::mt19937 random(seed);
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  std::ostringstream script;
  int number = 0;
  std::size_t sent_and_not_done = 0;
  for (int step = 0; step < 120; ++step) {
    std::string told, expected;
    const std::size_t who = below(children + 1);
    const auto compare = [&](const char* what, auto operation) {
      script << "  " << what << " by " << who << ": " << (told = operation(world)) << '\n';
      expected = operation(oracle);
    };
    const std::size_t which = world.held() == 0 ? 0 : below(world.held());
    const std::uint64_t sender = below(world.names());
    switch (const auto choice = below(many ? 22 : 14)) {
      case 0: case 1: case 2: case 3: case 4:
        if (!room_per_side && sent_and_not_done >= 5) break;
        ++sent_and_not_done;
        ++number;
        compare("send", [&](auto& w) { return w.send(who, number); });
        break;
      case 5: case 6: case 7: case 8: {
        const auto wanted = !one_order ? 3 : many ? below(4) : 1 + below(2);
        compare("receive", [&](auto& w) { return w.receive(who, static_cast<typename std::remove_reference_t<decltype(w)>::Wanted>(wanted), sender); });
        break;
      }
      case 9: case 10: case 11:
        if (world.held() == 0) break;
        if (choice == 9) compare("give back", [&](auto& w) { return w.give_back(which); });
        if (choice != 9) compare("done", [&](auto& w) { return w.done(which); }), sent_and_not_done -= told == "ok" ? 1 : 0;
        if (below(2) == 0) break;  // sometimes it is acted on again
        world.let_go(which);
        oracle.let_go(which);
        break;
      case 12:
        if (many && below(40) == 0) compare("close", [&](auto& w) { return w.close(who); });
        break;
      case 13:
        if (world.held() == 0 || !many) break;
        world.fail(which);
        oracle.fail(which);
        script << "  an exception through " << which << '\n';
        break;
      case 14: case 15: compare("empty", [&](auto& w) { return w.empty(who); }); break;
      case 16: case 17:
        if constexpr (Joinable<T>) compare("counts", [&](auto& w) { return w.counts(); });
        break;
      case 18: compare("dead letters", [&](auto& w) { return w.dead_letters(who, room_per_side); }); break;
      case 19:
        if (who == 0 || below(3) != 0) break;
        world.replace_child(who);
        oracle.replace_child(who);
        script << "  child " << who << " replaced\n";
        break;
      case 20: compare("wear out", [&](auto& w) { return w.wear_out(who, sender); }); break;
      case 21: compare("throw", [&](auto& w) { return w.receive_and_throw(who, sender); }); break;
    }
    if (told != expected) return "seed " + std::to_string(seed) + ", step " + std::to_string(step) + ": the oracle says \"" + expected + "\"; script:\n" + script.str();
  }
  return {};
}

template <class T>
void same_as_the_oracle() {
  const char* rounds = std::getenv("MULPROC_TEST_SCRIPTS");
  for (unsigned seed = 1; seed <= (rounds ? static_cast<unsigned>(std::atoi(rounds)) : 300u); ++seed) {
    const auto difference = play<T>(seed);
    BOOST_REQUIRE_MESSAGE(difference.empty(), difference);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(shm_deque_answers_as_in_memory_does) { same_as_the_oracle<transport::shm_deque>(); }
BOOST_AUTO_TEST_CASE(shm_lanes_answers_as_in_memory_does_for_each_sender) { same_as_the_oracle<transport::shm_lanes>(); }
BOOST_AUTO_TEST_CASE(message_queue_answers_as_in_memory_does) { same_as_the_oracle<transport::message_queue>(); }
BOOST_AUTO_TEST_CASE(pipe_answers_as_in_memory_does) { same_as_the_oracle<transport::pipe>(); }
