#pragma once
/// What boost_binary and boost_text share: Boost.Serialization archives that believe no count, and follow no pointer.
///
/// Counts and lengths are bounded by the bytes that remain, containers grow element by element as their bytes are read, so
/// that a hostile body costs no more memory than what it really holds. Ranges, strings, optionals, pairs and tuples are
/// written here (Boost 1.81 lacks some, and trusts the counts of others); user types go through their own `serialize`.
#include <boost/archive/archive_exception.hpp>
#include <boost/archive/impl/archive_serializer_map.ipp>  // has no guard of its own: once, here
#include <boost/serialization/access.hpp>
#include <boost/serialization/collection_size_type.hpp>
#include <boost/serialization/nvp.hpp>
#include <boost/serialization/serialization.hpp>
#include <istream>
#include <mulproc/serializer.hpp>
#include <optional>
#include <ostream>
#include <ranges>
#include <streambuf>
#include <tuple>

namespace mulproc::serializer {

/// Say true for a type whose `serialize` stands in namespace boost::serialization, where it cannot be told from Boost's catch-all.
template <class B>
inline constexpr bool has_boost_serialize = false;

/// Finds a member named serialize, private ones too: a name in two bases is ambiguous.
struct NamedSerialize {
  int serialize;
};
template <class B>
struct BothNames : B, NamedSerialize {};
template <class B>
concept HasMemberSerialize = std::is_class_v<B> && !std::is_final_v<B> && !requires { &BothNames<B>::serialize; };

struct AnyArchive {};
template <class B>
concept HasFreeSerialize = std::is_class_v<B> && requires(AnyArchive& archive, B& body) { serialize(archive, body, 0u); };

template <class C>
concept FixedRange = requires { std::tuple_size<C>::value; } && std::ranges::range<C>;  // std::array
template <class C>
concept GrowingRange = std::ranges::range<C> && !FixedRange<C> && std::default_initializable<C> && requires(C& c, std::ranges::range_value_t<C> element) {
  c.insert(c.end(), std::move(element));
};

/// A container's element as it can be assigned to: a map's without the const of its key.
template <class E>
struct loaded {
  using type = E;
};
template <class K, class V>
struct loaded<std::pair<const K, V>> {
  using type = std::pair<K, V>;
};

template <class B>
inline constexpr bool travels = std::is_arithmetic_v<B> || std::is_enum_v<B> || has_boost_serialize<B> || HasMemberSerialize<B> || HasFreeSerialize<B>;
template <class C>
  requires(FixedRange<C> || GrowingRange<C>)
inline constexpr bool travels<C> = travels<std::ranges::range_value_t<C>>;
template <class E>
inline constexpr bool travels<std::optional<E>> = travels<E>;
template <class A, class B>
inline constexpr bool travels<std::pair<A, B>> = travels<std::remove_const_t<A>> && travels<B>;
template <class... E>
inline constexpr bool travels<std::tuple<E...>> = (travels<E> && ...);

template <class B>
concept BoostSerializable =
    !std::is_pointer_v<B> &&         // REMEDY: an address means nothing in another process; send what it points to
    std::default_initializable<B> &&  // REMEDY: a type is read into a fresh object; give it a default constructor
    travels<B>;                      // REMEDY: give the type a serialize(archive, version), as Boost.Serialization describes

[[noreturn]] inline void refuse_bytes() { throw boost::archive::archive_exception(boost::archive::archive_exception::input_stream_error); }

/// Reads from bytes that it neither owns nor copies.
class SpanBuffer : public std::streambuf {
 public:
  explicit SpanBuffer(std::span<const std::byte> bytes) {
    char* begin = const_cast<char*>(reinterpret_cast<const char*>(bytes.data()));  // a get area is never written to
    setg(begin, begin, begin + bytes.size());
  }
  std::size_t remaining() const noexcept { return static_cast<std::size_t>(egptr() - gptr()); }
};

/// Writes to a Sink; says eof, and remembers, when that is full.
class SinkBuffer : public std::streambuf {
 public:
  explicit SinkBuffer(Sink& sink) : sink_(sink) {}
  bool overflowed() const noexcept { return overflowed_; }

