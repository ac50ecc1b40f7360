#pragma once
/// The pieces of work, each written once over any contender. All numbers are checked; each stops the clock only when
/// what was sent has arrived.
#include <algorithm>
#include <stress/benchmarks/body.hpp>
#include <stress/benchmarks/family.hpp>

namespace mulproc::benchmarks {

inline void keep_percentiles(Record& record, std::vector<std::uint32_t>& latencies) {
  if (latencies.empty()) return;
  std::sort(latencies.begin(), latencies.end());
  const auto at = [&](double share) { return double(latencies[std::min(latencies.size() - 1, static_cast<std::size_t>(share * static_cast<double>(latencies.size())))]); };
  record.p50 = at(0.5), record.p99 = at(0.99), record.p999 = at(0.999);
}

template <std::size_t Bytes>
void check(Tally& tally, const Body<Bytes>& body) noexcept {
  if (!body.whole()) tally.damaged.fetch_add(1, std::memory_order_relaxed);
}

/// A child of request_reply: answers each number with its own index in it, until the pill.
template <class W>
void answer_until_the_pill(W& wire, Record& record, std::size_t index) {
  typename W::Child me(wire, index);
  record.ready.rise();
  while (true) {
    Body<64> answer;
    bool ends = false;
    me.receive([&](const Body<64>& asked) {
      check(record.tally[index], asked);
      ends = asked.number() == pill;
      answer.write(asked.number() + (std::uint64_t{index} << 40));
    });
    if (ends) return;
    me.send(answer);
  }
}

/// Asks children and awaits each answer, `in_flight` questions ahead: first each child once, then any.
template <class Parent>
class Asker {
 public:
  Asker(Parent& parent, const Shape& shape, Tally& tally) : parent_(parent), shape_(shape), tally_(tally) {}

  /// Leaves nothing in flight.
  template <class OnAnswer>
  void ask(std::uint64_t count, OnAnswer on_answer) {
    std::uint64_t sent = 0;
    for (std::uint64_t answered = 0; answered < count; ++answered) {
      for (; sent < count && sent - answered < shape_.in_flight; ++sent) {
        const std::uint64_t number = next_++;
        const std::size_t child = number < shape_.children ? number : (number * 0x9e3779b97f4a7c15u >> 32) % shape_.children;
        Body<64> question;
        question.write(number);
        parent_.send(child, question);
        outstanding_ += number + (std::uint64_t{child} << 40);
      }
      parent_.receive([&](const Body<64>& answer) {
        check(tally_, answer);
        outstanding_ -= answer.number();
      });
      tally_.received.fetch_add(1, std::memory_order_relaxed);
      on_answer();
    }
    if (outstanding_ != 0) fail("an answer is wrong: the sum of the numbers and of who answered them does not come out");
  }
  void tell_all_to_end() {
    Body<64> last;
    last.write(pill);
    for (std::size_t i = 0; i < shape_.children; ++i) parent_.send(i, last);
  }

