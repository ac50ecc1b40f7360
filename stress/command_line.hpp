#pragma once
/// What mulproc-stress is asked to do; what it cannot do is refused in a sentence.
#include <boost/program_options.hpp>
#include <charconv>
#include <filesystem>
#include <stress/combinations.hpp>

namespace mulproc::stress {

/// Bad usage: exit status 2.
struct BadUsage : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct CommandLine {
  Settings settings;
  std::vector<const Combination*> chosen;
  std::string json;
  bool lists = false, helps = false;

  static boost::program_options::options_description options() {
    namespace po = boost::program_options;
    po::options_description options("mulproc-stress SCENARIO... [options]");
    options.add_options()("help", "this text")("list", "what can be run, and under chaos")(
        "transport", po::value<std::string>()->default_value("all"), "one, or all")(
        "serializer", po::value<std::string>(), "one, or all (default: trivially_copyable)")(
        "children", po::value<std::string>()->default_value("10"), "child processes, 1 to 400")(
        "messages", po::value<std::string>()->default_value("200"), "messages of a scenario")(
        "rounds", po::value<std::string>()->default_value("10"), "rounds of full_duplex")(
        "payload-bytes", po::value<std::string>()->default_value("1024"), "the largest body; sizes are random up to it")(
        "duration", po::value<std::string>(), "how long each scenario runs, such as 30s, 500ms or 2m, instead of a number of messages")(
        "chaos", po::value<std::string>(), "kill=PERIOD,stop=PERIOD: random children are killed or stopped so often, such as kill=20ms")(
        "seed", po::value<std::string>(), "repeats a run's random choices")(
        "input", po::value<std::vector<std::string>>()->multitoken(), "texts for word_count (default: the GPL that every Debian ships)")(
        "json", po::value<std::string>(), "writes the results to this file too")("scenario", po::value<std::vector<std::string>>(), "may be given without the option's name");
    return options;
  }

  /// Fails:   throws BadUsage.
  static CommandLine read(int argc, char** argv) try {
    namespace po = boost::program_options;
    po::positional_options_description positional;
    positional.add("scenario", -1);
    po::variables_map given;
    po::store(po::command_line_parser(argc, argv).options(options()).positional(positional).style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing).run(), given);
    po::notify(given);
    const auto text = [&](const char* name) { return given.count(name) != 0 ? given[name].as<std::string>() : std::string(); };
    const auto texts = [&](const char* name) { return given.count(name) != 0 ? given[name].as<std::vector<std::string>>() : std::vector<std::string>(); };

