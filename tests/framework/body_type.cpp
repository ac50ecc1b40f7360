// A body's type travels with it: read as another type, it is a wrong body.
#define BOOST_TEST_MODULE body_type
#include <boost/test/unit_test.hpp>
#include <mulproc/message.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>

using namespace mulproc;

struct Named {};
template <>
inline constexpr std::string_view mulproc::type_name<Named> = "a name of my own";

BOOST_AUTO_TEST_CASE(a_type_has_its_own_name) {
  BOOST_TEST(type_name<int> == "int");
  BOOST_TEST(type_name<double> == "double");
  BOOST_TEST(type_name<std::string> == "std::string");
  BOOST_TEST(type_name<Named> == "a name of my own");
  BOOST_TEST(body_type_of<int> != body_type_of<unsigned>);
  BOOST_TEST(body_type_of<std::string> == body_type_of<char[6]>);
  BOOST_TEST(body_type_of<const char*> == body_type_of<std::string_view>);
}

BOOST_AUTO_TEST_CASE(another_type_than_was_sent_is_a_wrong_body) {
  const float sent = 1.5f;
  const Envelope envelope{.request = {}, .recipient = {}, .sender = {}, .body_bytes = sizeof sent, .body_type = body_type_of<float>};
  const MessageView<serializer::trivially_copyable> view(envelope, 1, std::as_bytes(std::span(&sent, 1)));
  BOOST_TEST(view.body<float>().value() == 1.5f);
  BOOST_TEST((view.body<int>().error() == Errc::wrong_body));
  const MessageView<serializer::trivially_copyable> none(Envelope{}, 1, {});
  BOOST_TEST(!none.has_body());
  BOOST_TEST((none.body<float>().error() == Errc::wrong_body));
}
