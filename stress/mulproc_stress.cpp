// mulproc-stress: scenarios over transports and serializers, each invariant checked.
// Exit status: 0 all held; 1 one broke, with the command that repeats it; 2 bad usage.
#include <sys/wait.h>

#include <stress/command_line.hpp>
#include <stress/report/report.hpp>
#include <stress/watchdog.hpp>

namespace mulproc::stress {

Outcome play(const Combination& combination, const Settings& asked, const char* program, LiveView& view) {
  const std::string command = CommandLine::command_of(combination, asked, program);
  Run run(combination.title(), asked, *combination.medium, &view);
  const Footprint before = Footprint::now();
  {
    // Every wait in a scenario has an end of its own; this is for what nobody thought of.
    const auto planned = asked.duration ? std::chrono::ceil<std::chrono::seconds>(
                                              *asked.duration + asked.warmup.value_or(std::chrono::milliseconds(0)))
                                        : std::chrono::minutes(30);
    const Watchdog watchdog(10 * Run::patience + planned, "BROKEN: it hangs\n  repeat it: " + command + '\n', 1);
    try {
      combination.scenario->play(run);
    } catch (const std::exception& error) {
      run.check(false, invariant::no_call_fails, std::string(error.what()));
    }
  }
  run.end();
  const Footprint after = Footprint::now();
  run.check(after.descriptors <= before.descriptors, invariant::nothing_left, "a file descriptor is left");
  run.check(after.shared_files <= before.shared_files, invariant::nothing_left, "a shared memory file is left");
  run.check(::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD, invariant::nothing_left, "a process is left");
  view.clear();
  return {combination, run, command};
}

void print_head() {
  std::cout << "scenario       transport      serializer          messages   messages/s   seconds       p50       p99  "
               " verdict\n";
}
void print(const Outcome& outcome) {
  const bool colour = ::isatty(STDOUT_FILENO) == 1;
  std::cout << std::left << std::setw(15) << outcome.combination.scenario->name << std::setw(15)
            << outcome.combination.medium->transport << std::setw(18) << outcome.combination.medium->serializer
            << std::right << std::setw(10) << outcome.messages << std::setw(13)
            << static_cast<std::uint64_t>(outcome.rate()) << std::fixed << std::setprecision(3) << std::setw(10)
            << outcome.seconds << std::setw(10) << time_in_words(outcome.latency->quantile(0.5)) << std::setw(10)
            << time_in_words(outcome.latency->quantile(0.99)) << "   ";
  if (outcome.broken.empty()) {
    std::cout << (colour ? "\x1b[32mok\x1b[0m" : "ok");
  } else {
    std::cout << (colour ? "\x1b[31mBROKEN\x1b[0m: " : "BROKEN: ") << outcome.broken;
  }
  const char* separator = "  (";
  const auto tell = [&](std::uint64_t count, const char* what) {
    if (count != 0) std::cout << std::exchange(separator, ", ") << count << ' ' << what;
  };
  tell(outcome.kills, "killed"), tell(outcome.stops, "stopped"), tell(outcome.pauses, "paused"),
      tell(outcome.died, "died"), tell(outcome.redelivered, "handed on"), tell(outcome.dead_letters, "dead letters");
  std::cout << (*separator == ',' ? ")\n" : "\n");
  if (!outcome.broken.empty()) std::cout << "  repeat it: " << outcome.command << '\n';
  std::cout << std::flush;
}

void list() {
  std::cout << std::left << std::setw(15) << "scenario" << std::setw(15) << "transport" << std::setw(20) << "serializer"
            << "can it be run; whom --chaos kill= hits\n";
  for (const Combination& one : combinations()) {
    const auto why_not = one.why_not(), why_no_kill = one.why_no_kill();
    std::cout << std::setw(15) << one.scenario->name << std::setw(15) << one.medium->transport << std::setw(20)
              << one.medium->serializer;
    if (!why_not.empty()) {
      std::cout << "no: " << why_not << '\n';
    } else {
      std::cout << "yes" << (one.medium->promises.many_to_many ? "" : ", over a link for each child")
                << (why_no_kill.empty() ? "; any child" : "; nobody: " + why_no_kill) << '\n';
    }
  }
  std::cout << "\nwhat they do\n";
  for (const Scenario* one : scenarios()) std::cout << std::setw(15) << one->name << one->about << '\n';
  std::cout << "\nnot here: in_memory, which stays inside one process. The routing is addressed_to_me: with another "
               "one a scenario would lose what it checks.\n";
}

/// All that was chosen once; in a soak again and again, and what is the same is added up.
void play_all(const CommandLine& line, const char* program, Report& report) {
  LiveView view;
  const auto begin = Run::clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(Run::clock::now() - begin).count(); };
  const auto time_is_left = [&](std::size_t round) {
    return line.soak ? Run::clock::now() - begin < *line.soak : round == 0;
  };
  for (std::size_t round = 0; time_is_left(round) && !Run::interrupted; ++round) {
    for (std::size_t i = 0; i < line.chosen.size() && !Run::interrupted && (round == 0 || time_is_left(round)); ++i) {
      Settings asked = line.settings_for(line.chosen[i]);
      asked.seed += round;  // other choices each time, and each can be repeated alone
      Outcome outcome = play(line.chosen[i], asked, program, view);
      if (round == 0 || !outcome.broken.empty()) print(outcome);
      if (round == 0) {
        report.outcomes.push_back(std::move(outcome));
      } else {
        if (report.outcomes[i].broken.empty() && !outcome.broken.empty())
          report.outcomes[i].command = outcome.command, report.outcomes[i].seed = outcome.seed;
        report.outcomes[i].add(std::move(outcome));
      }
      if (line.soak) report.growth.add(Footprint::now(seconds()));
    }
  }
  if (!line.soak) return;
  report.soak_seconds = seconds();
  report.grew = report.growth.verdict(line.chosen.size());
  const auto& taken = report.growth.taken();
  std::cout << "soaked " << static_cast<std::uint64_t>(seconds()) << " s, " << taken.size()
            << " runs: " << taken.front().resident_kib << " KiB resident at first, " << taken.back().resident_kib
            << " KiB in the end; " << taken.back().descriptors << " descriptors, " << taken.back().processes
            << " processes left; "
            << (!report.grew.empty() ? "BROKEN: " + report.grew
                : report.growth.can_tell(line.chosen.size())
                    ? "nothing grew"
                    : "too short to tell whether memory grows: that takes a second round")
            << '\n';
}

