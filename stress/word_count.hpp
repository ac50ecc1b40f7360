#pragma once
/// The lines of real text dealt to a crew; the counts compared with those of a single process.
#include <fstream>
#include <map>
#include <mulproc/crew.hpp>
#include <stress/run.hpp>

namespace mulproc::stress {

struct Line {
  std::array<char, 1000> text{};
  std::uint32_t length = 0;
};
struct Counted {
  std::uint64_t words = 0, letters = 0, hash = 0;
  bool operator==(const Counted&) const = default;
  Counted& operator+=(const Counted& other) { return words += other.words, letters += other.letters, hash += other.hash, *this; }
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

template <class Channel>
void word_count(const Settings& settings, Run& run) {
  std::vector<Line> lines;
  Counted expected;
  for (const auto& path : settings.input) {
    std::ifstream file(path);
    if (!run.check(bool(file), "the input can be read: " + path)) return;
    for (std::string text; std::getline(file, text);) {
      expected += count(text);
      if (!run.check(text.size() <= Line{}.text.size(), "every line has at most 1000 characters: " + path)) return;
      Line line{.length = static_cast<std::uint32_t>(text.size())};
      std::copy(text.begin(), text.end(), line.text.begin());
      lines.push_back(line);
    }
  }
  auto link = Channel::open();
  auto parent = link.parent();
  Crew crew(link, {.size = Channel::promises.many_to_many ? settings.children : 1}, [](Channel& inbox) {
    while (auto message = inbox.receive()) {
      if (message->request() == request::DIE) return;
      const Line line = message->template body<Line>().value();
      inbox.reply(*message, request::FINISHED, count({line.text.data(), line.length})).value();
    }
  });
  Counted counted;
  std::size_t dealt = 0, answered = 0;
  while (answered < lines.size()) {
    // A window: never more in flight than there is room for answers.
    while (dealt < lines.size() && dealt - answered < 32 && parent.try_send({.request = request::DO}, lines[dealt])) ++dealt;
    auto answer = parent.receive_for(run.patience);
    if (!run.check(bool(answer), "nothing lost: an answer comes to every line")) return;
    counted += answer->template body<Counted>().value();
    run.progress(++answered, lines.size());
  }
  run.messages += dealt + answered;
  for (const ExitStatus& status : crew.dismiss(parent, run.patience)) run.check(status.ok(), "every child ends by its pill");
  run.check(counted == expected, "the crew counts what a single process counts");
}

}  // namespace mulproc::stress