 protected:
  std::streamsize xsputn(const char* text, std::streamsize count) override {
    overflowed_ = overflowed_ || !sink_.append(std::as_bytes(std::span(text, static_cast<std::size_t>(count))));
    return overflowed_ ? 0 : count;
  }
  int_type overflow(int_type c) override {
    const char one = traits_type::to_char_type(c);
    return xsputn(&one, 1) == 1 ? c : traits_type::eof();
  }

 private:
  Sink& sink_;
  bool overflowed_ = false;
};

/// Adds to a Boost output archive what Boost 1.81 cannot write.
template <class Archive, class T>
void write_structure(Archive& archive, const T& value) {
  if constexpr (std::is_pointer_v<T>) {
    static_assert(!std::is_pointer_v<T>, "a pointer cannot cross a process border: send what it points to, by value");
  } else if constexpr (requires { std::tuple_size<T>::value; } && !std::ranges::range<T>) {
    std::apply([&](const auto&... element) { ((archive << element), ...); }, value);
  } else if constexpr (requires { value.has_value(), *value; }) {
    const bool there = value.has_value();
    archive << there;
    if (there) archive << *value;
  } else {
    if constexpr (!FixedRange<T>) {
      const std::uint64_t count = static_cast<std::uint64_t>(std::ranges::distance(value));
      archive << count;
    }
    for (const auto& element : value) {
      const std::remove_cvref_t<decltype(element)>& same = element;
      archive << same;
    }
  }
}

template <class T>
concept WrittenHere = std::is_pointer_v<T> || FixedRange<T> || (GrowingRange<T> && !std::same_as<T, std::string>) ||
    (requires { std::tuple_size<T>::value; }) || requires(const T& value) { value.has_value(), *value, value.value(); };

template <class Archive, class T>
void read_structure(Archive& archive, T& value) {
  if constexpr (std::is_pointer_v<T>) {
    static_assert(!std::is_pointer_v<T>, "a pointer from a peer is never followed: send what it points to, by value");
  } else if constexpr (requires { std::tuple_size<T>::value; } && !std::ranges::range<T>) {
    std::apply([&](auto&... element) { ((archive >> element), ...); }, value);
  } else if constexpr (FixedRange<T>) {
    for (auto& element : value) archive >> element;
  } else if constexpr (GrowingRange<T>) {
    std::uint64_t count = 0;
    archive >> count;
    if (count > archive.remaining()) refuse_bytes();  // an element takes at least a byte; only empty types do not, and they are bounded too
    value.clear();
    for (; count > 0; --count) {
      typename loaded<std::ranges::range_value_t<T>>::type element{};
      archive >> element;
      value.insert(value.end(), std::move(element));
    }
  } else {
    bool there = false;
    archive >> there;
    value.reset();
    if (there) archive >> value.emplace();
  }
}

/// encode and decode over a pair of archives; Writer(std::ostream&) and Reader(std::istream&, SpanBuffer&).
template <class Writer, class Reader>
struct BoundedArchives {
  template <class B>
  static Result<> encode(const B& body, Sink& sink) {
    SinkBuffer buffer(sink);
    std::ostream out(&buffer);
    try {
      Writer writer(out);
      writer << body;
    } catch (const boost::archive::archive_exception&) {
      return buffer.overflowed() ? Errc::too_large : Errc::malformed;
    }
    if (buffer.overflowed()) return Errc::too_large;
    return {};
  }

  template <class B>
  static Result<B> decode(std::span<const std::byte> bytes) {
    SpanBuffer buffer(bytes);
    std::istream in(&buffer);
    try {
      B body{};
      Reader reader(in, buffer);
      reader >> body;
      if (!reader.finished()) return Errc::malformed;
      return body;
    } catch (const std::exception&) {  // also what a user's serialize throws over values it refuses
      return Errc::malformed;
    }
  }
};

}  // namespace mulproc::serializer
