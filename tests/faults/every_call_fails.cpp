// The k-th system call of each operation fails, for every k: that is a clean error or goes unnoticed, nothing is leaked
// or lost, and the channel can be used afterwards.
//   every_call_fails [OPERATION]
#include <dirent.h>

#include <faults/failing_calls.hpp>
#include <fstream>
#include <iostream>
#include <mulproc/channel.hpp>
#include <mulproc/crew.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/routing/everything.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/message_queue.hpp>
#include <mulproc/transport/pipe.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <mulproc/transport/shm_lanes.hpp>

using namespace mulproc;
using namespace mulproc::tests;
using namespace std::chrono_literals;

namespace {
/// All there is, where a transport shows it.
template <class T>
using Routing = std::conditional_t<T::promises.addressed, routing::addressed_to_me, routing::everything>;

const std::string name = "mulproc-faults-" + std::to_string(::getpid());
using Large = std::array<char, 5000>;

[[noreturn]] void fail(const std::string& what) {
  std::cerr << "    " << what << '\n';
  ::_exit(1);
}
void require(bool ok, const std::string& what) {
  if (!ok) fail(what);
}

/// What a process may leave behind.
struct Belongings {
  std::size_t descriptors, mappings, files;
  static std::size_t count(const std::string& folder, const std::string& word) {
    std::size_t found = 0;
    DIR* open = ::opendir(folder.c_str());
    require(open != nullptr, "cannot look into " + folder);
    while (const dirent* entry = ::readdir(open)) found += std::string_view(entry->d_name).find(word) != std::string_view::npos ? 1 : 0;
    ::closedir(open);
    return found;
  }
  static Belongings now() {
    Belongings have{count("/proc/self/fd", ""), 0, count("/dev/shm", name) + count("/dev/shm", "queue-" + std::to_string(::getpid()) + "-")};
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) have.mappings += line.find("mulproc") != line.npos && line.find("rw-s") != line.npos ? 1 : 0;
    return have;
  }
  std::string beyond(const Belongings& before) const {
    std::string more;
    const auto say = [&more](std::size_t now, std::size_t then, const char* what) {
      if (now > then) more += std::to_string(now - then) + ' ' + what + "; ";
    };
    say(descriptors, before.descriptors, "descriptors");
    say(mappings, before.mappings, "mappings");
    say(files, before.files, "files");
    return more;
  }
};

template <class T>
struct Scene {
  using Post = Channel<T, serializer::trivially_copyable, Routing<T>>;
  std::optional<typename Post::Link> link, other;
  std::optional<Post> parent, child;
  std::optional<typename Post::Message> held;
  std::optional<Child> process;
  std::optional<Crew> crew;
  bool small_sent = false, large_sent = false, sent_before = false, done = false;

  static typename Post::Link open(bool named) {
    typename T::Options options{.capacity = 4, .max_body_bytes = sizeof(Large)};
    if constexpr (NamedTransport<T>) {
      options.max_participants = 4;
      if (named) options.name = name;
    }
    return Post::open(options);
  }
  void both_ends() {
    if (!link) link.emplace(open(false));
    if (!parent) parent.emplace(link->parent());
    if (!child) child.emplace(link->child());
  }
  void one_is_sent() {
    both_ends();
    parent->send({.recipient = ::gettid()}, 1).value();
    sent_before = true;
  }
  void one_is_held() {
    one_is_sent();
    held.emplace(child->receive().value());
  }
};

/// An error that is none of ours, and none of the system's.
void clean(const std::error_code& error) {
  require(error.category() == std::system_category() || error == Errc::not_ready, "answers \"" + error.message() + "\" to a failing system call");
}
template <class R>
bool clean_or_good(const R& result) {
  if (!result) clean(result.error());
  return bool(result);
}

template <class T>
struct Operation {
  const char* what;
  std::function<void(Scene<T>&)> before, during;
};

template <class T>
std::vector<Operation<T>> operations() {
  using S = Scene<T>;
  std::vector<Operation<T>> all{
      {"open", [](S&) {}, [](S& s) { s.link.emplace(S::open(false)); }},
      {"parent's endpoint", [](S& s) { s.link.emplace(S::open(false)); }, [](S& s) { s.parent.emplace(s.link->parent()); }},
      {"child's endpoint", [](S& s) { s.link.emplace(S::open(false)), s.parent.emplace(s.link->parent()); }, [](S& s) { s.child.emplace(s.link->child()); }},
      {"send", [](S& s) { s.both_ends(); }, [](S& s) { s.small_sent = clean_or_good(s.parent->send({.recipient = ::gettid()}, 7)); }},
      {"send, large", [](S& s) { s.both_ends(); }, [](S& s) { s.large_sent = clean_or_good(s.parent->send({.recipient = ::gettid()}, Large{})); }},
      {"receive", [](S& s) { s.one_is_sent(); },
       [](S& s) {
         if (auto message = s.child->receive_for(1s); clean_or_good(message)) s.held.emplace(*std::move(message));
       }},
      {"receive, nothing there", [](S& s) { s.both_ends(); }, [](S& s) { clean_or_good(s.child->receive_for(2ms)); }},
      {"done", [](S& s) { s.one_is_held(); }, [](S& s) { s.done = clean_or_good(s.held->done()); }},
      {"give back", [](S& s) { s.one_is_held(); }, [](S& s) { clean_or_good(s.held->give_back()); }},
      {"close", [](S& s) { s.both_ends(); }, [](S& s) { clean_or_good(s.child->close()); }},
      {"leave", [](S& s) { s.both_ends(); }, [](S& s) { s.child.reset(); }},
      {"spawn", [](S& s) { s.link.emplace(S::open(false)); }, [](S& s) { s.process.emplace(spawn(*s.link, [](auto&) {})); }},
      {"crew", [](S& s) { s.link.emplace(S::open(false)); }, [](S& s) { s.crew.emplace(*s.link, Crew::Options{.size = T::promises.many_to_many ? 2u : 1u}, [](auto&) {}); }},
  };
  if constexpr (!T::promises.addressed)  // else its message would wait for who never comes
    all.push_back({"send to one", [](S& s) { s.both_ends(); }, [](S& s) { s.small_sent = clean_or_good(s.parent->send({.recipient = ::getppid()}, 7)); }});
  if constexpr (Joinable<T>) all.push_back({"join", [](S& s) { s.one_is_held(); }, [](S& s) { clean_or_good(s.parent->join_for(2ms)); }});
  if constexpr (NamedTransport<T>) {
    all.push_back({"open, named", [](S&) {}, [](S& s) { s.link.emplace(S::open(true)); }});
    all.push_back({"attach", [](S& s) { s.link.emplace(S::open(true)); }, [](S& s) { s.other.emplace(S::Post::attach(name)); }});
  }
  return all;
}