 private:
  Parent& parent_;
  const Shape& shape_;
  Tally& tally_;
  std::uint64_t next_ = 0, outstanding_ = 0;
};

inline void no_damage(const Record& record) {
  for (const Tally& one : record.tally) {
    if (one.damaged != 0) fail(std::to_string(one.damaged) + " messages were damaged");
  }
}

template <template <std::size_t> class W>
void request_reply(const Shape& shape, std::uint64_t count, Record& record) {
  W<64> wire(shape);
  Family family(shape, record, [&](std::size_t index) { answer_until_the_pill(wire, record, index); });
  typename W<64>::Parent parent(wire, family.pids());
  family.wait_until_ready();
  const std::uint64_t warm_up = std::min<std::uint64_t>(count, 100) + shape.children + shape.in_flight;
  record.expected = warm_up + count;
  Asker asker(parent, shape, record.tally[0]);
  asker.ask(warm_up, [] {});
  std::vector<std::uint32_t> latencies;
  if (shape.in_flight == 1) latencies.reserve(count);
  const auto begin = now();
  auto last = begin;
  asker.ask(count, [&] {
    if (shape.in_flight != 1) return;
    const auto at = now();
    latencies.push_back(static_cast<std::uint32_t>(std::min<std::int64_t>(at - last, 0xffffffff)));
    last = at;
  });
  record.seconds_in_ns = now() - begin;
  record.done = count;
  asker.tell_all_to_end();
  family.reap();
  keep_percentiles(record, latencies);
  no_damage(record);
}

/// How the body of a one-way message gets there and is read.
enum class Form { copied, in_place };

template <template <std::size_t> class W, std::size_t Bytes, Form form>
void one_way(const Shape& shape, std::uint64_t count, Record& record) {
  using Wire = W<Bytes>;
  Wire wire(shape);
  const std::uint64_t warm_up = std::min<std::uint64_t>(2 * shape.capacity, count);  // touches all the memory once
  record.expected = warm_up + count;
  Tally& tally = record.tally[0];
  Family family(shape, record, [&](std::size_t index) {
    typename Wire::Child me(wire, index);
    record.ready.rise();
    const auto own = std::make_unique<Body<Bytes>>();
    std::uint64_t next = 0;
    const auto take = [&](const Body<Bytes>& body) {
      if constexpr (Bytes != 0) {
        if (body.number() != next || !body.whole()) tally.damaged.fetch_add(1, std::memory_order_relaxed);
      }
      ++next;
    };
    for (std::uint64_t i = 0; i < warm_up + count; ++i) {
      if (i == warm_up) tally.begin = now();
      me.receive([&](const Body<Bytes>& body) {
        if constexpr (form == Form::copied && Wire::lends && Bytes > 1024) {
          std::memcpy(own.get(), &body, Bytes);
          take(*own);
        } else {
          take(body);
        }
      });
      tally.received.store(i + 1, std::memory_order_relaxed);
    }
    tally.end = now();
  });
  typename Wire::Parent parent(wire, family.pids());
  family.wait_until_ready();
  const auto own = std::make_unique<Body<Bytes>>();
  for (std::uint64_t i = 0; i < warm_up + count; ++i) {
    if constexpr (form == Form::in_place && requires { parent.send_in_place(std::size_t{0}, i); }) {
      parent.send_in_place(0, i);
    } else {
      own->write(i);
      parent.send(0, *own);
    }
  }
  family.reap();
  record.done = count;
  record.seconds_in_ns = tally.end - tally.begin;
  no_damage(record);
}

/// Each of several children sends its share to the one parent.
template <template <std::size_t> class W>
void fan_in(const Shape& shape, std::uint64_t count, Record& record) {
  W<64> wire(shape);
  const std::uint64_t each = count / shape.children + 1, all = each * shape.children, warm_up = all / 10;
  record.expected = all;
  Family family(shape, record, [&](std::size_t index) {
    typename W<64>::Child me(wire, index);
    record.ready.rise();
    record.go.wait_until([](std::uint32_t gone) { return gone != 0; });  // whoever had sent all and left before another came would be taken for the last
    Body<64> body;
    for (std::uint64_t i = 0; i < each; ++i) {
      body.write(i * shape.children + index);
      me.send(body);
    }
  });
  typename W<64>::Parent parent(wire, family.pids());
  family.wait_until_ready();
  Tally& tally = record.tally[0];
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < all; ++i) {
    if (i == warm_up) tally.begin = now();
    parent.receive([&](const Body<64>& body) {
      check(tally, body);
      sum += body.number();
    });
    tally.received.store(i + 1, std::memory_order_relaxed);
  }
  tally.end = now();
  family.reap();
  record.done = all - warm_up;
  record.seconds_in_ns = tally.end - tally.begin;
  if (sum != all * (all - 1) / 2) fail("the sum of the numbers is wrong");
  no_damage(record);
}

