#pragma once
/// The table that people read and the JSON that programs read.
#include <boost/json.hpp>
#include <iomanip>
#include <ostream>
#include <sstream>
#include <stress/benchmarks/result.hpp>

namespace mulproc::benchmarks {

/// Three significant digits, no exponent.
inline std::string digits(double value) {
  std::ostringstream text;
  const int before = value >= 1 ? static_cast<int>(std::log10(value)) + 1 : 1;
  text << std::fixed << std::setprecision(value < 0.1 ? 3 : std::max(0, 3 - before)) << value;
  return text.str();
}

inline void print(std::ostream& out, const Comparison& comparison) {
  const Result* peer = comparison.best(Kind::peer);
  const Result* limit = comparison.limit();
  out << '\n' << comparison.work->name << ": " << comparison.work->title << "  [" << unit_of(comparison.work->figure) << "]\n";
  out << "  " << std::left << std::setw(26) << "contender" << std::setw(9) << "" << std::right << std::setw(10) << "median" << std::setw(20) << "from - to" << std::setw(9) << "p99"
      << std::setw(9) << "p99.9" << std::setw(14) << "to best peer" << std::setw(10) << "to limit" << '\n';
  for (const Result* one : comparison.ranked()) {
    out << "  " << std::left << std::setw(26) << one->contender << std::setw(9) << (one->kind == Kind::ours ? "" : name_of(one->kind)) << std::right;
    if (!one->counts()) {
      out << "  " << one->note << '\n';
      continue;
    }
    const auto ratio = [&](const Result* other) { return other == nullptr || other == one ? std::string("-") : digits(comparison.times_as_fast(*one, *other)) + " x"; };
    const auto tail = [](const std::vector<double>& values) { return values.empty() || values[0] == 0 ? std::string("-") : digits(median(values)); };
    out << std::setw(10) << digits(one->median()) << std::setw(20) << digits(one->least()) + " - " + digits(one->most()) << std::setw(9) << tail(one->p99) << std::setw(9) << tail(one->p999)
        << std::setw(14) << ratio(peer) << std::setw(10) << ratio(limit) << '\n';
  }
  out << std::flush;
}

inline void print(std::ostream& out, const Circumstances& how) {
  out << "machine:  " << how.machine << "\ncompiler: " << how.compiler << "\ndate:     " << how.date << "\ncommand:  " << how.command << "\n"
      << "Medians of " << how.repetitions << " repetitions in which the contenders take turns. \"to best peer\" and \"to limit\": how many times as fast,\n"
      << "the median of the ratios within each repetition; above 1 is faster. p99 and p99.9 in us.\n";
}

inline boost::json::value to_json(const Circumstances& how, const std::vector<Comparison>& comparisons) {
  boost::json::array works;
  for (const Comparison& comparison : comparisons) {
    const Result* peer = comparison.best(Kind::peer);
    const Result* limit = comparison.limit();
    boost::json::array contenders;
    for (const Result* one : comparison.ranked()) {
      boost::json::object entry{{"name", one->contender}, {"kind", name_of(one->kind)}};
      if (one->counts()) {
        entry["median"] = one->median();
        entry["repetitions"] = boost::json::value_from(one->values);
        if (!one->p99.empty() && one->p99[0] != 0) entry["p99_us"] = median(one->p99), entry["p999_us"] = median(one->p999);
        if (peer != nullptr) entry["times_as_fast_as_best_peer"] = comparison.times_as_fast(*one, *peer);
        if (limit != nullptr) entry["times_as_fast_as_limit"] = comparison.times_as_fast(*one, *limit);
      } else {
        entry["note"] = one->note;
      }
      contenders.push_back(std::move(entry));
    }
    works.push_back({{"name", comparison.work->name},
                     {"title", comparison.work->title},
                     {"unit", unit_of(comparison.work->figure)},
                     {"more_is_better", more_is_better(comparison.work->figure)},
                     {"best_peer", peer ? boost::json::value(peer->contender) : nullptr},
                     {"limit", limit ? boost::json::value(limit->contender) : nullptr},
                     {"contenders", std::move(contenders)}});
  }
  return {{"machine", how.machine}, {"compiler", how.compiler}, {"date", how.date}, {"command", how.command}, {"repetitions", how.repetitions}, {"works", std::move(works)}};
}

}  // namespace mulproc::benchmarks
