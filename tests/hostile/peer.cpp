// A peer writes over random words of the segment, its lock pages apart, while others use the channel: each call of
// theirs gives a value, an error or `broken`. Nobody crashes, nobody hangs.
//   hostile_peer [SECONDS [SEED [PATIENCE]]]      PATIENCE: the seconds after which a call hangs
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <iostream>
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/routing/everything.hpp>
#include <mulproc/serializer/boost_binary.hpp>
#include <mulproc/transport/message_queue.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <mulproc/transport/shm_lanes.hpp>
#include <random>

using namespace mulproc;
using namespace std::chrono_literals;

namespace {
/// All there is, where a transport shows it.
template <class T>
using Routing = std::conditional_t<T::promises.addressed, routing::addressed_to_me, routing::everything>;

constexpr std::size_t capacity = 6, max_participants = 16;
std::size_t max_body_bytes = 600;
constexpr auto round_length = 400ms;
unsigned longest_call = 20;  // seconds; calls wait for 5 ms at most, the rest is a loaded machine
const std::string name = "mulproc-hostile-" + std::to_string(::getpid());

struct Part {
  std::size_t begin, end;
};
template <class T>
std::vector<Part> data_of_the_segment();
template <>
std::vector<Part> data_of_the_segment<transport::shm_deque>() {
  const shared_memory::DequeLayout layout(capacity, max_body_bytes, max_participants);
  return {{0, layout.locks}, {layout.slots, layout.bodies}, {layout.bodies, layout.bytes}};
}
template <>
std::vector<Part> data_of_the_segment<transport::shm_lanes>() {
  const shared_memory::LanesLayout layout(capacity, max_body_bytes, max_participants);
  const auto lane_of = [&](std::size_t sender) { return Part{layout.lane(sender, 0), layout.lane(sender, 2)}; };
  return {{0, layout.locks}, {layout.tails, layout.tail(5, 3)}, {layout.tails_of(layout.open_mailbox()), layout.reserve_bodies}, lane_of(0), lane_of(1),
          {layout.lane(0, layout.open_mailbox()), layout.lane(1, 0)}, {layout.lane(1, layout.open_mailbox()), layout.lane(2, 0)}, {layout.lanes, layout.bytes}};
}
template <>
std::vector<Part> data_of_the_segment<transport::message_queue>() {
  shared_memory::BoostQueue queue;
  queue.capacity = capacity;
  queue.max_participants = max_participants;
  return {{0, queue.locks_offset()}};  // Boost's own file is trusted as lock pages are
}

class Peer {
 public:
  explicit Peer(unsigned seed) : random_(seed) {}
  template <class T>
  void attack(Deadline end) {
    const auto parts = data_of_the_segment<T>();
    const int fd = ::open(("/dev/shm/" + shared_memory::Segment::file_name(name)).c_str(), O_RDWR | O_CLOEXEC);
    void* memory = ::mmap(nullptr, parts.back().end, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || memory == MAP_FAILED) throw std::runtime_error("the peer cannot map the segment");
    const int pause = std::vector{0, 1, 10, 50}[below(4)];
    while (!end.expired()) {
      for (std::size_t flips = 1 + below(3); flips > 0; --flips) {
        const Part part = parts[below(10) < 4 ? 0 : below(parts.size())];
        const auto word = [&](std::size_t at) { return std::atomic_ref(*reinterpret_cast<std::uint32_t*>(static_cast<std::byte*>(memory) + at)); };
        const auto place = [&] { return part.begin + 4 * below((part.end - part.begin) / 4); };
        const auto victim = word(place());
        const auto number = static_cast<std::uint32_t>(random_());
        switch (below(6)) {
          case 0: victim ^= 1u << number % 32; break;
          case 1: victim = number; break;
          case 2: victim = number % 32; break;
          case 3: victim = ~(number % 4); break;
          case 4: victim += number % 3 - 1; break;
          default: victim = word(place()).load(); break;  // what stands elsewhere: links that look right
        }
      }
      ::poll(nullptr, 0, pause);
    }
  }

 private:
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }
  std::mt19937 random_;
};

struct Tally {
  std::uint64_t values = 0, errors = 0;
  template <class T>
  void operator()(const Result<T>& result) {
    ++(result ? values : errors);
    ::alarm(longest_call);  // begins anew; SIGALRM ends who hangs
  }
};

