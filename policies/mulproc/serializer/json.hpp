#pragma once
// What:    JSON text through Boost.JSON: boost::json::value itself, and whatever value_from and value_to convert.
// Choose:  dynamic data such as {"value": 20}, messages a person or another language reads.
// Not:     where size or speed counts, or for numbers JSON has no word for (infinity, NaN): boost_binary, trivially_copyable.
// Death:   no state; nothing happens.
#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <memory>
#include <mulproc/serializer.hpp>
#include <stdexcept>

namespace mulproc::serializer {

template <class B>
concept HasJsonForm =
    !std::is_pointer_v<B> &&  // REMEDY: an address means nothing in another process; send what it points to
    (std::same_as<B, boost::json::value> ||
     (boost::json::has_value_from<B>::value && boost::json::has_value_to<B>::value));  // REMEDY: give the type tag_invoke for value_from and value_to, or describe it

/// A tree's memory, up to a limit: "[0,0,0," asks for sixteen bytes and more for each two of its text.
class BoundedMemory final : public boost::json::memory_resource {
 public:
  /// `self` is where it tells its address: Boost's shared resources do not.
  BoundedMemory(std::size_t limit, BoundedMemory*& self) : left_(limit) { self = this; }
  /// Once the text is read: a value that was given away may grow as its owner likes, in whatever thread.
  void lift() noexcept { bounded_ = false; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t) override {
    if (bounded_ && bytes > left_) throw std::bad_alloc();
    void* memory = ::operator new(bytes);
    if (bounded_) left_ -= bytes;
    return memory;
  }
  void do_deallocate(void* memory, std::size_t bytes, std::size_t) override {
    if (bounded_) left_ += bytes;
    ::operator delete(memory);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  std::size_t left_;
  bool bounded_ = true;
};

/// Reads values one by one from a text. All of it throws when the text is no JSON, or asks for too much memory.
class JsonText {
 public:
  static constexpr std::size_t max_depth = 32;

  static constexpr std::size_t own_memory = 1 << 10;  // what of `memory` is no tree: the counters of the shared resource

  JsonText(std::string_view text, std::size_t memory)
      : text_(text),
        scratch_(std::make_unique_for_overwrite<unsigned char[]>(text.size())),
        memory_(boost::json::make_shared_resource<BoundedMemory>(memory - own_memory - text.size(), limit_)),
        parser_(memory_, options(), scratch_.get(), text.size()) {}  // a string with escapes is put together in the scratch

  boost::json::value next() {
    parser_.reset(memory_);
    boost::json::error_code error;
    text_.remove_prefix(parser_.write_some(text_.data(), text_.size(), error));
    if (error) refuse();
    return parser_.release();
  }
  bool skip(char wanted) {
    const auto begin = text_.find_first_not_of(" \t\n\r");
    text_.remove_prefix(std::min(begin, text_.size()));
    const bool there = text_.starts_with(wanted);
    if (there) text_.remove_prefix(1);
    return there;
  }
  void expect(char wanted) {
    if (!skip(wanted)) refuse();
  }
  /// After an element: whether another one follows.
  bool goes_on(char end) {
    if (skip(end)) return false;
    return expect(','), true;
  }
  void finish() {
    if (skip(' ') || !text_.empty()) refuse();
    limit_->lift();
  }
  [[noreturn]] static void refuse() { throw std::invalid_argument("no JSON of that type"); }

 private:
  static boost::json::parse_options options() {
    boost::json::parse_options strict;
    strict.max_depth = max_depth;
    return strict;
  }
  std::string_view text_;
  std::unique_ptr<unsigned char[]> scratch_;
  BoundedMemory* limit_ = nullptr;
  boost::json::storage_ptr memory_;  // shared with the values that are given away
  boost::json::parser parser_;
};

// The standard's containers are read element by element, so that they need no tree beside them.
template <class B>
inline constexpr bool is_sequence = false;
template <template <class, class> class C, class E>
inline constexpr bool is_sequence<C<E, std::allocator<E>>> = requires(C<E, std::allocator<E>>& all, E element) { all.push_back(std::move(element)); };
template <class B>
concept Dictionary = requires(B& all, typename B::mapped_type element) { all.insert_or_assign(std::string(), std::move(element)); } &&
                     std::same_as<typename B::key_type, std::string>;

struct json {
  static constexpr std::string_view name = "json";
  static constexpr std::size_t max_depth = JsonText::max_depth;

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

  /// Fails:   malformed; also for a tree of more than 2 x max_body_bytes + 64 KiB: raise that option for many small values.
  template <HasJsonForm B>
  static Result<B> decode(std::span<const std::byte> bytes, std::size_t max_body_bytes = 0) {
    try {
      JsonText text({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, 2 * std::max(bytes.size(), max_body_bytes) + (64 << 10));
      B body = read<B>(text);
      text.finish();
      return body;
    } catch (const std::exception&) {  // a user's conversion refuses by throwing
      return Errc::malformed;
    }
  }

 private:
  template <class B>
  static B read(JsonText& text) {
    if constexpr (std::same_as<B, boost::json::value>) {
      return text.next();
    } else if constexpr (is_sequence<B>) {
      B all;
      text.expect('[');
      if (text.skip(']')) return all;
      do {
        all.push_back(read<typename B::value_type>(text));
      } while (text.goes_on(']'));
      return all;
    } else if constexpr (Dictionary<B>) {
      B all;
      text.expect('{');
      if (text.skip('}')) return all;
      do {
        auto key = read<std::string>(text);
        text.expect(':');
        all.insert_or_assign(std::move(key), read<typename B::mapped_type>(text));  // of two with one name the last counts, as in Boost's tree
      } while (text.goes_on('}'));
      return all;
    } else {
      return boost::json::value_to<B>(text.next());
    }
  }

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
