// CONTRACT.md's sentences about names.
#include <algorithm>
#include <filesystem>

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
