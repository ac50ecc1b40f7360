#pragma once
// What:    Boost.Serialization's binary archive without its header: containers, optionals, user types with serialize.
// Choose:  by default, for anything richer than a plain struct, between programs of one architecture.
// Not:     between unlike machines or languages: json; for plain structs in a hot loop: trivially_copyable.
// Death:   no state; nothing happens.
#include <boost/archive/binary_iarchive_impl.hpp>
#include <boost/archive/binary_oarchive_impl.hpp>
#include <boost/archive/impl/basic_binary_iarchive.ipp>
#include <boost/archive/impl/basic_binary_iprimitive.ipp>
#include <boost/archive/impl/basic_binary_oarchive.ipp>
#include <boost/archive/impl/basic_binary_oprimitive.ipp>
#include <mulproc/serializer/bounded_archive.hpp>

namespace mulproc::serializer {

class BinaryWriter : public boost::archive::binary_oarchive_impl<BinaryWriter, char, std::char_traits<char>> {
  using Base = boost::archive::binary_oarchive_impl<BinaryWriter, char, std::char_traits<char>>;

 public:
  explicit BinaryWriter(std::ostream& out) : Base(out, boost::archive::no_header | boost::archive::no_codecvt) {}

  template <class T>
  void save_override(const T& value) {
    if constexpr (WrittenHere<T>) {
      write_structure(*this, value);
    } else {
      Base::save_override(value);
    }
  }
};

class BinaryReader : public boost::archive::binary_iarchive_impl<BinaryReader, char, std::char_traits<char>> {
  using Base = boost::archive::binary_iarchive_impl<BinaryReader, char, std::char_traits<char>>;

 public:
  BinaryReader(std::istream& in, const SpanBuffer& buffer)
      : Base(in, boost::archive::no_header | boost::archive::no_codecvt), buffer_(buffer) {}

  std::size_t remaining() const noexcept { return buffer_.remaining(); }
  bool finished() const noexcept { return remaining() == 0; }

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
    if (length > remaining()) refuse_bytes();
    text.resize(length);
    if (length != 0) load_binary(text.data(), length);
  }
  void load(bool& truth) {
    unsigned char byte = 0;
    load(byte);
    if (byte > 1) refuse_bytes();
    truth = byte == 1;
  }

 private:
  const SpanBuffer& buffer_;
};

struct boost_binary {
  static constexpr std::string_view name = "boost_binary";
  using Archives = BoundedArchives<BinaryWriter, BinaryReader>;

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