    CommandLine line;
    line.helps = given.count("help") != 0;
    line.lists = given.count("list") != 0;
    if (line.helps || line.lists) return line;
    Settings& settings = line.settings;
    settings.children = number("children", text("children"), 1, 400);
    settings.messages = number("messages", text("messages"), 1, 1'000'000'000);
    settings.rounds = number("rounds", text("rounds"), 1, 1'000'000'000);
    settings.payload_bytes = number("payload-bytes", text("payload-bytes"), 0, 64 << 20);
    settings.seed = given.count("seed") != 0 ? number("seed", text("seed"), 0, std::numeric_limits<std::uint64_t>::max()) : std::random_device{}();
    if (given.count("duration") != 0) settings.duration = period("duration", text("duration"));
    if (given.count("chaos") != 0) settings.chaos = chaos(text("chaos"));
    settings.input = texts("input");
    if (settings.input.empty()) settings.input = {"/usr/share/common-licenses/GPL-3"};
    for (const auto& path : settings.input) {
      if (!std::filesystem::is_regular_file(path)) throw BadUsage("--input: \"" + path + "\" is no file");
    }
    line.json = text("json");
    line.choose(texts("scenario"), text("transport"), text("serializer").empty() ? "trivially_copyable" : text("serializer"));
    return line;
  } catch (const boost::program_options::error& error) {
    throw BadUsage(error.what());
  }

  /// The command that repeats one run.
  std::string command_of(const Combination& one, std::uint64_t seed, const char* program) const {
    std::string command = std::string(program) + ' ' + one.scenario + " --transport " + one.transport + " --serializer " + one.serializer + " --children " +
                          std::to_string(settings.children) + " --messages " + std::to_string(settings.messages) + " --rounds " + std::to_string(settings.rounds) +
                          " --payload-bytes " + std::to_string(settings.payload_bytes) + " --seed " + std::to_string(seed);
    if (settings.duration) command += " --duration " + std::to_string(settings.duration->count()) + "ms";
    if (settings.chaos) {
      command += " --chaos ";
      if (settings.chaos.kill) command += "kill=" + std::to_string(settings.chaos.kill->count()) + "ms";
      if (settings.chaos.stop) command += std::string(settings.chaos.kill ? "," : "") + "stop=" + std::to_string(settings.chaos.stop->count()) + "ms";
    }
    for (const auto& path : settings.input) command += " --input " + path;
    return command;
  }

 private:
  static std::uint64_t number(const char* option, const std::string& text, std::uint64_t least, std::uint64_t most) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < least || value > most)
      throw BadUsage(std::string("--") + option + " must be " + std::to_string(least) + " to " + std::to_string(most) + ", not \"" + text + '"');
    return value;
  }
  static std::chrono::milliseconds period(const char* option, const std::string& text) {
    const auto unit = std::find_if_not(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    const std::string suffix(unit, text.end());
    const std::map<std::string, std::uint64_t> milliseconds{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
    const auto known = milliseconds.find(suffix);
    if (known == milliseconds.end() || unit == text.begin()) throw BadUsage(std::string("--") + option + " takes a time such as 500ms, 30s, 2m or 1h, not \"" + text + '"');
    return std::chrono::milliseconds(number(option, std::string(text.begin(), unit), 1, 1'000'000'000) * known->second);
  }
  static Chaos chaos(const std::string& text) {
    Chaos chaos;
    std::istringstream parts(text);
    for (std::string part; std::getline(parts, part, ',');) {
      const auto equals = part.find('=');
      const std::string what = part.substr(0, equals), how_often = equals == part.npos ? "" : part.substr(equals + 1);
      if (what == "kill") {
        chaos.kill = period("chaos kill", how_often);
      } else if (what == "stop") {
        chaos.stop = period("chaos stop", how_often);
      } else {
        throw BadUsage("--chaos takes kill=PERIOD and stop=PERIOD, such as kill=20ms,stop=100ms, not \"" + part + '"');
      }
    }
    if (!chaos) throw BadUsage("--chaos takes kill=PERIOD and stop=PERIOD, such as kill=20ms");
    return chaos;
  }

  static std::string names(std::string Combination::*member) {
    std::string all;
    for (const auto& one : combinations()) {
      if (all.find(one.*member) == all.npos) all += (all.empty() ? "" : ", ") + one.*member;
    }
    return all;
  }
  static void must_be_known(const char* what, std::string Combination::*member, const std::string& name) {
    const auto& all = combinations();
    if (std::none_of(all.begin(), all.end(), [&](const Combination& one) { return one.*member == name; }))
      throw BadUsage(std::string("no ") + what + " \"" + name + "\"; there are: " + names(member));
  }
  void choose(const std::vector<std::string>& scenarios, const std::string& transport, const std::string& serializer) {
    if (scenarios.empty()) throw BadUsage("name a scenario; there are: " + names(&Combination::scenario));
    for (const auto& name : scenarios) must_be_known("scenario", &Combination::scenario, name);
    if (transport != "all") must_be_known("transport", &Combination::transport, transport);
    if (serializer != "all") must_be_known("serializer", &Combination::serializer, serializer);
    std::string refused;
    for (const auto& name : scenarios) {
      for (const auto& one : combinations()) {
        if (one.scenario != name || (transport != "all" && transport != one.transport) || (serializer != "all" && serializer != one.serializer)) continue;
        if (one.serializer == "trivially_copyable" && settings.payload_bytes > largest_block) {
          refused = "--payload-bytes over " + std::to_string(largest_block) + " needs another --serializer than trivially_copyable";
        } else if (settings.chaos && !one.why_no_chaos.empty()) {
          refused = name + " over " + one.transport + " under --chaos: " + one.why_no_chaos;
        } else {
          chosen.push_back(&one);
        }
      }
    }
    if (chosen.empty()) throw BadUsage(refused);
  }
};

}  // namespace mulproc::stress
