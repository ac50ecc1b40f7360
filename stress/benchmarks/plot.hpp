#pragma once
/// One page with a bar chart for each work: log scale, ours highlighted, whiskers from the least to the most; and its
/// figures as a table. Light or dark as the reader's screen is; on a phone charts keep their size and are moved.
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
    out_ << "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            "<meta name=\"color-scheme\" content=\"light dark\">\n<title>mulproc beside its peers</title>\n<style>\n"
            ":root{--ground:#fff;--ink:#222;--soft:#5f6470;--line:#ddd;--ours:#c45200;--peer:#8da0cb;--byhand:#a6bf8e;--limit:#c0c0c0}\n"
            "@media(prefers-color-scheme:dark){:root{--ground:#14171d;--ink:#e8eaf0;--soft:#a0a8b8;--line:#323844;--ours:#ff9b4a;--peer:#6f86bd;--byhand:#7d9a62;--limit:#6b7280}}\n"
            "body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--ground);max-width:62rem;margin:2rem auto;padding:0 1rem}\n"
            "h2{font-size:1.05rem;margin:2rem 0 .2rem}p{margin:.2rem 0;overflow-wrap:anywhere}code{font-size:.92em}.wide{overflow-x:auto}svg{display:block;width:100%;min-width:44rem;height:auto}\n"
            "text{font:12px system-ui,sans-serif;fill:var(--ink)}.unit{fill:var(--soft)}.grid{stroke:var(--line)}.whisker{stroke:var(--ink)}\n"
            ".ours{fill:var(--ours)}.peer{fill:var(--peer)}.byhand{fill:var(--byhand)}.limit{fill:var(--limit)}.mine{font-weight:700}.key{color:var(--ours)}\n"
            "table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{padding:.2rem .8rem .2rem 0;text-align:right;border-top:1px solid var(--line);white-space:nowrap}\n"
            "th:first-child{text-align:left}tbody th{font-weight:400}summary{cursor:pointer}\n</style>\n</head>\n<body>\n<main>\n"
         << "<h1>mulproc beside its peers</h1>\n<p>" << escaped(how.machine) << ". " << escaped(how.compiler) << ". " << how.date << ". <code>" << escaped(how.command)
         << "</code></p>\n<p>Bars are medians of " << how.repetitions
         << " repetitions in which the contenders take turns, whiskers go from the least to the most; the scale is logarithmic; the best is on top. "
            "<b class=\"key\">Orange</b>, in bold: mulproc. Blue: peers. Green: written by hand. Grey: limits that nobody can beat.</p>\n";
    for (const Comparison& one : comparisons) chart(one);
    out_ << "</main>\n</body>\n</html>\n";
  }

 private:
  static constexpr double right = 870, row = 20, top = 8, letter = 7.5;  // of the widest names, in bold

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
    if (!bars.empty()) draw(comparison, bars), tell(comparison, bars);
    if (!missing.empty()) out_ << "<p><small>No figure: " << escaped(missing) << ".</small></p>\n";
  }

  void draw(const Comparison& comparison, const std::vector<const Result*>& bars) {
    std::size_t longest = 20;
    for (const Result* one : bars) longest = std::max(longest, one->contender.size());
    const double left = letter * static_cast<double>(longest) + 16;
    double least = bars[0]->least(), most = bars[0]->most();
    for (const Result* one : bars) least = std::min(least, one->least()), most = std::max(most, one->most());
    const double low = std::floor(std::log10(least) - 0.05), high = std::max(low + 1, std::ceil(std::log10(most)));
    const auto x = [=](double value) { return left + (std::log10(value) - low) / (high - low) * (right - left); };
    const double bottom = top + row * static_cast<double>(bars.size());
    out_ << "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Chart\"><svg viewBox=\"0 0 960 " << bottom + 38 << "\" role=\"img\" aria-label=\"" << escaped(comparison.work->title)
         << ". The table below says the same.\">\n";
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
         << (more_is_better(comparison.work->figure) ? " (more is better)" : " (less is better)") << "</text>\n</svg></div>\n";
  }
  void tell(const Comparison& comparison, const std::vector<const Result*>& bars) {
    out_ << "<details><summary>As a table</summary><div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"" << escaped(comparison.work->title)
         << "\"><table><thead><tr><th scope=\"col\">contender</th><th scope=\"col\">kind</th><th scope=\"col\">median, " << unit_of(comparison.work->figure)
         << "</th><th scope=\"col\">least</th><th scope=\"col\">most</th></tr></thead><tbody>\n";
    for (const Result* one : bars)
      out_ << "<tr><th scope=\"row\">" << escaped(one->contender) << "</th><td>" << name_of(one->kind) << "</td><td>" << digits(one->median()) << "</td><td>" << digits(one->least()) << "</td><td>"
           << digits(one->most()) << "</td></tr>\n";
    out_ << "</tbody></table></div></details>\n";
  }
  static std::string tick(double power) { return power >= 0 ? digits(std::pow(10, power)) : [&] { std::ostringstream text; text << std::pow(10, power); return text.str(); }(); }

  std::ostream& out_;
};

}  // namespace mulproc::benchmarks
