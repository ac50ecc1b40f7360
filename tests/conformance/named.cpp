// CONTRACT.md's sentences about names.
#include <algorithm>
#include <boost/test/tree/decorator.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include <conformance/conformance.hpp>

using namespace mulproc;
using namespace mulproc::tests;

BOOST_AUTO_TEST_CASE(a_name_lets_strangers_meet_and_is_gone_with_its_opener) {
  const std::string name = "mulproc-test-" + std::to_string(::getpid());
  BOOST_CHECK_THROW((void)Mine::attach(name), std::system_error);
  BOOST_CHECK_THROW((void)Mine::attach_for(5ms, name), std::system_error);
  {
    auto link = Mine::open({.name = name});
    auto parent = link.parent();
    BOOST_CHECK_THROW((void)Mine::open({.name = name}), std::system_error);
    auto stranger = spawn([&] {
      auto inbox = Mine::attach_for(soon, name).child();
      return inbox.send({.recipient = inbox.parent_id()}, 42) ? 0 : 1;
    });
    BOOST_TEST(parent.receive_for(soon)->body<int>().value() == 42);
    BOOST_TEST(stranger.wait().code == 0);
  }
  BOOST_CHECK_THROW((void)Mine::attach(name), std::system_error);
  for (const char* bad : {"no/slash", "..\n", " "}) BOOST_CHECK_THROW((void)Mine::open({.name = bad}), std::invalid_argument);
  BOOST_CHECK_THROW((void)Mine::open({.name = std::string(65, 'x')}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_name_left_by_the_killed_is_taken_over) {
  const std::string name = "mulproc-test-" + std::to_string(::getpid());
  auto killed = spawn([&] {
    auto link = Mine::open({.name = name});
    ::raise(SIGKILL);
  });
  killed.wait();
  BOOST_CHECK_THROW((void)Mine::attach(name), std::system_error);
  const auto files = [&] {
    return std::count_if(std::filesystem::directory_iterator("/dev/shm"), {}, [&](const auto& file) { return file.path().string().find(name) != std::string::npos; });
  };
  {
    auto link = Mine::open({.name = name});
    BOOST_CHECK_NO_THROW((void)Mine::attach(name));
  }
  BOOST_TEST(files() == 0);  // of the killed one too
}

namespace {

/// A name of this test's own, and the file that stands for it.
struct Name {
  explicit Name(const std::string& what)
      : text("mulproc-test-" + what + '-' + std::to_string(::getpid())),
        path("/dev/shm/mulproc-" + std::to_string(::geteuid()) + '-' + text) {}
  ~Name() { std::filesystem::remove(path); }
  const std::string text;
  const std::filesystem::path path;
};

auto says(std::errc expected) {
  return [=](const std::system_error& error) { return error.code() == expected; };
}
auto says(Errc expected) {
  return [=](const std::system_error& error) { return error.code() == expected; };
}

}  // namespace

BOOST_AUTO_TEST_CASE(only_its_user_may_open_a_names_file_and_it_is_whole_as_soon_as_it_is_there) {
  const Name name("whole");
  std::thread opens_it([&] {
    for (int time = 0; time < 20; ++time) {
      auto link = Mine::open({.capacity = 2, .max_body_bytes = 100, .name = name.text});
      struct stat status {};
      if (::stat(name.path.c_str(), &status) != 0 || (status.st_mode & 07777) != 0600) throw std::runtime_error("not 0600");
    }
  });
  for (int met = 0, time = 0; time < 2000 && met < 5; ++time) {
    try {
      auto link = Mine::attach(name.text);
      ++met;
    } catch (const std::system_error& error) {
      BOOST_REQUIRE(error.code() == Errc::stale);  // not there; never half made
    }
  }
  opens_it.join();
}

BOOST_AUTO_TEST_CASE(a_name_is_not_taken_over_while_somebody_lives_who_inherited_it) {
  const Name name("inherited");
  int gate[2], ready[2];
  BOOST_REQUIRE(::pipe2(gate, O_CLOEXEC) == 0 && ::pipe2(ready, O_CLOEXEC) == 0);
  auto opener = spawn([&] {
    auto link = Mine::open({.name = name.text});
    auto heir = spawn(link, [&](Mine&) {
      ::close(gate[1]);
      char nobody_writes;
      (void)!::read(gate[0], &nobody_writes, 1);
      return ::write(ready[1], "r", 1) == 1 ? 0 : 1;
    });
    ::raise(SIGKILL);
  });
  BOOST_TEST(opener.wait().signal == SIGKILL);
  ::close(ready[1]);
  BOOST_CHECK_EXCEPTION((void)Mine::open({.name = name.text}), std::system_error, says(std::errc::file_exists));
  ::close(gate[1]);
  char end = 0;
  BOOST_TEST(::read(ready[0], &end, 1) == 1);
  BOOST_TEST(::read(ready[0], &end, 1) == 0);  // end of file: the heir is dead
  BOOST_CHECK_NO_THROW((void)Mine::open({.name = name.text}));
  ::close(gate[0]), ::close(ready[0]);
}

BOOST_AUTO_TEST_CASE(a_name_left_by_the_killed_is_taken_over_though_somebody_looks_just_then_whether_they_live) {
  const Name name("looked_at");
  auto killed = spawn([&] {
    auto link = Mine::open({.name = name.text});
    ::raise(SIGKILL);
  });
  killed.wait();
  const int looks = ::open(name.path.c_str(), O_RDWR | O_CLOEXEC);
  BOOST_REQUIRE(::flock(looks, LOCK_EX) == 0);  // as attach() does
  std::thread looks_for_a_while([&] {
    std::this_thread::sleep_for(10ms);
    ::close(looks);
  });
  BOOST_CHECK_NO_THROW((void)Mine::open({.name = name.text}));
  looks_for_a_while.join();
}

BOOST_AUTO_TEST_CASE(a_link_in_the_place_of_a_name_is_not_followed_and_what_is_no_file_is_refused) {
  const Name name("link"), target("target");
  std::ofstream(target.path) << "somebody's data";
  std::filesystem::create_symlink(target.path, name.path);
  BOOST_CHECK_EXCEPTION((void)Mine::open({.name = name.text}), std::system_error, says(std::errc::too_many_symbolic_link_levels));
  BOOST_CHECK_EXCEPTION((void)Mine::attach(name.text), std::system_error, says(std::errc::too_many_symbolic_link_levels));
  std::string text;
  std::getline(std::ifstream(target.path), text);
  BOOST_TEST(text == "somebody's data");
  std::filesystem::remove(name.path);
  BOOST_REQUIRE(::mkfifo(name.path.c_str(), 0600) == 0);
  BOOST_CHECK_THROW((void)Mine::open({.name = name.text}), std::system_error);
  BOOST_CHECK_THROW((void)Mine::attach(name.text), std::system_error);
}

BOOST_AUTO_TEST_CASE(a_file_of_another_size_or_kind_is_refused) {
  const Name name("size");
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{100}, std::size_t{8192}, std::size_t{1} << 20}) {
    std::ofstream(name.path).close();
    std::filesystem::permissions(name.path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    std::filesystem::resize_file(name.path, bytes);
    const int held = ::open(name.path.c_str(), O_RDWR | O_CLOEXEC);
    BOOST_REQUIRE(::flock(held, LOCK_SH) == 0);  // as if its maker lived
    BOOST_CHECK_EXCEPTION((void)Mine::attach(name.text), std::system_error, says(Errc::malformed));
    ::close(held);
    std::filesystem::remove(name.path);
  }
}

// Only root can make another user's file.
BOOST_AUTO_TEST_CASE(another_users_file_is_refused, *boost::unit_test::precondition([](auto) { return ::geteuid() == 0; })) {
  const Name name("other");
  std::ofstream(name.path).close();
  BOOST_REQUIRE(::chown(name.path.c_str(), 65534, 65534) == 0);
  BOOST_CHECK_EXCEPTION((void)Mine::open({.name = name.text}), std::system_error, says(std::errc::operation_not_permitted));
  BOOST_CHECK_EXCEPTION((void)Mine::attach(name.text), std::system_error, says(std::errc::operation_not_permitted));
  BOOST_TEST(std::filesystem::exists(name.path));
}
