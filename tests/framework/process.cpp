// process.hpp. A child's checks are its exit code.
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/pipe.hpp>
#include <sstream>

using namespace mulproc;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(a_childs_end_is_its_functions_return_its_exception_or_its_signal) {
  BOOST_TEST(spawn([] {}).wait().code == 0);
  BOOST_TEST(spawn([] { return 42; }).wait().code == 42);
  BOOST_TEST(spawn([] { ::_exit(3); }).wait().code == 3);
  const auto killed = spawn([] { ::raise(SIGKILL); }).wait();
  BOOST_TEST(killed.signal == SIGKILL);
  BOOST_TEST(killed.code == 128 + SIGKILL);
  BOOST_TEST(!killed.ok());
}

BOOST_AUTO_TEST_CASE(what_is_thrown_and_is_no_exception_gives_1_too) {
  BOOST_TEST(spawn([]() -> int { throw 5; }).wait().code == 1);
}

BOOST_AUTO_TEST_CASE(an_exception_in_a_child_is_printed_and_gives_1_and_what_was_printed_before_is_printed_once) {
  const auto path = std::filesystem::temp_directory_path() / ("mulproc-test-" + std::to_string(::getpid()));
  auto outer = spawn([&] {
    if (std::freopen(path.c_str(), "w", stdout) == nullptr || ::dup2(1, 2) != 2) return 2;
    std::printf("before the fork;");
    std::cout << "from a stream;";
    const int code = spawn([]() -> int {
                       std::printf("in the child;");
                       throw std::runtime_error("no such luck");
                     }).wait().code;
    return code == 1 ? 0 : 3;
  });
  BOOST_TEST(outer.wait().code == 0);
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  std::filesystem::remove(path);
  for (const char* words : {"before the fork;", "from a stream;", "in the child;", "no such luck"}) {
    const auto first = text.str().find(words);
    BOOST_TEST(first != std::string::npos, words << " is not in: " << text.str());
    BOOST_TEST(text.str().find(words, first + 1) == std::string::npos, words << " is twice in: " << text.str());
  }
}

BOOST_AUTO_TEST_CASE(what_waits_in_a_file_of_ones_own_is_written_once_by_who_printed_it) {
  const auto path = std::filesystem::temp_directory_path() / ("mulproc-test-file-" + std::to_string(::getpid()));
  std::FILE* const file = std::fopen(path.c_str(), "we");
  BOOST_REQUIRE(file != nullptr);
  std::fputs("before;", file);
  BOOST_TEST(spawn([&] { return std::fputs("child;", file) < 0 ? 1 : 0; }).wait().code == 0);
  std::fputs("after;", file);
  std::fclose(file);
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  std::filesystem::remove(path);
  BOOST_TEST(text.str() == "before;child;after;");
}

BOOST_AUTO_TEST_CASE(waiting_for_a_child_can_end_early_and_be_repeated) {
  int gate[2];
  BOOST_REQUIRE(::pipe2(gate, O_CLOEXEC) == 0);
  auto child = spawn([&] {
    ::close(gate[1]);
    char end;
    return ::read(gate[0], &end, 1) == 0 ? 7 : 8;
  });
  BOOST_TEST(child.alive());
  BOOST_TEST((child.wait_for(5ms).error() == Errc::not_ready));
  pollfd handle{child.native_handle(), POLLIN, 0};
  BOOST_TEST(::poll(&handle, 1, 0) == 0);
  ::close(gate[1]);
  BOOST_TEST(::poll(&handle, 1, -1) == 1);
  BOOST_TEST(child.wait().code == 7);
  BOOST_TEST(child.wait().code == 7);
  BOOST_TEST(!child.alive());
  ::close(gate[0]);
}

BOOST_AUTO_TEST_CASE(a_child_is_reaped_by_its_destructor_though_it_ignores_being_asked) {
  pid_t pid = 0;
  {
    auto stubborn = spawn([] {
      ::signal(SIGTERM, SIG_IGN);
      while (true) ::pause();
    });
    pid = stubborn.pid();
  }
  BOOST_TEST((::kill(pid, 0) == -1 && errno == ESRCH));
}

BOOST_AUTO_TEST_CASE(a_child_that_goes_when_asked_is_asked_before_it_is_killed) {
  auto patient = spawn([] {
    while (true) ::pause();
  });
  patient.kill();
  BOOST_TEST(patient.wait().signal == SIGTERM);
  patient.kill(SIGKILL);  // there is nobody left to hit
  BOOST_TEST(patient.wait().signal == SIGTERM);
}

BOOST_AUTO_TEST_CASE(a_child_can_be_moved_and_its_end_is_known_to_the_new_owner) {
  auto first = spawn([] { return 5; });
  const pid_t pid = first.pid();
  auto second = std::move(first);
  BOOST_TEST(second.pid() == pid);
  BOOST_TEST((second.id() == ProcessId(pid)));
  BOOST_TEST(!first.alive());
  BOOST_TEST(second.wait().code == 5);
  second = spawn([] { return 6; });
  BOOST_TEST(second.wait().code == 6);
}

BOOST_AUTO_TEST_CASE(who_cannot_attach_ends_with_1_and_spawn_does_not_wait_for_it) {
  using Line = Channel<transport::pipe, serializer::trivially_copyable, routing::addressed_to_me>;
  auto link = Line::open();
  auto parent = link.parent();
  auto first = spawn(link, [](Line& inbox) { return inbox.receive().error() == Errc::closed ? 0 : 2; });
  auto second = spawn(link, [](Line&) { return 3; });
  BOOST_TEST(second.wait().code == 1);
  parent.close().value();
  BOOST_TEST(first.wait().code == 0);
}

BOOST_AUTO_TEST_CASE(a_child_object_is_inert_in_a_process_that_did_not_make_it) {
  auto child = spawn([] { ::pause(); });
  auto other = spawn([&] {
    child.kill(SIGKILL);
    return child.wait_for(0s).error() == Errc::stale ? 0 : 1;
  });
  BOOST_TEST(other.wait().code == 0);
  BOOST_TEST(child.alive());
  child.kill(SIGKILL);
  BOOST_TEST(child.wait().signal == SIGKILL);
}

BOOST_AUTO_TEST_CASE(who_ended_and_was_reaped_by_somebody_else_ended_with_255) {
  auto other = spawn([] {
    ::signal(SIGCHLD, SIG_IGN);  // the kernel reaps
    auto child = spawn([] { ::pause(); });
    if (child.wait_for(5ms).error() != Errc::not_ready) return 1;
    child.kill(SIGKILL);
    const auto status = child.wait_for(20s);
    return status && status->code == 255 && status->signal == 0 && !status->ok() ? 0 : 2;
  });
  BOOST_TEST(other.wait().code == 0);
}

BOOST_AUTO_TEST_CASE(a_childs_attachment_is_told_though_others_inherit_what_tells_it) {
  int gate[2];
  BOOST_REQUIRE(::pipe2(gate, O_CLOEXEC) == 0);
  auto child = Spawner::fork([&](auto attached) {
                 ::close(gate[1]);
                 if (::_Fork() == 0) {  // not ours: it closes nothing that is not for it
                   char end;
                   ::_exit(static_cast<int>(::read(gate[0], &end, 1)));
                 }
                 attached();
                 char end;
                 return ::read(gate[0], &end, 1) == 0 ? 7 : 8;
               }).ready();
  BOOST_TEST(child.alive());
  ::close(gate[0]);
  ::close(gate[1]);
  BOOST_TEST(child.wait().code == 7);
}
