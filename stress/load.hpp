#pragma once
/// The bodies that travel: a number, a filler of any size, a checksum. Every serializer carries one kind of them.
#include <array>
#include <boost/json.hpp>
#include <mulproc/channel.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <string>

namespace mulproc::stress {

inline std::uint64_t checksum_of(std::uint64_t number, std::string_view filler) {
  std::uint64_t sum = number ^ 14695981039346656037u;
  for (const char c : filler) sum = (sum ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return sum;
}
inline std::string filler_of(std::uint64_t number, std::size_t bytes) {
  std::string filler(bytes, 'a');
  for (std::size_t i = 0; i < bytes; ++i) filler[i] = static_cast<char>('a' + (number + i * i) % 26);
  return filler;
}

/// For serializers that carry containers.
struct Letter {
  std::uint64_t number = 0;
  std::string filler;
  std::uint64_t checksum = 0;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& number& filler& checksum;
  }
};
inline void tag_invoke(boost::json::value_from_tag, boost::json::value& value, const Letter& letter) {
  value = {{"number", letter.number}, {"filler", letter.filler}, {"checksum", letter.checksum}};
}
inline Letter tag_invoke(boost::json::value_to_tag<Letter>, const boost::json::value& value) {
  return {value.at("number").to_number<std::uint64_t>(), std::string(value.at("filler").as_string()), value.at("checksum").to_number<std::uint64_t>()};
}

/// For trivially_copyable: the smallest of a few sizes that holds the filler.
template <std::size_t Bytes>
struct Block {
  std::uint64_t number, checksum, used;
  std::array<char, Bytes> filler;
};

inline constexpr std::size_t largest_block = 256 << 10;

/// Calls f with the body that carries `number` and so many bytes over S.
template <Serializer S, class F>
auto with_body(std::uint64_t number, std::size_t bytes, F f) {
  const std::string filler = filler_of(number, bytes);
  const std::uint64_t checksum = checksum_of(number, filler);
  if constexpr (std::same_as<S, serializer::trivially_copyable>) {
    const auto in = [&]<std::size_t Bytes>(std::integral_constant<std::size_t, Bytes>) {
      auto block = std::make_unique<Block<Bytes>>();
      block->number = number, block->checksum = checksum, block->used = filler.size();
      filler.copy(block->filler.data(), filler.size());
      return f(*block);
    };
    if (bytes <= 40) return in(std::integral_constant<std::size_t, 40>{});
    if (bytes <= 1024) return in(std::integral_constant<std::size_t, 1024>{});
    if (bytes <= 16384) return in(std::integral_constant<std::size_t, 16384>{});
    return in(std::integral_constant<std::size_t, largest_block>{});
  } else {
    return f(Letter{number, filler, checksum});
  }
}

/// How large a body can be that carries so many bytes.
template <Serializer S>
constexpr std::size_t most_bytes_of(std::size_t bytes) {
  if (!std::same_as<S, serializer::trivially_copyable>) return bytes + 256;  // names, numbers and quotes
  return bytes <= 1024 ? sizeof(Block<1024>) : bytes <= 16384 ? sizeof(Block<16384>) : sizeof(Block<largest_block>);
}

/// The number in a body; none when it is torn.
template <Serializer S>
std::optional<std::uint64_t> number_in(const MessageView<S>& message) {
  const auto whole = [](std::uint64_t number, std::uint64_t checksum, std::string_view filler) {
    return checksum == checksum_of(number, filler) ? std::optional(number) : std::nullopt;
  };
  if constexpr (std::same_as<S, serializer::trivially_copyable>) {
    const auto in = [&]<std::size_t Bytes>(std::integral_constant<std::size_t, Bytes>) -> std::optional<std::uint64_t> {
      const auto block = message.template body<Block<Bytes>>();
      if (!block || block->used > Bytes) return std::nullopt;
      return whole(block->number, block->checksum, {block->filler.data(), block->used});
    };
    switch (message.bytes().size()) {
      case sizeof(Block<40>): return in(std::integral_constant<std::size_t, 40>{});
      case sizeof(Block<1024>): return in(std::integral_constant<std::size_t, 1024>{});
      case sizeof(Block<16384>): return in(std::integral_constant<std::size_t, 16384>{});
      default: return in(std::integral_constant<std::size_t, largest_block>{});
    }
  } else {
    const auto letter = message.template body<Letter>();
    return letter ? whole(letter->number, letter->checksum, letter->filler) : std::nullopt;
  }
}

}  // namespace mulproc::stress
