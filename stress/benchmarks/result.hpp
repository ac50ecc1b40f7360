#pragma once
/// What the repetitions came to, and how they compare.
#include <stress/benchmarks/catalogue.hpp>

namespace mulproc::benchmarks {

inline double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 != 0 ? values[half] : (values[half - 1] + values[half]) / 2;
}

inline std::string unit_of(Figure figure) {
  switch (figure) {
    case Figure::round_trip: return "us, median round trip";
    case Figure::wake_up: return "us, median from send to receipt";
    case Figure::whole_time: return "ms in all";
    default: return "thousands per second";
  }
}
inline bool more_is_better(Figure figure) { return figure == Figure::per_second; }

/// One contender's repetitions of one work.
struct Result {
  std::string contender;
  Kind kind;
  std::vector<double> values;    ///< one for each repetition, in the work's unit
  std::vector<double> p99, p999; ///< us, where latencies were taken
  std::string note = {};         ///< why there is no figure, or what went wrong

  bool counts() const noexcept { return note.empty() && !values.empty(); }
  double median() const { return benchmarks::median(values); }
  double least() const { return *std::min_element(values.begin(), values.end()); }
  double most() const { return *std::max_element(values.begin(), values.end()); }
};

struct Comparison {
  const Work* work;
  std::vector<Result> results;

  /// How many times as fast `one` is as `other`: the median over the repetitions, each compared within itself.
  double times_as_fast(const Result& one, const Result& other) const {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < std::min(one.values.size(), other.values.size()); ++i)
      ratios.push_back(more_is_better(work->figure) ? one.values[i] / other.values[i] : other.values[i] / one.values[i]);
    return benchmarks::median(ratios);
  }
  const Result* best(Kind kind) const {
    const Result* found = nullptr;
    for (const Result& one : results) {
      if (one.kind != kind || !one.counts()) continue;
      if (found == nullptr || (one.median() > found->median()) == more_is_better(work->figure)) found = &one;
    }
    return found;
  }
  /// What the ratios to the limit refer to: the first there is.
  const Result* limit() const {
    const auto found = std::find_if(results.begin(), results.end(), [](const Result& one) { return one.kind == Kind::limit && one.counts(); });
    return found == results.end() ? nullptr : &*found;
  }
  /// The best first; those without a figure last.
  std::vector<const Result*> ranked() const {
    std::vector<const Result*> order;
    for (const Result& one : results) order.push_back(&one);
    std::stable_sort(order.begin(), order.end(), [this](const Result* a, const Result* b) {
      if (a->counts() != b->counts()) return a->counts();
      return a->counts() && a->median() != b->median() && (a->median() > b->median()) == more_is_better(work->figure);
    });
    return order;
  }
};

inline std::string name_of(Kind kind) {
  switch (kind) {
    case Kind::ours: return "ours";
    case Kind::peer: return "peer";
    case Kind::by_hand: return "by hand";
    default: return "limit";
  }
}

/// Where, when and how a run was done.
struct Circumstances {
  std::string machine, compiler, date, command;
  std::size_t repetitions;
};

}  // namespace mulproc::benchmarks
