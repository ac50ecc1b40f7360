// Who may come to a channel by its name, and what happens when there is no memory to be had.
#define BOOST_TEST_MODULE security
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/routing/everything.hpp>
#include <mulproc/routing/only_to_me.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/message_queue.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <mulproc/transport/shm_lanes.hpp>

using namespace mulproc;
namespace fs = std::filesystem;

namespace {
/// All there is, where a transport shows it.
template <class T>
using Routing = std::conditional_t<T::promises.addressed, routing::addressed_to_me, routing::everything>;

template <class T>
using Over = Channel<T, serializer::trivially_copyable, Routing<T>>;
using Named = boost::mpl::list<transport::shm_deque, transport::shm_lanes, transport::message_queue>;
using Sparse = boost::mpl::list<transport::shm_deque, transport::shm_lanes>;  // who asks the kernel for memory as it goes

const std::string name = "mulproc-security-" + std::to_string(::getpid());
const fs::path file = "/dev/shm/" + shared_memory::Segment::file_name(name);

template <class T>
auto open_it(std::size_t max_body_bytes = 1000) {
  return Over<T>::open({.capacity = 4, .max_body_bytes = max_body_bytes, .name = name, .max_participants = 8});
}
template <class F>
std::error_code error_of(F f) {
  try {
    (void)f();
  } catch (const std::system_error& error) {
    return error.code();
  }
  return {};
}
const auto refused = [](int number) { return system_error_code(number); };

/// Runs f in a process that may become somebody else; 77 means that this machine does not let it.
constexpr int not_here = 77;
template <class F>
void elsewhere(F f) {
  auto child = spawn([&] { return f(); });
  const int code = child.wait().code;
  if (code == not_here) {
    BOOST_TEST_MESSAGE("SKIPPED: this machine does not let us become another user, or mount a file system");
    return;
  }
  BOOST_TEST(code == 0, "check number " << code << " failed there");
}
bool become_nobody() { return ::setgroups(0, nullptr) == 0 && ::setgid(65534) == 0 && ::setuid(65534) == 0; }

/// A /dev/shm of our own, with so much room.
bool small_shared_memory(std::size_t bytes) {
  const auto own_namespace = [] {
    if (::unshare(CLONE_NEWNS) == 0) return true;
    const auto user = std::to_string(::geteuid());
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream map("/proc/self/uid_map");
    return bool(map << user << ' ' << user << " 1" << std::flush);
  };
  return own_namespace() && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tmpfs", "/dev/shm", "tmpfs", 0, ("size=" + std::to_string(bytes)).c_str()) == 0;
}
std::size_t files_there() {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator("/dev/shm"), fs::directory_iterator()));
}
}  // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(another_users_process_can_neither_attach_nor_read, T, Named) {
  auto link = open_it<T>();
  for (const auto& entry : fs::directory_iterator("/dev/shm")) {
    if (entry.path().string().find(name) == std::string::npos) continue;
    BOOST_TEST((fs::status(entry).permissions() == (fs::perms::owner_read | fs::perms::owner_write)), entry.path());
  }
  elsewhere([] {
    if (!become_nobody()) return not_here;
    if (error_of([] { return Over<T>::attach(name); }) != Errc::stale) return 1;  // his own names only
    return ::open(file.c_str(), O_RDONLY) < 0 && errno == EACCES ? 0 : 2;
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_name_that_another_user_took_first_is_refused_and_left_alone, T, Named) {
  elsewhere([] {
    if (!become_nobody()) return not_here;
    std::ofstream(file) << "a trap";
    fs::permissions(file, fs::perms::all);
    return 0;
  });
  if (!fs::exists(file)) return;
  BOOST_TEST((error_of([] { return open_it<T>(); }) == refused(EPERM)));
  BOOST_TEST((error_of([] { return Over<T>::attach(name); }) == refused(EPERM)));
  BOOST_TEST(fs::file_size(file) == 6u);
  fs::remove(file);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_name_that_is_a_link_a_folder_or_a_pipe_is_refused_and_not_followed, T, Named) {
  const fs::path precious = fs::temp_directory_path() / name;
  std::ofstream(precious) << "precious";
  const auto is_refused = [] {
    const auto attached = error_of([] { return Over<T>::attach(name); });
    BOOST_REQUIRE_MESSAGE((attached && attached.category() == std::system_category()), attached.message());
    const auto opened = error_of([] { return open_it<T>(); });
    BOOST_REQUIRE_MESSAGE((opened && opened.category() == std::system_category()), opened.message());
    BOOST_TEST(fs::exists(fs::symlink_status(file)));
    fs::remove(file);
  };
  fs::create_symlink(precious, file);
  is_refused();
  fs::create_symlink("/nowhere/at/all", file);
  is_refused();
  fs::create_directory(file);
  is_refused();
  BOOST_REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
  is_refused();
  BOOST_TEST(fs::file_size(precious) == 8u);
  fs::remove(precious);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_segment_of_another_size_version_or_kind_is_refused, T, Named) {
  for (const std::streamoff changed : {0, 1, 7, 8}) {  // magic; and for shm_deque the version
    auto link = open_it<T>();
    std::fstream(file, std::ios::in | std::ios::out | std::ios::binary).seekp(changed).put('\x7f');
    BOOST_TEST((error_of([] { return Over<T>::attach(name); }) == Errc::malformed), "byte " << changed);
  }
  for (const int more : {4096, -4096, 1, -1}) {
    auto link = open_it<T>();
    fs::resize_file(file, static_cast<std::uintmax_t>(static_cast<std::intmax_t>(fs::file_size(file)) + more));
    BOOST_TEST((error_of([] { return Over<T>::attach(name); }) == Errc::malformed), more << " bytes more");
  }
  auto link = open_it<T>();
  fs::resize_file(file, 0);
  BOOST_TEST((error_of([] { return Over<T>::attach(name); }) == Errc::malformed));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_name_is_not_taken_from_the_living, T, Named) {
  auto link = open_it<T>();
  BOOST_TEST((error_of([] { return open_it<T>(); }) == refused(EEXIST)));
  BOOST_TEST(!error_of([] { return Over<T>::attach(name); }));
}

BOOST_AUTO_TEST_CASE(a_channel_of_one_transport_is_none_of_another) {
  auto link = open_it<transport::shm_deque>();
  BOOST_TEST((error_of([] { return Over<transport::message_queue>::attach(name); }) == Errc::malformed));
}

BOOST_AUTO_TEST_CASE(an_anonymous_segment_can_be_neither_cut_nor_grown_nor_unsealed) {
  auto link = Over<transport::shm_deque>::open();
  bool found = false;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (fs::read_symlink(entry, gone).string().find("memfd:mulproc") == std::string::npos) continue;
    found = true;
    const int fd = std::stoi(entry.path().filename());
    BOOST_TEST(::fcntl(fd, F_GET_SEALS) == (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
    BOOST_TEST((::ftruncate(fd, 0) == -1 && errno == EPERM));
    BOOST_TEST((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  }
  BOOST_TEST(found);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_channel_whose_memory_runs_out_says_so_and_loses_nothing, T, Sparse) {
  elsewhere([] {
    if (!small_shared_memory(1 << 20)) return not_here;
    using Large = std::array<char, 200'000>;
    auto link = Over<T>::open({.capacity = 64, .max_body_bytes = sizeof(Large), .name = name, .max_participants = 8});
    auto parent = link.parent();
    auto child = link.child();
    int sent = 0;
    std::error_code error;
    while (sent < 64) {
      const auto answer = parent.send({.recipient = ::gettid()}, Large{static_cast<char>(sent)});
      if (!answer) error = answer.error();
      if (!answer) break;
      ++sent;
    }
    if (sent == 0 || error != refused(ENOSPC)) return 1;
    for (int i = 0; i < 3; ++i) {
      if (!parent.send({.recipient = ::gettid()}, i)) return 2;  // small ones need no more memory
    }
    for (int i = 0; i < sent; ++i) {
      const auto message = child.try_receive();
      if (!message || message->template body<Large>().value()[0] != i) return 3;
    }
    if (!parent.send({.recipient = ::gettid()}, Large{'x'})) return 4;  // memory that was let go of serves again
    for (int i = 0; i < 3; ++i) {
      if (child.try_receive().value().template body<int>().value() != i) return 5;
    }
    return child.try_receive().value().template body<Large>().value()[0] == 'x' && !child.try_receive() ? 0 : 6;
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_channel_that_does_not_fit_is_not_opened_and_leaves_nothing, T, Named) {
  elsewhere([] {
    if (!small_shared_memory(64 << 10)) return not_here;
    if (error_of([] { return Over<T>::open({.capacity = 64, .max_body_bytes = 4000, .name = name, .max_participants = 1000}); }) != refused(ENOSPC)) return 1;
    return files_there() == 0 ? 0 : 2;
  });
}

BOOST_AUTO_TEST_CASE(a_message_queue_that_fits_can_be_filled_to_its_last_byte) {
  elsewhere([] {
    if (!small_shared_memory(200 << 10)) return not_here;
    using Body = std::array<char, 8000>;
    auto link = open_it<transport::message_queue>(sizeof(Body));
    auto parent = link.parent();
    auto child = link.child();
    { std::ofstream rest("/dev/shm/rest"); rest << std::string(1 << 20, 'x'); }  // somebody takes what is left
    for (char i = 0; i < 4; ++i) {
      if (!parent.send({}, Body{i}) || !child.send({}, Body{i})) return 1;
    }
    return parent.unfinished() == 8 ? 0 : 2;
  });
}

BOOST_AUTO_TEST_CASE(an_address_space_that_is_too_small_is_an_error_and_leaves_nothing) {
  elsewhere([] {
    const rlimit little{512 << 20, 512 << 20};
    if (::setrlimit(RLIMIT_AS, &little) != 0) return not_here;
    const auto descriptors = [] { return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()); };
    const auto before = descriptors();
    if (error_of([] { return Over<transport::shm_deque>::open({.capacity = 1024, .max_body_bytes = 1 << 20}); }) != refused(ENOMEM)) return 1;
    return descriptors() == before ? 0 : 2;
  });
}

// Who unmaps a segment while he holds a life lock in it leaves the C library a pointer to nowhere.
BOOST_AUTO_TEST_CASE(an_endpoint_of_a_broken_channel_leaves_nothing_behind_in_the_c_library) {
  {
    auto link = open_it<transport::message_queue>();
    auto parent = link.parent();
    auto child = link.child();
    std::fstream(file, std::ios::in | std::ios::out | std::ios::binary).seekp(offsetof(shared_memory::BoostQueueHead, broken)).put(1);
    BOOST_TEST((parent.try_receive().error() == Errc::broken));
  }
  const robust_list_head* locks = nullptr;
  std::size_t size = 0;
  BOOST_REQUIRE(::syscall(SYS_get_robust_list, 0, &locks, &size) == 0);
  BOOST_TEST((locks->list.next == &locks->list), "a lock in unmapped memory is on the list of this thread's locks");
}

// A ring in a list of messages, and counts that promise what is not there: what is derived is derived anew.
BOOST_AUTO_TEST_CASE(what_a_peer_writes_over_lists_and_counts_of_a_shm_deque_heals) {
  using namespace shared_memory;
  auto link = open_it<transport::shm_deque>();
  auto parent = link.parent();
  auto child = link.child();
  const auto segment = Segment::attach(name);  // the peer's
  const auto layout = DequeLayout::of(*segment);
  auto& head = *reinterpret_cast<DequeHead*>(segment->address());
  auto* slots = reinterpret_cast<Slot*>(segment->address() + layout.slots);
  auto* lists = reinterpret_cast<ListEnds*>(segment->address() + layout.lists);
  using Mine = Channel<transport::shm_deque, serializer::trivially_copyable, routing::only_to_me>;
  auto choosy = Mine::attach(name).child();
  for (const int number : {2, 4}) parent.send({.recipient = ::getppid()}, number).value();
  const auto ring = [&](ListEnds ends, Links Slot::* links) { (slots[ends.first].*links).next = (slots[ends.last].*links).next = ends.first; };
  ring(head.in_order, &Slot::in_order);
  ring(lists[slots[head.in_order.first].list], &Slot::by_recipient);
  const auto none = choosy.receive_for(std::chrono::milliseconds(300));
  BOOST_TEST((none.error() == Errc::broken || none.error() == Errc::not_ready));
  BOOST_TEST(child.receive().value().body<int>().value() == 2);
  BOOST_TEST(child.receive().value().body<int>().value() == 4);
  head.live[0] = 1000;
  BOOST_TEST(bool(parent.send_for(std::chrono::seconds(20), {}, 6)));
  head.in_order = lists[DequeIndex::offered] = lists[DequeIndex::parents_offers] = {77, 77};
  head.first_free = 77;
  BOOST_TEST(child.receive_for(std::chrono::seconds(20)).value().body<int>().value() == 6);
  head.live[1] = 3;
  BOOST_TEST(bool(parent.join_for(std::chrono::seconds(20))));
}
