#pragma once
/// One page with a bar chart for each work: log scale, ours highlighted, whiskers from the least to the most.
#include <cmath>
#include <stress/benchmarks/report.hpp>

namespace mulproc::benchmarks {

inline std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : c == '"' ? "&quot;" : std::string(1, c);
  return out;
}

class Plot {
 public:
  explicit Plot(std::ostream& out) : out_(out) {}

  void page(const Circumstances& how, const std::vector<Comparison>& comparisons) {
    out_ << "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>mulproc beside its peers</title>\n<style>\n"
            "body{font:15px/1.45 system-ui,sans-serif;color:#222;background:#fff;max-width:62rem;margin:2rem auto;padding:0 1rem}\n"
            "h2{font-size:1.05rem;margin:2rem 0 .2rem}p{margin:.2rem 0}code{font-size:.92em}svg{width:100%;height:auto}\n"
            "text{font:12px system-ui,sans-serif;fill:#222}.unit{fill:#666}.grid{stroke:#ddd}.whisker{stroke:#222}\n"
            ".ours{fill:#d95f02}.peer{fill:#8da0cb}.byhand{fill:#a6bf8e}.limit{fill:#c9c9c9}.mine{font-weight:700}\n</style>\n"
         << "<h1>mulproc beside its peers</h1>\n<p>" << escaped(how.machine) << ". " << escaped(how.compiler) << ". " << how.date << ". <code>" << escaped(how.command)
         << "</code></p>\n<p>Bars are medians of " << how.repetitions
         << " repetitions in which the contenders take turns, whiskers go from the least to the most; the scale is logarithmic; the best is on top. "
            "<b style=\"color:#d95f02\">Orange</b>: mulproc. Blue: peers. Green: written by hand. Grey: limits that nobody can beat.</p>\n";
    for (const Comparison& one : comparisons) chart(one);
    out_ << "</html>\n";
  }

 private:
  static constexpr double left = 210, right = 870, row = 20, top = 8;

  void chart(const Comparison& comparison) {
    std::vector<const Result*> bars;
    std::string missing;
    for (const Result* one : comparison.ranked()) {
      if (one->counts()) {
        bars.push_back(one);
      } else {
        missing += (missing.empty() ? "" : "; ") + one->contender + ": " + one->note;
      }
    }
    out_ << "<h2>" << escaped(comparison.work->title) << "</h2>\n";
    if (!bars.empty()) draw(comparison, bars);
    if (!missing.empty()) out_ << "<p><small>No figure: " << escaped(missing) << ".</small></p>\n";
  }

  void draw(const Comparison& comparison, const std::vector<const Result*>& bars) {
    double least = bars[0]->least(), most = bars[0]->most();
    for (const Result* one : bars) least = std::min(least, one->least()), most = std::max(most, one->most());
    const double low = std::floor(std::log10(least) - 0.05), high = std::max(low + 1, std::ceil(std::log10(most)));
    const auto x = [=](double value) { return left + (std::log10(value) - low) / (high - low) * (right - left); };
    const double bottom = top + row * static_cast<double>(bars.size());
    out_ << "<svg viewBox=\"0 0 960 " << bottom + 38 << "\" role=\"img\" aria-label=\"" << escaped(comparison.work->title) << "\">\n";
    for (double power = low; power <= high; ++power) {
      const double at = x(std::pow(10, power));
      out_ << "<line class=\"grid\" x1=\"" << at << "\" x2=\"" << at << "\" y1=\"" << top << "\" y2=\"" << bottom << "\"/><text class=\"unit\" text-anchor=\"middle\" x=\"" << at << "\" y=\""
           << bottom + 14 << "\">" << tick(power) << "</text>\n";
    }
    double y = top;
    for (const Result* one : bars) {
      const char* style = one->kind == Kind::ours ? "ours" : one->kind == Kind::peer ? "peer" : one->kind == Kind::by_hand ? "byhand" : "limit";
      const double middle = y + row / 2;
      out_ << "<text text-anchor=\"end\" class=\"" << (one->kind == Kind::ours ? "mine" : "") << "\" x=\"" << left - 8 << "\" y=\"" << middle + 4 << "\">" << escaped(one->contender) << "</text>"
           << "<rect class=\"" << style << "\" x=\"" << left << "\" y=\"" << y + 3 << "\" width=\"" << x(one->median()) - left << "\" height=\"" << row - 6 << "\"/>"
           << "<line class=\"whisker\" x1=\"" << x(one->least()) << "\" x2=\"" << x(one->most()) << "\" y1=\"" << middle << "\" y2=\"" << middle << "\"/>"
           << "<text x=\"" << x(one->most()) + 6 << "\" y=\"" << middle + 4 << "\">" << digits(one->median()) << "</text>\n";
      y += row;
    }
    out_ << "<text class=\"unit\" text-anchor=\"middle\" x=\"" << (left + right) / 2 << "\" y=\"" << bottom + 32 << "\">" << unit_of(comparison.work->figure)
         << (more_is_better(comparison.work->figure) ? " (more is better)" : " (less is better)") << "</text>\n</svg>\n";
  }
  static std::string tick(double power) { return power >= 0 ? digits(std::pow(10, power)) : [&] { std::ostringstream text; text << std::pow(10, power); return text.str(); }(); }

  std::ostream& out_;
};

}  // namespace mulproc::benchmarks
