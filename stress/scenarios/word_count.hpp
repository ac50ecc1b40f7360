#pragma once
/// The lines of real text dealt to a crew.
/// Invariants: every line is answered; the crew's counts are those of a single process.
#include <fstream>
#include <stress/team.hpp>

namespace mulproc::stress {

struct Counted {
  std::uint64_t words = 0, letters = 0, hash = 0;
  bool operator==(const Counted&) const = default;
  Counted& operator+=(const Counted& other) { return words += other.words, letters += other.letters, hash += other.hash, *this; }
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& words& letters& hash;
  }
};
inline void tag_invoke(boost::json::value_from_tag, boost::json::value& value, const Counted& counted) {
  value = {{"words", counted.words}, {"letters", counted.letters}, {"hash", counted.hash}};
}
inline Counted tag_invoke(boost::json::value_to_tag<Counted>, const boost::json::value& value) {
  return {value.at("words").to_number<std::uint64_t>(), value.at("letters").to_number<std::uint64_t>(), value.at("hash").to_number<std::uint64_t>()};
}

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

/// A line as S carries it: text of any kind that is valid UTF-8; for trivially_copyable a piece of at most 1,000 characters.
struct Piece {
  std::array<char, 1000> text{};
  std::uint32_t length = 0;
};

template <class C>
void word_count(Run& run) {
  using S = typename SerializerOf<C>::type;
  constexpr bool in_pieces = std::same_as<S, serializer::trivially_copyable>;
  std::vector<std::string> lines;
  Counted expected, counted;
  for (const auto& path : run.settings.input) {
    std::ifstream file(path);
    if (!run.check(bool(file), "the input can be read: " + path)) return;
    for (std::string text; std::getline(file, text);) {
      if (in_pieces && !run.check(text.size() <= Piece{}.text.size(), "trivially_copyable carries lines of at most 1000 characters: " + path)) return;
      expected += count(text);
      lines.push_back(std::move(text));
    }
  }
  Team<C> team(run, [](C& inbox) {
    while (auto message = inbox.receive()) {
      if (message->request() == request::DIE) return 0;
      Counted of_line;
      if constexpr (in_pieces) {
        const auto piece = message->template body<Piece>().value();
        of_line = count({piece.text.data(), piece.length});
      } else {
        of_line = count(message->template body<std::string>().value());
      }
      if (!inbox.reply(*message, request::FINISHED, of_line)) return 3;
    }
    return 4;
  });
  const auto deal = [&](std::size_t line) -> Result<> {
    C& parent = team.parent_of(line % team.size());
    if constexpr (in_pieces) {
      Piece piece{.length = static_cast<std::uint32_t>(lines[line].size())};
      lines[line].copy(piece.text.data(), piece.text.size());
      return parent.try_send({.request = request::DO}, piece);
    } else {
      return parent.try_send({.request = request::DO}, lines[line]);
    }
  };
  std::size_t dealt = 0, answered = 0;
  while (answered < lines.size() && !Run::interrupted) {
    while (dealt < lines.size() && dealt - answered < 32) {
      const auto sent = deal(dealt);
      if (!run.check(sent || sent.error() == Errc::not_ready, "no send fails: line " + std::to_string(dealt + 1) + ": " + sent.error().message())) return;
      if (!sent) break;
      ++dealt;
    }
    auto answer = team.receive();
    if (!run.check(bool(answer), "nothing lost: an answer comes to every line")) return;
    counted += answer->template body<Counted>().value();
    (void)run.goes_on(++answered, lines.size());
  }
  run.messages += dealt + answered;
  team.dismiss();
  run.check(Run::interrupted || counted == expected, "the crew counts what a single process counts");
}

}  // namespace mulproc::stress
