// What json promises: values come back, hostile bytes give a value or malformed.
#define BOOST_TEST_MODULE json
#include <boost/test/unit_test.hpp>
#include <limits>
#include <map>
#include <mulproc/serializer/json.hpp>
#include <optional>
#include <support/allocation_count.hpp>
#include <unordered_map>

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

namespace {
std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }
std::string many(std::string_view before, std::string_view again, std::string_view after, std::size_t bytes) {
  std::string text(before);
  while (text.size() + again.size() + after.size() <= bytes) text += again;
  return text += after;
}
}  // namespace

BOOST_AUTO_TEST_CASE(a_hostile_text_of_many_small_values_takes_no_more_memory_than_the_contract_says) {
  for (const std::size_t size : {100u, 10'000u, 1'000'000u}) {
    for (const std::string& text : {many("[", "0,", "0]", size), many("[", "[],", "[]]", size), many("[", "{\"\":0},", "0]", size), many("{", "\"\":0,", "\"\":0}", size),
                                    many("\"", "\\n", "\"", size), many("[", "0,", "", size), many("[[[[", "\"\",", "", size)}) {
      const tests::AllocationPeak peak;
      const auto read = json::decode<boost::json::value>(bytes_of(text));
      BOOST_TEST((read || read.error() == Errc::malformed));
      BOOST_TEST(peak.bytes() <= 2 * text.size() + (64u << 10), text.substr(0, 10) << "... of " << size << " bytes took " << peak.bytes());
    }
  }
  const std::string numbers = many("[", "0,", "0]", 1'000'000);
  const tests::AllocationPeak peak;
  BOOST_TEST((json::decode<int>(bytes_of(numbers)).error() == Errc::malformed));
  BOOST_TEST(peak.bytes() <= 2'000'000u + (64u << 10));
}

BOOST_AUTO_TEST_CASE(large_documents_of_ordinary_types_come_back) {
  std::vector<std::vector<int>> rows(1000, std::vector<int>(300, 7));
  comes_back(rows);
  comes_back(std::vector<bool>(100'000, true));
  comes_back(std::vector<std::optional<int>>{1, std::nullopt});
  std::unordered_map<std::string, std::vector<std::string>> table;
  for (int i = 0; i < 10'000; ++i) table[std::to_string(i)] = {"a", "", "\n"};
  comes_back(table);
  comes_back(std::string(500'000, '\n'));
  BOOST_TEST((json::decode<std::vector<int>>(bytes_of(" [ 1 ,\t2\r\n] ")).value() == std::vector{1, 2}));
  for (const char* wrong : {"[1,]", "[,1]", "[1 2]", "[1", "1]", "[1]]", "{}", "[1],", ""}) BOOST_TEST(!json::decode<std::vector<int>>(bytes_of(wrong)), wrong);
  for (const char* wrong : {"{\"a\"}", "{\"a\":}", "{1:1}", "{\"a\":1,}", "[]", "{\"a\":1"}) BOOST_TEST((!json::decode<std::map<std::string, int>>(bytes_of(wrong))), wrong);
}

BOOST_AUTO_TEST_CASE(the_option_max_body_bytes_says_how_large_a_tree_may_grow_and_a_value_grows_on_as_its_owner_likes) {
  const std::string text = many("[", "0,", "0]", 20'000);
  BOOST_TEST(!json::decode<boost::json::value>(bytes_of(text)));
  auto read = json::decode<boost::json::value>(bytes_of(text), 1 << 20);
  BOOST_TEST(read.value().as_array().size() == 9'999u);
  for (int i = 0; i < 300'000; ++i) read->as_array().emplace_back(i);
  BOOST_TEST(read->as_array().size() == 309'999u);
}
