#pragma once
/// What turns objects into bytes and back. A serializer never trusts the bytes it reads.
///
/// A Serializer has a `name` and, for every type B it can carry,
///   static Result<> encode(const B&, Sink&);       fails: too_large, when append said false
///   static Result<B> decode<B>(bytes);             fails: malformed; memory stays in proportion to the bytes
///   static span<const byte> bytes_of(const B&);    optional: where the body lies as encode would write it, so that it need not
///                                                  be written anew
/// One whose reading takes more memory than its value may take decode<B>(bytes, max_body_bytes), and stay in proportion to that.
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mulproc/result.hpp>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace mulproc {

/// Where a serializer writes: memory the caller owns, up to a limit.
class Sink {
 public:
  Sink(std::vector<std::byte>& buffer, std::size_t max_bytes) : Sink({}, buffer, max_bytes) {}
  /// Writes to `lent`; what outgrows that goes to the buffer, all of it.
  Sink(std::span<std::byte> lent, std::vector<std::byte>& buffer, std::size_t max_bytes) : lent_(lent), buffer_(buffer), max_bytes_(max_bytes) { buffer_.clear(); }

  /// False, and nothing written, when the body would become too large.
  bool append(std::span<const std::byte> bytes) {
    if (bytes.size() > room()) return false;
    if (bytes.empty()) return true;
    if (!fits(bytes.size())) {
      if (is_in_lent()) buffer_.assign(lent_.begin(), lent_.begin() + static_cast<std::ptrdiff_t>(size_));
      lent_ = {};
      buffer_.resize(size_ + bytes.size());
    }
    std::memcpy((is_in_lent() ? lent_.data() : buffer_.data()) + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
    return true;
  }
  std::size_t size() const noexcept { return size_; }
  std::size_t room() const noexcept { return max_bytes_ - size_; }
  /// Where all of it is: in what was lent, or in the buffer.
  bool is_in_lent() const noexcept { return !lent_.empty(); }

 private:
  bool fits(std::size_t more) const noexcept { return is_in_lent() && more <= lent_.size() - size_; }

  std::span<std::byte> lent_;
  std::vector<std::byte>& buffer_;
  std::size_t max_bytes_, size_ = 0;
};

/// The type a body is sent as: a string literal, pointer to characters or string_view travels as std::string.
template <class B>
using body_t = std::conditional_t<std::is_convertible_v<const B&, std::string_view>, std::string, std::remove_cvref_t<B>>;

template <class S>
concept Serializer = requires {
  { S::name } -> std::convertible_to<std::string_view>;  // REMEDY: give the serializer a static constexpr std::string_view name
};

/// S can carry a B: it can both write it and read it back.
template <class S, class B>
concept SerializerFor = Serializer<S> && requires(const body_t<B>& body, Sink& sink, std::span<const std::byte> bytes) {
  { S::encode(body, sink) } -> std::same_as<Result<>>;                            // S cannot write this type: see the encode it offers
  { S::template decode<body_t<B>>(bytes) } -> std::same_as<Result<body_t<B>>>;    // S cannot read this type back
};

/// What the compiler calls T.
template <class T>
consteval std::string_view compilers_name_of() {
  // "... [with T = x; std::string_view = ...]" from g++, "... [T = x]" from clang
  const std::string_view text = __PRETTY_FUNCTION__;
  const auto begin = text.find("T = ") + 4;
  const auto end = text.find("; std::string_view = ", begin);
  return text.substr(begin, (end == text.npos ? text.size() - 1 : end) - begin);
}

/// A type's name as the wire knows it. Specialise it when sender and receiver are built by different compilers,
/// or call the same thing by different names.
template <class T>
inline constexpr std::string_view type_name = compilers_name_of<T>();
template <>
inline constexpr std::string_view type_name<std::string> = "std::string";

/// A 32-bit FNV-1a hash of the type's name, never 0 (0 means unchecked).
template <class B>
inline constexpr std::uint32_t body_type_of = [] {
  std::uint32_t hash = 2166136261u;
  for (const char c : type_name<body_t<B>>) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash == 0 ? 1u : hash;
}();

}  // namespace mulproc
