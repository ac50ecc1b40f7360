// mulproc-stress: scenarios over transports and serializers, each invariant checked.
// Exit status: 0 all held; 1 one broke, with the command that repeats it; 2 bad usage.
#include <cerrno>
#include <stress/command_line.hpp>
#include <stress/report.hpp>
#include <stress/watchdog.hpp>

namespace mulproc::stress {

/// What a run could leave behind: descriptors, and files of shared memory, whose names hold their maker's pid.
struct Remains {
  std::size_t descriptors = count("/proc/self/fd", ""), shared_files = count("/dev/shm", "-" + std::to_string(::getpid()) + "-");
  static std::size_t count(const char* folder, const std::string& part) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) count += entry.path().filename().string().find(part) != std::string::npos ? 1 : 0;
    return count;
  }
};

Outcome play(const Combination& combination, const CommandLine& line, const char* program) {
  using std::chrono::steady_clock;
  const std::string command = line.command_of(combination, line.settings.seed, program);
  const auto begin = steady_clock::now();
  const auto planned = line.settings.duration.value_or(std::chrono::milliseconds(0));
  Run run(combination.scenario + " over " + combination.transport, line.settings, line.settings.seed, begin + planned);
  const Remains before;
  {
    // Every wait in a scenario has an end of its own; this is for what nobody thought of.
    const auto patience = 10 * Run::patience + (line.settings.duration ? std::chrono::ceil<std::chrono::seconds>(planned) : std::chrono::minutes(30));
    const Watchdog watchdog(patience, "BROKEN: it hangs\n  repeat it: " + command + '\n', 1);
    try {
      combination.play(run);
    } catch (const std::exception& error) {
      run.check(false, std::string("no call fails: ") + error.what());
    }
  }
  const std::chrono::duration<double> took = steady_clock::now() - begin;
  const Remains after;
  run.check(after.descriptors <= before.descriptors, "no file descriptor is left");
  run.check(after.shared_files <= before.shared_files, "no shared memory file is left");
  run.check(::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD, "no process is left");
  run.clear_line();
  return {&combination, run.messages, run.kills, run.stops, run.redelivered, line.settings.seed, took.count(), run.broken(), command};
}

void list() {
  std::cout << "scenario     transport      serializer          chaos   remark\n" << std::left;
  for (const auto& one : combinations()) {
    std::cout << std::setw(13) << one.scenario << std::setw(15) << one.transport << std::setw(20) << one.serializer << std::setw(8)
              << (one.why_no_chaos.empty() ? "yes" : "no") << one.remark << (one.remark.empty() || one.why_no_chaos.empty() ? "" : "; ") << one.why_no_chaos << '\n';
  }
  std::cout << "not here: in_memory, which stays inside one process; bodies over " << largest_block << " bytes under trivially_copyable, which has sizes fixed at compile time\n";
}

int run(int argc, char** argv) {
  const auto line = CommandLine::read(argc, argv);
  if (line.helps) return std::cout << CommandLine::options(), 0;
  if (line.lists) return list(), 0;
  ::signal(SIGINT, [](int) { Run::interrupted = true; });
  std::cout << "seed " << line.settings.seed << ", " << line.settings.children << " children\n";
  Report report;
  for (const Combination* one : line.chosen) {
    if (!Run::interrupted) report.add(play(*one, line, argv[0]));
  }
  if (Run::interrupted) std::cout << "interrupted: this is what ran\n";
  if (!line.json.empty()) report.write_json(line.json);
  return report.all_passed() ? 0 : 1;
}

}  // namespace mulproc::stress

int main(int argc, char** argv) {
  try {
    return mulproc::stress::run(argc, argv);
  } catch (const mulproc::stress::BadUsage& error) {
    std::cerr << "mulproc-stress: " << error.what() << "\nmulproc-stress --help shows the options, --list what can be run.\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "mulproc-stress: " << error.what() << '\n';
    return 1;
  }
}
