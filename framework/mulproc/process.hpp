#pragma once
/// Child processes: made by fork, watched through a pidfd, always reaped.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <concepts>
#include <cstdio>
#include <exception>
#include <functional>
#include <iostream>
#include <mulproc/deadline.hpp>
#include <mulproc/envelope.hpp>
#include <mulproc/inherited.hpp>
#include <mulproc/owner.hpp>
#include <mulproc/result.hpp>
#include <type_traits>
#include <utility>

namespace mulproc {

template <class F, class... A>
concept ChildFunction = std::invocable<F&, A...> && (std::is_void_v<std::invoke_result_t<F&, A...>> ||
                                                     std::same_as<std::invoke_result_t<F&, A...>, int>);  // REMEDY: the child's function takes its channel by reference and returns void or int

struct ExitStatus {
  int code = 0;    ///< of exit; 128 + signal when killed; 255 when nobody can tell: reaped by others, or SIGCHLD is ignored
  int signal = 0;  ///< 0: it ended by itself
  bool ok() const noexcept { return code == 0; }
};

/// One child process.
///
/// Blocks:  its destructor waits 1 s, then sends SIGTERM, waits 1 s, then SIGKILL; it always reaps.
/// Safety:  inert in a forked process that did not make it. Distinct objects: safe. Shared objects: unsafe.
class Child {
 public:
  Child(Child&& other) noexcept
      : pid_(std::exchange(other.pid_, 0)), pidfd_(std::move(other.pidfd_)), status_(other.status_), owner_(other.owner_) {}
  Child& operator=(Child&& other) noexcept {
    if (this != &other) {
      this->~Child();
      new (this) Child(std::move(other));
    }
    return *this;
  }
  ~Child() {
    if (pid_ == 0 || !owner_.in_this_process()) return;
    using namespace std::chrono_literals;
    if (!wait_for(1s)) {
      kill(SIGTERM);
      if (!wait_for(1s)) {
        kill(SIGKILL);
        wait();
      }
    }
  }

  pid_t pid() const noexcept { return pid_; }
  /// The id of the endpoint its first thread makes.
  ProcessId id() const noexcept { return pid_; }

