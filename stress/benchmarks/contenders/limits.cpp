// What nobody can beat, and what one would write by hand: a bare ring, a flag in one cache line, a futex, memcpy; a ring
// for each child with a bell to sleep by.
#include <stress/benchmarks/catalogue.hpp>
#include <stress/benchmarks/ring.hpp>

namespace mulproc::benchmarks {
namespace {

/// One ring down to each child and one up from each. With Spinning, nobody ever sleeps.
template <std::size_t Bytes, bool spinning>
class Rings {
 public:
  static constexpr bool lends = true;
  static std::string why_not(const Shape& shape) {
    if (!spinning) return {};
    if (shape.children > 1) return "one writer and one reader only";
    return shape.placement == Placement::one_core ? "two that spin cannot share a core" : "";
  }

  explicit Rings(const Shape& shape) : shape_(shape), memory_(bytes_of(shape)) {}

 private:
  static constexpr std::size_t stride = (std::max<std::size_t>(Bytes, 1) + 63) / 64 * 64;
  static std::size_t slots_of(const Shape& shape) { return shape.capacity; }
  static std::size_t bytes_of(const Shape& shape) {
    return (1 + shape.children) * sizeof(Bell) + 2 * shape.children * (sizeof(RingIndices) + slots_of(shape) * stride) + 4096;
  }
  Bell& bell(std::size_t whose) { return reinterpret_cast<Bell*>(&*memory_)[whose]; }  // 0: the parent's
  Ring ring(std::size_t child, std::size_t up) {
    auto* rings = reinterpret_cast<RingIndices*>(&bell(1 + shape_.children));
    auto* slots = reinterpret_cast<std::byte*>(rings + 2 * shape_.children);
    slots += (64 - reinterpret_cast<std::uintptr_t>(slots) % 64) % 64;
    const std::size_t which = 2 * child + up;
    return Ring(rings[which], slots + which * slots_of(shape_) * stride, stride, slots_of(shape_));
  }
  template <class F>
  void wait(std::size_t me, F attempt) {
    if (spinning || shape_.spins) return spin_until(attempt);
    bell(me).wait_until(attempt);
  }
  void ring_for(std::size_t who) {
    if (!spinning && !shape_.spins) bell(who).ring();
  }
  template <class F>
  void put(Ring& ring, std::size_t me, std::size_t to, F write) {
    std::byte* slot = nullptr;
    wait(me, [&] { return (slot = ring.reserve()) != nullptr; });
    write(*reinterpret_cast<Body<Bytes>*>(slot));
    ring.publish();
    ring_for(to);
  }
  template <class F>
  bool take(Ring& ring, std::size_t from, F& f) {
    const std::byte* slot = ring.front();
    if (slot == nullptr) return false;
    f(*reinterpret_cast<const Body<Bytes>*>(slot));
    ring.pop();
    ring_for(from);
    return true;
  }

 public:
  class Parent {
   public:
    Parent(Rings& rings, std::span<const pid_t> children) : rings_(rings) {
      for (std::size_t i = 0; i < children.size(); ++i) down_.push_back(rings.ring(i, 0)), up_.push_back(rings.ring(i, 1));
    }
    void send(std::size_t child, const Body<Bytes>& body) {
      send_by(child, [&](Body<Bytes>& slot) { std::memcpy(static_cast<void*>(&slot), &body, Bytes); });
    }
    void send_in_place(std::size_t child, std::uint64_t number) {
      send_by(child, [number](Body<Bytes>& slot) { slot.write(number); });
    }
    template <class F>
    void receive(F f) {
      rings_.wait(0, [&] {
        for (std::size_t i = 0; i < up_.size(); ++i, ++turn_) {
          if (turn_ >= up_.size()) turn_ = 0;
          if (rings_.take(up_[turn_], 1 + turn_, f)) return true;
        }
        return false;
      });
    }

   private:
    template <class F>
    void send_by(std::size_t child, F write) {
      if (rings_.shape_.to_anyone) rings_.wait(0, [&] { return down_[child = next_++ % down_.size()].reserve() != nullptr; });
      rings_.put(down_[child], 0, 1 + child, write);
    }
    Rings& rings_;
    std::vector<Ring> down_, up_;
    std::size_t turn_ = 0, next_ = 0;
  };
  class Child {
   public:
    Child(Rings& rings, std::size_t index) : rings_(rings), me_(1 + index), down_(rings.ring(index, 0)), up_(rings.ring(index, 1)) {}
    void send(const Body<Bytes>& body) {
      rings_.put(up_, me_, 0, [&](Body<Bytes>& slot) { std::memcpy(static_cast<void*>(&slot), &body, Bytes); });
    }
    template <class F>
    void receive(F f) {
      rings_.wait(me_, [&] { return rings_.take(down_, 0, f); });
    }

   private:
    Rings& rings_;
    std::size_t me_;
    Ring down_, up_;
  };

 private:
  Shape shape_;
  SharedValue<std::byte> memory_;
};

template <std::size_t Bytes>
using BareRing = Rings<Bytes, true>;
template <std::size_t Bytes>
using RingPerChild = Rings<Bytes, false>;

/// A box for one body at each process, and a futex: a number that its owner sleeps on. The least that sleeps and wakes.
template <std::size_t Bytes>
class FutexBoxes {
 public:
  static constexpr bool lends = true;
  static std::string why_not(const Shape& shape) { return shape.in_flight == 1 ? "" : "it holds one message"; }
  explicit FutexBoxes(const Shape& shape) : boxes_((1 + shape.children) * sizeof(Box)) {}

