// pymulproc's tests in which nobody is forked.
#define BOOST_TEST_MODULE parity
#include <parity/parity.hpp>
#include <support/watchdog.hpp>

using namespace mulproc;
using namespace mulproc::tests;

namespace {

Watchdog watchdog(60s);

/// Both ends in this thread; what is sent here names the other end, for both may have one id.
struct Both {
  explicit Both(Carrier::Options options = {}) : link(Communicator::open(options)), parent(link.parent()), child(link.child()) {}
  Result<> send(Request request, std::int64_t number) { return parent.try_send({.request = request, .recipient = child.id()}, value_of(number)); }
  Communicator::Link link;
  Communicator parent, child;
};

/// Counting, asked in a template, so that a transport without it compiles.
template <class C>
void counts_tasks_until_they_are_done(C& parent, C& child) {
  if constexpr (requires { parent.join(); }) {
    BOOST_TEST(parent.unfinished() == 0u);
    for (int i = 0; i < 3; ++i) parent.send({.request = request::DO, .recipient = child.id()}, value_of(i)).value();
    BOOST_TEST(parent.unfinished() == 3u);
    auto held = child.receive_for(soon);
    BOOST_REQUIRE(held);
    BOOST_TEST(parent.unfinished() == 3u);  // taken is not done
    held->done().value();
    BOOST_TEST(parent.unfinished() == 2u);
    BOOST_TEST(child.unfinished() == 2u);
    // pymulproc's task_done() of what was taken, and join
    for (int i = 0; i < 2; ++i) (void)child.receive_for(soon).value();
    BOOST_TEST(parent.unfinished() == 0u);
    BOOST_TEST(bool(parent.join_for(soon)));
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_parameters_of_send_arrive_as_they_were_given) {
  Both ends;
  ends.parent.send({.request = request::TEST_PARENT, .recipient = ends.child.id(), .sender = ProcessId(4711)}, value_of(20)).value();
  auto message = ends.child.receive_for(soon);
  BOOST_REQUIRE(message);
  BOOST_TEST(message->request() == request::TEST_PARENT);
  BOOST_TEST(message->sender() == ProcessId(4711));
  BOOST_TEST(message->recipient() == ends.child.id());
  BOOST_TEST(message->has_body());
  BOOST_TEST(number_in(*message) == 20);
}

BOOST_AUTO_TEST_CASE(left_out_parameters_of_send_mean_me_and_no_body) {
  Both ends;
  ends.child.send({.request = request::TEST_CHILD, .recipient = ends.parent.id()}).value();
  auto message = ends.parent.receive_for(soon);
  BOOST_REQUIRE(message);
  BOOST_TEST(message->request() == request::TEST_CHILD);
  BOOST_TEST(message->sender() == ends.child.id());
  BOOST_TEST(!message->has_body());
  BOOST_TEST((message->body<Dictionary>().error() == Errc::wrong_body));
}

BOOST_AUTO_TEST_CASE(receiving_nothing_says_so) {
  Both ends;
  BOOST_TEST(ends.child.empty());
  BOOST_TEST((ends.child.try_receive().error() == Errc::not_ready));
  BOOST_TEST((ends.parent.try_receive().error() == Errc::not_ready));
  const auto begin = std::chrono::steady_clock::now();
  BOOST_TEST((ends.child.receive_for(20ms).error() == Errc::not_ready));
  BOOST_TEST((std::chrono::steady_clock::now() - begin >= 20ms));
}

BOOST_AUTO_TEST_CASE(what_is_sent_is_received_once) {
  Both ends;
  ends.send(request::TEST_PARENT, 20).value();
  BOOST_TEST(!ends.child.empty());
  BOOST_TEST(number_in(ends.child.receive_for(soon).value()) == 20);
  BOOST_TEST(ends.child.empty());
  BOOST_TEST((ends.child.try_receive().error() == Errc::not_ready));
}

BOOST_AUTO_TEST_CASE(a_refused_message_stays) {
  Both ends;
  ends.send(request::TEST_PARENT, 1).value();
  ends.send(request::DO, 2).value();
  const auto nobody = [](const View& seen) { return seen.request() == request::DIE; };
  BOOST_TEST((ends.child.try_receive(nobody).error() == Errc::not_ready));
  BOOST_TEST(!ends.child.empty());
  const auto work = [](const View& seen) { return seen.request() == request::DO; };
  BOOST_TEST(number_in(ends.child.receive_for(soon, work).value()) == 2);
  BOOST_TEST(number_in(ends.child.receive_for(soon).value()) == 1);
  BOOST_TEST(ends.child.empty());
}

BOOST_AUTO_TEST_CASE(a_predicate_may_look_at_the_body) {
  Both ends;
  for (const int number : {5, 30, 20}) ends.send(request::DO, number).value();
  const auto twenty = [](const View& seen) { return number_in(seen) == 20; };
  BOOST_TEST(number_in(ends.child.receive_for(soon, twenty).value()) == 20);
  BOOST_TEST(number_in(ends.child.receive_for(soon).value()) == 5);
  BOOST_TEST(number_in(ends.child.receive_for(soon).value()) == 30);
}

BOOST_AUTO_TEST_CASE(a_full_queue_refuses_and_loses_nothing) {
  constexpr int capacity = 4;
  Both ends({.capacity = capacity});
  int sent = 0;
  Result<> last;
  while ((last = ends.send(request::DO, sent))) BOOST_REQUIRE(++sent < 100'000);
  BOOST_TEST((last.error() == Errc::not_ready));
  if constexpr (!one_to_one) BOOST_TEST(sent == capacity);  // for a pipe capacity is a hint
  BOOST_TEST((ends.parent.send_for(10ms, {.request = request::DO, .recipient = ends.child.id()}, value_of(sent)).error() == Errc::not_ready));
  int wrong = 0;
  for (int i = 0; i < sent; ++i) wrong += number_in(ends.child.receive_for(soon).value()) != i;
  BOOST_TEST(wrong == 0);
  BOOST_TEST(ends.child.empty());
  BOOST_TEST(bool(ends.send(request::DO, 1)));  // there is room again
}

BOOST_AUTO_TEST_CASE(tasks_are_counted_until_they_are_done) {
  Both ends;
  counts_tasks_until_they_are_done(ends.parent, ends.child);
}
