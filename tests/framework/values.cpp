// result.hpp, errc.hpp, deadline.hpp, envelope.hpp, serializer.hpp's Sink, message.hpp, stash.hpp, shared.hpp.
#define BOOST_TEST_MODULE values
#include <boost/test/unit_test.hpp>
#include <mulproc/channel.hpp>
#include <mulproc/routing/everything.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/in_memory.hpp>
#include <set>
#include <sstream>
#include <unordered_set>

using namespace mulproc;
using namespace std::chrono_literals;

// ---- Result, Errc ----

BOOST_AUTO_TEST_CASE(a_result_holds_a_value_or_says_why_not) {
  Result<int> value = 5, error = Errc::closed, system = system_error_code(ENOSPC);
  BOOST_TEST(bool(value));
  BOOST_TEST(*value == 5);
  BOOST_TEST((value.error() == std::error_code()));
  BOOST_TEST(!error);
  BOOST_TEST((error.error() == Errc::closed));
  BOOST_TEST((system.error() == std::errc::no_space_on_device));
  BOOST_CHECK_EXCEPTION((void)error.value(), std::system_error, [](const auto& thrown) { return thrown.code() == Errc::closed; });
  BOOST_CHECK_THROW(Result<>(Errc::broken).value(), std::system_error);
  BOOST_CHECK_NO_THROW(Result<>().value());
}
BOOST_AUTO_TEST_CASE(a_temporary_results_value_is_a_value_so_that_a_loop_over_it_does_not_dangle) {
  static_assert(std::same_as<decltype(std::declval<Result<std::string>>().value()), std::string>);
  static_assert(std::same_as<decltype(*std::declval<Result<std::string>>()), std::string>);
  static_assert(std::same_as<decltype(std::declval<Result<std::string>&>().value()), std::string&>);
  const auto words = [] { return Result<std::vector<std::string>>(std::vector<std::string>{"one", "two"}); };
  std::string all;
  for (const auto& word : words().value()) all += word;
  BOOST_TEST(all == "onetwo");
}
BOOST_AUTO_TEST_CASE(each_error_has_words_of_its_own_in_the_category_mulproc) {
  std::set<std::string> words;
  for (int code = 1; code <= static_cast<int>(Errc::wrong_thread); ++code) {
    const std::error_code error = static_cast<Errc>(code);
    BOOST_TEST(error.category().name() == std::string("mulproc"));
    words.insert(error.message());
  }
  BOOST_TEST(words.size() == 10u);
}

// ---- Deadline ----

