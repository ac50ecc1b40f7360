#include <gnu/libc-version.h>
#include <sys/utsname.h>

#include <boost/json.hpp>
#include <boost/version.hpp>
#include <fstream>
#include <stress/report/page.hpp>
#include <stress/report/report.hpp>
#include <thread>

namespace mulproc::stress {
namespace {

namespace json = boost::json;

json::string text(std::string_view words) { return json::string(words.data(), words.size()); }

json::object of(const Histogram& times) {
  json::array counts;
  for (std::size_t i = 0; i < Histogram::buckets; ++i) {
    if (const auto count = times.in_bucket(i))
      counts.push_back({Histogram::lowest_in(i), Histogram::lowest_in(i + 1), count});
  }
  return {{"count", times.count()},        {"mean_ns", times.mean()},        {"p50_ns", times.quantile(0.5)},
          {"p90_ns", times.quantile(0.9)}, {"p99_ns", times.quantile(0.99)}, {"p999_ns", times.quantile(0.999)},
          {"max_ns", times.quantile(1)},   {"buckets", std::move(counts)}};
}

json::array of(const std::vector<Verdict>& verdicts, const std::vector<const Invariant*>& promised) {
  json::array all;
  const auto add = [&](const Invariant& invariant, const Verdict* verdict) {
    const char* word = verdict == nullptr ? "not looked at" : verdict->broken.empty() ? "held" : "broken";
    all.push_back({{"name", text(invariant.name)},
                   {"words", text(invariant.words)},
                   {"verdict", word},
                   {"checks", verdict == nullptr ? 0 : verdict->checks},
                   {"broken", verdict == nullptr ? "" : verdict->broken}});
  };
  for (const Invariant* invariant : promised) {
    const auto found =
        std::find_if(verdicts.begin(), verdicts.end(), [&](const Verdict& one) { return one.invariant == invariant; });
    add(*invariant, found == verdicts.end() ? nullptr : &*found);
  }
  for (const Verdict& one : verdicts) {
    if (std::find(promised.begin(), promised.end(), one.invariant) == promised.end()) add(*one.invariant, &one);
  }
  return all;
}

json::object of(const Outcome& outcome) {
  json::array samples, deaths;
  for (const Sample& one : outcome.samples)
    samples.push_back({one.at, one.messages, one.depth ? json::value(*one.depth) : json::value(nullptr)});
  for (const DeathOfAChild& one : outcome.deaths) {
    deaths.push_back({{"at_s", one.at},
                      {"pid", one.pid},
                      {"held", one.held ? json::value(*one.held) : json::value(nullptr)},
                      {"became", one.became}});
  }
  return {{"scenario", text(outcome.combination.scenario->name)},
          {"about", text(outcome.combination.scenario->about)},
          {"transport", outcome.combination.medium->transport},
          {"serializer", outcome.combination.medium->serializer},
          {"children", outcome.children},
          {"runs", outcome.runs},
          {"messages", outcome.messages},
          {"seconds", outcome.seconds},
          {"messages_per_second", outcome.rate()},
          {"killed", outcome.kills},
          {"stopped", outcome.stops},
          {"paused", outcome.pauses},
          {"died", outcome.died},
          {"handed_on", outcome.redelivered},
          {"dead_letters", outcome.dead_letters},
          {"seed", outcome.seed},
          {"verdict", outcome.broken.empty() ? "ok" : "broken"},
          {"broken", outcome.broken},
          {"command", outcome.command},
          {"invariants", of(outcome.verdicts, outcome.combination.scenario->invariants)},
          {"latency", of(*outcome.latency)},
          {"answer_latency", of(*outcome.answers)},
          {"samples", std::move(samples)},
          {"deaths", std::move(deaths)}};
}

std::string value_of(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(':');
    if (line.starts_with(key) && colon != line.npos && colon + 2 <= line.size())
      return line.substr(line.find_first_not_of(" \t", colon + 1));
  }
  return "";
}

json::object machine() {
  utsname system{};
  ::uname(&system);
  return {{"system", system.sysname},
          {"kernel", system.release},
          {"architecture", system.machine},
          {"cores", std::thread::hardware_concurrency()},
          {"model", value_of("/proc/cpuinfo", "model name")},
          {"memory", value_of("/proc/meminfo", "MemTotal")}};
}

std::string time_of_day() {
  const std::time_t now = std::time(nullptr);
  char words[32];
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  return std::string(words, std::strftime(words, sizeof words, "%Y-%m-%dT%H:%M:%SZ", &utc));
}

void write(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  file << content;
  file.close();
  if (!file) throw std::system_error(EIO, std::system_category(), "writing " + path);
}

// A page holds its data in a script element, which the first "</script" in it would end.
std::string in_a_script(const std::string& json) {
  std::string safe;
  for (const char c : json) safe += c == '<' ? std::string("\\u003c") : std::string(1, c);
  return safe;
}

}  // namespace

json::value Report::json() const {
  json::array runs, footprints;
  for (const Outcome& outcome : outcomes) runs.push_back(of(outcome));
  for (const Footprint& one : growth.taken())
    footprints.push_back({one.at, one.resident_kib, one.descriptors, one.shared_files, one.processes});
  json::object all{{"format", "mulproc-stress"},
                   {"version", 1},
                   {"made_at", time_of_day()},
                   {"command", command},
                   {"seed", settings.seed},
                   {"passed", all_passed()},
                   {"interrupted", interrupted},
                   {"machine", machine()},
                   {"versions",
                    {{"mulproc", MULPROC_VERSION},
                     {"compiler", "g++ or clang++ " __VERSION__},
                     {"boost", BOOST_LIB_VERSION},
                     {"glibc", ::gnu_get_libc_version()}}},
                   {"runs", std::move(runs)}};
  if (!footprints.empty())
    all["soak"] = {{"seconds", soak_seconds}, {"grew", grew}, {"footprints", std::move(footprints)}};
  return all;
}

void Report::write_json(const std::string& path) const { write(path, json::serialize(json()) + '\n'); }

void Report::write_page(const std::string& path) const {
  std::string page(report_page_template());
  const std::string place = "{{data}}";
  page.replace(page.find(place), place.size(), in_a_script(json::serialize(json())));
  write(path, page);
}

}  // namespace mulproc::stress
