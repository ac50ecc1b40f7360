#pragma once
// What:    Boost.Serialization's text archive without its header: the same types as boost_binary, as readable words.
// Choose:  to look at what travels, or between machines of unlike architecture that both speak C++.
// Not:     where size or speed counts: boost_binary; for other languages: json.
// Death:   no state; nothing happens.
#include <boost/archive/impl/basic_text_iarchive.ipp>
#include <boost/archive/impl/basic_text_iprimitive.ipp>
#include <boost/archive/impl/basic_text_oarchive.ipp>
#include <boost/archive/impl/basic_text_oprimitive.ipp>
#include <boost/archive/impl/text_iarchive_impl.ipp>
#include <boost/archive/impl/text_oarchive_impl.ipp>
#include <boost/archive/text_iarchive.hpp>
#include <boost/archive/text_oarchive.hpp>
#include <mulproc/serializer/bounded_archive.hpp>

namespace mulproc::serializer {

class TextWriter : public boost::archive::text_oarchive_impl<TextWriter> {
  using Base = boost::archive::text_oarchive_impl<TextWriter>;

 public:
  explicit TextWriter(std::ostream& out) : Base(out, boost::archive::no_header | boost::archive::no_codecvt) {}

  template <class T>
  void save_override(const T& value) {
    if constexpr (WrittenHere<T>) {
      write_structure(*this, value);
    } else {
      Base::save_override(value);
    }
  }
};

class TextReader : public boost::archive::text_iarchive_impl<TextReader> {
  using Base = boost::archive::text_iarchive_impl<TextReader>;

 public:
  TextReader(std::istream& in, const SpanBuffer& buffer)
      : Base(in, boost::archive::no_header | boost::archive::no_codecvt), buffer_(buffer) {}

  std::size_t remaining() const noexcept { return buffer_.remaining(); }
  /// The writer's destructor ends the text with a newline; a last number cut short would be another number.
  bool finished() { return this->is.get() == '\n' && remaining() == 0; }

  template <class T>
  void load_override(T& value) {
    if constexpr (WrittenHere<T>) {
      read_structure(*this, value);
    } else {
      Base::load_override(value);
      if constexpr (std::same_as<T, boost::serialization::collection_size_type>) {
        if (static_cast<std::size_t>(value) > remaining()) refuse_bytes();
      }
    }
  }

  using Base::load;
  void load(std::string& text) {
    std::size_t length = 0;
    load(length);
    if (length + 1 > remaining() || this->is.get() != ' ') refuse_bytes();
    text.resize(length);
    if (length != 0 && !this->is.read(text.data(), static_cast<std::streamsize>(length))) refuse_bytes();
  }
  void load(bool& truth) {
    unsigned number = 0;
    load(number);
    if (number > 1) refuse_bytes();
    truth = number == 1;
  }

 private:
  const SpanBuffer& buffer_;
};

struct boost_text {
  static constexpr std::string_view name = "boost_text";
  using Archives = BoundedArchives<TextWriter, TextReader>;

  template <BoostSerializable B>
  static Result<> encode(const B& body, Sink& sink) {
    return Archives::encode(body, sink);
  }
  template <BoostSerializable B>
  static Result<B> decode(std::span<const std::byte> bytes) {
    return Archives::decode<B>(bytes);
  }
};

}  // namespace mulproc::serializer
