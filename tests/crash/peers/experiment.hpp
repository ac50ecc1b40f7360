#pragma once
/// One random kill over one queue, told apart from how the queue is made: a peer has a name and an End(peer&) with
/// bool send(number), optional<number> receive() and done(); false and nothing mean that the queue says it is broken.
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <iomanip>
#include <iostream>
#include <optional>
#include <random>
#include <sstream>
#include <system_error>

namespace mulproc::tests {

constexpr int capacity = 64;
enum class Victim { sender, receiver };

/// Lies in memory that all share: what each did outlives it.
struct Notes {
  static constexpr std::uint32_t most = 1 << 22, nothing = ~std::uint32_t{0};
  std::atomic<bool> stop, says_broken;
  std::atomic<std::uint32_t> begun, returned;  // of sends: numbers below
  std::atomic<std::uint32_t> newest, holding;  // of the receiver
  std::array<std::atomic<std::uint8_t>, most> came;
  std::array<std::atomic<bool>, most> returned_one;
};

struct Outcome {
  bool hang = false, says_broken = false, held = false, handed_on = false;
  std::size_t lost = 0;
};

template <class Peer>
class Experiment {
 public:
  Experiment() {
    void* memory = ::mmap(nullptr, sizeof(Notes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::system_category(), "mmap");
    notes_ = static_cast<Notes*>(memory);
    notes_->holding = Notes::nothing;
  }
  Experiment(const Experiment&) = delete;
  ~Experiment() {
    kill(sender_), kill(receiver_);
    ::munmap(notes_, sizeof(Notes));
  }

  Outcome run(Victim victim, std::mt19937_64& random) {
    sender_ = start([this] { send(); });
    receiver_ = start([this] { receive(); });
    if (!come([this] { return notes_->newest > 100; }, std::chrono::seconds(60))) throw std::runtime_error(std::string(Peer::name) + " does not work, nobody killed");
    ::usleep(static_cast<useconds_t>(random() % 5'000));
    Outcome outcome;
    std::uint32_t held = Notes::nothing;
    if (victim == Victim::sender) {
      kill(sender_);
      sender_ = start([this] { send(); });
    } else {
      kill(receiver_);
      held = notes_->holding;
      receiver_ = start([this] { receive(); });
    }
    const std::uint32_t from_now_on = notes_->begun + 2 * capacity;
    outcome.hang = !come([&] { return notes_->newest > from_now_on || notes_->says_broken; });
    outcome.says_broken = notes_->says_broken;
    if (outcome.hang || outcome.says_broken) return outcome;
    notes_->stop = true;
    outcome.hang = !come([this] { return ::waitpid(sender_, nullptr, WNOHANG) == sender_; });
    if (outcome.hang) return outcome;
    sender_ = 0;
    come([&] { return lost(held) == 0; }, std::chrono::seconds(1));
    outcome.lost = lost(held);
    outcome.held = held != Notes::nothing;
    outcome.handed_on = outcome.held && notes_->came[held] > 1;
    return outcome;
  }

 private:
  template <class F>
  static pid_t start(F work) {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    try {
      work();
    } catch (const std::exception&) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  static void kill(pid_t& pid) {
    if (pid <= 0) return;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    pid = 0;
  }
  void send() {
    typename Peer::End end(peer_);
    while (!notes_->stop && notes_->begun < Notes::most) {
      const std::uint32_t number = notes_->begun++;
      if (!end.send(number)) {
        notes_->says_broken = true;
        return;
      }
      notes_->returned_one[number] = true;
    }
  }
  void receive() {
    typename Peer::End end(peer_);
    while (const auto number = end.receive()) {
      ++notes_->came[*number];
      notes_->holding = *number;
      notes_->newest = std::max(notes_->newest.load(), *number);
      for (volatile int work = 0; work < 2'000;) work = work + 1;
      notes_->holding = Notes::nothing;
      end.done();
    }
    notes_->says_broken = true;
  }
  std::size_t lost(std::uint32_t held) const {
    std::size_t count = 0;
    for (std::uint32_t i = 0; i < notes_->begun; ++i) count += notes_->returned_one[i] && notes_->came[i] == 0 && i != held ? 1 : 0;
    return count;
  }
  template <class F>
  static bool come(F condition, std::chrono::seconds patience = std::chrono::seconds(2)) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > until) return false;
      ::usleep(500);
    }
    return true;
  }

  Peer peer_;
  Notes* notes_;
  pid_t sender_ = 0, receiver_ = 0;
};

class Judgement {
 public:
  void add(Victim victim, const Outcome& one) {
    const auto v = static_cast<std::size_t>(victim);
    hangs_[v] += one.hang, loses_[v] += one.lost != 0, broken_[v] += one.says_broken, held_ += one.held, handed_on_ += one.handed_on;
  }
  std::size_t hangs() const { return hangs_[0] + hangs_[1]; }
  bool stands() const { return hangs() + loses_[0] + loses_[1] + broken_[0] + broken_[1] == 0 && handed_on_ == held_; }
  std::string row(const char* name) const {
    std::ostringstream line;
    const auto both = [](const auto& two) { return std::to_string(two[0]) + " / " + std::to_string(two[1]); };
    line << std::left << std::setw(26) << name << std::setw(12) << both(hangs_) << std::setw(12) << both(loses_) << std::setw(12) << both(broken_)
         << handed_on_ << " of " << held_;
    return line.str();
  }

 private:
  std::array<std::size_t, 2> hangs_{}, loses_{}, broken_{};
  std::size_t held_ = 0, handed_on_ = 0;
};

inline std::string header() { return "sender / receiver killed  hangs       loses       says broken held by the dead: handed on"; }

template <class Peer>
Judgement judge(std::size_t kills) {
  Judgement all;
  std::mt19937_64 random(1);
  for (const Victim victim : {Victim::sender, Victim::receiver}) {
    for (std::size_t i = 0; i < kills; ++i) all.add(victim, Experiment<Peer>().run(victim, random));
  }
  std::cout << all.row(Peer::name) << std::endl;
  return all;
}

}  // namespace mulproc::tests
