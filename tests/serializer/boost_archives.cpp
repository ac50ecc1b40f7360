// What boost_binary and boost_text promise: rich types come back; hostile bytes give a value or malformed, in bounded memory.
#define BOOST_TEST_MODULE boost_archives
#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>
#include <deque>
#include <list>
#include <map>
#include <mulproc/serializer/boost_binary.hpp>
#include <mulproc/serializer/boost_text.hpp>
#include <random>
#include <set>
#include <support/allocation_count.hpp>
#include <unordered_map>

using namespace mulproc;
using serializer::boost_binary;
using serializer::boost_text;
using Both = boost::mpl::list<boost_binary, boost_text>;

namespace user {
class Inner {
 public:
  Inner() = default;
  explicit Inner(int number) : number_(number) {}
  bool operator==(const Inner&) const = default;

 private:
  friend class boost::serialization::access;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& number_;
  }
  int number_ = 0;
};
struct Job {
  std::string name;
  bool urgent = false;
  std::vector<Inner> parts;
  std::optional<double> weight;
  std::map<std::string, std::vector<int>> table;
  bool operator==(const Job&) const = default;
};
template <class Archive>
void serialize(Archive& archive, Job& job, unsigned) {
  archive& job.name& job.urgent& job.parts& job.weight& job.table;
}
struct Mute {
  int number;
};
enum class Colour : std::uint8_t { red, green };
}  // namespace user

template <class S>
constexpr bool refuses_what_cannot_travel = !SerializerFor<S, int*> && !SerializerFor<S, user::Mute> && !SerializerFor<S, std::vector<user::Mute>> &&
    !SerializerFor<S, std::unique_ptr<int>> && !SerializerFor<S, std::span<int>>;
template <class S>
constexpr bool carries_what_can = SerializerFor<S, int> && SerializerFor<S, user::Inner> && SerializerFor<S, user::Job> &&
    SerializerFor<S, std::vector<user::Job>> && SerializerFor<S, std::optional<int>> && SerializerFor<S, char[6]>;
static_assert(refuses_what_cannot_travel<boost_binary> && refuses_what_cannot_travel<boost_text>);
static_assert(carries_what_can<boost_binary> && carries_what_can<boost_text>);

namespace {
template <class S, class B>
std::vector<std::byte> written(const B& body) {
  std::vector<std::byte> bytes;
  Sink sink(bytes, 1 << 20);
  S::encode(body, sink).value();
  return bytes;
}
template <class S, class B>
void comes_back(const B& body) {
  const auto read = S::template decode<B>(written<S>(body));
  BOOST_REQUIRE_MESSAGE(bool(read), type_name<B> << ": " << read.error().message());
  BOOST_TEST((*read == body), type_name<B> << " is another");
}
user::Job a_job() { return {"render\n 3", true, {user::Inner(1), user::Inner(-2)}, 0.25, {{"one", {1}}, {"none", {}}}}; }

/// Decodes without harm: a value or malformed, and no memory out of proportion.
template <class S, class B>
bool survives(std::span<const std::byte> bytes) {
  const tests::AllocationPeak peak;
  const auto read = S::template decode<B>(bytes);
  BOOST_TEST((read || read.error() == Errc::malformed));
  BOOST_TEST(peak.bytes() <= 2 * bytes.size() + (64u << 10));
  return bool(read);
}
}  // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(values_come_back, S, Both) {
  comes_back<S>(-7);
  comes_back<S>(true);
  comes_back<S>('x');
  comes_back<S>(1.0 / 3);
  comes_back<S>(std::numeric_limits<std::uint64_t>::max());
  comes_back<S>(user::Colour::green);
  comes_back<S>(std::string());
  comes_back<S>(std::string("a b\n\0c", 6));
  comes_back<S>(std::vector<std::string>{"", "x", " "});
  comes_back<S>(std::vector<bool>{true, false});
  comes_back<S>(std::list<int>{1, 2});
  comes_back<S>(std::deque<std::pair<int, std::string>>{{1, "one"}});
  comes_back<S>(std::set<std::string>{"b", "a"});
  comes_back<S>(std::unordered_map<int, int>{{1, 2}, {3, 4}});
  comes_back<S>(std::array<int, 3>{1, 2, 3});
  comes_back<S>(std::tuple<int, std::string, double>{1, "two", 3.5});
  comes_back<S>(std::optional<std::string>());
  comes_back<S>(a_job());
  comes_back<S>(std::vector<user::Job>{a_job(), {}, a_job()});
}

BOOST_AUTO_TEST_CASE_TEMPLATE(truncated_anywhere_is_malformed, S, Both) {
  const auto whole = written<S>(a_job());
  for (std::size_t length = 0; length < whole.size(); ++length) BOOST_TEST(!(survives<S, user::Job>(std::span(whole).first(length))));
  auto longer = whole;
  longer.push_back(std::byte{'9'});
  BOOST_TEST(!(survives<S, user::Job>(longer)));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(every_flipped_bit_gives_a_value_or_malformed, S, Both) {
  const auto whole = written<S>(a_job());
  std::size_t refused = 0;
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    auto flipped = whole;
    flipped[bit / 8] ^= std::byte{1} << (bit % 8);
    refused += survives<S, user::Job>(flipped) ? 0 : 1;
  }
  BOOST_TEST(refused > 0u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(thousands_of_mutants_do_no_harm, S, Both) {
  const auto whole = written<S>(std::vector<user::Job>{a_job(), a_job()});
  std::mt19937 random(1);
  for (int mutant = 0; mutant < 4000; ++mutant) {
    auto bytes = whole;
    for (unsigned change = 0; change < 1 + random() % 8; ++change) bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    survives<S, std::vector<user::Job>>(bytes);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_body_beyond_the_sink_is_too_large, S, Both) {
  std::vector<std::byte> bytes;
  Sink sink(bytes, 8);
  BOOST_TEST((S::encode(std::string(100, 'x'), sink).error() == Errc::too_large));
}
