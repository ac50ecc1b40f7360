// mulproc and its peers, the same work in the same run: Google Benchmark measures, and our own loop lets the contenders
// take turns within each repetition. Every measurement has processes and a watchdog of its own.
#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <boost/program_options.hpp>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <regex>
#include <stress/benchmarks/plot.hpp>

namespace {

using namespace mulproc::benchmarks;

struct Settings {
  std::size_t repetitions = 5;
  std::chrono::milliseconds each{80}, patience{30'000};
  bool quick = false;
  std::regex filter;
  std::string results, python;
};

double seconds_of(const Record& record) { return static_cast<double>(record.seconds_in_ns) * 1e-9; }

double value_of(const Work& work, const Record& record) {
  switch (work.figure) {
    case Figure::per_second: return static_cast<double>(record.done) / seconds_of(record) * 1e-3;
    case Figure::whole_time: return seconds_of(record) * 1e3;
    default: return record.p50 * 1e-3;
  }
}

/// Runs one measurement; what went wrong, or nothing.
std::string measure(const Settings& settings, const Work& work, const Entry& entry, std::uint64_t count, Record& record) {
  const auto outcome = conduct(record, settings.patience, [&](Record& shared) { entry.run(work.shape, count, shared); });
  const std::uint64_t received = record.received();
  if (outcome == Outcome::failed) return std::string("fails: ") + record.why;
  if (outcome == Outcome::hangs)
    return "hangs: " + std::to_string(received) + " of " + std::to_string(record.expected) + " arrived" + (record.failed ? std::string("; ") + record.why : "");
  return received < record.expected && work.figure != Figure::whole_time ? "lost " + std::to_string(record.expected - received) : "";
}

/// How many messages take about as long as each measurement shall.
std::uint64_t calibrate(const Settings& settings, const Work& work, const Entry& entry, std::string& note) {
  if (work.figure == Figure::whole_time) return 1;
  if (settings.quick) return std::min<std::uint64_t>(work.figure == Figure::wake_up ? 3 : 40, 40);
  if (work.figure == Figure::wake_up) return 300;
  const double wanted = std::chrono::duration<double>(settings.each).count();
  std::uint64_t count = 100;
  while (true) {
    const SharedValue<Record> record;
    note = measure(settings, work, entry, count, *record);
    if (!note.empty()) return count;
    const double took = std::max(seconds_of(*record), 1e-6), per_message = took / static_cast<double>(record->done);
    const double enough = std::clamp(wanted / per_message, 1.0, 1e7);
    if (took >= wanted / 5) return static_cast<std::uint64_t>(enough) + 1;
    count = static_cast<std::uint64_t>(std::min(enough, 20.0 * static_cast<double>(count))) + 1;
    if (count >= 10'000'000) return count;
  }
}

/// Hands each repetition's runs to Google Benchmark's JSON as one report.
class Collector : public benchmark::BenchmarkReporter {
 public:
  explicit Collector(std::ostream* out) {
    if (out == nullptr) return;
    json_.emplace();
    json_->SetOutputStream(out);
    json_->SetErrorStream(&std::cerr);
  }
  bool ReportContext(const Context& context) override { return !json_ || begun_ || (begun_ = json_->ReportContext(context)); }
  void ReportRuns(const std::vector<Run>& runs) override {
    if (!json_) return;
    auto mine = runs;
    for (Run& run : mine) run.repetition_index = repetition, run.repetitions = repetitions;
    json_->ReportRuns(mine);
  }
  void end() {
    if (json_ && begun_) json_->Finalize();
  }
  std::int64_t repetition = 0, repetitions = 0;

