#pragma once
/// All pieces of work, and who does them. A contender enters with one line: enter<W>(name, kind).
#include <map>
#include <stress/benchmarks/work.hpp>
#include <string_view>

namespace mulproc::benchmarks {

enum class Kind { ours, peer, by_hand, limit };
/// What is compared: the median of many latencies, or how often or how long it took in all.
enum class Figure { round_trip, wake_up, per_second, whole_time };

struct Work {
  std::string name, title;
  Figure figure;
  Shape shape;
  bool quick = true;  ///< also with tiny counts, in the tests
};

struct Entry {
  std::string contender;
  Kind kind;
  std::function<void(const Shape&, std::uint64_t count, Record&)> run;
  std::string why_not = {};  ///< it cannot do this work, or not here
};

/// Works in the order of the report.
inline const std::vector<Work>& works() {
  static const std::vector<Work> all = [] {
    constexpr auto apart = Placement::apart;
    constexpr Shape small{.placement = apart}, large{.capacity = 64, .placement = apart}, largest{.capacity = 8, .placement = apart};
    constexpr Shape ping_pong{.capacity = 64, .placement = apart}, crew{.capacity = 128};
    std::vector<Work> list{
        {"ping_pong.spinning", "round trip of 64 B, both sides spinning, two cores", Figure::round_trip, {.capacity = 64, .placement = apart, .spins = true}},
        {"ping_pong.waiting", "round trip of 64 B, default waiting, two cores", Figure::round_trip, ping_pong},
        {"ping_pong.one_core", "round trip of 64 B, default waiting, one core", Figure::round_trip, {.capacity = 64, .placement = Placement::one_core}},
        {"one_way.0B", "one way, no body", Figure::per_second, small},
        {"one_way.64B", "one way, 64 B", Figure::per_second, small},
        {"one_way.1KiB", "one way, 1 KiB", Figure::per_second, small},
        {"one_way.64KiB.in_place", "one way, 64 KiB, written and read in place where that can be", Figure::per_second, large},
        {"one_way.64KiB.copied", "one way, 64 KiB, copied in and out", Figure::per_second, large},
        {"one_way.1MiB.in_place", "one way, 1 MiB, written and read in place where that can be", Figure::per_second, largest},
        {"one_way.1MiB.copied", "one way, 1 MiB, copied in and out", Figure::per_second, largest},
        {"fan_in", "four children to one parent, 64 B", Figure::per_second, {.children = 4, .sender_is_child = true}},
        {"fan_out", "one parent to whichever of four children is free, 64 B", Figure::per_second, {.children = 4, .to_anyone = true}},
    };
    for (const std::size_t in_flight : {64, 1}) {
      for (const std::size_t children : {2, 8, 32, 128, 300}) {
        Shape shape = crew;
        shape.children = children;
        shape.in_flight = in_flight;
        list.push_back({"addressed." + std::to_string(in_flight) + "_in_flight." + std::to_string(children),
                        "addressed delivery and reply, " + std::to_string(children) + " children, " + std::to_string(in_flight) + " in flight", Figure::per_second, shape,
                        children <= 8});
      }
    }
    for (const std::size_t children : {1, 299}) {
      Shape shape = crew;
      shape.children = children;
      shape.placement = apart;
      list.push_back({"wake_up." + std::to_string(children + 1), "wake-up of one sleeping receiver among " + std::to_string(children + 1) + " participants", Figure::wake_up, shape, children == 1});
    }
    for (const std::size_t children : {10, 100, 300}) {
      Shape shape{.children = children, .capacity = 16};
      list.push_back({"full_duplex." + std::to_string(children), "fork, ten questions, a pill for each, reap: " + std::to_string(children) + " children", Figure::whole_time, shape, children == 10});
    }
    return list;
  }();
  return all;
}

/// The contenders of each work, by its name.
class Catalogue {
 public:
  /// Enters W for every work whose name begins with one of `only`.
  template <template <std::size_t> class W>
  void enter(const std::string& name, Kind kind, const std::vector<std::string>& only = {""}) {
    for (const Work& work : works()) {
      if (std::none_of(only.begin(), only.end(), [&](const std::string& beginning) { return work.name.starts_with(beginning); })) continue;
      const auto is = [&](std::string_view beginning) { return work.name.starts_with(beginning); };
      if (is("ping_pong") || is("addressed")) add<W<64>>(work, name, kind, request_reply<W>);
      if (work.name == "one_way.0B") add<W<0>>(work, name, kind, one_way<W, 0, Form::copied>);
      if (work.name == "one_way.64B") add<W<64>>(work, name, kind, one_way<W, 64, Form::copied>);
      if (work.name == "one_way.1KiB") add<W<1024>>(work, name, kind, one_way<W, 1024, Form::copied>);
      if (work.name == "one_way.64KiB.copied") add<W<(64 << 10)>>(work, name, kind, one_way<W, (64 << 10), Form::copied>);
      if (work.name == "one_way.1MiB.copied") add<W<(1 << 20)>>(work, name, kind, one_way<W, (1 << 20), Form::copied>);
      if (is("fan_in")) add<W<64>>(work, name, kind, fan_in<W>);
      if (is("fan_out")) add<W<64>>(work, name, kind, fan_out<W>);
      if (is("wake_up")) add<W<64>>(work, name, kind, wake_up<W>);
      if (is("full_duplex")) add<W<64>>(work, name, kind, full_duplex<W>);
      if constexpr (W<64>::lends) {
        if (work.name == "one_way.64KiB.in_place") add<W<(64 << 10)>>(work, name, kind, one_way<W, (64 << 10), Form::in_place>);
        if (work.name == "one_way.1MiB.in_place") add<W<(1 << 20)>>(work, name, kind, one_way<W, (1 << 20), Form::in_place>);
      } else {  // the kernel copies: it has this form only, and stands beside the others in both rows
        if (work.name == "one_way.64KiB.in_place") add<W<(64 << 10)>>(work, name, kind, one_way<W, (64 << 10), Form::copied>);
        if (work.name == "one_way.1MiB.in_place") add<W<(1 << 20)>>(work, name, kind, one_way<W, (1 << 20), Form::copied>);
      }
    }
  }
  void add(const Work& work, Entry entry) { entries_[work.name].push_back(std::move(entry)); }
  const std::vector<Entry>& of(const Work& work) const { return entries_.at(work.name); }

 private:
  template <class Wire, class F>
  void add(const Work& work, const std::string& name, Kind kind, F* function) {
    add(work, {name, kind, function, Wire::why_not(work.shape)});
  }
  std::map<std::string, std::vector<Entry>> entries_;
};

/// Each translation unit's share.
void enter_mulproc(Catalogue&);
void enter_the_kernels(Catalogue&);  ///< pipe, socket, POSIX queue
void enter_boosts(Catalogue&);
void enter_zeromq(Catalogue&);
void enter_python(Catalogue&, const std::string& program);
void enter_rings_and_limits(Catalogue&);

}  // namespace mulproc::benchmarks
