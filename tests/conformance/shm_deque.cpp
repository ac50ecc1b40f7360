// What shm_deque promises beyond the other queues: cheap small messages, dead letters of the dead, names, wakes for the concerned.
#define BOOST_TEST_MODULE shm_deque
#include <boost/test/unit_test.hpp>
#include <conformance/comings_and_goings.hpp>
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/routing/everything.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/message_queue.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <mulproc/waiting/parking.hpp>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <thread>
#include <vector>

using namespace mulproc;
using tests::naps, tests::wait_until_asleep;
using namespace std::chrono_literals;
using Jobs = Channel<transport::shm_deque, serializer::trivially_copyable, routing::addressed_to_me>;
using Everything = Channel<transport::shm_deque, serializer::trivially_copyable, routing::everything>;

BOOST_AUTO_TEST_CASE(a_free_list_that_a_peer_writes_over_between_two_looks_leads_nowhere) {
  using shared_memory::DequeSlots, shared_memory::DequeLayout;
  struct Slots : DequeSlots {
    using DequeSlots::acquire, DequeSlots::acquire_at_once, DequeSlots::free_slot, DequeSlots::head_, DequeSlots::DequeSlots;
  };
  Slots slots(DequeLayout::create("", 4, 100, 4), shared_memory::Role::parent);
  const auto first = slots.acquire(0).value();
  slots.free_slot(first);
  slots.head_.first_free = 0x7fffffff;  // after it was read and found good
  BOOST_TEST(slots.acquire_at_once(first, 0));
  BOOST_TEST(slots.head_.first_free == DequeLayout::nothing);
}

BOOST_AUTO_TEST_CASE(who_could_not_have_the_lock_when_he_woke_is_not_woken_later_for_what_he_no_longer_waits_for) {
  using namespace shared_memory;
  constexpr std::size_t most = 2;
  ParticipantsHead head{};
  alignas(Participant) std::byte memory[Participants::bytes(most)]{};
  RobustMutex locks[1 + most];
  Participants::initialise(head, most, locks);
  Participants people(head, most, memory, locks);
  waiting::parking waits;
  BOOST_REQUIRE((people.lock(Deadline::never()) == RobustMutex::Got::lock));
  const auto me = people.attach(Role::child, ForkWatch::this_thread_id()).value();
  people.look_for_deaths(me, [](std::uint32_t) {});  // so that none is due
  std::atomic<bool> gave_up{false};
  std::thread holder([&] {  // takes the lock as soon as the sleeper lets go of it, and keeps it
    BOOST_REQUIRE((locks[0].lock_until(Deadline::never(), waits) == RobustMutex::Got::lock));
    gave_up.wait(false);
    locks[0].unlock();
  });
  BOOST_REQUIRE((people.sleep(me, offers, Deadline::after(20ms), waits) == RobustMutex::Got::nothing));
  gave_up = true, gave_up.notify_one();
  holder.join();
  BOOST_REQUIRE((people.lock(Deadline::never()) == RobustMutex::Got::lock));
  BOOST_REQUIRE((people.sleep(me, parent_room, Deadline::after(1ms), waits) == RobustMutex::Got::lock));
  const auto bell = people[me].bell.load();
  people.wake_one(offers);
  BOOST_TEST(people[me].bell.load() == bell);
  people.detach(me);
  people.mutex().unlock();
}

BOOST_AUTO_TEST_CASE(small_messages_are_cheap_beside_a_large_maximum) {
  auto link = Everything::open({.capacity = 1024, .max_body_bytes = 1 << 20});
  const auto shared_kb = [] {
    std::ifstream smaps("/proc/self/smaps_rollup");
    for (std::string word; smaps >> word;) {
      if (word == "Pss_Shmem:") return smaps >> word, std::stol(word);
    }
    return -1L;
  };
  const long before = shared_kb();
  auto parent = link.parent();
  for (int i = 0; i < 1024; ++i) parent.try_send({}, std::array<int, 4>{i}).value();
  BOOST_REQUIRE(before >= 0);
  BOOST_TEST(shared_kb() - before < 1024);
}