 private:
  std::optional<benchmark::JSONReporter> json_;
  bool begun_ = false;
};

void run_once(benchmark::State& state, const Settings& settings, const Work& work, const Entry& entry, std::uint64_t count, Result& result) {
  const SharedValue<Record> record;
  for (auto _ : state) {
    result.note = measure(settings, work, entry, count, *record);
    state.SetIterationTime(std::max(seconds_of(*record), 1e-9));
  }
  if (!result.note.empty()) return state.SkipWithError(result.note.c_str());
  result.values.push_back(value_of(work, *record));
  if (record->p50 > 0) result.p99.push_back(record->p99 * 1e-3), result.p999.push_back(record->p999 * 1e-3);
  state.SetItemsProcessed(static_cast<std::int64_t>(record->done));
  for (const auto& [name, nanoseconds] : {std::pair{"p50_us", record->p50}, {"p99_us", record->p99}, {"p999_us", record->p999}}) {
    if (record->p50 > 0) state.counters[name] = nanoseconds * 1e-3;
  }
}

Comparison compare(const Settings& settings, const Catalogue& catalogue, const Work& work, const std::string& title, Collector& collector) {
  Comparison comparison{&work, {}};
  std::vector<std::pair<const Entry*, std::uint64_t>> contenders;
  for (const Entry& entry : catalogue.of(work)) {
    if (!std::regex_search(work.name + '/' + entry.contender, settings.filter)) continue;
    std::cerr << title << ": calibrating " << entry.contender << '\n';
    Result result{entry.contender, entry.kind, {}, {}, {}, entry.why_not};
    const std::uint64_t count = result.note.empty() ? calibrate(settings, work, entry, result.note) : 0;
    contenders.push_back({&entry, count});
    comparison.results.push_back(std::move(result));
  }
  for (std::size_t i = 0; i < settings.repetitions; ++i) {
    std::cerr << title << ": repetition " << i + 1 << " of " << settings.repetitions << '\n';
    benchmark::ClearRegisteredBenchmarks();
    for (std::size_t k = 0; k < contenders.size(); ++k) {
      Result& result = comparison.results[k];
      if (!result.note.empty()) continue;  // once it has gone wrong, its row says so
      const auto& [entry, count] = contenders[k];
      benchmark::RegisterBenchmark((work.name + '/' + entry->contender).c_str(),
                                   [&settings, &work, entry = entry, count = count, &result](benchmark::State& state) { run_once(state, settings, work, *entry, count, result); })
          ->UseManualTime()
          ->Iterations(1)
          ->Unit(benchmark::kMillisecond);
    }
    collector.repetition = static_cast<std::int64_t>(i);
    benchmark::RunSpecifiedBenchmarks(&collector, ".*");
  }
  return comparison;
}

std::string first_line_with(const char* file, const std::string& beginning) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(beginning)) return line.substr(std::min(line.size(), line.find(':') + 2));
  }
  return "unknown processor";
}

Circumstances circumstances(int argc, char** argv, std::size_t repetitions) {
  utsname system{};
  ::uname(&system);
  const std::time_t time = std::time(nullptr);
  char date[32];
  std::strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", std::gmtime(&time));
  std::string command = std::filesystem::path(argv[0]).filename();
  for (int i = 1; i < argc; ++i) command += std::string(" ") + argv[i];
  return {first_line_with("/proc/cpuinfo", "model name") + ", " + std::to_string(cores().size()) + " cores used of " + std::to_string(::sysconf(_SC_NPROCESSORS_ONLN)) + ", Linux " + system.release,
#if defined(__clang__)
          "clang " __clang_version__,
#else
          "g++ " __VERSION__,
#endif
          date, command, repetitions};
}

Catalogue everybody(const Settings& settings) {
  Catalogue catalogue;
  enter_mulproc(catalogue);
  enter_the_kernels(catalogue);
  enter_boosts(catalogue);
#if defined(MULPROC_BENCHMARK_ZEROMQ)
  enter_zeromq(catalogue);
#else
  for (const Work& work : works()) catalogue.add(work, {"ZeroMQ ipc", Kind::peer, {}, "built without it: libzmq3-dev was not there"});
#endif
  enter_python(catalogue, settings.python);
  enter_rings_and_limits(catalogue);
  return catalogue;
}

