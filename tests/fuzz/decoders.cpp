// Any bytes, to any serializer, as a body of any type: a value or malformed, in bounded memory and time. The first byte
// says which serializer and type.
#include <deque>
#include <fuzz/fuzz.hpp>
#include <map>
#include <mulproc/serializer/boost_binary.hpp>
#include <mulproc/serializer/boost_text.hpp>
#include <mulproc/serializer/json.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <set>
#include <support/allocation_count.hpp>

using namespace mulproc;
using namespace mulproc::serializer;

namespace user {
enum class Colour : std::uint8_t { red, green };
struct Point {
  int x = 0, y = 0;
};
struct Inner {
  int number = 0;
  std::optional<std::string> note;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& number& note;
  }
};
struct Job {
  std::string name;
  bool urgent = false;
  Colour colour = Colour::red;
  std::vector<Inner> parts;
  std::map<std::string, std::vector<int>> table;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& name& urgent& colour& parts& table;
  }
};
void tag_invoke(boost::json::value_from_tag, boost::json::value& to, const Job& job) { to = {{"name", job.name}, {"urgent", job.urgent}}; }
Job tag_invoke(boost::json::value_to_tag<Job>, const boost::json::value& from) {
  Job job;
  job.name = boost::json::value_to<std::string>(from.at("name"));
  job.urgent = from.at("urgent").as_bool();
  return job;
}
Job a_job() { return {"render\n 3", true, Colour::green, {{1, "one"}, {-2, {}}}, {{"one", {1}}, {"none", {}}}}; }
}  // namespace user

namespace {
struct Decoder {
  void (*decode)(std::span<const std::byte>);
  std::vector<std::byte> (*example)();
};

template <class S, class B>
void decode(std::span<const std::byte> bytes) {
  const tests::AllocationPeak peak;
  const auto read = S::template decode<B>(bytes);
  fuzz::require(read || read.error() == Errc::malformed, "a value or malformed");
  fuzz::require(peak.bytes() <= 2 * bytes.size() + (64 << 10), "memory of 2 x the bytes + 64 KiB at most");
}
template <class B>
B example_of() {
  if constexpr (std::same_as<B, user::Job>) return user::a_job();
  if constexpr (std::same_as<B, std::vector<user::Job>>) return {user::a_job(), {}, user::a_job()};
  if constexpr (std::same_as<B, std::string>) return "a \"b\"\n\\c";
  if constexpr (std::same_as<B, std::vector<std::string>>) return {"", "x", "a longer one, beyond what fits inside"};
  if constexpr (std::same_as<B, std::map<std::string, std::vector<int>>>) return {{"one", {1}}, {"many", {1, -2, 3}}};
  if constexpr (std::same_as<B, std::vector<std::vector<double>>>) return {{0.5, -1e300}, {}, {1}};
  if constexpr (std::same_as<B, boost::json::value>) return {{"number", 20}, {"list", {1, nullptr, true, 0.5, "\u00e9\n"}}, {"object", {{"a", "b"}}}};
  return B{};
}
template <class S, class B>
std::vector<std::byte> example() {
  std::vector<std::byte> bytes;
  Sink sink(bytes, fuzz::longest_input);
  S::encode(example_of<B>(), sink).value();
  return bytes;
}
template <class S, class... B>
void add(std::vector<Decoder>& all) {
  (all.push_back({decode<S, B>, example<S, B>}), ...);
}
template <class S>
void add_archive(std::vector<Decoder>& all) {
  add<S, bool, int, double, user::Colour, std::string, std::vector<std::string>, std::map<std::string, std::vector<int>>, std::vector<std::vector<double>>,
      std::set<char>, std::deque<std::pair<int, std::string>>, std::optional<std::string>, std::array<std::uint16_t, 3>,
      std::tuple<int, std::string, double>, std::vector<bool>, std::vector<user::Job>>(all);
}
const std::vector<Decoder>& decoders() {
  static const std::vector<Decoder> all = [] {
    std::vector<Decoder> them;
    add<trivially_copyable, bool, int, user::Point, user::Colour, std::array<std::uint64_t, 8>>(them);
    add_archive<boost_binary>(them);
    add_archive<boost_text>(them);
    add<json, boost::json::value, bool, int, signed char, double, std::string, std::vector<std::string>, std::map<std::string, std::vector<int>>,
        std::vector<std::vector<double>>, std::optional<int>, user::Job, std::vector<user::Job>>(them);
    return them;
  }();
  return all;
}
}  // namespace

std::vector<fuzz::Input> fuzz::seeds() {
  std::vector<Input> all;
  for (const auto& decoder : decoders()) {
    Input input{static_cast<std::uint8_t>(all.size())};
    for (const std::byte byte : decoder.example()) input.push_back(static_cast<std::uint8_t>(byte));
    all.push_back(std::move(input));
  }
  return all;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  return mulproc::fuzz::in_100_ms([&] { decoders()[data[0] % decoders().size()].decode(std::as_bytes(std::span(data + 1, size - 1))); });
}
