// T13: open a channel, kill -9 everybody who has it, open it again; over and over, over each transport, with a name and
// without. In the end no file, descriptor or process of theirs is left.
//
//   leftovers [--times N] [--seed N] [--table FILE]
#include <fcntl.h>
#include <sys/prctl.h>

#include <filesystem>
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/message_queue.hpp>
#include <mulproc/transport/pipe.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <set>

#include "arguments.hpp"

namespace mulproc::tests {

const std::string name = "leftovers-" + std::to_string(::getpid());

std::size_t open_descriptors() {
  const auto all = std::filesystem::directory_iterator("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

template <class C>
typename C::Options options(bool named) {
  typename C::Options asked;
  if constexpr (requires { asked.max_body_bytes; }) asked.max_body_bytes = 256;
  if constexpr (requires { asked.name; }) {
    if (named) asked.name = name;
  }
  return asked;
}

/// A process group of its own: who opens the channel and who joins, busy with it until they are killed.
template <class C>
int everybody(bool named, int told) {
  ::setpgid(0, 0);
  auto link = C::open(options<C>(named));
  auto parent = link.parent();
  std::vector<Child> crew;
  for (std::size_t i = 0; i < (C::promises.many_to_many ? 3 : 1); ++i) {
    crew.push_back(spawn(link, [](C& inbox) {
      while (auto message = inbox.receive()) (void)inbox.reply(*message, "ANSWER");
    }));
  }
  if (::write(told, "r", 1) != 1) return 1;
  for (int i = 0;; ++i) {
    parent.send({}, i).value();
    parent.receive().value();
  }
}

template <class T>
class Case {
 public:
  using C = Channel<T, serializer::trivially_copyable, routing::addressed_to_me>;

  Case(const Arguments& asked, bool named) : named_(named), random_(asked["--seed"]) {
    const auto before = open_descriptors();
    for (const auto& entry : std::filesystem::directory_iterator("/dev/shm")) files_before_.insert(entry.path().filename().string());
    for (std::size_t i = 0; i < asked["--times"]; ++i) kill_everybody(i % 2 == 0 ? Moment::once_ready : Moment::any);
    (void)C::open(options<C>(named));  // until the next open there may be a file: a name's, or of who was killed in open
    descriptors_ = open_descriptors() - before;
    files_ = files().size();
  }
  bool clean() const { return failures_ + files_ + descriptors_ + processes_ == 0; }
  std::string row() const {
    return "  " + std::string(T::name) + (named_ ? ", named: " : ", anonymous: ") + std::to_string(files_) + " files, " + std::to_string(descriptors_) +
           " descriptors, " + std::to_string(processes_) + " processes, " + std::to_string(failures_) + " failed to open";
  }

 private:
  enum class Moment { once_ready, any };  // any: while the channel is opened, too

  void kill_everybody(Moment moment) {
    int ready[2];
    if (::pipe2(ready, O_CLOEXEC) != 0) throw std::system_error(errno, std::system_category(), "pipe2");
    Child opener = spawn([&] { return everybody<C>(named_, ready[1]); });
    const pid_t group = opener.pid();
    ::setpgid(group, group);  // whoever of us is first
    openers_.insert(group);
    ::close(ready[1]);
    if (moment == Moment::once_ready) {
      char r = 0;
      if (::read(ready[0], &r, 1) != 1) ++failures_;
    }
    ::usleep(static_cast<useconds_t>(random_() % (moment == Moment::any ? 4'000 : 500)));
    ::kill(-group, SIGKILL);
    opener.wait();
    while (::waitpid(-group, nullptr, 0) > 0) {  // orphans come to us
    }
    if (::kill(-group, 0) == 0) ++processes_;
    ::close(ready[0]);
  }
  std::set<std::string> files() const {
    std::set<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator("/dev/shm")) {
      const auto file = entry.path().filename().string();
      bool is_ours = named_ && file.find(name) != file.npos;
      for (const pid_t pid : openers_) is_ours = is_ours || file.starts_with("mulproc.queue-" + std::to_string(pid) + '-');
      if (is_ours && !files_before_.contains(file)) found.insert(file);
    }
    return found;
  }

  const bool named_;
  std::mt19937_64 random_;
  std::set<pid_t> openers_;
  std::set<std::string> files_before_;  // others', or of others who had the same pids
  std::size_t failures_ = 0, files_ = 0, descriptors_ = 0, processes_ = 0;
};

template <class T>
void try_out(const Arguments& asked, std::string& table, bool& clean) {
  for (const bool named : {false, true}) {
    if (named && !NamedTransport<T>) continue;
    ::alarm(static_cast<unsigned>(60 + asked["--times"] / 4));
    const Case<T> one(asked, named);
    table += '\n' + one.row();
    clean = clean && one.clean();
    asked.progress(one.row());
  }
}

int main(int argc, char** argv) {
  const Arguments asked(argc, argv, {{"--times", 100}, {"--seed", 1}});
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) throw std::system_error(errno, std::system_category(), "prctl");
  std::string table = "opened, everybody killed, opened again, " + std::to_string(asked["--times"]) + " times; left behind:";
  bool clean = true;
  try_out<transport::shm_deque>(asked, table, clean);
  try_out<transport::message_queue>(asked, table, clean);
  try_out<transport::pipe>(asked, table, clean);
  asked.say(table);
  return clean ? 0 : 1;
}

}  // namespace mulproc::tests

int main(int argc, char** argv) { return mulproc::tests::main(argc, argv); }