 private:
  struct alignas(64) Box {
    Body<Bytes> body;
    std::atomic<std::uint32_t> filled;
  };
  Box& box(std::size_t whose) { return (&*boxes_)[whose]; }
  static void put(Box& box, const Body<Bytes>& body) {
    box.body = body;
    box.filled.store(1, std::memory_order_release);  // (1) pairs with (2)
    ::syscall(SYS_futex, &box.filled, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  }
  template <class F>
  static void take(Box& box, F f) {
    while (box.filled.load(std::memory_order_acquire) == 0) ::syscall(SYS_futex, &box.filled, FUTEX_WAIT, 0, nullptr, nullptr, 0);  // (2)
    box.filled.store(0, std::memory_order_relaxed);
    f(std::as_const(box.body));
  }

 public:
  class Parent {
   public:
    Parent(FutexBoxes& boxes, std::span<const pid_t>) : boxes_(boxes) {}
    void send(std::size_t child, const Body<Bytes>& body) { put(boxes_.box(1 + child), body); }
    template <class F>
    void receive(F f) {
      take(boxes_.box(0), f);
    }

   private:
    FutexBoxes& boxes_;
  };
  class Child {
   public:
    Child(FutexBoxes& boxes, std::size_t index) : boxes_(boxes), mine_(boxes.box(1 + index)) {}
    void send(const Body<Bytes>& body) { put(boxes_.box(0), body); }
    template <class F>
    void receive(F f) {
      take(mine_, f);
    }

   private:
    FutexBoxes& boxes_;
    Box& mine_;
  };

 private:
  SharedValue<Box> boxes_;
};

/// Two processes write to one cache line in turn; nothing is carried.
void flag(const Shape& shape, std::uint64_t count, Record& record) {
  const SharedValue<std::atomic<std::uint64_t>> turn;
  record.expected = count;
  Family family(shape, record, [&](std::size_t) {
    record.ready.rise();
    for (std::uint64_t i = 0; i < count; ++i) {
      spin_until([&] { return turn->load(std::memory_order_acquire) == 2 * i + 1; });
      turn->store(2 * i + 2, std::memory_order_release);
    }
  });
  family.wait_until_ready();
  std::vector<std::uint32_t> latencies;
  latencies.reserve(count);
  const auto begin = now();
  for (std::uint64_t i = 0, last = static_cast<std::uint64_t>(begin); i < count; ++i) {
    turn->store(2 * i + 1, std::memory_order_release);
    spin_until([&] { return turn->load(std::memory_order_acquire) == 2 * i + 2; });
    const auto at = static_cast<std::uint64_t>(now());
    latencies.push_back(static_cast<std::uint32_t>(at - last));
    last = at;
  }
  record.seconds_in_ns = now() - begin;
  record.done = count;
  record.tally[0].received = count;
  family.reap();
  keep_percentiles(record, latencies);
}

/// The same writing, copying in, copying out and summing up, in one process.
template <std::size_t Bytes>
void copy_twice(const Shape& shape, std::uint64_t count, Record& record) {
  std::vector<Body<Bytes>> between(shape.capacity), ends(2);
  record.expected = record.done = count;
  const auto begin = now();
  for (std::uint64_t i = 0; i < count; ++i) {
    auto& slot = between[i % between.size()];
    ends[0].write(i);
    std::memcpy(static_cast<void*>(&slot), &ends[0], Bytes);
    std::memcpy(static_cast<void*>(&ends[1]), &slot, Bytes);
    if (ends[1].number() != i) fail("memcpy lost its way");
    check(record.tally[0], ends[1]);
  }
  record.seconds_in_ns = now() - begin;
  record.tally[0].received = count;
  no_damage(record);
}

/// Forks children that end at once, and reaps them.
void fork_and_reap(const Shape& shape, std::uint64_t, Record& record) {
  record.expected = record.done = 1;
  const auto begin = now();
  Family(shape, record, [](std::size_t) {}).reap();
  record.seconds_in_ns = now() - begin;
  record.tally[0].received = 1;
}

}  // namespace

void enter_rings_and_limits(Catalogue& catalogue) {
  catalogue.enter<RingPerChild>("ring per child, by hand", Kind::by_hand);
  catalogue.enter<BareRing>("bare ring", Kind::limit, {"ping_pong.spinning", "one_way"});
  catalogue.enter<FutexBoxes>("futex", Kind::limit, {"ping_pong.waiting", "ping_pong.one_core", "wake_up"});
  for (const Work& work : works()) {
    if (work.name == "ping_pong.spinning") catalogue.add(work, {"one-line flag", Kind::limit, flag});
    if (work.name == "one_way.64KiB.copied") catalogue.add(work, {"memcpy", Kind::limit, copy_twice<(64 << 10)>});
    if (work.name == "one_way.1MiB.copied") catalogue.add(work, {"memcpy", Kind::limit, copy_twice<(1 << 20)>});
    if (work.name.starts_with("full_duplex")) catalogue.add(work, {"fork and reap only", Kind::limit, fork_and_reap});
  }
}

}  // namespace mulproc::benchmarks
