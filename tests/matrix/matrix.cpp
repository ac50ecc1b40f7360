// Every valid combination of the three words carries messages with a body and without to those its policy accepts, and
// their answers back; a body read as another type is a wrong body.
// One transport an executable: MULPROC_TEST_TRANSPORT.
#define BOOST_TEST_MODULE matrix
#include <boost/mp11/algorithm.hpp>
#include <boost/mp11/list.hpp>
#include <boost/test/unit_test.hpp>
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/routing/all_of.hpp>
#include <mulproc/routing/any_of.hpp>
#include <mulproc/routing/everything.hpp>
#include <mulproc/routing/from.hpp>
#include <mulproc/routing/none_of.hpp>
#include <mulproc/routing/only_to_me.hpp>
#include <mulproc/routing/with_request.hpp>
#include <mulproc/serializer/boost_binary.hpp>
#include <mulproc/serializer/boost_text.hpp>
#include <mulproc/serializer/json.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <support/watchdog.hpp>
#include MULPROC_TEST_HEADER

using namespace mulproc;
using namespace std::chrono_literals;

namespace {

tests::Watchdog watchdog(90s);

namespace m = boost::mp11;
using Transports = m::mp_list<MULPROC_TEST_TRANSPORT>;
using Serializers = m::mp_list<serializer::trivially_copyable, serializer::boost_binary, serializer::boost_text, serializer::json>;
using Policies = m::mp_list<routing::everything, routing::addressed_to_me, routing::only_to_me, routing::with_request<"DO">, routing::from,
                            routing::all_of<routing::addressed_to_me, routing::with_request<"DO", "DIE">>,
                            routing::any_of<routing::only_to_me, routing::with_request<"STATUS">>,
                            routing::all_of<routing::addressed_to_me, routing::none_of<routing::with_request<"DIE">>>>;

template <class T, class S, class R>
struct Words {
  using transport = T;
  using serializer = S;
  using routing = R;
  static constexpr bool valid = Combination<T, R>;
};
template <class W>
using IsValid = m::mp_bool<W::valid>;
using Matrix = m::mp_rename<m::mp_copy_if<m::mp_product<Words, Transports, Serializers, Policies>, IsValid>, std::tuple>;
static_assert(std::tuple_size_v<Matrix> == (MULPROC_TEST_TRANSPORT::promises.addressed ? 4 * 4 : 4 * 8), "the matrix must not shrink in silence");

/// What is offered to one child: bit i says that message i should reach it.
std::array<Header, 4> headers(ProcessId child) {
  return {Header{"DO", child}, Header{"STATUS", child}, Header{"DO", anyone}, Header{"DIE", child}};
}

constexpr int not_what_was_sent = 100;

/// Whether the body is `number` and nothing but an int, or, for 0, no body at all.
template <class V>
bool holds(const V& message, int number) {
  const bool is_no_float = message.template body<float>().error() == Errc::wrong_body;
  if (number == 0) return !message.has_body() && is_no_float && message.template body<int>().error() == Errc::wrong_body;
  return message.has_body() && is_no_float && message.template body<int>().value() == number;
}

/// What message number i carries: every other one a body.
int body_of(std::uint64_t sequence) { return sequence % 2 == 1 ? static_cast<int>(sequence) : 0; }

/// Takes all there is until closed, and only then answers each message with its own body: in a queue that both sides share,
/// a policy that takes others' mail would take the answers too. The bits of what arrived.
template <class C>
int answer_all(C& inbox) {
  std::vector<typename C::Message> taken;
  while (auto message = inbox.receive()) taken.push_back(*std::move(message));
  int arrived = 0;
  for (const auto& message : taken) {
    const int number = body_of(message.sequence());
    if (!holds(message, number) || message.in_reply_to() != 0) return not_what_was_sent;
    (number == 0 ? inbox.reply(message, request::DO) : inbox.reply(message, request::DO, number)).value();
    arrived |= 1 << (message.sequence() - 1);
  }
  return arrived;
}

/// The bits of what is answered, until closed; each answer belongs to the message it names.
template <class C>
int take_answers(C& parent, ProcessId child) {
  int answered = 0;
  while (auto answer = parent.receive()) {
    if (answer->in_reply_to() == 0 || answer->sender() != child || answer->recipient() != parent.id()) return not_what_was_sent;
    if (!holds(*answer, body_of(answer->in_reply_to()))) return not_what_was_sent;
    answered |= 1 << (answer->in_reply_to() - 1);
  }
  return answered;
}

template <class C>
void send_all(C& parent, ProcessId child) {
  std::uint64_t sequence = 0;
  for (const Header& header : headers(child)) {
    const int number = body_of(++sequence);
    (number == 0 ? parent.send(header) : parent.send(header, number)).value();
  }
  parent.close().value();
}

}  // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(a_combination_delivers_and_answers_what_its_policy_accepts, W, Matrix) {
  using C = Channel<typename W::transport, typename W::serializer, typename W::routing>;
  auto link = C::open();
  auto parent = link.parent();
  ProcessId child;
  int arrived = 0, answered = 0;
  if constexpr (C::promises.between_processes) {
    auto worker = spawn(link, [](C& inbox) { return answer_all(inbox); });
    child = worker.id();
    send_all(parent, child);
    arrived = worker.wait().code;  // first, for the same reason
    answered = take_answers(parent, child);
  } else {
    auto inbox = link.child();
    child = inbox.id();
    send_all(parent, child);
    arrived = answer_all(inbox);
    inbox.close().value();
    answered = take_answers(parent, child);
  }
  int expected = 0, bit = 1;
  for (const Header& header : headers(child)) {
    const Envelope envelope{.request = header.request, .recipient = header.recipient, .sender = parent.id()};
    if (typename W::routing{}.accepts(envelope, child)) expected |= bit;
    bit <<= 1;
  }
  BOOST_TEST(arrived == expected);
  BOOST_TEST(answered == expected);
  BOOST_TEST(expected != 0);
}
