#pragma once
// What:    JSON text through Boost.JSON: boost::json::value itself, and whatever value_from and value_to convert.
// Choose:  dynamic data such as {"value": 20}, messages a person or another language reads.
// Not:     where size or speed counts, or for numbers JSON has no word for (infinity, NaN): boost_binary, trivially_copyable.
// Death:   no state; nothing happens.
#include <boost/json.hpp>
#include <cmath>
#include <mulproc/serializer.hpp>

namespace mulproc::serializer {

template <class B>
concept HasJsonForm =
    !std::is_pointer_v<B> &&  // REMEDY: an address means nothing in another process; send what it points to
    (std::same_as<B, boost::json::value> ||
     (boost::json::has_value_from<B>::value && boost::json::has_value_to<B>::value));  // REMEDY: give the type tag_invoke for value_from and value_to, or describe it

struct json {
  static constexpr std::string_view name = "json";
  static constexpr std::size_t max_depth = 32;

  /// Fails:   too_large; malformed for a number that JSON cannot write.
  template <HasJsonForm B>
  static Result<> encode(const B& body, Sink& sink) {
    const boost::json::value tree = boost::json::value_from(body);
    if (!is_writable(tree)) return Errc::malformed;
    boost::json::serializer writer;
    writer.reset(&tree);
    char piece[4096];
    while (!writer.done()) {
      const boost::json::string_view text = writer.read(piece);
      if (!sink.append(std::as_bytes(std::span(text.data(), text.size())))) return Errc::too_large;
    }
    return {};
  }

  template <HasJsonForm B>
  static Result<B> decode(std::span<const std::byte> bytes) {
    try {
      boost::json::parse_options strict;
      strict.max_depth = max_depth;
      boost::json::error_code error;
      const boost::json::value tree = boost::json::parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, error, {}, strict);
      if (error) return Errc::malformed;
      auto body = boost::json::try_value_to<B>(tree);
      if (body.has_error()) return Errc::malformed;
      return *std::move(body);
    } catch (const std::exception&) {  // a user's conversion refuses by throwing
      return Errc::malformed;
    }
  }

 private:
  static bool is_writable(const boost::json::value& tree) {
    if (const double* number = tree.if_double()) return std::isfinite(*number);
    if (const auto* array = tree.if_array()) {
      for (const auto& element : *array) {
        if (!is_writable(element)) return false;
      }
    }
    if (const auto* object = tree.if_object()) {
      for (const auto& member : *object) {
        if (!is_writable(member.value())) return false;
      }
    }
    return true;
  }
};

}  // namespace mulproc::serializer