int run(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "compare") {
    if (argc != 4) throw BadUsage("compare takes two files that --json wrote: compare A.json B.json");
    return std::cout << compare(argv[2], argv[3]), 0;
  }
  const auto line = CommandLine::read(argc, argv);
  if (line.helps) return std::cout << CommandLine::options(), 0;
  if (line.lists) return list(), 0;
  for (const int signal : {SIGINT, SIGTERM}) ::signal(signal, [](int) { Run::interrupted = true; });
  std::cout << "seed " << line.settings.seed << ", " << line.settings.children
            << " children; p50, p99: from when a message was due until its receiver had it\n";
  print_head();
  Report report;
  report.settings = line.settings;
  for (int i = 0; i < argc; ++i) report.command += (i == 0 ? "" : " ") + std::string(argv[i]);
  if (report.command.find("--seed") == std::string::npos)
    report.command += " --seed " + std::to_string(line.settings.seed);
  {
    std::optional<transport::TraceFile> trace;
    if (!line.trace.empty())
      trace.emplace(transport::TraceFile::Options{.path = line.trace, .title = line.chosen.front().title()});
    play_all(line, argv[0], report);
  }
  report.interrupted = Run::interrupted;
  if (report.interrupted) std::cout << "interrupted: this is what ran\n";
  if (!line.json.empty()) report.write_json(line.json);
  if (!line.page.empty()) {
    report.write_page(line.page);
    std::cout << "report: " << std::filesystem::absolute(line.page).string() << '\n';
  }
  if (!line.trace.empty()) std::cout << "trace: " << std::filesystem::absolute(line.trace).string() << '\n';
  return report.all_passed() ? 0 : 1;
}

}  // namespace mulproc::stress

int main(int argc, char** argv) {
  try {
    return mulproc::stress::run(argc, argv);
  } catch (const mulproc::stress::BadUsage& error) {
    std::cerr << "mulproc-stress: " << error.what()
              << "\nmulproc-stress --help shows the options, --list what can be run.\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "mulproc-stress: " << error.what() << '\n';
    return 1;
  }
}