/// In the child: everything, and what must hold afterwards.
template <class T>
void play(const Operation<T>& operation) {
  ::alarm(20);
  const auto before = Belongings::now();
  {
    Scene<T> scene;
    operation.before(scene);
    breakpoint();
    try {
      operation.during(scene);
      breakpoint();
    } catch (const std::bad_alloc&) {
      breakpoint();
    } catch (const std::system_error& error) {
      breakpoint();
      clean(error.code());
    } catch (const std::exception& error) {
      breakpoint();
      fail(std::string("throws ") + error.what());
    }
    if (scene.process) require(scene.process->wait().ok(), "the spawned child did not end well");
    const std::string_view what = operation.what;
    // A pipe's end is gone for good; and a child that cannot be watched is killed, inside the queue's lock perhaps.
    const bool ended = what == "close" || (what == "leave" && !T::promises.many_to_many) || ((what == "spawn" || what == "crew") && !T::promises.survives_kill);
    scene.crew.reset();
    if (!ended) scene.both_ends();
    if (scene.held && !scene.done) (void)scene.held->give_back();
    if (!ended) {
      std::size_t expected = (scene.small_sent || scene.large_sent || (scene.sent_before && !scene.done)) ? 1 : 0;
      for (; expected > 0; --expected) require(bool(scene.child->receive_for(1s)), "a message is lost");
      scene.held.reset();
      require(!scene.child->try_receive(), "a message came from nowhere");
      if constexpr (Joinable<T>) require(scene.parent->unfinished() == 0, "something stays unfinished");
      require(scene.child->dead_letters().empty(), "something became a dead letter");
      scene.parent->send({.recipient = ::gettid()}, 99).value();
      require(scene.child->receive_for(1s).value().template body<int>().value() == 99, "the channel is of no use any more");
    }
  }
  if (const auto more = Belongings::now().beyond(before); !more.empty()) fail("leaves behind: " + more);
  if (::waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD) fail("leaves a child process behind");
  ::_exit(0);
}

const std::pair<int, const char*> errors[] = {{EINTR, "EINTR"}, {ENOSPC, "ENOSPC"}, {EMFILE, "EMFILE"}, {ENOMEM, "ENOMEM"}, {EAGAIN, "EAGAIN"}};

struct Sum {
  int operations = 0, calls = 0, failures = 0;
};

template <class T>
void let_fail(std::string_view only, Sum& sum) {
  for (const auto& operation : operations<T>()) {
    if (!only.empty() && only != operation.what) continue;
    int calls = 0, failures = 0;
    for (const auto& [error, word] : errors) {
      for (int k = 1;; ++k, ++calls) {
        const Fault fault = run_with_fault([&] { play<T>(operation); }, k, error);
        const bool good = WIFEXITED(fault.status) && WEXITSTATUS(fault.status) == 0;
        if (!good) {
          ++failures;
          std::cout << "  " << T::name << ", " << operation.what << ": system call number " << fault.call << " (the " << k << ". of them) fails with " << word
                    << ", and then the process " << (WIFSIGNALED(fault.status) ? "dies of signal " + std::to_string(WTERMSIG(fault.status)) : std::string("complains")) << std::endl;
        }
        if (fault.call < 0) break;
      }
    }
    std::printf("%-14s %-24s %5d %8d\n", std::string(T::name).c_str(), operation.what, calls, failures);
    std::fflush(stdout);
    sum.calls += calls;
    sum.failures += failures;
    ++sum.operations;
  }
}
}  // namespace

int main(int count, char** arguments) {
  const std::string_view only = count > 1 ? arguments[1] : "";
  Sum sum;
  std::printf("%-14s %-24s %5s %8s\n", "transport", "operation", "calls", "failures");
  let_fail<transport::pipe>(only, sum);
  let_fail<transport::shm_deque>(only, sum);
  let_fail<transport::shm_lanes>(only, sum);
  let_fail<transport::message_queue>(only, sum);
  std::cout << sum.operations << " operations, " << sum.calls << " failing system calls, " << sum.failures << " failures\n";
  return sum.failures == 0 && sum.calls > 0 ? 0 : 1;
}