BOOST_AUTO_TEST_CASE(bodies_of_less_than_a_page_lie_close_together_and_share_no_byte) {
  constexpr std::size_t largest = 2100;  // too large to lie in the slot itself, or beside the segment while it is written
  auto link = transport::shm_deque::open({.capacity = 8, .max_body_bytes = largest});
  auto parent = link.parent(), child = link.child();
  std::vector<decltype(parent.reserve(largest, Deadline::now()).value())> loans;
  for (int i = 0; i < 8; ++i) loans.push_back(parent.reserve(largest, Deadline::now()).value());
  for (std::size_t i = 0; i < loans.size(); ++i) {
    std::ranges::fill(loans[i].memory(), static_cast<std::byte>(i));
    if (i != 0) BOOST_TEST(loans[i].memory().data() - loans[i - 1].memory().data() < 4096);
    BOOST_TEST(reinterpret_cast<std::uintptr_t>(loans[i].memory().data()) % 64 == 0u);
  }
  for (auto& loan : loans) parent.publish(std::move(loan), {}, largest).value();
  for (std::size_t i = 0; i < loans.size(); ++i) {
    const auto message = child.take(Deadline::now()).value();
    BOOST_TEST(message.bytes().size() == largest);
    BOOST_TEST(std::ranges::all_of(message.bytes(), [&](std::byte b) { return b == static_cast<std::byte>(i); }));
  }
}

BOOST_AUTO_TEST_CASE(a_message_to_the_dead_is_refused_and_one_to_the_dying_becomes_a_dead_letter) {
  auto link = Jobs::open();
  auto parent = link.parent();
  auto child = spawn(link, [](Jobs& inbox) { (void)inbox.receive([](const Jobs::MessageView&) { return false; }); });
  parent.send({.recipient = child.id()}, 1).value();
  child.kill(SIGKILL);
  child.wait();
  BOOST_TEST((parent.join_for(10s).error() != Errc::not_ready));
  BOOST_TEST(parent.dead_letters().size() == 1u);
  BOOST_TEST((parent.send({.recipient = child.id()}, 2).error() == Errc::recipient_gone));
}

