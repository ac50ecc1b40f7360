// Any bytes in a named segment, its lock pages apart: to attach and to take part in it gives values and errors, never a
// crash or a hang. The first byte says which transport, and whether the bytes are the file's or written over a good one.
#include <fcntl.h>
#include <sys/file.h>

#include <fuzz/fuzz.hpp>
#include <mulproc/channel.hpp>
#include <mulproc/routing/everything.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/message_queue.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <cstring>

using namespace mulproc;

namespace {
constexpr std::size_t capacity = 2, max_body_bytes = 600, max_participants = 4, page = 4096;
const std::string name = "mulproc-fuzz-" + std::to_string(::getpid());
enum Form : std::uint8_t { patches, beginning, whole_file, forms };

/// A patch: where, in units of four bytes; and what.
struct Patch {
  std::uint16_t at;
  std::uint8_t how;
  std::uint8_t value;
};

/// The file that a name leads to, as its peer may write to it.
class File {
 public:
  explicit File(int flags = 0) : fd_(::open(("/dev/shm/" + shared_memory::Segment::file_name(name)).c_str(), O_RDWR | O_CLOEXEC | flags, 0600)) {
    fuzz::require(fd_ >= 0, "the segment's file can be opened");
  }
  ~File() { ::close(fd_); }
  void overwrite(std::span<const std::uint8_t> bytes, std::size_t at) const {
    fuzz::require(::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(at)) == static_cast<ssize_t>(bytes.size()), "the file can be written");
  }
  std::uint32_t word(std::size_t at) const {
    std::uint32_t word = 0;
    (void)!::pread(fd_, &word, sizeof word, static_cast<off_t>(at));
    return word;
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

/// The parts of the segment that are data.
struct Part {
  std::size_t begin, end;
};

template <class T>
void take_part() {
  using Post = Channel<T, serializer::trivially_copyable, routing::everything>;
  try {
    auto link = Post::attach(name);
    auto child = link.child();
    for (int i = 0; i < 2; ++i) {
      (void)child.try_send({}, i);
      (void)child.try_send({}, std::array<char, 500>{});
    }
    (void)child.unfinished();
    (void)child.empty();
    if (auto message = child.try_receive()) (void)message->template body<int>();
    if (auto message = child.try_receive([](const auto& seen) { return seen.bytes().size() > 4; })) (void)message->give_back();
    for (const auto& letter : child.dead_letters()) (void)letter.template body<int>();
    (void)child.join_for(std::chrono::milliseconds(0));
    (void)child.receive_for(std::chrono::milliseconds(0));
    (void)child.close();
  } catch (const std::system_error&) {
  }
}

template <class T>
void attack(Form form, std::span<const std::uint8_t> bytes, std::span<const Part> parts) {
  using Post = Channel<T, serializer::trivially_copyable, routing::everything>;
  auto link = Post::open({.capacity = capacity, .max_body_bytes = max_body_bytes, .name = name, .max_participants = max_participants});
  auto parent = link.parent();
  for (int i = 0; i < 2; ++i) parent.send({}, i).value();
  const auto held = parent.receive();
  {
    const File file;
    if (form == beginning) {
      file.overwrite(bytes.first(std::min(bytes.size(), parts[0].end)), 0);
    } else {
      for (; bytes.size() >= sizeof(Patch); bytes = bytes.subspan(sizeof(Patch))) {
        Patch patch;
        std::memcpy(&patch, bytes.data(), sizeof patch);
        std::size_t at = std::size_t{4} * patch.at;
        for (const Part& part : parts) {
          if (at >= part.end - part.begin) {
            at -= std::min(at, part.end - part.begin);
            continue;
          }
          const std::uint32_t old = file.word(part.begin + at);
          const std::uint32_t words[] = {old ^ (1u << patch.value % 32), patch.value, ~std::uint32_t{patch.value}, old + patch.value, old - patch.value, patch.value * 0x01010101u};
          const auto& word = words[patch.how % std::size(words)];
          file.overwrite(std::span(reinterpret_cast<const std::uint8_t*>(&word), sizeof word), part.begin + at);
          break;
        }
      }
    }
  }
  take_part<T>();
  (void)parent.try_send({}, 1);
  (void)parent.try_receive();
}

/// A live stranger's file under our name.
template <class T>
void attack_with_file(std::span<const std::uint8_t> bytes) {
  const File file(O_CREAT);
  (void)::flock(file.get(), LOCK_SH);
  file.overwrite(bytes, 0);
  (void)!::ftruncate(file.get(), static_cast<off_t>(bytes.size() <= 900 ? bytes.size() : page * (bytes.size() - 900)));
  take_part<T>();
  ::unlink(("/dev/shm/" + shared_memory::Segment::file_name(name)).c_str());
}
}  // namespace

std::vector<fuzz::Input> fuzz::seeds() {
  std::vector<Input> all;
  for (std::uint8_t transport = 0; transport < 2; ++transport) {
    for (std::uint8_t form = 0; form < forms; ++form) {
      Input input{static_cast<std::uint8_t>(2 * form + transport)};
      all.push_back(input);
      for (std::uint8_t i = 0; i < 60; ++i) input.push_back(static_cast<std::uint8_t>(i * 37));
      all.push_back(input);
    }
    for (std::uint8_t word = 0; word < 64; ++word) all.push_back({transport, word, 0, static_cast<std::uint8_t>(word % 6), static_cast<std::uint8_t>(word * 5)});
  }
  return all;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const fuzz::CpuTime time;
  const auto bytes = std::span(data + 1, size - 1);
  const auto form = static_cast<Form>(data[0] / 2 % forms);
  if (data[0] % 2 == 0) {
    const shared_memory::DequeLayout layout(capacity, max_body_bytes, max_participants);
    const Part parts[] = {{0, layout.locks}, {layout.slots, layout.slots + capacity * 4 * sizeof(shared_memory::Slot)}};
    if (form == whole_file) {
      attack_with_file<transport::shm_deque>(bytes);
    } else {
      attack<transport::shm_deque>(form, bytes, parts);
    }
  } else {
    // Boost's own file is trusted as lock pages are: its mutex and its pointers lie among its data.
    const Part parts[] = {{0, 2 * page}};
    if (form == whole_file) {
      attack_with_file<transport::message_queue>(bytes);
    } else {
      attack<transport::message_queue>(form, bytes, parts);
    }
  }
  return 0;
}
