// The transports' histories are linearizable; and the monitor that says so tells good histories from bad ones.
//   test_linearizability [-- OPERATIONS]      in each history; 10^7 in the long form
#define BOOST_TEST_MODULE linearizability
#include <sched.h>
#include <sys/mman.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/in_memory.hpp>
#include <mulproc/transport/message_queue.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <mulproc/transport/shm_lanes.hpp>
#include <optional>
#include <random>
#include <thread>

#include "history.hpp"

using namespace mulproc;
using namespace mulproc::tests;
using namespace std::chrono_literals;

namespace {

// ---- the monitor ----

/// The definition, tried out: takes some operation that nobody else must precede, plays it, and goes on with the rest.
bool linearizable(const std::vector<Operation>& all, unsigned done, std::vector<std::uint64_t>& queue) {
  if (done == (1u << all.size()) - 1) return true;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (done >> i & 1) continue;
    bool may_be_first = true;
    for (std::size_t j = 0; j < all.size(); ++j)
      may_be_first = may_be_first && ((done >> j & 1) || all[j].returned >= all[i].called);
    if (!may_be_first) continue;
    std::vector<std::uint64_t> then = queue;
    if (all[i].kind == Operation::send) {
      then.push_back(all[i].value);
    } else if (all[i].kind == Operation::empty) {
      if (!then.empty()) continue;
    } else {
      if (then.empty() || then.front() != all[i].value) continue;
      then.erase(then.begin());
    }
    if (linearizable(all, done | 1u << i, then)) return true;
  }
  return false;
}

std::string verdict(std::initializer_list<Operation> operations) {
  History history;
  for (const auto& one : operations) history.add(one);
  return history.violation();
}
bool says(std::initializer_list<Operation> operations, const char* pattern) {
  return verdict(operations).starts_with(pattern);
}

constexpr auto send = Operation::send, receive = Operation::receive, empty = Operation::empty;

}  // namespace

BOOST_AUTO_TEST_CASE(each_bad_pattern_is_seen) {
  BOOST_CHECK(says({{receive, 1, 1, 2}}, "fresh"));
  BOOST_CHECK(says({{receive, 1, 1, 2}, {send, 1, 3, 4}}, "fresh"));
  BOOST_CHECK(says({{send, 1, 1, 2}, {receive, 1, 3, 4}, {receive, 1, 3, 4}}, "twice"));
  BOOST_CHECK(says({{send, 1, 1, 2}, {send, 2, 3, 4}, {receive, 2, 5, 6}, {receive, 1, 7, 8}}, "order"));
  BOOST_CHECK(says({{send, 1, 1, 2}, {send, 2, 3, 4}, {receive, 2, 5, 6}}, "order"));  // 1 is overtaken for ever
  BOOST_CHECK(says({{send, 1, 1, 2}, {empty, 0, 3, 4}}, "empty"));
  BOOST_CHECK(says({{send, 1, 1, 2}, {empty, 0, 3, 6}, {send, 2, 3, 4}, {receive, 1, 5, 8}, {receive, 2, 7, 9}},
                   "empty"));  // 1, then 2
  BOOST_CHECK(says({{send, 1, 1, 2}, {send, 1, 3, 4}}, "no verdict"));
}

BOOST_AUTO_TEST_CASE(what_overlaps_may_have_happened_in_either_order) {
  BOOST_CHECK(verdict({}).empty());
  BOOST_CHECK(verdict({{send, 1, 1, 4}, {send, 2, 2, 3}, {receive, 2, 5, 6}, {receive, 1, 7, 8}}).empty());
  BOOST_CHECK(verdict({{send, 1, 1, 2}, {send, 2, 3, 4}, {receive, 2, 5, 8}, {receive, 1, 6, 7}}).empty());
  BOOST_CHECK(verdict({{send, 1, 1, 4}, {empty, 0, 2, 3}}).empty());
  BOOST_CHECK(verdict({{send, 1, 1, 2}, {receive, 1, 3, 6}, {empty, 0, 4, 5}}).empty());
  BOOST_CHECK(verdict({{send, 1, 1, 5}, {receive, 1, 2, 3}}).empty());
}

BOOST_AUTO_TEST_CASE(the_monitor_and_the_definition_agree_on_random_histories) {
  std::mt19937 random(1);
  int good = 0, bad = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::int64_t> times(12);
    for (std::size_t i = 0; i < times.size(); ++i) times[i] = static_cast<std::int64_t>(i);
    std::shuffle(times.begin(), times.end(), random);
    std::vector<Operation> all;
    std::uint64_t sent = 0;
    for (std::size_t i = 0; i + 1 < times.size(); i += 2) {
      const auto kind = static_cast<Operation::Kind>(random() % 8 < 4 ? 0 : random() % 8 < 6 ? 1 : 2);
      const std::uint64_t value = kind == send ? ++sent : 1 + random() % (sent + 1);
      all.push_back({kind, value, std::min(times[i], times[i + 1]), std::max(times[i], times[i + 1])});
    }
    History history;
    for (const auto& one : all) history.add(one);
    std::vector<std::uint64_t> queue;
    const bool expected = linearizable(all, 0, queue);
    ++(expected ? good : bad);
    BOOST_REQUIRE_MESSAGE(history.violation().empty() == expected, "round " << round << ": " << history.violation());
  }
  BOOST_CHECK(good > 1000);
  BOOST_CHECK(bad > 1000);
}

// ---- the transports ----