BOOST_AUTO_TEST_CASE(a_name_lets_strangers_meet_and_is_gone_with_its_opener) {
  const std::string name = "mulproc-test-" + std::to_string(::getpid());
  BOOST_CHECK_THROW(Jobs::attach(name), std::system_error);
  {
    auto link = Jobs::open({.name = name});
    auto parent = link.parent();
    BOOST_CHECK_THROW(Jobs::open({.name = name}), std::system_error);
    auto stranger = spawn([&] {
      auto inbox = Jobs::attach_for(10s, name).child();
      return inbox.send({.recipient = inbox.parent_id()}, 42) ? 0 : 1;
    });
    BOOST_TEST(parent.receive_for(10s)->body<int>().value() == 42);
    BOOST_TEST(stranger.wait().code == 0);
  }
  BOOST_CHECK_THROW(Jobs::attach(name), std::system_error);
  BOOST_CHECK_THROW(Jobs::open({.name = "no/slash"}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(endpoints_of_one_thread_share_its_mail_and_who_stays_gets_what_was_for_who_went) {
  auto link = Jobs::open();
  auto mother = spawn([&] {
    auto parent = link.parent();
    const auto children = parent.receive().value().sender();
    for (int i = 1; i <= 3; ++i) parent.send({.recipient = children}, i).value();
    parent.join().value();
    return 0;
  });
  std::optional<Jobs> first = link.child();
  auto second = link.child();
  BOOST_TEST((first->id() == second.id()));
  first->send({}).value();
  BOOST_TEST(second.receive()->body<int>().value() == 1);
  BOOST_TEST(first->receive()->body<int>().value() == 2);
  first.reset();
  BOOST_TEST(second.receive()->body<int>().value() == 3);
  BOOST_TEST(mother.wait().code == 0);
}

BOOST_AUTO_TEST_CASE(the_parent_passes_over_its_own_offers_and_its_children_take_all_in_the_order_they_were_made) {
  auto link = Jobs::open();
  auto parent = link.parent();
  parent.send({}, 1).value();
  auto child = spawn(link, [](Jobs& inbox) {
    inbox.send({}, 2).value();
    (void)inbox.receive([](const Jobs::MessageView& message) { return message.request() == request::DIE; });
  });
  while (parent.unfinished() != 2) ::sched_yield();
  parent.send({}, 3).value();
  auto other = spawn(link, [](Jobs& inbox) {
    for (const int expected : {1, 2, 3}) {
      if (inbox.receive().value().body<int>().value() != expected) ::_exit(1);
    }
  });
  BOOST_TEST(other.wait().code == 0);
  parent.send({}, 4).value();
  BOOST_TEST((parent.try_receive().error() == Errc::not_ready));
  parent.send({.request = request::DIE, .recipient = child.id()}).value();
  child.wait();
}

BOOST_AUTO_TEST_CASE(a_letter_among_300_participants_wakes_its_recipient_only) {
  auto link = Jobs::open();
  auto parent = link.parent();
  std::vector<Jobs> crowd;
  for (int i = 0; i < 290; ++i) crowd.push_back(link.child());
  const auto answer = [](Jobs& inbox) {
    shared_memory::Participants::look_every = 1h;
    while (auto message = inbox.receive()) inbox.reply(*message, request::FINISHED).value();
  };
  std::vector<Child> children;
  for (int i = 0; i < 9; ++i) children.push_back(spawn(link, answer));
  const auto naps_of_the_others = [&] {
    long sum = 0;
    for (std::size_t i = 1; i < children.size(); ++i) wait_until_asleep(children[i].id().pid), sum += naps(children[i].id().pid);
    return sum;
  };
  const long before = naps_of_the_others();
  constexpr long letters = 200;
  long after = 0;
  for (long i = 0; i < letters; ++i) {
    parent.send({.recipient = children[0].id()}).value();
    parent.receive().value();
    after = naps_of_the_others();
  }
  BOOST_TEST(before > 0);
  BOOST_TEST(after - before < 4 * letters);  // of eight, who would have been woken each time
  parent.close().value();
}

using Queues = std::tuple<transport::shm_deque, transport::message_queue>;
BOOST_AUTO_TEST_CASE_TEMPLATE(who_refused_a_message_sleeps_on_while_others_refuse_it, Transport, Queues) {
  using Picky = Channel<Transport, serializer::trivially_copyable, routing::everything>;
  const auto refuse = [](const auto& message) { return message.request() == request::DIE; };
  auto link = Picky::open();
  auto parent = link.parent();
  parent.send({}, 1).value();
  auto child = spawn(link, [&](Picky& inbox) {
    shared_memory::Participants::look_every = 1h;
    (void)inbox.receive(refuse);
  });
  wait_until_asleep(child.id().pid);
  const long before = naps(child.id().pid);
  constexpr int refusals = 500;
  for (int i = 0; i < refusals; ++i) {
    (void)parent.try_receive(refuse);
    wait_until_asleep(child.id().pid);
  }
  BOOST_TEST(before > 0);
  BOOST_TEST(naps(child.id().pid) - before < refusals / 2);
  parent.send({.request = request::DIE}).value();  // and hears of what is new
  BOOST_TEST(child.wait().code == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(who_sleeps_sleeps_on_while_others_come_and_go, Transport, Queues) { tests::who_sleeps_sleeps_on_while_others_come_and_go<Transport>(); }
BOOST_AUTO_TEST_CASE_TEMPLATE(whose_wait_is_over_when_the_last_one_goes_hears_of_it, Transport, Queues) {
  tests::whose_wait_is_over_when_the_last_one_goes_hears_of_it<Transport>();
}
BOOST_AUTO_TEST_CASE_TEMPLATE(who_fell_asleep_before_another_came_hears_of_his_death, Transport, Queues) {
  tests::who_fell_asleep_before_another_came_hears_of_his_death<Transport>(1);
}
