// Any bytes in a named segment, its lock pages apart: to attach and to take part in it gives values and errors, never a
// crash or a hang. The first byte says which transport, and whether the bytes are the file's or written over a good one.
#include <fcntl.h>
#include <sys/file.h>

#include <fuzz/fuzz.hpp>
#include <mulproc/channel.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/routing/everything.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/message_queue.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <mulproc/transport/shm_lanes.hpp>
#include <cstring>

using namespace mulproc;

namespace {
/// All there is, where a transport shows it.
template <class T>
using Routing = std::conditional_t<T::promises.addressed, routing::addressed_to_me, routing::everything>;

constexpr std::size_t capacity = 2, max_body_bytes = 600, max_participants = 4, page = 4096;
constexpr std::uint8_t transports = 3;
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
  using Post = Channel<T, serializer::trivially_copyable, Routing<T>>;
  try {
    auto link = Post::attach(name);
    auto child = link.child();
    for (int i = 0; i < 2; ++i) {
      (void)child.try_send({}, i);
      (void)child.try_send({.recipient = ::gettid()}, std::array<char, 500>{});
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
template <class T>
void attack(Form form, std::span<const std::uint8_t> bytes, const std::vector<Part>& parts) {
  if (form == whole_file) return attack_with_file<T>(bytes);
  using Post = Channel<T, serializer::trivially_copyable, Routing<T>>;
  auto link = Post::open({.capacity = capacity, .max_body_bytes = max_body_bytes, .name = name, .max_participants = max_participants});
  auto parent = link.parent();
  {
    auto child = link.child();
    for (int i = 0; i < 2; ++i) child.send({.recipient = ::gettid()}, i).value();
  }
  const auto held = parent.receive();
  fuzz::require(bool(held), "a good segment serves");
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
}  // namespace

std::vector<fuzz::Input> fuzz::seeds() {
  std::vector<Input> all;
  for (std::uint8_t transport = 0; transport < transports; ++transport) {
    for (std::uint8_t form = 0; form < forms; ++form) {
      Input input{static_cast<std::uint8_t>(transports * form + transport)};
      all.push_back(input);
      for (std::uint8_t i = 0; i < 60; ++i) input.push_back(static_cast<std::uint8_t>(i * 37));
      all.push_back(input);
    }
    for (std::uint8_t word = 0; word < 64; ++word) all.push_back({transport, word, 0, static_cast<std::uint8_t>(word % 6), static_cast<std::uint8_t>(word * 5)});
  }
  return all;
}

static void attack_as_told(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::span(data + 1, size - 1);
  const auto form = static_cast<Form>(data[0] / transports % forms);
  switch (data[0] % transports) {
    case 0: {
      const shared_memory::DequeLayout layout(capacity, max_body_bytes, max_participants);
      return attack<transport::shm_deque>(form, bytes, {{0, layout.locks}, {layout.slots, layout.slots + capacity * 4 * sizeof(shared_memory::Slot)}});
    }
    case 1: {
      shared_memory::BoostQueue queue;
      queue.capacity = capacity;
      queue.max_participants = max_participants;
      return attack<transport::message_queue>(form, bytes, {{0, queue.locks_offset()}});  // Boost's own file is trusted as lock pages are
    }
    default: {
      const shared_memory::LanesLayout layout(capacity, max_body_bytes, max_participants);
      std::vector<Part> parts{{0, layout.locks}, {layout.tails, layout.tail(0, max_participants + 1)}, {layout.reserve, layout.reserve + 2 * capacity * layout.slot_bytes}};
      for (const std::size_t sender : {0, 1}) {
        for (const std::size_t to : {std::size_t{0}, std::size_t{1}, layout.open_mailbox()}) parts.push_back({layout.lane(sender, to), layout.lane(sender, to) + capacity * layout.slot_bytes});
      }
      return attack<transport::shm_lanes>(form, bytes, parts);
    }
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return size == 0 ? 0 : fuzz::in_100_ms([&] { attack_as_told(data, size); });
}
