// inherited.hpp: descriptors that must not stay open where they are not for.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <mulproc/inherited.hpp>
#include <mulproc/process.hpp>

using namespace mulproc;

BOOST_AUTO_TEST_CASE(a_listed_descriptor_is_closed_in_children_it_is_not_for) {
  int ends[2];
  BOOST_REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  InheritedFd mine(ends[0]), claimed(ends[1]);
  auto child = spawn([&] {
    if (!claimed.claim()) return 2;
    InheritedFd::close_foreign();
    if (::fcntl(ends[0], F_GETFD) != -1 || ::fcntl(ends[1], F_GETFD) == -1) return 3;
    return mine.claim() ? 4 : 0;
  });
  BOOST_TEST(child.wait().code == 0);
  BOOST_TEST(::fcntl(ends[0], F_GETFD) != -1);
}

BOOST_AUTO_TEST_CASE(a_listed_descriptor_has_one_owner_and_is_closed_once) {
  int ends[2];
  BOOST_REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  InheritedFd first(ends[0]), other(ends[1]);
  InheritedFd second = std::move(first);
  BOOST_TEST(!first);
  first.reset();
  BOOST_TEST(second.get() == ends[0]);
  BOOST_TEST(::fcntl(ends[0], F_GETFD) != -1);
  other = std::move(second);  // the one it had is closed
  BOOST_TEST(::fcntl(ends[1], F_GETFD) == -1);
  BOOST_TEST(::fcntl(ends[0], F_GETFD) != -1);
  other.reset();
  BOOST_TEST(::fcntl(ends[0], F_GETFD) == -1);
  BOOST_TEST(!other.claim());
}

BOOST_AUTO_TEST_CASE(who_made_a_descriptor_keeps_it_when_the_foreign_ones_are_closed) {
  int ends[2];
  BOOST_REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const InheritedFd reader(ends[0]), writer(ends[1]);
  InheritedFd::close_foreign();
  BOOST_TEST((::fcntl(ends[0], F_GETFD) != -1 && ::fcntl(ends[1], F_GETFD) != -1));
}

BOOST_AUTO_TEST_CASE(of_many_in_a_row_those_claimed_and_those_not_listed_stay_open) {
  std::vector<InheritedFd> listed;
  std::vector<int> strangers;
  for (int i = 0; i < 40; ++i) {
    const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    BOOST_REQUIRE(fd >= 0);
    i % 7 == 3 ? strangers.push_back(fd) : void(listed.emplace_back(fd));
  }
  const auto is_open = [](int fd) { return ::fcntl(fd, F_GETFD) != -1; };
  auto child = spawn([&] {
    for (std::size_t i = 0; i < listed.size(); i += 5) {
      if (!listed[i].claim()) return 2;
    }
    InheritedFd::close_foreign();
    for (std::size_t i = 0; i < listed.size(); ++i) {
      if (is_open(listed[i].get()) != (i % 5 == 0)) return 3;
    }
    return std::all_of(strangers.begin(), strangers.end(), is_open) ? 0 : 4;
  });
  BOOST_TEST(child.wait().code == 0);
  for (const int fd : strangers) ::close(fd);
}

BOOST_AUTO_TEST_CASE(who_lost_a_descriptor_does_not_close_it_for_who_has_its_number_now) {
  InheritedFd first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  auto child = spawn([&] {
    const int number = first.get();
    InheritedFd::close_foreign();
    const InheritedFd second(::fcntl(0, F_DUPFD_CLOEXEC, number));
    if (second.get() != number) return 2;
    first.reset();
    return ::fcntl(number, F_GETFD) != -1 ? 0 : 3;
  });
  BOOST_TEST(child.wait().code == 0);
}
