// What trivially_copyable promises: plain memory comes back; what only refers to memory is refused.
#define BOOST_TEST_MODULE trivially_copyable
#include <boost/test/unit_test.hpp>
#include <functional>
#include <mulproc/serializer/trivially_copyable.hpp>

using namespace mulproc;
using serializer::trivially_copyable;

namespace {
struct Point {
  int x = 0, y = 0;
  bool operator==(const Point&) const = default;
};
enum class Colour : std::uint8_t { red, green };

template <class B>
void comes_back(const B& body) {
  std::vector<std::byte> bytes;
  Sink sink(bytes, 1000);
  trivially_copyable::encode(body, sink).value();
  BOOST_TEST(bytes.size() == sizeof(B));
  BOOST_TEST((trivially_copyable::decode<B>(bytes).value() == body));
  bytes.pop_back();
  BOOST_TEST((trivially_copyable::decode<B>(bytes).error() == Errc::malformed));
  bytes.resize(sizeof(B) + 1);
  BOOST_TEST((trivially_copyable::decode<B>(bytes).error() == Errc::malformed));
}
}  // namespace

template <class... B>
constexpr bool carried = (SerializerFor<trivially_copyable, B> && ...);
template <class... B>
constexpr bool none_carried = (!SerializerFor<trivially_copyable, B> && ...);
static_assert(carried<int, double, bool, Point, Colour, std::array<Point, 3>>);
static_assert(none_carried<int*, const char*, std::string, std::string_view, char[6], std::vector<int>, std::span<int>, std::reference_wrapper<int>,
                           std::nullptr_t, std::array<int*, 2>, int Point::*>);

BOOST_AUTO_TEST_CASE(plain_memory_comes_back_and_any_other_length_is_malformed) {
  comes_back(-7);
  comes_back(0.1);
  comes_back(true);
  comes_back(Point{1, -2});
  comes_back(Colour::green);
  comes_back(std::array<std::uint64_t, 8>{1, 2, 3});
}

BOOST_AUTO_TEST_CASE(a_byte_that_is_no_bool_is_malformed) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::byte bytes[] = {static_cast<std::byte>(byte)};
    BOOST_TEST(bool(trivially_copyable::decode<bool>(bytes)) == (byte <= 1));
  }
}

BOOST_AUTO_TEST_CASE(a_body_beyond_the_sink_is_too_large) {
  std::vector<std::byte> bytes;
  Sink sink(bytes, 7);
  BOOST_TEST((trivially_copyable::encode(std::uint64_t{1}, sink).error() == Errc::too_large));
}