bool run(const Settings& settings, const Circumstances& how) {
  const Catalogue catalogue = everybody(settings);
  std::vector<const Work*> chosen;
  for (const Work& work : works()) {
    const auto& entries = catalogue.of(work);
    const bool wanted = std::any_of(entries.begin(), entries.end(), [&](const Entry& entry) { return std::regex_search(work.name + '/' + entry.contender, settings.filter); });
    if (wanted && (work.quick || !settings.quick)) chosen.push_back(&work);
  }
  if (chosen.empty()) throw boost::program_options::error("--filter matches no work; see --list");

  std::ofstream google;
  if (!settings.results.empty()) {
    std::filesystem::create_directories(settings.results);
    google.open(settings.results + "/benchmarks.google.json");
  }
  Collector collector(google.is_open() ? &google : nullptr);
  collector.repetitions = static_cast<std::int64_t>(settings.repetitions);
  print(std::cout, how);
  std::vector<Comparison> comparisons;
  for (const Work* work : chosen) {
    const std::string title = '[' + std::to_string(comparisons.size() + 1) + '/' + std::to_string(chosen.size()) + "] " + work->name;
    comparisons.push_back(compare(settings, catalogue, *work, title, collector));
    print(std::cout, comparisons.back());
  }
  collector.end();
  if (!settings.results.empty()) {
    std::ofstream text(settings.results + "/benchmarks.txt"), json(settings.results + "/benchmarks.json"), html(settings.results + "/benchmarks.html");
    print(text, how);
    for (const Comparison& one : comparisons) print(text, one);
    json << boost::json::serialize(to_json(how, comparisons)) << '\n';
    Plot(html).page(how, comparisons);
    if (!(text.flush() && json.flush() && html.flush() && google.flush())) throw std::runtime_error("cannot write into " + settings.results);
    std::cout << "\nwritten: " << settings.results << "/benchmarks.{txt,json,html} and benchmarks.google.json\n";
  }
  // A peer may fail; ours may not.
  bool well = true;
  for (const Comparison& one : comparisons) {
    for (const Result& result : one.results) {
      const bool went_wrong = !result.note.empty() && (result.note.starts_with("fails") || result.note.starts_with("hangs") || result.note.starts_with("lost"));
      if (went_wrong && (result.kind == Kind::ours || settings.quick)) std::cerr << one.work->name << ": " << result.contender << ' ' << result.note << '\n', well = false;
    }
  }
  return well;
}

}  // namespace

int main(int argc, char** argv) try {
  namespace po = boost::program_options;
  po::options_description options("mulproc-bench [options]");
  options.add_options()("help", "this text")("list", "all works")("filter", po::value<std::string>()->default_value(""), "a regular expression over WORK/CONTENDER, such as '^ping_pong' or 'one_way.*/mulproc'")(
      "repetitions", po::value<std::size_t>()->default_value(5), "how often each is measured")("milliseconds", po::value<std::int64_t>()->default_value(80), "how long one measurement takes, about")(
      "results", po::value<std::string>()->default_value(""), "a folder to write benchmarks.txt, .json, .html and .google.json into")(
      "quick", "tiny counts, once, to check that all of it works; the figures mean nothing")("python", po::value<std::string>()->default_value(MULPROC_BENCHMARK_PYTHON), "where joinable_queue.py is");
  po::variables_map given;
  po::store(po::command_line_parser(argc, argv).options(options).style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing).run(), given);
  po::notify(given);
  if (given.count("help") != 0) return std::cout << options, 0;
  if (given.count("list") != 0) {
    for (const Work& work : works()) std::cout << work.name << ": " << work.title << '\n';
    return 0;
  }
  Settings settings;
  settings.filter = given["filter"].as<std::string>();
  settings.repetitions = given["repetitions"].as<std::size_t>();
  settings.each = std::chrono::milliseconds(given["milliseconds"].as<std::int64_t>());
  settings.results = given["results"].as<std::string>();
  settings.python = given["python"].as<std::string>();
  if (settings.repetitions == 0 || settings.each.count() < 1) throw po::error("--repetitions and --milliseconds must be at least 1");
  if (given.count("quick") != 0) settings.quick = true, settings.repetitions = 1;

  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;  // 300 children over pipes need 1,200
  ::setrlimit(RLIMIT_NOFILE, &files);
  return run(settings, circumstances(argc, argv, settings.repetitions)) ? 0 : 1;
} catch (const boost::program_options::error& error) {
  std::cerr << "mulproc-bench: " << error.what() << '\n';
  return 2;
} catch (const std::regex_error& error) {
  std::cerr << "mulproc-bench: --filter is no regular expression: " << error.what() << '\n';
  return 2;
} catch (const std::exception& error) {
  std::cerr << "mulproc-bench: " << error.what() << '\n';
  return 1;
}