BOOST_AUTO_TEST_CASE(a_deadline_saturates_and_never_lies_in_the_past) {
  BOOST_TEST(Deadline::after(std::chrono::hours::max()).is_never());
  BOOST_TEST(Deadline::after(std::chrono::duration<double>(1e300)).is_never());
  BOOST_TEST(Deadline::after(-1s).expired());
  BOOST_TEST(Deadline::after(0s).expired());
  BOOST_TEST(Deadline::after(std::chrono::seconds::min()).expired());
  BOOST_TEST(Deadline::now().expired());
  BOOST_TEST(!Deadline::never().expired());
  const auto hour = Deadline::after(1h);
  BOOST_TEST(!hour.expired());
  BOOST_TEST((hour.remaining() <= 1h && hour.remaining() > 59min));
  BOOST_TEST((Deadline::now().remaining() == 0ns));
  BOOST_TEST((Deadline::never().remaining() == std::chrono::nanoseconds::max()));
}
BOOST_AUTO_TEST_CASE(a_deadline_for_poll_is_rounded_up) {
  BOOST_TEST(Deadline::never().poll_milliseconds() == -1);
  BOOST_TEST(Deadline::now().poll_milliseconds() == 0);
  BOOST_TEST(Deadline::after(1h).poll_milliseconds() > 3'500'000);
  BOOST_TEST(Deadline::after(24h * 365).poll_milliseconds() == 1'000'000'000);
  BOOST_TEST((Deadline::never().within(1h).remaining() <= 1h));
  BOOST_TEST(Deadline::now().within(1h).expired());
}

// ---- Request, ProcessId, Envelope ----

BOOST_AUTO_TEST_CASE(a_request_is_up_to_sixteen_characters) {
  static_assert(Request("DO") == request::DO && Request("DO") != Request("DIE"));
  for (const std::string text : {"", "a", "12345678", "123456789", "1234567890123456"}) BOOST_TEST(Request::from(text).value().text() == text);
  BOOST_TEST((Request::from("12345678901234567").error() == Errc::too_large));
  BOOST_TEST((Request::from(std::string_view("a\0b", 3)).error() == Errc::malformed));
  BOOST_TEST((Request::from("DIE").value() == request::DIE));
  BOOST_TEST(Request::from("\xff\xfe").value().text() == "\xff\xfe");
}
BOOST_AUTO_TEST_CASE(names_are_printed_compared_and_hashed) {
  std::ostringstream out;
  out << request::DO << ' ' << anyone << ' ' << ProcessId(7) << ' ' << ProcessId(2, 7) << ' ' << Envelope{};
  BOOST_TEST(out.str() == "DO anyone 7 2:7  from anyone to anyone #0 (0 bytes)");
  BOOST_TEST((ProcessId(1, 7) != ProcessId(7)));
  BOOST_TEST((std::unordered_set<ProcessId>{7, 7, ProcessId(1, 7)}.size() == 2u));
  BOOST_TEST((std::unordered_set<Request>{"DO", "DO", "DIE"}.size() == 2u));
}

// ---- Sink, MessageView ----

BOOST_AUTO_TEST_CASE(a_sink_takes_what_fits_and_leaves_the_rest) {
  std::vector<std::byte> buffer(3);
  Sink sink(buffer, 4);
  BOOST_TEST(sink.size() == 0u);
  BOOST_TEST(sink.append(std::vector<std::byte>(3)));
  BOOST_TEST(!sink.append(std::vector<std::byte>(2)));
  BOOST_TEST(sink.size() == 3u);
  BOOST_TEST(sink.append({}));
  BOOST_TEST(sink.append(std::vector<std::byte>(1)));
  BOOST_TEST(sink.room() == 0u);
}
BOOST_AUTO_TEST_CASE(a_view_tells_no_body_another_body_and_a_malformed_one_apart) {
  using View = MessageView<serializer::trivially_copyable>;
  const int number = 5;
  const auto bytes = std::as_bytes(std::span(&number, 1));
  Envelope envelope;
  BOOST_TEST((View(envelope, 1, {}).body<int>().error() == Errc::wrong_body));
  envelope.body_bytes = 4, envelope.body_type = body_type_of<int>;
  BOOST_TEST(View(envelope, 1, bytes).body<int>().value() == 5);
  BOOST_TEST((View(envelope, 1, bytes).body<float>().error() == Errc::wrong_body));
  BOOST_TEST((View(envelope, 1, bytes.first(3)).body<int>().error() == Errc::malformed));
  envelope.body_type = 0;  // unchecked
  BOOST_TEST(View(envelope, 1, bytes).body<int>().value() == 5);
}

// ---- Stash: what a sole receiver's messages go through ----

namespace {
struct Numbers {  // a transport that has 0, 1, 2, ...
  struct Parcel {
    Envelope head;
    const Envelope& envelope() const { return head; }
    int attempt() const { return 1; }
    std::span<const std::byte> bytes() const { return {}; }
    Result<> done() { return {}; }
    Result<> give_back() { return Errc::stale; }
  };
  std::uint64_t next = 0, end = 10;
  Result<> put(const Envelope&, std::span<const std::byte>, Deadline) { return {}; }
  Result<Parcel> take(Deadline) {
    if (next == end) return Errc::not_ready;
    Parcel parcel;
    parcel.head.sequence = next++;
    return parcel;
  }
  bool empty() { return next == end; }
  ProcessId id() const { return 1; }
};
struct Wants {
  std::uint64_t number;
  bool throws = false;
  bool operator()(const Envelope& envelope) const { return envelope.sequence >= number; }
  bool operator()(const auto&) const { return throws ? throw 1 : true; }
};
std::uint64_t take(Stash<Numbers>& stash, std::uint64_t at_least) {
  Wants wants{at_least};
  return stash.take_if(wants, Deadline::now()).value().envelope().sequence;
}
}  // namespace

BOOST_AUTO_TEST_CASE(a_stash_keeps_refused_and_returned_messages_in_their_places) {
  Stash<Numbers> stash(Numbers{});
  BOOST_TEST(take(stash, 3) == 3u);
  BOOST_TEST(take(stash, 1) == 1u);
  Wants any{0};
  auto zero = stash.take_if(any, Deadline::now());
  BOOST_TEST(bool(zero->give_back()));
  BOOST_TEST((zero->done().error() == Errc::stale));
  Wants throwing{0, true};
  BOOST_CHECK_THROW((void)stash.take_if(throwing, Deadline::now()), int);
  for (const std::uint64_t expected : {0u, 2u, 4u, 5u}) BOOST_TEST(take(stash, 0) == expected);
  Wants none{100};
  BOOST_TEST((stash.take_if(none, Deadline::now()).error() == Errc::not_ready));
  BOOST_TEST(!stash.empty_for(any));
  BOOST_TEST(stash.empty_for(none));
}
BOOST_AUTO_TEST_CASE(a_message_that_fails_five_times_is_a_dead_letter_and_the_oldest_of_too_many_is_dropped) {
  Stash<Numbers> stash(Numbers{.end = 70});
  Wants any{0};
  for (int message = 0; message < 66; ++message) {
    for (int attempt = 1; attempt <= max_attempts; ++attempt) {
      auto held = stash.take_if(any, Deadline::now());
      BOOST_TEST(held->attempt() == attempt);
      BOOST_TEST(bool(held->fail()));
    }
  }
  BOOST_TEST(stash.dead_letters_dropped() == 2u);
  BOOST_TEST(stash.take_dead_letter().value().envelope().sequence == 2u);
}
BOOST_AUTO_TEST_CASE(a_parcel_that_outlives_its_stash_is_stale) {
  std::optional<Stash<Numbers>> stash(Numbers{});
  Wants any{0};
  auto held = stash->take_if(any, Deadline::now());
  stash.reset();
  BOOST_TEST((held->done().error() == Errc::stale));
  BOOST_TEST((held->give_back().error() == Errc::stale));
}

// ---- Shared ----

BOOST_AUTO_TEST_CASE(a_shared_object_lives_as_long_as_its_last_owner) {
  struct Watched {
    int* ended;
    ~Watched() { ++*ended; }
  };
  int ended = 0;
  struct Holder {
    explicit Holder(int* e) : watched{e} {}
    Watched watched;
  };
  {
    auto first = Shared<std::unique_ptr<Holder>>::make(std::make_unique<Holder>(&ended));
    auto second = first;
    first = {};
    BOOST_TEST(ended == 0);
    auto third = std::move(second);
    BOOST_TEST(!second);
    BOOST_TEST(bool(third));
  }
  BOOST_TEST(ended == 1);
}
