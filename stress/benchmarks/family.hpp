#pragma once
/// The processes of one measurement. A conductor is forked for it, which forks the children: whatever happens to them,
/// the benchmark goes on, and nobody outlives the conductor.
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstring>
#include <functional>
#include <memory>
#include <stress/benchmarks/shape.hpp>
#include <system_error>
#include <utility>
#include <vector>

namespace mulproc::benchmarks {

inline std::int64_t now() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Memory that forked processes share, zero at first.
template <class T>
class SharedValue {
 public:
  explicit SharedValue(std::size_t bytes = sizeof(T)) : bytes_(bytes) {
    void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) throw std::system_error(errno, std::system_category(), "mmap");
    value_ = new (at) T();
  }
  SharedValue(SharedValue&& other) noexcept : bytes_(other.bytes_), value_(std::exchange(other.value_, nullptr)) {}
  ~SharedValue() {
    if (value_) ::munmap(static_cast<void*>(value_), bytes_);
  }
  T& operator*() const noexcept { return *value_; }
  T* operator->() const noexcept { return value_; }

 private:
  std::size_t bytes_;
  T* value_;
};

/// A number in shared memory that only grows, and that processes wait for; std::atomic waits for threads alone.
class Rising {
 public:
  void rise() noexcept {
    number_.fetch_add(1);
    ::syscall(SYS_futex, &number_, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  }
  /// Waits until `enough(number)`, which is asked again whenever it has grown.
  template <class Enough>
  void wait_until(Enough enough) const noexcept {
    for (std::uint32_t seen; !enough(seen = number_.load());) ::syscall(SYS_futex, &number_, FUTEX_WAIT, seen, nullptr, nullptr, 0);
  }

 private:
  std::atomic<std::uint32_t> number_{0};
};

/// What one process saw arrive; a cache line of its own.
struct alignas(64) Tally {
  std::atomic<std::uint64_t> received{0}, sum{0}, damaged{0};
  std::int64_t begin = 0, end = 0;
};

/// What a measurement came to; written by the conductor and its children.
struct Record {
  static constexpr std::size_t most_children = 300, most_latencies = 4096;

  Rising ready, go;
  Tally tally[most_children];
  std::int64_t seconds_in_ns = 0;
  std::uint64_t done = 0, expected = 0;  // messages, round trips or rounds
  double p50 = 0, p99 = 0, p999 = 0;     // ns
  std::uint32_t latencies[most_latencies] = {};
  std::atomic<bool> failed{false};
  char why[200] = {};

  void fails(const char* reason) noexcept {
    if (!failed.exchange(true)) std::strncpy(why, reason, sizeof why - 1);
    ready.rise();  // whoever waits for all to be ready looks at this first
  }
  std::uint64_t received() const noexcept {
    std::uint64_t sum = 0;
    for (const Tally& one : tally) sum += one.received.load();
    return sum;
  }
};

/// The first two cores this process may use.
inline std::vector<int> cores() {
  static const std::vector<int> all = [] {
    cpu_set_t set;
    CPU_ZERO(&set);
    ::sched_getaffinity(0, sizeof set, &set);
    std::vector<int> found;
    for (int i = 0; i < CPU_SETSIZE && found.size() < 2; ++i) {
      if (CPU_ISSET(i, &set)) found.push_back(i);
    }
    return found;
  }();
  return all;
}
inline void pin(std::initializer_list<std::size_t> which) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const std::size_t i : which) CPU_SET(cores()[i % cores().size()], &set);
  ::sched_setaffinity(0, sizeof set, &set);
}
inline void pin_parent(Placement placement) {
  if (placement == Placement::free) return pin({0, 1});
  pin({0});
}
inline void pin_child(Placement placement) {
  if (placement == Placement::free) return pin({0, 1});
  placement == Placement::apart ? pin({1}) : pin({0});
}

inline void die_with(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // it died before
}

/// The conductor's children, one function each.
class Family {
 public:
  template <class F>
  Family(const Shape& shape, Record& record, F life) : record_(record) {
    const pid_t me = ::getpid();
    for (std::size_t i = 0; i < shape.children; ++i) {
      const pid_t pid = ::fork();
      if (pid < 0) throw std::system_error(errno, std::system_category(), "fork");
      if (pid != 0) {
        pids_.push_back(pid);
        continue;
      }
      die_with(me);
      try {
        pin_child(shape.placement);
        life(i);
        ::_exit(0);
      } catch (const std::exception& error) {
        record.fails(error.what());
        ::_exit(1);
      }
    }
    pin_parent(shape.placement);
  }
  std::span<const pid_t> pids() const noexcept { return pids_; }

  void wait_until_ready() const {
    record_.ready.wait_until([this](std::uint32_t ready) { return record_.failed || ready >= pids_.size(); });
    if (record_.failed) fail(record_.why);
    record_.go.rise();
  }
  /// Ends children that wait for ever; what they came to is in shared memory.
  void kill() {
    for (const pid_t pid : pids_) ::kill(pid, SIGKILL);
    for (const pid_t pid : pids_) ::waitpid(pid, nullptr, 0);
    pids_.clear();
    if (record_.failed) fail(record_.why);
  }
  void reap() {
    for (const pid_t pid : pids_) {
      int status = 0;
      while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
      }
      if (status != 0) record_.fails("a child ended badly");
    }
    pids_.clear();
    if (record_.failed) fail(record_.why);
  }

 private:
  Record& record_;
  std::vector<pid_t> pids_;
};

enum class Outcome { done, failed, hangs };

/// Runs `work` in a conductor of its own; one that has not ended when the patience is over is killed with its children.
inline Outcome conduct(Record& record, std::chrono::milliseconds patience, const std::function<void(Record&)>& work) {
  const pid_t me = ::getpid(), pid = ::fork();
  if (pid < 0) throw std::system_error(errno, std::system_category(), "fork");
  if (pid == 0) {
    die_with(me);
    ::setpgid(0, 0);
    try {
      work(record);
    } catch (const std::exception& error) {
      record.fails(error.what());
    }
    ::_exit(record.failed ? 1 : 0);
  }
  ::setpgid(pid, pid);
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  pollfd ended{.fd = pidfd, .events = POLLIN, .revents = 0};
  const auto until = now() + std::chrono::nanoseconds(patience).count();
  int ready = 0;
  for (std::int64_t left; ready <= 0 && (left = until - now()) > 0;) ready = ::poll(&ended, 1, static_cast<int>(left / 1'000'000 + 1));
  ::kill(-pid, SIGKILL);  // whoever is left of the group
  if (ready <= 0) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  ::close(pidfd);
  if (ready <= 0) return Outcome::hangs;
  if (!record.failed && status != 0) record.fails(WIFSIGNALED(status) ? ::strsignal(WTERMSIG(status)) : "the conductor ended badly");
  return record.failed ? Outcome::failed : Outcome::done;
}

}  // namespace mulproc::benchmarks
