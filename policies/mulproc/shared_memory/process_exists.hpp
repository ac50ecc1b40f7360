#pragma once
/// Whether an addressee that is not attached may still come, and whether an opener may still make the parent.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace mulproc::shared_memory {

/// What the kernel says of a thread.
struct ThreadStatus {
  bool alive = false;
  long threads = 0;  // of its process

  /// Dead means gone or a zombie. A reused id errs towards alive, and so does a look that fails: to have no descriptor left
  /// is no news of anybody else's death.
  /// Source:  proc(5): of /proc/ID/stat the state is field 3, behind the last parenthesis; the number of threads field 20.
  static ThreadStatus of(pid_t thread) noexcept {
    char path[32], text[512];
    std::snprintf(path, sizeof path, "/proc/%d/stat", static_cast<int>(thread));
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return {.alive = errno != ENOENT && errno != ESRCH};
    const auto bytes = ::read(fd, text, sizeof text - 1);
    const int error = errno;
    ::close(fd);
    if (bytes < 0) return {.alive = error != ESRCH};
    text[bytes] = '\0';
    const char* field = std::strrchr(text, ')');
    if (field == nullptr || field[1] != ' ') return {};
    const char state = field[2];
    for (int number = 2; field != nullptr && number < 20; ++number) field = std::strchr(field + 1, ' ');
    return {state != 'Z' && state != 'X', field != nullptr ? std::strtol(field, nullptr, 10) : 0};
  }
};

inline bool thread_exists(pid_t thread) noexcept { return ThreadStatus::of(thread).alive; }
/// Also when its first thread, whose id is the process', has ended before the others.
inline bool process_exists(pid_t pid) noexcept {
  if (pid == ::getppid() || pid == ::getpid()) return true;  // whoever dies is nobody's parent any more; a look at /proc costs ten times as much
  const auto first = ThreadStatus::of(pid);
  return first.alive || first.threads > 1;
}

}  // namespace mulproc::shared_memory
