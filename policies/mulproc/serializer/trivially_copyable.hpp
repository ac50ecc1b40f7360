#pragma once
// What:    a body's bytes are its memory: plain structs and numbers, copied as they lie.
// Choose:  fixed-size messages between processes of one build on one machine; nothing is cheaper.
// Not:     for strings, containers or anything that points elsewhere: boost_binary; between unlike machines: json.
// Death:   no state; nothing happens.
#include <array>
#include <bit>
#include <functional>
#include <mulproc/serializer.hpp>

namespace mulproc::serializer {

// Trivially copyable, and yet only a way to somebody's memory.
template <class B>
inline constexpr bool refers_to_memory = std::is_pointer_v<B> || std::is_member_pointer_v<B> || std::is_null_pointer_v<B>;
template <class B>
inline constexpr bool refers_to_memory<std::reference_wrapper<B>> = true;
template <class C, class Traits>
inline constexpr bool refers_to_memory<std::basic_string_view<C, Traits>> = true;
template <class B, std::size_t N>
inline constexpr bool refers_to_memory<std::span<B, N>> = true;
template <class B, std::size_t N>
inline constexpr bool refers_to_memory<B[N]> = refers_to_memory<B>;
template <class B, std::size_t N>
inline constexpr bool refers_to_memory<std::array<B, N>> = refers_to_memory<B>;

template <class B>
concept CrossesProcessBorder =
    std::is_trivially_copyable_v<B> &&  // REMEDY: its bytes are not the whole of it; send it through boost_binary or json, or send a plain struct
    !refers_to_memory<B>;               // REMEDY: an address means nothing in another process; send what it points to

struct trivially_copyable {
  static constexpr std::string_view name = "trivially_copyable";

  template <CrossesProcessBorder B>
  static Result<> encode(const B& body, Sink& sink) {
    if (!sink.append(bytes_of(body))) return Errc::too_large;
    return {};
  }
  template <CrossesProcessBorder B>
  static std::span<const std::byte> bytes_of(const B& body) noexcept {
    return std::as_bytes(std::span(&body, 1));
  }

  template <CrossesProcessBorder B>
  static Result<B> decode(std::span<const std::byte> bytes) {
    if (bytes.size() != sizeof(B)) return Errc::malformed;
    if constexpr (std::same_as<B, bool>) {  // any other bit pattern is no bool, and reading it is undefined
      const auto value = std::to_integer<unsigned>(bytes[0]);
      if (value > 1) return Errc::malformed;
      return value == 1;
    } else {
      std::array<std::byte, sizeof(B)> copy;
      std::memcpy(copy.data(), bytes.data(), copy.size());
      return std::bit_cast<B>(copy);
    }
  }
};

}  // namespace mulproc::serializer
