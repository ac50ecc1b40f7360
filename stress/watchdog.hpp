#pragma once
/// A hang is never possible in a run: when the time is up, says which process waits for what, and ends them all.
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>
#include <sstream>
#include <thread>
#include <vector>

namespace mulproc::stress {

class Watchdog {
 public:
  explicit Watchdog(std::chrono::seconds patience, std::string last_words = {}, int exit_code = 124)
      : thread_([=, this] {
          std::unique_lock lock(mutex_);
          if (!ended_.wait_for(lock, patience, [this] { return done_; })) bark(patience, last_words, exit_code);
        }) {}
  ~Watchdog() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    ended_.notify_all();
    thread_.join();
  }

 private:
  static std::string line_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
  }
  static std::vector<pid_t> family_of(pid_t root) {
    std::vector<pid_t> family{root};
    for (std::size_t i = 0; i < family.size(); ++i) {
      const auto tasks = "/proc/" + std::to_string(family[i]) + "/task";
      std::error_code gone;
      for (const auto& task : std::filesystem::directory_iterator(tasks, gone)) {
        std::istringstream children(line_of(task.path() / "children"));
        for (pid_t child; children >> child;) family.push_back(child);
      }
    }
    return family;
  }
  [[noreturn]] static void bark(std::chrono::seconds patience, const std::string& last_words, int exit_code) {
    std::cerr << "watchdog: no end after " << patience.count() << " s; who waits for what:\n";
    const auto family = family_of(::getpid());
    for (const pid_t pid : family) {
      const std::filesystem::path folder = "/proc/" + std::to_string(pid);
      std::cerr << "  " << pid << ' ' << line_of(folder / "comm") << ": in " << line_of(folder / "wchan") << ", system call " << line_of(folder / "syscall") << '\n';
    }
    for (std::size_t i = 1; i < family.size(); ++i) ::kill(family[i], SIGKILL);
    std::cerr << last_words << std::flush;
    std::_Exit(exit_code);
  }

  std::mutex mutex_;
  std::condition_variable ended_;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace mulproc::stress
