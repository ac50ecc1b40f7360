// mulproc-stress: scenarios over transports, each invariant checked; exit status 0, 1 (an invariant broke) or 2 (bad usage).
#include <algorithm>
#include <array>
#include <boost/program_options.hpp>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <iomanip>
#include <mulproc/channel.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/message_queue.hpp>
#include <mulproc/transport/pipe.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <random>
#include <stress/full_duplex.hpp>
#include <stress/word_count.hpp>

namespace mulproc::stress {

using Scenario = std::function<void(const Settings&, Run&)>;
struct Combination {
  std::string scenario, transport;
  Scenario play;
};

template <class T>
void add(std::vector<Combination>& all) {
  using Carried = Channel<T, serializer::trivially_copyable, routing::addressed_to_me>;
  const std::string transport(T::name);
  all.push_back({"full_duplex", transport, full_duplex<Carried>});
  all.push_back({"word_count", transport, word_count<Carried>});
}
std::vector<Combination> combinations() {
  std::vector<Combination> all;
  add<transport::pipe>(all);
  add<transport::message_queue>(all);
  add<transport::shm_deque>(all);
  return all;
}

/// What a run could leave behind.
struct Remains {
  std::size_t descriptors = count("/proc/self/fd"), shared_files = count("/dev/shm");
  static std::size_t count(const char* folder) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
  }
};

bool play(const Combination& combination, const Settings& settings) {
  Run run(combination.scenario + " over " + combination.transport);
  const Remains before;
  const auto begin = std::chrono::steady_clock::now();
  try {
    combination.play(settings, run);
  } catch (const std::exception& error) {
    run.check(false, std::string("no call fails: ") + error.what());
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  const Remains after;
  run.check(after.descriptors <= before.descriptors, "no file descriptor is left");
  run.check(after.shared_files <= before.shared_files, "no shared memory file is left");
  run.check(::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD, "no process is left");
  run.clear_line();
  const bool passed = run.broken().empty();
  std::cout << std::left << std::setw(14) << combination.scenario << std::setw(16) << combination.transport << std::right << std::setw(9)
            << run.messages << std::setw(12) << static_cast<long>(static_cast<double>(run.messages) / seconds.count()) << std::fixed
            << std::setprecision(3) << std::setw(10) << seconds.count() << "   " << (passed ? "ok" : "BROKEN: " + run.broken()) << '\n';
  if (!passed) {
    std::cout << "  repeat it: mulproc-stress " << combination.scenario << " --transport " << combination.transport << " --children "
              << settings.children << " --rounds " << settings.rounds << " --seed " << settings.seed << '\n';
  }
  return passed;
}

int run(int argc, char** argv) {
  namespace po = boost::program_options;
  Settings settings;
  settings.seed = std::random_device{}();
  std::vector<std::string> scenarios;
  std::string transport;
  po::options_description options("mulproc-stress SCENARIO... [options]");
  options.add_options()("help", "this text")("list", "name the scenarios and transports")(
      "transport", po::value(&transport)->default_value("all"), "pipe, message_queue, shm_deque or all")(
      "children", po::value(&settings.children)->default_value(10), "child processes")(
      "rounds", po::value(&settings.rounds)->default_value(10), "rounds of full_duplex")("seed", po::value(&settings.seed), "repeats a run")(
      "input", po::value(&settings.input)->multitoken(), "texts for word_count (default: the GPL that Debian ships)")(
      "scenario", po::value(&scenarios), "may be given without the option's name");
  po::positional_options_description positional;
  positional.add("scenario", -1);
  po::variables_map given;
  po::store(po::command_line_parser(argc, argv).options(options).positional(positional).run(), given);
  po::notify(given);
  const auto all = combinations();
  if (given.count("help") != 0) return std::cout << options, 0;
  if (given.count("list") != 0) {
    for (const auto& one : all) std::cout << one.scenario << " over " << one.transport << '\n';
    return 0;
  }
  if (settings.input.empty()) settings.input = {"/usr/share/common-licenses/GPL-3"};
  if (scenarios.empty()) throw po::error("name a scenario; --list shows them");
  if (settings.children == 0 || settings.children > 400) throw po::error("--children must be 1 to 400");
  const auto known = [&](auto member, const std::string& name) {
    return std::any_of(all.begin(), all.end(), [&](const Combination& one) { return one.*member == name; });
  };
  if (transport != "all" && !known(&Combination::transport, transport)) throw po::error("no transport \"" + transport + "\"; --list shows them");
  for (const auto& name : scenarios) {
    if (!known(&Combination::scenario, name)) throw po::error("no scenario \"" + name + "\"; --list shows them");
  }
  std::cout << "seed " << settings.seed << ", " << settings.children << " children\n"
            << "scenario      transport        messages  messages/s   seconds   verdict\n";
  bool passed = true;
  for (const auto& one : all) {
    const bool wanted = std::find(scenarios.begin(), scenarios.end(), one.scenario) != scenarios.end() && (transport == "all" || transport == one.transport);
    if (wanted) passed = play(one, settings) && passed;
  }
  return passed ? 0 : 1;
}

}  // namespace mulproc::stress

int main(int argc, char** argv) {
  try {
    return mulproc::stress::run(argc, argv);
  } catch (const boost::program_options::error& error) {
    std::cerr << "mulproc-stress: " << error.what() << '\n';
    return 2;
  }
}
