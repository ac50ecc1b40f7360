#pragma once
/// What mulproc-stress is asked to do; what it cannot do is refused in a sentence.
#include <boost/program_options.hpp>
#include <charconv>
#include <filesystem>
#include <map>
#include <random>
#include <sstream>
#include <stress/combinations.hpp>

namespace mulproc::stress {

/// Bad usage: exit status 2.
struct BadUsage : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct CommandLine {
  Settings settings;
  std::vector<Combination> chosen;
  std::string json, page, trace;
  Period soak;
  bool lists = false, helps = false;

  /// What --help shows.
  static boost::program_options::options_description options() {
    namespace po = boost::program_options;
    const auto text = [](const char* name) { return po::value<std::string>()->value_name(name); };
    po::options_description what("what runs"), load("the load"), chaos("what goes wrong on purpose"),
        written("what is written");
    what.add_options()("list", "what can be run, and why the rest cannot")(
        "transport", text("NAME")->default_value("all"), "one, or all")(
        "serializer", text("NAME")->default_value("trivially_copyable"), "one, or all")(
        "children", text("N")->default_value("10"), "child processes, 1 to 400")(
        "messages", text("N")->default_value("200"), "how many messages a scenario sends, or jobs, or questions")(
        "rounds", text("N")->default_value("10"), "the same for full_duplex, which counts rounds")(
        "duration", text("TIME"), "how long each scenario runs, instead of --messages and --rounds")(
        "warmup", text("TIME"), "runs so long before that: checked as strictly, but not measured")(
        "seed", text("N"), "makes the random choices of an earlier run again")(
        "input", po::value<std::vector<std::string>>()->multitoken()->value_name("FILE..."),
        "texts for word_count; without it the GPL, which every Debian has");
    load.add_options()("payload-bytes", text("SIZES")->default_value("0..1024"),
                       "64: all alike; 10..10KiB: uniform; log:10..1MiB: uniform in the logarithm, so that small ones "
                       "are as frequent as large ones")(
        "rate", text("N"),
        "N messages a second, each sent when it is due whatever came of the others, and timed from then (an open "
        "loop); without it the next is sent when there is room (a closed loop)");
    chaos.add_options()("chaos", text("kill=TIME,stop=TIME,pause=TIME"),
                        "any of the three; about once in each TIME a random child is killed, and replaced; is stopped "
                        "for half of TIME; is stopped for 1.2 s, longer than the library waits for anything")(
        "soak", text("TIME"),
        "plays all that was chosen again and again for so long, 2s each or --duration; memory, descriptors and "
        "processes must not grow");
    written.add_options()("report", text("FILE.html"), "a page with charts: one file that needs no network")(
        "json", text("FILE"), "all that the page shows; stress/report/SCHEMA.md describes it")(
        "trace", text("FILE"),
        "all that the endpoints of one run do, for mulproc-trace to draw; over shm_deque where no transport is named")(
        "help", "this text");
    po::options_description all(
        "mulproc-stress SCENARIO... [options]     plays scenarios and checks what must hold; \"all\" is every one\n"
        "mulproc-stress compare A.json B.json     what changed from one report to another\n\n"
        "A TIME is a number with its unit: 500ms, 30s, 2m or 1h.\n"
        "Exit status: 0 all held, 1 something broke (the command that repeats it is printed), 2 bad usage\n\n"
        "options");
    all.add(what).add(load).add(chaos).add(written);
    return all;
  }

  /// Fails:   throws BadUsage.
  static CommandLine read(int argc, char** argv) try {
    namespace po = boost::program_options;
    po::positional_options_description positional;
    positional.add("scenario", -1);
    po::options_description known = options();
    known.add_options()("scenario", po::value<std::vector<std::string>>());  // by position
    po::variables_map given;
    po::store(po::command_line_parser(argc, argv)
                  .options(known)
                  .positional(positional)
                  .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing)
                  .run(),
              given);
    po::notify(given);
    const auto text = [&](const char* name) {
      return given.count(name) != 0 ? given[name].as<std::string>() : std::string();
    };
    const auto texts = [&](const char* name) {
      return given.count(name) != 0 ? given[name].as<std::vector<std::string>>() : std::vector<std::string>();
    };