/// Everything an endpoint can do, in random order.
template <class C>
void use(C& channel, std::mt19937& random, Tally& tally, Deadline end) {
  const std::vector<std::string> body(3, "some text"), large(8, std::string(max_body_bytes / 12, 'x'));
  while (!end.expired()) {
    ::alarm(longest_call);
    switch (random() % 14) {
      case 0: case 1: case 2: tally(channel.send_for(5ms, {.request = "DO"}, body)); break;
      case 3: tally(channel.send_for(5ms, {.request = "LARGE"}, large)); break;
      case 4: tally(channel.try_send({.recipient = channel.id()}, body)); break;
      case 5: case 6: case 7: case 8: {
        auto message = channel.receive_for(5ms);
        tally(message);
        if (message) tally(message->template body<std::vector<std::string>>());
        break;
      }
      case 9: {
        auto message = channel.receive_for(5ms, [](const auto& seen) { return seen.template body<std::vector<std::string>>().error() != Errc::malformed; });
        tally(message);
        if (message) tally(message->give_back());
        break;
      }
      case 10: tally(channel.join_for(5ms)); break;
      case 11: for (auto& letter : channel.dead_letters()) tally(letter.done()); break;
      case 12: try { (void)(channel.empty() || channel.unfinished() != 0); } catch (const std::system_error&) { ++tally.errors; } break;
      default: try { throw channel.try_receive(); } catch (...) {} break;  // unwinds: another attempt, and dead letters in the end
    }
  }
}

template <class Link>
int take_part(Link& link, bool as_parent, unsigned seed, Deadline end, int report) {
  std::mt19937 random(seed);
  Tally tally;
  while (!end.expired()) {
    ::alarm(longest_call);
    try {
      auto channel = as_parent ? link.parent() : link.child();
      const auto life = Deadline::after(std::chrono::milliseconds(20 + random() % 100));
      use(channel, random, tally, life.at < end.at ? life : end);
      if (random() % 4 == 0) tally(channel.close());
    } catch (const std::system_error&) {
      ++tally.errors;
      ::poll(nullptr, 0, 1);
    }
  }
  return ::write(report, &tally, sizeof tally) == sizeof tally ? 0 : 1;
}

/// One channel, one peer, four victims. Says how many of these crashed or hung.
template <class T>
int round(unsigned seed, Tally& sum) {
  using Post = Channel<T, serializer::boost_binary, Routing<T>>;
  auto link = Post::open({.capacity = capacity, .max_body_bytes = max_body_bytes, .name = name, .max_participants = max_participants});
  const auto end = Deadline::after(round_length);
  int reports[2];
  if (::pipe2(reports, O_CLOEXEC) != 0) throw std::system_error(system_error_code(errno), "pipe2");
  int failures = 0;
  {
    std::vector<Child> victims;
    for (unsigned i = 0; i < 4; ++i) victims.push_back(spawn([&, i] { return take_part(link, i == 0, seed + i, end, reports[1]); }));
    auto peer = spawn([&] { Peer(seed).attack<T>(end); });
    for (auto& victim : victims) {
      const auto status = victim.wait();
      if (status.ok()) continue;
      ++failures;
      std::cout << T::name << ", seed " << seed << ": " << (status.signal == SIGALRM ? "a call hangs" : "a process crashed") << " (exit code " << status.code << ")\n";
    }
    if (!peer.wait().ok()) ++failures;
  }
  ::close(reports[1]);
  for (Tally tally; ::read(reports[0], &tally, sizeof tally) == sizeof tally;) sum.values += tally.values, sum.errors += tally.errors;
  ::close(reports[0]);
  return failures;
}
}  // namespace

int main(int count, char** arguments) {
  const auto end = Deadline::after(std::chrono::seconds(count > 1 ? std::stoi(arguments[1]) : 5));
  const unsigned first_seed = count > 2 ? static_cast<unsigned>(std::stoul(arguments[2])) : 1;
  if (count > 3) longest_call = static_cast<unsigned>(std::stoul(arguments[3]));
  int failures = 0, rounds = 0;
  Tally sum;
  for (unsigned seed = first_seed; !end.expired(); seed += 10) {
    max_body_bytes = seed / 10 % 2 == 0 ? 600 : 6000;
    failures += round<transport::shm_deque>(seed, sum) + round<transport::shm_lanes>(seed, sum) + round<transport::message_queue>(seed, sum);
    rounds += 3;
  }
  std::cout << rounds << " channels, " << sum.values << " values, " << sum.errors << " errors, " << failures << " crashed or hung\n";
  return failures == 0 && sum.values > 0 && sum.errors > 0 ? 0 : 1;
}
