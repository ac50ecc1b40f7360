// pipe_calls.hpp: a write that raises no SIGPIPE, a read that does not wait.
#include <fcntl.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <mulproc/pipe_calls.hpp>

using namespace mulproc;

BOOST_AUTO_TEST_CASE(read_now_does_not_wait_where_the_descriptor_would) {
  int ends[2];
  BOOST_REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  std::array<std::byte, 8> room{};
  BOOST_TEST((read_now(ends[0], room) == -1 && errno == EAGAIN));
  BOOST_REQUIRE(::write(ends[1], "abc", 3) == 3);
  BOOST_TEST(read_now(ends[0], room) == 3);
  BOOST_TEST((room[2] == std::byte{'c'}));
  ::close(ends[1]);
  BOOST_TEST(read_now(ends[0], room) == 0);
  ::close(ends[0]);
}

BOOST_AUTO_TEST_CASE(a_write_to_nobody_is_an_error_and_no_signal) {
  int ends[2];
  BOOST_REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const std::array<std::byte, 3> first{}, second{};
  BOOST_TEST(write_without_sigpipe(ends[1], first, second) == 6);
  ::close(ends[0]);
  BOOST_TEST((write_without_sigpipe(ends[1], first, {}) == -1 && errno == EPIPE));
  ::close(ends[1]);
}
