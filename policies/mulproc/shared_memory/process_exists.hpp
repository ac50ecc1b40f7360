#pragma once
/// Whether an addressee that is not attached may still come.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace mulproc::shared_memory {

/// Dead means gone or a zombie. A reused pid errs towards alive, and so does a look that fails: to have no descriptor left
/// is no news of anybody else's death.
/// Source:  proc(5): the state follows the last parenthesis of /proc/PID/stat.
inline bool process_exists(pid_t pid) noexcept {
  char path[32], text[512];
  std::snprintf(path, sizeof path, "/proc/%d/stat", static_cast<int>(pid));
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno != ENOENT && errno != ESRCH;
  const auto bytes = ::read(fd, text, sizeof text - 1);
  const int error = errno;
  ::close(fd);
  if (bytes < 0) return error != ESRCH;
  text[bytes] = '\0';
  const char* const after_name = std::strrchr(text, ')');
  const char state = after_name != nullptr && after_name[1] == ' ' ? after_name[2] : 'X';
  return state != 'Z' && state != 'X';
}

}  // namespace mulproc::shared_memory
