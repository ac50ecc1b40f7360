// What json promises: values come back, hostile bytes give a value or malformed.
#define BOOST_TEST_MODULE json
#include <boost/test/unit_test.hpp>
#include <limits>
#include <map>
#include <mulproc/serializer/json.hpp>
#include <optional>

using namespace mulproc;
using serializer::json;

static_assert(SerializerFor<json, int> && SerializerFor<json, std::vector<std::string>> && SerializerFor<json, boost::json::value>);
static_assert(!SerializerFor<json, int*> && SerializerFor<json, int>, "a pointer is refused, what it points to is not");
struct Unknown {};
static_assert(!SerializerFor<json, Unknown>);

namespace {
template <class B>
std::vector<std::byte> written(const B& body) {
  std::vector<std::byte> bytes;
  Sink sink(bytes, 1 << 20);
  json::encode(body, sink).value();
  return bytes;
}
template <class B>
void comes_back(const B& body) {
  BOOST_TEST((json::decode<B>(written(body)).value() == body));
}
}  // namespace

BOOST_AUTO_TEST_CASE(values_come_back) {
  comes_back(boost::json::value{{"value", 20}});
  comes_back(20);
  comes_back(-0.5);
  comes_back(std::string());
  comes_back(std::string(10'000, 'x'));
  comes_back(std::vector<std::string>{"a", "", "\n\""});
  comes_back(std::map<std::string, int>{{"one", 1}, {"two", 2}});
}

BOOST_AUTO_TEST_CASE(truncated_at_every_byte_is_malformed) {
  const auto whole = written(std::map<std::string, std::vector<int>>{{"one", {1}}, {"many", {1, 2, 3}}});
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto read = json::decode<std::map<std::string, std::vector<int>>>(std::span(whole).first(length));
    BOOST_TEST((read.error() == Errc::malformed));
  }
}

BOOST_AUTO_TEST_CASE(every_flipped_bit_gives_a_value_or_malformed) {
  const auto whole = written(std::vector<std::string>{"first", "second"});
  std::size_t refused = 0;
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    auto flipped = whole;
    flipped[bit / 8] ^= std::byte{1} << (bit % 8);
    const auto read = json::decode<std::vector<std::string>>(flipped);
    if (!read) {
      BOOST_TEST((read.error() == Errc::malformed));
      ++refused;
    }
  }
  BOOST_TEST(refused > 0u);
}

BOOST_AUTO_TEST_CASE(what_json_cannot_say_and_what_is_too_deep_or_too_large_is_refused) {
  std::vector<std::byte> bytes;
  Sink sink(bytes, 4);
  BOOST_TEST((json::encode(std::string("hello"), sink).error() == Errc::too_large));
  Sink roomy(bytes, 1000);
  BOOST_TEST((json::encode(std::numeric_limits<double>::infinity(), roomy).error() == Errc::malformed));
  const std::string deep(1'000'000, '[');
  BOOST_TEST((json::decode<boost::json::value>(std::as_bytes(std::span(deep))).error() == Errc::malformed));
  BOOST_TEST((json::decode<int>(written(std::string("7"))).error() == Errc::malformed));
  BOOST_TEST((json::decode<signed char>(written(1000)).error() == Errc::malformed));
}
