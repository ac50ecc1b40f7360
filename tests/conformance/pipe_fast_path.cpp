// What a small message costs over a pipe, counted: system calls, by standing in front of the C library's, and allocations.
#define BOOST_TEST_MODULE pipe_fast_path
#include <sys/syscall.h>
#include <sys/uio.h>

#include <boost/test/unit_test.hpp>
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/routing/everything.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/pipe.hpp>
#include <optional>
#include <support/allocation_count.hpp>
#include <support/watchdog.hpp>

using namespace mulproc;
using namespace std::chrono_literals;
using Pipe = Channel<transport::pipe, serializer::trivially_copyable, routing::everything>;

namespace {
struct Calls {
  int writes = 0, reads = 0, polls = 0, clocks = 0;
  bool operator==(const Calls&) const = default;
} calls;
std::ostream& operator<<(std::ostream& out, const Calls& c) {
  return out << c.writes << " writes, " << c.reads << " reads, " << c.polls << " polls, " << c.clocks << " looks at the clock";
}
bool kernel_is_old = false;  // knows no flags for a single call
ssize_t not_known() { return errno = EOPNOTSUPP, -1; }
std::chrono::nanoseconds uncounted_now() {
  timespec now{};
  ::syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}
std::chrono::nanoseconds read_returned{}, between_reads{};
tests::Watchdog watchdog(60s);
}  // namespace

// Each does what the C library's does, and counts.
extern "C" {
ssize_t read(int fd, void* to, size_t bytes) {
  between_reads = uncounted_now() - read_returned;
  const auto count = ::syscall(SYS_read, fd, to, bytes);
  return ++calls.reads, read_returned = uncounted_now(), count;
}
ssize_t writev(int fd, const iovec* parts, int count) { return ++calls.writes, ::syscall(SYS_writev, fd, parts, count); }
ssize_t pwritev2(int fd, const iovec* parts, int count, off_t at, int flags) {
  return kernel_is_old ? not_known() : (++calls.writes, ::syscall(SYS_pwritev2, fd, parts, count, at, at >> 32, flags));
}
ssize_t preadv2(int fd, const iovec* parts, int count, off_t at, int flags) {
  return kernel_is_old ? not_known() : (++calls.reads, ::syscall(SYS_preadv2, fd, parts, count, at, at >> 32, flags));
}
int clock_gettime(clockid_t clock, timespec* now) noexcept { return ++calls.clocks, static_cast<int>(::syscall(SYS_clock_gettime, clock, now)); }
int poll(pollfd* fds, nfds_t count, int milliseconds) { return ++calls.polls, static_cast<int>(::syscall(SYS_poll, fds, count, milliseconds)); }
}

namespace {
struct Small {
  char bytes[64];
};
/// Both ends, warm: each way of writing and reading has been used once.
struct Ends {
  Pipe::Link link = Pipe::open();
  Pipe parent = link.parent(), child = link.child();
  Ends() {
    for (int i = 0; i < 2; ++i) parent.send({}, Small{}).value();
    for (int i = 0; i < 2; ++i) child.receive().value();
    (void)child.try_receive();
    child.send({}, Small{}).value();  // who sends too waits for no more to come
    parent.receive().value();
    calls = {};
  }
};
}  // namespace

BOOST_AUTO_TEST_CASE(a_small_message_is_one_write_and_one_read) {
  Ends ends;
  for (int i = 0; i < 50; ++i) {
    ends.parent.send({}, Small{}).value();
    ends.child.receive().value();
    ends.child.send({}, Small{}).value();
    ends.parent.receive().value();
  }
  BOOST_TEST(calls == (Calls{.writes = 100, .reads = 100}));
}

BOOST_AUTO_TEST_CASE(a_receive_that_waits_is_one_read) {
  auto link = Pipe::open();
  auto parent = link.parent();
  auto child = spawn(link, [](Pipe& other) {
    other.receive().value();
    (void)::poll(nullptr, 0, 20);
    other.send({}, Small{}).value();
  });
  calls = {};
  parent.send({}, Small{}).value();
  parent.receive().value();
  BOOST_TEST(calls == (Calls{.writes = 1, .reads = 1}));
  BOOST_TEST(child.wait().code == 0);
}

BOOST_AUTO_TEST_CASE(a_look_that_finds_nothing_is_one_read) {
  Ends ends;
  for (int i = 0; i < 100; ++i) BOOST_TEST((ends.child.try_receive().error() == Errc::not_ready));
  BOOST_TEST(calls == (Calls{.reads = 100}));
}

BOOST_AUTO_TEST_CASE(who_only_reads_lets_small_messages_gather_before_the_next_read) {
  Ends ends;
  for (int i = 0; i < 100; ++i) {
    ends.parent.send({}, Small{}).value();
    ends.child.receive().value();
    if (i > 1) BOOST_TEST((between_reads >= 4us));
  }
}

BOOST_AUTO_TEST_CASE(a_kernel_that_knows_no_flags_for_a_call_is_asked_in_other_words) {
  auto old = spawn([] {
    kernel_is_old = true;
    auto link = Pipe::open();
    std::optional<Pipe> parent(link.parent()), child(link.child());
    link.release();
    if (child->try_receive().error() != Errc::not_ready) return 2;
    if (child->receive_for(1ms).error() != Errc::not_ready) return 3;
    for (int i = 0; i < 10; ++i) {
      parent->send({}, Small{}).value();
      if (!child->try_receive()) return 4;
    }
    child.reset();
    return parent->send({}, Small{}).error() == Errc::closed ? 0 : 5;  // and SIGPIPE did not end us
  });
  BOOST_TEST(old.wait().code == 0);
}

BOOST_AUTO_TEST_CASE(messages_that_wait_come_by_one_read) {
  Ends ends;
  for (int i = 0; i < 100; ++i) ends.parent.send({}, Small{}).value();
  for (int i = 0; i < 100; ++i) ends.child.receive().value();
  BOOST_TEST(calls == (Calls{.writes = 100, .reads = 1}));
}

BOOST_AUTO_TEST_CASE(after_the_handle_was_readable_try_receive_is_asked_until_not_ready) {
  Ends ends;
  for (int i = 0; i < 3; ++i) ends.parent.send({}, Small{}).value();
  BOOST_TEST(bool(wait_for(ends.child.native_handle(), POLLIN, Deadline::now())));
  BOOST_TEST(bool(ends.child.try_receive()));
  BOOST_TEST(!wait_for(ends.child.native_handle(), POLLIN, Deadline::now()));  // the other two are no longer in the pipe
  for (int i = 0; i < 2; ++i) BOOST_TEST(bool(ends.child.try_receive()));
  BOOST_TEST((ends.child.try_receive().error() == Errc::not_ready));
  ends.parent.send({}, Small{}).value();
  BOOST_TEST(bool(wait_for(ends.child.native_handle(), POLLIN, Deadline::now())));
}

BOOST_AUTO_TEST_CASE(nothing_is_allocated_for_a_message_once_warm) {
  Ends ends;
  std::optional<Pipe::Message> held;  // one is held while the next is read, for more than two blocks of reading ahead
  const auto round = [&](int messages) {
    for (int i = 0; i < messages; ++i) {
      ends.parent.send({}, Small{}).value();
      held.emplace(ends.child.receive().value());
    }
  };
  round(3000);
  const auto before = tests::allocations();
  round(3000);
  held.reset();
  for (int i = 0; i < 100; ++i) ends.parent.send({}, Small{}).value();
  for (int i = 0; i < 100; ++i) ends.child.receive().value();
  BOOST_TEST(tests::allocations() - before == 0u);
}