namespace {

std::size_t operations_wanted(std::size_t quick) {
  const auto& suite = boost::unit_test::framework::master_test_suite();
  return suite.argc > 1 ? static_cast<std::size_t>(std::atoll(suite.argv[1])) : quick;
}

/// After a fence: a send's last store may leave its core a few nanoseconds after the call has returned. Whoever hears of the
/// message in any other way than from a clock sees it.
std::int64_t now() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// As much as the transport shows, one's own too.
struct Shown {
  bool accepts(const Envelope&, ProcessId) const noexcept { return true; }
};

/// Zeroes that all processes share.
template <class T>
class SharedArray {
 public:
  explicit SharedArray(std::size_t count) : bytes_(count * sizeof(T)) {
    at_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  }
  SharedArray(const SharedArray&) = delete;
  ~SharedArray() { ::munmap(at_, bytes_); }
  T& operator[](std::size_t i) const { return static_cast<T*>(at_)[i]; }

 private:
  std::size_t bytes_;
  void* at_;
};

constexpr std::size_t senders = 2, receivers = 2;
constexpr int bits_for_the_sender = 8;

/// Two senders and two receivers at once, each with its own part of the log.
template <class T>
class Recording {
  using C = Channel<T, serializer::trivially_copyable, Shown>;

 public:
  explicit Recording(std::size_t operations)
      : each_(std::max<std::size_t>(1, operations / 2 / senders)),
        room_(2 * senders * each_ + most_empties),
        log_((senders + receivers) * room_),
        length_(senders + receivers + 1) {
    auto link = C::open({.capacity = 32});
    const auto parent = link.parent();
    if constexpr (T::promises.between_processes) {
      std::vector<Child> children;
      for (std::size_t who = 0; who < senders + receivers; ++who)
        children.push_back(spawn(link, [this, who](C& mine) { play(mine, who); }));
      for (auto& child : children) BOOST_REQUIRE(child.wait().ok());
    } else {
      std::vector<std::thread> threads;
      for (std::size_t who = 0; who < senders + receivers; ++who) {
        threads.emplace_back([this, &link, who] {
          auto mine = link.child();
          play(mine, who);
        });
      }
      for (auto& thread : threads) thread.join();
    }
  }

  /// What everybody did; of one sender alone where only its own messages are in order.
  History history(std::optional<std::size_t> of = {}) const {
    History all;
    for (std::size_t who = 0; who < senders + receivers; ++who) {
      for (std::size_t i = 0; i < length_[who]; ++i) {
        const Operation& one = log_[who * room_ + i];
        if (!of || one.kind == Operation::empty || one.value % (1 << bits_for_the_sender) == *of) all.add(one);
      }
    }
    return all;
  }

 private:
  static constexpr std::size_t most_empties = 10'000;
  static constexpr std::int64_t lock_patience =
      50'000'000;  // after which a try_ gives up, whether the queue is empty or not

  void play(C& mine, std::size_t who) { who < senders ? send_all(mine, who) : receive_all(mine, who); }
  void note(std::size_t who, const Operation& operation) {
    std::uint64_t& length = length_[who];
    if (length == room_) throw std::runtime_error("the log is full");
    log_[who * room_ + length++] = operation;
  }
  void send_all(C& mine, std::size_t who) {
    for (std::uint64_t number = 0; number < each_; ++number) {
      const std::uint64_t value = number << bits_for_the_sender | who;
      const auto called = now();
      mine.send({}, value).value();
      note(who, {Operation::send, value, called, now()});
    }
  }
  void receive_all(C& mine, std::size_t who) {
    std::atomic_ref<std::uint64_t> taken(length_[senders + receivers]);
    std::mt19937 random(static_cast<unsigned>(who));
    std::size_t empties = 0;
    while (taken.load() < senders * each_) {
      const auto dice = random() % 8;  // some wait for a message, some only look
      const auto called = now();
      if (dice == 0 && empties < most_empties) {
        if (mine.empty()) note(who, {Operation::empty, 0, called, now()}), ++empties;
        continue;
      }
      const auto message = dice < 4 ? mine.receive_for(20ms) : mine.try_receive();
      const auto returned = now();
      if (message) {
        note(who, {Operation::receive, message->template body<std::uint64_t>().value(), called, returned});
        ++taken;
      } else if (dice >= 4 && returned - called < lock_patience && empties < most_empties) {
        note(who, {Operation::empty, 0, called, returned}), ++empties;
      } else {
        ::sched_yield();
      }
    }
  }

  const std::size_t each_, room_;
  SharedArray<Operation> log_;
  SharedArray<std::uint64_t> length_;  // of each part; the last one counts what was received
};

template <class T>
void is_linearizable(std::size_t quick) {
  const std::size_t wanted = operations_wanted(quick);
  const Recording<T> recording(wanted);
  BOOST_CHECK(recording.history().size() >= wanted);
  if constexpr (T::promises.global_order) {
    BOOST_TEST(recording.history().violation() == "");
  } else {
    for (std::size_t sender = 0; sender < senders; ++sender) BOOST_TEST(recording.history(sender).violation() == "");
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(shm_deque_is_linearizable) { is_linearizable<transport::shm_deque>(200'000); }
BOOST_AUTO_TEST_CASE(of_each_sender_shm_lanes_is_linearizable) { is_linearizable<transport::shm_lanes>(200'000); }
BOOST_AUTO_TEST_CASE(message_queue_is_linearizable) { is_linearizable<transport::message_queue>(60'000); }
BOOST_AUTO_TEST_CASE(in_memory_is_linearizable) { is_linearizable<transport::in_memory>(60'000); }
