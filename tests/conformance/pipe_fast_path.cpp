// What a small message costs over a pipe, counted: system calls, by standing in front of the C library's, and allocations.
#define BOOST_TEST_MODULE pipe_fast_path
#include <sys/syscall.h>
#include <sys/uio.h>

#include <boost/test/unit_test.hpp>
#include <mulproc/channel.hpp>
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
  int writes = 0, reads = 0, polls = 0;
  bool operator==(const Calls&) const = default;
} calls;
std::ostream& operator<<(std::ostream& out, const Calls& c) {
  return out << c.writes << " writes, " << c.reads << " reads, " << c.polls << " polls";
}
tests::Watchdog watchdog(60s);
}  // namespace

// Each does what the C library's does, and counts.
extern "C" {
ssize_t read(int fd, void* to, size_t bytes) { return ++calls.reads, ::syscall(SYS_read, fd, to, bytes); }
ssize_t writev(int fd, const iovec* parts, int count) { return ++calls.writes, ::syscall(SYS_writev, fd, parts, count); }
ssize_t pwritev2(int fd, const iovec* parts, int count, off_t at, int flags) {
  return ++calls.writes, ::syscall(SYS_pwritev2, fd, parts, count, at, at >> 32, flags);
}
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
    calls = {};
  }
};
}  // namespace

BOOST_AUTO_TEST_CASE(a_small_message_is_one_write_and_one_read) {
  Ends ends;
  for (int i = 0; i < 100; ++i) {
    ends.parent.send({}, Small{}).value();
    ends.child.receive().value();
  }
  BOOST_TEST(calls == (Calls{.writes = 100, .reads = 100}));
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
