// envelope.hpp: who asks what of whom.
#include <boost/test/unit_test.hpp>
#include <mulproc/envelope.hpp>
#include <sstream>
#include <unordered_set>

using namespace mulproc;

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

BOOST_AUTO_TEST_CASE(a_request_is_a_value_at_compile_time_too) {
  constexpr Request longest = "1234567890123456";
  static_assert(longest != Request() && Request("") == Request());
  BOOST_TEST(longest.text() == "1234567890123456");
  BOOST_TEST((Request::from("1234567890123456").value() == longest));
  BOOST_TEST((Request::from("").value() == Request()));
}

BOOST_AUTO_TEST_CASE(no_place_in_a_request_is_left_out_of_the_comparison_or_the_hash) {
  std::unordered_set<Request> requests;
  std::unordered_set<std::size_t> hashes;
  for (std::size_t place = 0; place < Request::max_characters; ++place) {
    std::string text(Request::max_characters, 'a');
    text[place] = 'b';
    requests.insert(Request::from(text).value());
    hashes.insert(std::hash<Request>{}(Request::from(text).value()));
  }
  BOOST_TEST(requests.size() == Request::max_characters);
  BOOST_TEST(hashes.size() == Request::max_characters);
}

BOOST_AUTO_TEST_CASE(a_zero_byte_is_refused_wherever_it_stands) {
  for (const std::string& text : {std::string("\0", 1), std::string("a\0", 2), std::string("123456789012345\0", 16)})
    BOOST_TEST((Request::from(text).error() == Errc::malformed));
  BOOST_TEST((Request::from(std::string(17, '\0')).error() == Errc::too_large));
}

BOOST_AUTO_TEST_CASE(a_process_of_another_host_is_somebody_else) {
  BOOST_TEST((ProcessId(7).host == 0u));
  BOOST_TEST((ProcessId(0, 7) == ProcessId(7)));
  BOOST_TEST((ProcessId(1, 7) != ProcessId(2, 7)));
  BOOST_TEST((ProcessId(1, 0) != anyone));
  BOOST_TEST((std::hash<ProcessId>{}(ProcessId(1, 7)) != std::hash<ProcessId>{}(ProcessId(7, 1))));
  std::ostringstream out;
  out << ProcessId(1, 0);
  BOOST_TEST(out.str() == "1:0");
}

BOOST_AUTO_TEST_CASE(an_envelope_is_printed_in_full) {
  std::ostringstream out;
  out << Envelope{.request = "1234567890123456", .recipient = ProcessId(1, 2), .sender = 3, .sequence = 4, .body_bytes = 5};
  BOOST_TEST(out.str() == "1234567890123456 from 3 to 1:2 #4 (5 bytes)");
}
