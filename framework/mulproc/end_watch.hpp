#pragma once
/// Tells when one of many children has ended, at the same cost for three hundred as for one.
#include <sys/epoll.h>

#include <mulproc/process.hpp>
#include <mulproc/wait_for.hpp>

namespace mulproc {

/// Safety:  distinct objects: safe. Shared objects: unsafe.
class EndWatch {
 public:
  /// Fails:   throws std::system_error.
  EndWatch() : epoll_(open()) {}

  void add(const Child& child) {
    epoll_event event{.events = EPOLLIN, .data = {}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, child.native_handle(), &event) != 0)
      throw std::system_error(system_error_code(errno), "epoll_ctl for a child's pidfd");
  }
  /// To be called while the child's pidfd is open: copies of it in younger children would keep it watched for ever.
  void remove(const Child& child) noexcept { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, child.native_handle(), nullptr); }

  /// True when a watched child has ended, at the deadline at the latest.
  bool wait(Deadline deadline) const { return bool(wait_for(epoll_.get(), POLLIN, deadline)); }
  /// Readable while a watched child has ended.
  int native_handle() const noexcept { return epoll_.get(); }

 private:
  static int open() {
    const int fd = ::epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0) throw std::system_error(system_error_code(errno), "epoll_create1 for a crew");
    return fd;
  }
  InheritedFd epoll_;
};

}  // namespace mulproc
