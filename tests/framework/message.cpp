// message.hpp: what a predicate sees. A body's type travels with it: read as another type, it is a wrong body.
#include <boost/test/unit_test.hpp>
#include <mulproc/message.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>

using namespace mulproc;

BOOST_AUTO_TEST_CASE(a_view_tells_no_body_another_body_and_a_malformed_one_apart) {
  using View = MessageView<serializer::trivially_copyable>;
  const int number = 5;
  MessageParts parts;
  const View view(parts);
  BOOST_TEST((view.body<int>().error() == Errc::wrong_body));
  parts.bytes = std::as_bytes(std::span(&number, 1));
  parts.envelope.body_bytes = 4, parts.envelope.body_type = body_type_of<int>;
  BOOST_TEST(view.body<int>().value() == 5);
  BOOST_TEST((view.body<float>().error() == Errc::wrong_body));
  parts.envelope.body_type = 0;  // unchecked
  BOOST_TEST(view.body<int>().value() == 5);
  parts.bytes = parts.bytes.first(3);
  BOOST_TEST((view.body<int>().error() == Errc::malformed));
}

BOOST_AUTO_TEST_CASE(another_type_than_was_sent_is_a_wrong_body) {
  const float sent = 1.5f;
  const MessageParts parts{.envelope = {.request = {}, .recipient = {}, .sender = {}, .body_bytes = sizeof sent, .body_type = body_type_of<float>},
                           .bytes = std::as_bytes(std::span(&sent, 1))};
  const MessageView<serializer::trivially_copyable> view(parts);
  BOOST_TEST(view.body<float>().value() == 1.5f);
  BOOST_TEST((view.body<int>().error() == Errc::wrong_body));
  const MessageParts empty;
  const MessageView<serializer::trivially_copyable> none(empty);
  BOOST_TEST(!none.has_body());
  BOOST_TEST((none.body<float>().error() == Errc::wrong_body));
}

BOOST_AUTO_TEST_CASE(a_view_shows_the_whole_envelope) {
  const MessageParts parts{.envelope = {.request = "DO", .recipient = 1, .sender = 2, .sequence = 3, .in_reply_to = 4}, .attempt = 5};
  const MessageView<serializer::trivially_copyable> view(parts);
  BOOST_TEST((view.request() == request::DO && view.recipient() == ProcessId(1) && view.sender() == ProcessId(2)));
  BOOST_TEST((view.sequence() == 3u && view.in_reply_to() == 4u && view.attempt() == 5));
  BOOST_TEST((view.envelope() == parts.envelope));
}
