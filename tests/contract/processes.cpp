// CONTRACT.md's sentences about processes that no transport's suite holds: what a child object, a crew, a segment and a
// link do.
#define BOOST_TEST_MODULE contract
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <mulproc/channel.hpp>
#include <mulproc/crew.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <support/watchdog.hpp>

using namespace mulproc;
using namespace std::chrono_literals;

namespace {

tests::Watchdog watchdog(60s);

using Jobs = Channel<transport::shm_deque, serializer::trivially_copyable, routing::addressed_to_me>;

/// shm_deque, except that a child's endpoint is there only once `all` processes ask for one.
struct all_together {
  static constexpr std::string_view name = "all_together";
  static constexpr Promises promises = transport::shm_deque::promises;
  using Options = transport::shm_deque::Options;
  using Endpoint = transport::shm_deque::Endpoint;
  class Link {
   public:
    explicit Link(Options options) : link_(transport::shm_deque::open(std::move(options))) {}
    Endpoint parent() { return link_.parent(); }
    Endpoint child() {
      ++waiting;
      while (waiting < all) ::sched_yield();
      return link_.child();
    }

   private:
    transport::shm_deque::Link link_;
  };
  static Link open(Options options) { return Link(std::move(options)); }
  static inline int all = 3;
  static inline std::atomic<int>& waiting = *new (
      ::mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) std::atomic<int>(0);
};

}  // namespace

BOOST_AUTO_TEST_CASE(whose_a_thing_is_is_asked_without_a_system_call) {
  const Owner made_before;
  auto forked = spawn([&] {
    const Owner mine;
    if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
      return 2;  // from here on any system call but read, write and exit kills
    int wrong = 0;
    for (int time = 0; time < 100; ++time) wrong += !mine.check() || made_before.check().error() != Errc::stale;
    ::syscall(SYS_exit, wrong == 0 ? 0 : 3);
    return 4;
  });
  BOOST_CHECK(forked.wait().code == 0);
}

BOOST_AUTO_TEST_CASE(a_crew_is_inert_in_a_forked_process) {
  auto link = Jobs::open();
  auto parent = link.parent();
  Crew crew(link, {.size = 1, .restarts = 1}, [](Jobs& inbox) {
    while (auto message = inbox.receive()) {
      if (message->request() == request::DIE) return 7;
    }
    return 8;
  });
  auto forked = spawn([&] {
    if (crew.tend() != 0) return 2;
    if (crew.receive(parent).error() != Errc::stale) return 3;
    if (!crew.dismiss(parent, 0ms).empty()) return 4;
    { auto destroyed = std::move(crew); }
    return 0;
  });
  BOOST_CHECK(forked.wait().code == 0);
  BOOST_CHECK(crew[0].alive());
  BOOST_CHECK(crew.dismiss(parent, 20s).at(0).code == 7);
}

BOOST_AUTO_TEST_CASE(a_crew_forks_all_and_then_waits_for_all) {
  auto link = Channel<all_together, serializer::trivially_copyable, routing::addressed_to_me>::open();
  auto parent = link.parent();
  Crew crew(link, {.size = 3}, [](auto&) {});
  for (Child& child : crew) BOOST_CHECK(child.wait().ok());
}

BOOST_AUTO_TEST_CASE(a_childs_destructor_waits_asks_waits_kills_and_reaps) {
  int heard[2];
  BOOST_REQUIRE(::pipe2(heard, O_CLOEXEC) == 0);
  const auto begin = std::chrono::steady_clock::now();
  pid_t pid = 0;
  {
    auto stubborn = spawn([&] {
      sigset_t asked;
      ::sigemptyset(&asked);
      ::sigaddset(&asked, SIGTERM);
      ::sigprocmask(SIG_BLOCK, &asked, nullptr);
      for (int signal = 0; ::sigwait(&asked, &signal) == 0;) {
        const auto when = std::chrono::steady_clock::now();
        if (::write(heard[1], &when, sizeof when) != sizeof when) return;
      }
    });
    pid = stubborn.pid();
  }
  const auto end = std::chrono::steady_clock::now();
  ::close(heard[1]);
  std::chrono::steady_clock::time_point asked{};
  BOOST_REQUIRE(::read(heard[0], &asked, sizeof asked) == sizeof asked);
  BOOST_CHECK(asked - begin >= 1s);
  BOOST_CHECK(end - begin >= 2s);
  BOOST_CHECK(::read(heard[0], &asked, sizeof asked) == 0);  // asked once; and dead
  BOOST_CHECK(::kill(pid, 0) == -1 && errno == ESRCH);       // and reaped
  ::close(heard[0]);
}

BOOST_AUTO_TEST_CASE(anonymous_memory_is_sealed_against_resizing) {
  const auto link = Jobs::open();
  int found = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry.path(), gone).string().find("memfd:mulproc") == std::string::npos) continue;
    const int fd = std::stoi(entry.path().filename().string());
    ++found;
    BOOST_CHECK((::fcntl(fd, F_GET_SEALS) & (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) ==
                (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
    BOOST_CHECK(::ftruncate(fd, 4096) == -1 && errno == EPERM);
  }
  BOOST_CHECK(found > 0);
}

BOOST_AUTO_TEST_CASE(a_link_that_was_released_makes_no_end) {
  auto link = Jobs::open();
  link.release();
  BOOST_CHECK_THROW((void)link.parent(), std::system_error);
  BOOST_CHECK_THROW((void)link.child(), std::system_error);
}

// ---- memory that cannot be had ----

namespace {
bool no_memory = false;
}

/// Stands in for the C library's, so that memory can be refused.
extern "C" int fallocate(int fd, int mode, off_t offset, off_t bytes) {
  if (no_memory) return errno = ENOSPC, -1;
  return static_cast<int>(::syscall(SYS_fallocate, fd, mode, offset, bytes));
}

BOOST_AUTO_TEST_CASE(memory_that_cannot_be_had_is_that_sends_error_and_changes_nothing) {
  struct Large {
    char bytes[5000];
  };
  auto link = Jobs::open({.capacity = 2});
  auto parent = link.parent();
  auto child = link.child();
  no_memory = true;
  BOOST_CHECK(parent.try_send({.recipient = child.id()}, 1).error() == std::errc::no_space_on_device);  // no slot
  no_memory = false;
  parent.try_send({.recipient = child.id()}, 1).value();
  child.receive_for(20s).value().done().value();
  no_memory = true;
  const auto refused = parent.try_send({.recipient = child.id()}, Large{});
  BOOST_CHECK(refused.error() == std::errc::no_space_on_device && refused.error().category() == std::system_category());
  BOOST_CHECK(parent.unfinished() == 0u);
  no_memory = false;
  for (int time = 0; time < 2; ++time) BOOST_CHECK(parent.try_send({.recipient = child.id()}, Large{}));
  BOOST_CHECK(child.receive_for(20s).value().sequence() == 2u);
  no_memory = true;
  BOOST_CHECK_THROW((void)Jobs::open(), std::system_error);
  no_memory = false;
}
