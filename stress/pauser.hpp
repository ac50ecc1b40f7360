#pragma once
/// Stops processes for a while. A thread of its own lets them go on: one stopped inside a queue's lock stops whoever
/// needs the lock, who then could not.
#include <signal.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

namespace mulproc::stress {

class Pauser {
 public:
  Pauser() = default;
  Pauser(const Pauser&) = delete;
  ~Pauser() {
    let_all_go_on();
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  void pause(pid_t pid, std::chrono::milliseconds how_long) {
    const std::lock_guard lock(mutex_);
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    until_.emplace(std::chrono::steady_clock::now() + how_long, pid);  // first, so that nobody is stopped for ever
    ::kill(pid, SIGSTOP);
    changed_.notify_all();
  }
  void let_all_go_on() {
    const std::lock_guard lock(mutex_);
    for (const auto& [when, pid] : until_) ::kill(pid, SIGCONT);
    until_.clear();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!done_) {
      if (until_.empty()) {
        changed_.wait(lock);
      } else if (const auto first = until_.begin(); first->first <= std::chrono::steady_clock::now()) {
        ::kill(first->second, SIGCONT);  // a reused pid is sent on its way, which it was already
        until_.erase(first);
      } else {
        changed_.wait_until(lock, first->first);
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<std::chrono::steady_clock::time_point, pid_t> until_;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace mulproc::stress