    CommandLine line;
    line.helps = given.count("help") != 0;
    line.lists = given.count("list") != 0;
    if (line.helps || line.lists) return line;
    Settings& settings = line.settings;
    settings.children = number("children", text("children"), 1, 400);
    settings.messages = number("messages", text("messages"), 1, 1'000'000'000);
    settings.rounds = number("rounds", text("rounds"), 1, 1'000'000'000);
    const auto sizes = Sizes::read(text("payload-bytes"));
    if (!sizes)
      throw BadUsage("--payload-bytes takes 64, 10..10KiB or log:10..1MiB, up to 64MiB, not \"" +
                     text("payload-bytes") + '"');
    settings.payload = *sizes;
    if (given.count("rate") != 0) settings.rate = static_cast<double>(number("rate", text("rate"), 1, 100'000'000));
    settings.seed = given.count("seed") != 0
                        ? number("seed", text("seed"), 0, std::numeric_limits<std::uint64_t>::max())
                        : std::random_device{}();
    if (given.count("duration") != 0) settings.duration = period("duration", text("duration"));
    if (given.count("warmup") != 0) settings.warmup = period("warmup", text("warmup"));
    if (given.count("soak") != 0) line.soak = period("soak", text("soak"));
    if (line.soak && !settings.duration) settings.duration = std::chrono::seconds(2);
    if (given.count("chaos") != 0) settings.chaos = chaos(text("chaos"));
    settings.input = texts("input");
    if (settings.input.empty()) settings.input = {"/usr/share/common-licenses/GPL-3"};
    for (const auto& path : settings.input) {
      if (!std::filesystem::is_regular_file(path)) throw BadUsage("--input: \"" + path + "\" is no file");
    }
    line.json = text("json");
    line.page = text("report");
    line.trace = text("trace");
    const bool any_will_do = !line.trace.empty() && given["transport"].defaulted();
    line.choose(texts("scenario"), any_will_do ? "shm_deque" : text("transport"), text("serializer"));
    if (!line.trace.empty()) line.must_be_one_that_is_traced();
    return line;
  } catch (const boost::program_options::error& error) {
    throw BadUsage(error.what());
  }

  /// What one of those chosen is asked: where nobody may be killed, only the rest of the chaos.
  Settings settings_for(const Combination& one) const {
    Settings its = settings;
    if (!one.why_no_kill().empty()) its.chaos.kill.reset();
    return its;
  }
  /// The command that repeats one run.
  static std::string command_of(const Combination& one, const Settings& asked, const char* program) {
    std::ostringstream command;
    command << program << ' ' << one.scenario->name << " --transport " << one.medium->transport << " --serializer "
            << one.medium->serializer << " --children " << asked.children << " --messages " << asked.messages
            << " --rounds " << asked.rounds << " --payload-bytes " << asked.payload.text() << " --seed " << asked.seed;
    if (asked.rate) command << " --rate " << static_cast<std::uint64_t>(*asked.rate);
    const auto add = [&](const char* before, const Period& period) {
      if (period) command << before << period->count() << "ms";
    };
    add(" --duration ", asked.duration);
    add(" --warmup ", asked.warmup);
    const char* separator = " --chaos ";
    for (const auto& [name, period] : {std::pair("kill=", asked.chaos.kill), std::pair("stop=", asked.chaos.stop),
                                       std::pair("pause=", asked.chaos.pause)}) {
      if (!period) continue;
      command << separator;
      add(name, period);
      separator = ",";
    }
    for (const auto& path : asked.input) command << " --input " << path;
    return command.str();
  }

 private:
  void must_be_one_that_is_traced() const {
    if (chosen.size() != 1 || soak)
      throw BadUsage("--trace records one run: name one scenario and one transport, and no --soak");
    if (chosen.front().medium->open_traced == nullptr)
      throw BadUsage("--trace records trivially_copyable only, not " + chosen.front().medium->serializer);
  }
  static std::uint64_t number(const char* option, const std::string& text, std::uint64_t least, std::uint64_t most) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < least || value > most)
      throw BadUsage(std::string("--") + option + " must be " + std::to_string(least) + " to " + std::to_string(most) +
                     ", not \"" + text + '"');
    return value;
  }
  static std::chrono::milliseconds period(const char* option, const std::string& text) {
    const auto unit = std::find_if_not(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    const std::string suffix(unit, text.end());
    const std::map<std::string, std::uint64_t> milliseconds{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
    const auto known = milliseconds.find(suffix);
    if (known == milliseconds.end() || unit == text.begin())
      throw BadUsage(std::string("--") + option + " takes a time such as 500ms, 30s, 2m or 1h, not \"" + text + '"');
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
      } else if (what == "pause") {
        chaos.pause = period("chaos pause", how_often);
      } else {
        throw BadUsage("--chaos takes kill=PERIOD, stop=PERIOD and pause=PERIOD, such as kill=20ms,stop=100ms, not \"" +
                       part + '"');
      }
    }
    if (!chaos) throw BadUsage("--chaos takes kill=PERIOD, stop=PERIOD and pause=PERIOD, such as kill=20ms");
    return chaos;
  }

