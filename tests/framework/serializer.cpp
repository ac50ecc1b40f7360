// serializer.hpp: where a serializer writes, and what a body's type is called.
#include <boost/test/unit_test.hpp>
#include <mulproc/serializer.hpp>

using namespace mulproc;

struct Named {};
template <>
inline constexpr std::string_view mulproc::type_name<Named> = "a name of my own";

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

BOOST_AUTO_TEST_CASE(a_sink_with_no_room_takes_nothing_but_nothing) {
  std::vector<std::byte> buffer;
  Sink sink(buffer, 0);
  BOOST_TEST(sink.append({}));
  BOOST_TEST(!sink.append(std::vector<std::byte>(1)));
  BOOST_TEST(buffer.empty());
}

BOOST_AUTO_TEST_CASE(a_type_has_its_own_name) {
  BOOST_TEST(type_name<int> == "int");
  BOOST_TEST(type_name<double> == "double");
  BOOST_TEST(type_name<std::string> == "std::string");
  BOOST_TEST(type_name<Named> == "a name of my own");
  BOOST_TEST(body_type_of<int> != body_type_of<unsigned>);
  BOOST_TEST(body_type_of<std::string> == body_type_of<char[6]>);
  BOOST_TEST(body_type_of<const char*> == body_type_of<std::string_view>);
}
