// wait_for.hpp: descriptors and deadlines.
#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <mulproc/inherited.hpp>
#include <mulproc/wait_for.hpp>

using namespace mulproc;
using namespace std::chrono_literals;

namespace {
struct Sockets {
  InheritedFd mine, other;
  Sockets() {
    int ends[2];
    BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    mine = InheritedFd(ends[0]), other = InheritedFd(ends[1]);
  }
};
}  // namespace

BOOST_AUTO_TEST_CASE(a_descriptor_is_waited_for_as_long_as_asked_and_no_longer_than_needed) {
  const Sockets sockets;
  const auto begin = Deadline::clock::now();
  BOOST_TEST((wait_for(sockets.mine.get(), POLLIN, Deadline::after(20ms)).error() == Errc::not_ready));
  BOOST_TEST((Deadline::clock::now() - begin >= 20ms));
  BOOST_TEST((wait_for(sockets.mine.get(), POLLIN, Deadline::now()).error() == Errc::not_ready));
  BOOST_TEST(bool(wait_for(sockets.mine.get(), POLLOUT, Deadline::never())));
  BOOST_REQUIRE(::send(sockets.other.get(), "x", 1, 0) == 1);
  BOOST_TEST(bool(wait_for(sockets.mine.get(), POLLIN, Deadline::never())));
}

BOOST_AUTO_TEST_CASE(the_whole_is_received_or_closed_is_said) {
  Sockets sockets;
  std::array<char, 6> got{};
  BOOST_TEST(bool(whole(::send, sockets.other.get(), std::span("abcdef", 3), 0)));
  BOOST_TEST(bool(whole(::send, sockets.other.get(), std::span("def", 3), 0)));
  BOOST_TEST(bool(whole(::recv, sockets.mine.get(), std::span(got), 0)));
  BOOST_TEST(std::string_view(got.data(), 6) == "abcdef");
  BOOST_TEST(bool(whole(::send, sockets.other.get(), std::span("gh", 2), 0)));
  sockets.other.reset();
  BOOST_TEST((whole(::recv, sockets.mine.get(), std::span(got), 0).error() == Errc::closed));  // cut off
  BOOST_TEST((whole(::send, sockets.mine.get(), std::span("x", 1), MSG_NOSIGNAL).error() == Errc::closed));
}