  /// Blocks:  until it has ended. May be repeated.
  ExitStatus wait() {
    auto status = wait_until(Deadline::never());
    return status ? *status : ExitStatus{.code = 255};
  }
  /// Fails:   not_ready when it still runs; stale in a process that did not make it.
  template <class R, class P>
  Result<ExitStatus> wait_for(std::chrono::duration<R, P> patience) {
    return wait_until(Deadline::after(patience));
  }
  Result<ExitStatus> wait_until(Deadline deadline) {
    if (!owner_.in_this_process()) return Errc::stale;
    while (!status_) {
      siginfo_t info{};
      if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG) != 0 && errno != EINTR) {
        if (errno != ECHILD || alive()) return system_error_code(errno);
        status_ = ExitStatus{.code = 255};
      } else if (info.si_pid == pid_) {
        const bool exited = info.si_code == CLD_EXITED;
        status_ = ExitStatus{.code = exited ? info.si_status : 128 + info.si_status, .signal = exited ? 0 : info.si_status};
      } else {
        if (deadline.expired()) return Errc::not_ready;
        pollfd ended{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
        ::poll(&ended, 1, deadline.poll_milliseconds());  // readable once it has ended; woken early, it is asked again
      }
    }
    return *status_;
  }
  void kill(int signal = SIGTERM) noexcept {
    // Through the pidfd, so that a reused pid can never be hit.
    if (!status_ && owner_.in_this_process()) (void)::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0);
  }
  /// False too in a process that did not make it.
  bool alive() const noexcept {
    if (status_ || pid_ == 0 || !owner_.in_this_process()) return false;
    pollfd ended{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
    return ::poll(&ended, 1, 0) == 0;
  }
  /// A pidfd: readable once the child has ended.
  int native_handle() const noexcept { return pidfd_.get(); }

 private:
  friend class Spawner;
  Child(pid_t pid, InheritedFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  pid_t pid_;
  InheritedFd pidfd_;  // younger children have no use for it
  std::optional<ExitStatus> status_;
  Owner owner_;
};

/// The two halves of spawn: forking, and waiting until the child is attached or dead. Crew forks all, then waits for all.
class Spawner {
 public:
  /// A forked child that may not have attached yet.
  class Starting {
   public:
    Starting(Child child, InheritedFd attached) : child_(std::move(child)), attached_(std::move(attached)) {}
    /// Blocks:  until the child is attached or dead.
    Child ready() && {
      pollfd either[2] = {{attached_.get(), POLLIN, 0}, {child_.native_handle(), POLLIN, 0}};
      while (::poll(either, 2, -1) < 0 && errno == EINTR) {
      }
      return std::move(child_);
    }

   private:
    Child child_;
    InheritedFd attached_;
  };

  /// Forks a child that runs `body`, which is given a function to call once it is attached.
  template <class Body>
  static Starting fork(Body body) {
    std::fflush(nullptr);
    std::cout.flush();
    std::clog.flush();
    // Not a pipe's end of file: processes that other threads fork meanwhile would keep it from coming.
    const int event = ::eventfd(0, EFD_CLOEXEC);
    if (event < 0) throw std::system_error(system_error_code(errno), "eventfd for spawn");
    InheritedFd attached(event);
    const pid_t pid = ::fork();
    if (pid < 0) throw std::system_error(system_error_code(errno), "fork");
    if (pid == 0) {
      attached.claim();
      ::_exit(run(body, [&attached] { tell(attached); }));
    }
    const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));  // of itself close-on-exec
    if (pidfd < 0) {
      const auto error = system_error_code(errno);
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
      throw std::system_error(error, "pidfd_open");
    }
    return Starting(Child(pid, InheritedFd(pidfd)), std::move(attached));
  }

  template <class F, class... A>
  static int exit_code_of(F& f, A&... arguments) {
    if constexpr (std::is_void_v<std::invoke_result_t<F&, A&...>>) {
      return f(arguments...), 0;
    } else {
      return f(arguments...);
    }
  }

  template <class Link, class F>
  static Starting start(Link& link, F& f) {
    auto starting = fork([&link, &f](auto attached) {
      auto channel = link.child();
      InheritedFd::close_foreign();
      attached();
      return exit_code_of(f, channel);
    });
    link.spawned();
    return starting;
  }

 private:
  static void tell(InheritedFd& attached) {
    while (::eventfd_write(attached.get(), 1) != 0) {
      if (errno != EINTR) throw std::system_error(system_error_code(errno), "eventfd_write");  // the child's end tells then
    }
    attached.reset();
  }
  template <class Body, class Attached>
  static int run(Body& body, Attached attached) noexcept {
    int code = 1;
    try {
      code = body(attached);
    } catch (const std::exception& error) {
      std::cerr << "mulproc: child " << ::getpid() << " ended by an exception: " << error.what() << '\n';
    } catch (...) {
      std::cerr << "mulproc: child " << ::getpid() << " ended by an exception\n";
    }
    try {
      std::cout.flush();
      std::clog.flush();
    } catch (...) {
      code = 1;
    }
    std::fflush(nullptr);
    return code;
  }
};

/// Forks a child that runs `f` and leaves by _exit with what it returns; an exception is printed and gives 1.
/// An endpoint of a link inherited by such a child is its own to make: link.child() or link.release().
///
/// Fails:   throws std::system_error when there is no process or descriptor to be had.
template <class F>
  requires ChildFunction<F>
Child spawn(F f) {
  return Spawner::fork([&f](auto attached) {
           attached();
           return Spawner::exit_code_of(f);
         })
      .ready();
}

/// The same with an endpoint of the link.
///
/// Blocks:  until the child is attached or dead, so that there is no moment in which its death goes unseen.
template <class Link, class F>
  requires ChildFunction<F, typename Link::channel_type&>
Child spawn(Link& link, F f) {
  static_assert(Link::channel_type::promises.between_processes,
                "this transport stays inside one process; spawn needs one that goes between processes, such as pipe or shm_deque");
  return Spawner::start(link, f).ready();
}

}  // namespace mulproc
