#pragma once
#include <fstream>
#include <sstream>
#include <stress/scenarios/jobs.hpp>

namespace mulproc::stress {

struct Counted {
  std::uint64_t words = 0, letters = 0, hash = 0;
  bool operator==(const Counted&) const = default;
  Counted& operator+=(const Counted& other) {
    return words += other.words, letters += other.letters, hash += other.hash, *this;
  }
  std::string text() const {
    return std::to_string(words) + ' ' + std::to_string(letters) + ' ' + std::to_string(hash);
  }
  static Counted from(const std::string& text) {
    Counted counted;
    std::istringstream(text) >> counted.words >> counted.letters >> counted.hash;
    return counted;
  }
};

inline Counted count(std::string_view text) {
  Counted counted;
  std::uint64_t word = 0;
  const auto end_word = [&] {
    if (word != 0) ++counted.words, counted.hash += word;  // a sum: the order in which the crew counts does not matter
    word = 0;
  };
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ') {
      end_word();
    } else {
      ++counted.letters;
      word = (word + byte) * 0x9E3779B97F4A7C15u;
    }
  }
  end_word();
  return counted;
}

inline void play_word_count(Run& run) {
  std::vector<std::string> lines;
  Counted expected, counted;
  std::size_t longest = 0;
  for (const auto& path : run.settings.input) {
    std::ifstream file(path);
    if (!run.check(bool(file), invariant::no_call_fails, "cannot read " + path)) return;
    for (std::string text; std::getline(file, text);) {
      longest = std::max(longest, text.size());
      lines.push_back(std::move(text));
    }
  }
  if (!run.check(longest <= run.medium.largest_text, invariant::no_call_fails,
                 "this serializer carries lines of at most " + std::to_string(run.medium.largest_text) + " bytes"))
    return;
  Team team(run, {.largest_text = longest}, [](Port& inbox) {
    while (auto line = inbox.receive()) {
      if (line->request() == request::DIE) return 0;
      const Load load = line->load().value_or(Load{});
      const auto sent = inbox.reply(*line, verdict_on(*line), {.number = load.number, .text = count(load.text).text()});
      if (!sent) return sent.error() == Errc::closed ? 0 : 3;
    }
    return 0;
  });
  Jobs jobs(run, team, 32, [&](Load load) {
    const auto number = load.number;
    auto sent = team.offer(request::DO, std::move(load));
    if (sent) expected += count(lines[number % lines.size()]);
    return sent;
  });
  jobs.text_for = [&](std::uint64_t number) { return lines[number % lines.size()]; };
  std::map<std::uint64_t, bool> second;  // of what was handed on two answers may come
  jobs.on_answer = [&](const Mail& answer, std::uint64_t number) {
    if (!run.settings.chaos.kill || !std::exchange(second[number], true)) counted += Counted::from(answer.load()->text);
  };
  if (lines.empty()) return;
  jobs.play(std::max<std::uint64_t>(lines.size(), run.settings.messages));
  run.check(counted == expected, invariant::counts_agree,
            [&] { return "the crew " + counted.text() + ", a single process " + expected.text(); });
}
inline const Scenario word_count{
    .name = "word_count",
    .about =
        "The lines of real text dealt to a crew: all of them, and from the start again up to --messages or --duration.",
    .invariants = invariants_of_jobs(&invariant::counts_agree),
    .play = play_word_count};

}  // namespace mulproc::stress