/// The one parent offers messages to whoever of several children is free. Once all have arrived the children are killed:
/// who shares out in turn cannot tell each of them to end.
template <template <std::size_t> class W>
void fan_out(const Shape& shape, std::uint64_t count, Record& record) {
  W<64> wire(shape);
  record.expected = count;
  Family family(shape, record, [&](std::size_t index) {
    typename W<64>::Child me(wire, index);
    Tally& tally = record.tally[index];
    record.ready.rise();
    std::uint64_t received = 0, sum = 0;
    while (true) {
      me.receive([&](const Body<64>& body) {
        check(tally, body);
        sum += body.number();
      });
      tally.sum.store(sum, std::memory_order_relaxed);
      tally.received.store(++received, std::memory_order_release);  // pairs with the parent's look: the sum is there
    }
  });
  typename W<64>::Parent parent(wire, family.pids());
  family.wait_until_ready();
  const auto begin = now();
  Body<64> body;
  for (std::uint64_t i = 0; i < count; ++i) {
    body.write(i);
    parent.send(i % shape.children, body);
  }
  while (record.received() < count && !record.failed) ::usleep(100);  // a child that told of each would be slower than the queue
  record.seconds_in_ns = now() - begin;
  record.done = count;
  std::uint64_t sum = 0;
  for (const Tally& one : record.tally) sum += one.sum;
  family.kill();
  if (sum != count * (count - 1) / 2) fail("the sum of the numbers is wrong");
  no_damage(record);
}

/// How long after a send its receiver, asleep until then, has the message; all other children sleep on.
template <template <std::size_t> class W>
void wake_up(const Shape& shape, std::uint64_t count, Record& record) {
  W<64> wire(shape);
  count = std::min<std::uint64_t>(count, Record::most_latencies);
  record.expected = count;
  Tally& tally = record.tally[0];
  Family family(shape, record, [&](std::size_t index) {
    typename W<64>::Child me(wire, index);
    record.ready.rise();
    for (std::uint64_t number = 0; number != pill;) {
      me.receive([&](const Body<64>& body) {
        const auto at = now();
        check(record.tally[index], body);
        number = body.number();
        if (number == pill) return;
        const auto already = tally.received.load(std::memory_order_relaxed);
        record.latencies[already] = static_cast<std::uint32_t>(at - static_cast<std::int64_t>(number));
      });
      if (number != pill) tally.received.fetch_add(1);
    }
  });
  typename W<64>::Parent parent(wire, family.pids());
  family.wait_until_ready();
  const auto begin = now();
  Body<64> body;
  for (std::uint64_t i = 0; i < count; ++i) {
    // Long enough for the receiver to be asleep; on this core, so that the other is idle, as where a crew waits for work.
    for (const auto until = now() + 150'000; now() < until;) pause();
    body.write(static_cast<std::uint64_t>(now()));
    parent.send(0, body);
    spin_until([&] { return tally.received.load() == i + 1; });
  }
  record.seconds_in_ns = now() - begin;
  record.done = count;
  body.write(pill);
  for (std::size_t i = 0; i < shape.children; ++i) parent.send(i, body);
  family.reap();
  std::vector<std::uint32_t> latencies(record.latencies, record.latencies + count);
  keep_percentiles(record, latencies);
  no_damage(record);
}

/// pymulproc's scenario from the first fork to the last child reaped: ten rounds in which one child is asked, then a
/// pill for each.
template <template <std::size_t> class W>
void full_duplex(const Shape& shape, std::uint64_t, Record& record) {
  constexpr std::uint64_t rounds = 10;
  record.expected = rounds;
  const auto begin = now();
  {
    W<64> wire(shape);
    Family family(shape, record, [&](std::size_t index) { answer_until_the_pill(wire, record, index); });
    typename W<64>::Parent parent(wire, family.pids());
    Asker asker(parent, shape, record.tally[0]);
    asker.ask(rounds, [] {});
    asker.tell_all_to_end();
    family.reap();
  }
  record.seconds_in_ns = now() - begin;
  record.done = rounds;
  no_damage(record);
}

}  // namespace mulproc::benchmarks