  template <class Name>
  static std::string must_be_known(const char* what, const std::string& name, Name name_of) {
    std::vector<std::string> names;
    for (const Combination& one : combinations()) {
      if (std::find(names.begin(), names.end(), name_of(one)) == names.end()) names.push_back(name_of(one));
    }
    if (std::find(names.begin(), names.end(), name) != names.end()) return name;
    std::string list;
    for (const auto& one : names) list += (list.empty() ? "" : ", ") + one;
    throw BadUsage((name.empty() ? std::string("name a ") + what : std::string("no ") + what + " \"" + name + '"') +
                   "; there are: " + list);
  }
  void choose(const std::vector<std::string>& names, const std::string& transport, const std::string& serializer) {
    const auto scenario_of = [](const Combination& one) { return std::string(one.scenario->name); };
    if (names.empty()) must_be_known("scenario", "", scenario_of);
    const bool every = names == std::vector<std::string>{"all"};
    if (!every) {
      for (const auto& name : names) must_be_known("scenario", name, scenario_of);
    }
    if (transport != "all")
      must_be_known("transport", transport, [](const Combination& one) { return one.medium->transport; });
    if (serializer != "all")
      must_be_known("serializer", serializer, [](const Combination& one) { return one.medium->serializer; });
    std::string refused;
    const auto add = [&](const Combination& one) {
      if ((transport != "all" && transport != one.medium->transport) ||
          (serializer != "all" && serializer != one.medium->serializer))
        return;
      if (const auto why = one.why_not(); !why.empty()) {
        refused = one.title() + ": " + why;
      } else if (settings.payload.largest() > one.medium->largest_text) {
        refused = "--payload-bytes over " + std::to_string(one.medium->largest_text) +
                  " needs another --serializer than " + one.medium->serializer;
      } else if (settings.chaos.kill && !settings.chaos.stop && !settings.chaos.pause && !one.why_no_kill().empty()) {
        refused = one.title() + " under --chaos: " + one.why_no_kill();
      } else {
        chosen.push_back(one);
      }
    };
    const auto all = combinations();
    if (every) std::for_each(all.begin(), all.end(), add);
    for (const auto& name : names) {
      for (const Combination& one : all) {
        if (scenario_of(one) == name) add(one);
      }
    }
    if (chosen.empty()) throw BadUsage(refused);
  }
};

}  // namespace mulproc::stress
