// crew.hpp. A child's checks are its exit code.
#include <sys/ioctl.h>
#include <sys/resource.h>

#include <boost/test/unit_test.hpp>
#include <mulproc/channel.hpp>
#include <mulproc/crew.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/pipe.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <set>

using namespace mulproc;
using namespace std::chrono_literals;
using Jobs = Channel<transport::shm_deque, serializer::trivially_copyable, routing::addressed_to_me>;
using Line = Channel<transport::pipe, serializer::trivially_copyable, routing::addressed_to_me>;

namespace {
void until_the_pill(Jobs& inbox) {
  while (auto message = inbox.receive()) {
    if (message->request() == request::DIE) return;
    inbox.reply(*message, request::FINISHED, message->body<int>().value() + 1).value();
  }
}
/// Nobody finds anything out by looking while it lives, only by being told; the suite's watchdog ends who waits in vain.
struct NobodyLooks {
  NobodyLooks() { shared_memory::Participants::look_every = Crew::look_in_any_case = 1h; }
  ~NobodyLooks() { shared_memory::Participants::look_every = Crew::look_in_any_case = 100ms; }
};
/// Keeps the channel open, and leaves the work to others.
void hold(Jobs& inbox) {
  (void)inbox.receive([](const Jobs::MessageView& message) { return message.request() == request::DIE; });
}
/// Meanwhile no file descriptor is to be had.
struct NoDescriptors {
  rlimit before{};
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{.rlim_cur = 3, .rlim_max = before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before); }
};
void wait_for_the_end_of(const Child& child) { BOOST_REQUIRE(bool(wait_for(child.native_handle(), POLLIN, Deadline::never()))); }
}  // namespace

BOOST_AUTO_TEST_CASE(a_crew_of_nobody_or_of_too_many_for_its_transport_is_refused) {
  auto jobs = Jobs::open();
  BOOST_CHECK_THROW(Crew(jobs, {.size = 0}, until_the_pill), std::invalid_argument);
  auto line = Line::open();
  BOOST_CHECK_THROW(Crew(line, {.size = 2}, [](Line&) {}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(who_is_killed_at_work_is_replaced_and_his_work_done_by_somebody_else) {
  auto link = Jobs::open();
  auto parent = link.parent();
  Crew crew(link, {.size = 2, .restarts = 1}, [](Jobs& inbox) {
    while (auto message = inbox.receive()) {
      if (message->request() == request::DIE) return;
      if (message->attempt() == 1 && message->body<int>().value() == 5) ::raise(SIGKILL);
      inbox.reply(*message, request::FINISHED, message->body<int>().value() + 1).value();
    }
  });
  for (int i = 0; i < 10; ++i) parent.send({.request = request::DO}, i).value();
  std::set<int> answers;
  for (int i = 0; i < 10; ++i) answers.insert(crew.receive(parent).value().body<int>().value());
  BOOST_TEST(answers.size() == 10u);
  if (crew.deaths().empty()) {  // its work may be handed on before its end can be seen: the kernel drops its locks first
    pollfd ends[] = {{crew[0].native_handle(), POLLIN, 0}, {crew[1].native_handle(), POLLIN, 0}};
    BOOST_REQUIRE(::poll(ends, 2, -1) == 1);
    BOOST_TEST(crew.tend() == 1u);
  }
  BOOST_REQUIRE(crew.deaths().size() == 1u);
  BOOST_TEST(crew.deaths()[0].status.signal == SIGKILL);
  BOOST_TEST(crew.deaths()[0].replaced);
  for (const auto& status : crew.dismiss(parent, 20s)) BOOST_TEST(status.code == 0);
  BOOST_TEST(bool(parent.join_for(20s)));
}

BOOST_AUTO_TEST_CASE(who_left_early_is_replaced_before_closed_would_be_told) {
  for (int i = 0; i < 50; ++i) {
    auto link = Jobs::open();
    auto parent = link.parent();
    Crew crew(link, {.size = 1, .restarts = 1}, [](Jobs& inbox) {
      const auto order = inbox.receive();
      if (order->request() == Request("LEAVE")) return 9;
      inbox.reply(*order, request::FINISHED).value();
      return 0;
    });
    parent.send({.request = "LEAVE"}).value();
    parent.send({.request = "STAY"}).value();
    BOOST_TEST((crew.receive(parent).value().request() == request::FINISHED));
  }
}

BOOST_AUTO_TEST_CASE(without_restarts_a_death_is_told_and_the_end_is_closed) {
  auto link = Jobs::open();
  auto parent = link.parent();
  Crew crew(link, {.size = 2}, [](Jobs&) { return 9; });
  BOOST_TEST((crew.receive(parent).error() == Errc::closed));
  for (Child& child : crew) child.wait();
  crew.tend();
  BOOST_TEST(crew.deaths().size() == 2u);
  for (const auto& death : crew.deaths()) BOOST_TEST((death.status.code == 9 && !death.replaced));
}

BOOST_AUTO_TEST_CASE(who_ignores_the_pill_and_the_first_signal_is_killed_and_every_end_is_told) {
  auto link = Jobs::open();
  auto parent = link.parent();
  Crew crew(link, {.size = 3}, [](Jobs& inbox) {
    auto order = inbox.receive();
    if (order->body<int>().value() == 0) return until_the_pill(inbox);
    if (order->body<int>().value() == 2) ::signal(SIGTERM, SIG_IGN);
    (void)order->done();
    inbox.send({.request = "READY", .recipient = inbox.parent_id()}).value();
    while (true) ::pause();
  });
  for (int i = 0; i < 3; ++i) parent.send({.recipient = crew[static_cast<std::size_t>(i)].id()}, i).value();
  for (int i = 0; i < 2; ++i) BOOST_TEST((parent.receive_for(20s)->request() == Request("READY")));
  const auto statuses = crew.dismiss(parent, 100ms);
  BOOST_REQUIRE(statuses.size() == 3u);
  BOOST_TEST(statuses[0].code == 0);
  BOOST_TEST(statuses[1].signal == SIGTERM);
  BOOST_TEST(statuses[2].signal == SIGKILL);
}

BOOST_AUTO_TEST_CASE(children_blocked_on_results_get_rid_of_them_while_they_are_dismissed) {
  auto link = Jobs::open({.capacity = 2});
  auto parent = link.parent();
  Crew crew(link, {.size = 2}, [](Jobs& inbox) {
    for (int i = 0; i < 20; ++i) inbox.send({.request = "RESULT", .recipient = inbox.parent_id()}, i).value();
    until_the_pill(inbox);
  });
  int results = 0;
  for (const auto& status : crew.dismiss(parent, 20s, [&](Jobs::Message message) { results += message.request() == Request("RESULT") ? 1 : 0; }))
    BOOST_TEST(status.code == 0);
  BOOST_TEST(results == 40);
}

BOOST_AUTO_TEST_CASE(who_is_killed_is_replaced_by_tend_until_the_restarts_are_used_up) {
  auto link = Jobs::open();
  auto parent = link.parent();
  Crew crew(link, {.size = 1, .restarts = 1}, until_the_pill);
  BOOST_TEST(crew.tend() == 0u);
  const auto first = crew[0].id();
  for (const std::size_t replaced : {1u, 0u}) {
    crew[0].kill(SIGKILL);
    pollfd end{crew[0].native_handle(), POLLIN, 0};
    BOOST_REQUIRE(::poll(&end, 1, -1) == 1);
    BOOST_TEST(crew.tend() == replaced);
  }
  const auto deaths = crew.deaths();
  BOOST_REQUIRE(deaths.size() == 2u);
  BOOST_TEST((deaths[0].who == first && deaths[0].replaced && deaths[0].status.signal == SIGKILL));
  BOOST_TEST((deaths[1].who == crew[0].id() && !deaths[1].replaced));
  BOOST_TEST((deaths[1].who != first));
  BOOST_TEST(crew.tend() == 0u);
  BOOST_TEST(crew.deaths().size() == 2u);
  BOOST_TEST(crew.dismiss(parent, 20s).at(0).signal == SIGKILL);
}

BOOST_AUTO_TEST_CASE(who_leaves_in_peace_is_neither_replaced_nor_mourned) {
  auto link = Jobs::open();
  auto parent = link.parent();
  Crew crew(link, {.size = 2, .restarts = 5}, [](Jobs&) {});
  for (Child& child : crew) child.wait();
  BOOST_TEST(crew.tend() == 0u);
  BOOST_TEST(crew.deaths().empty());
  BOOST_TEST((crew.receive(parent).error() == Errc::closed));
}

BOOST_AUTO_TEST_CASE(a_crew_that_has_ended_is_dismissed_with_what_it_ended_with_and_again) {
  auto link = Jobs::open();
  auto parent = link.parent();
  Crew crew(link, {.size = 2}, [](Jobs& inbox) { return inbox.receive()->body<int>().value(); });
  for (int i = 0; i < 2; ++i) parent.send({.recipient = crew[static_cast<std::size_t>(i)].id()}, i + 3).value();
  for (Child& child : crew) child.wait();
  for (int round = 0; round < 2; ++round) {
    const auto statuses = crew.dismiss(parent, 20s);
    BOOST_REQUIRE(statuses.size() == 2u);
    BOOST_TEST((statuses[0].code == 3 && statuses[1].code == 4));
  }
}

BOOST_AUTO_TEST_CASE(no_patience_is_a_pill_and_the_first_signal_at_once) {
  auto link = Jobs::open();
  auto parent = link.parent();
  Crew crew(link, {.size = 1}, [](Jobs&) {
    while (true) ::pause();
  });
  BOOST_TEST(crew.dismiss(parent, -1s).at(0).signal == SIGTERM);
}

BOOST_AUTO_TEST_CASE(all_who_ignore_the_pill_and_the_first_signal_are_killed_and_told) {
  auto link = Jobs::open();
  auto parent = link.parent();
  Crew crew(link, {.size = 3}, [](Jobs& inbox) {
    ::signal(SIGTERM, SIG_IGN);
    inbox.send({.request = "READY", .recipient = inbox.parent_id()}).value();
    while (true) ::pause();
  });
  for (int i = 0; i < 3; ++i) BOOST_TEST((parent.receive().value().request() == Request("READY")));
  const auto statuses = crew.dismiss(parent, 50ms);
  BOOST_REQUIRE(statuses.size() == 3u);
  for (const auto& status : statuses) BOOST_TEST((status.signal == SIGKILL && status.code == 128 + SIGKILL));
}

BOOST_AUTO_TEST_CASE(a_crew_of_one_works_over_a_pipe) {
  auto link = Line::open();
  auto parent = link.parent();
  Crew crew(link, {.size = 1}, [](Line& inbox) {
    while (auto message = inbox.receive()) {
      if (message->request() == request::DIE) return 7;
      inbox.reply(*message, request::FINISHED, message->body<int>().value() * 2).value();
    }
    return 8;
  });
  parent.send({.request = request::DO, .recipient = crew[0].id()}, 21).value();
  BOOST_TEST(crew.receive(parent).value().body<int>().value() == 42);
  BOOST_TEST(crew.dismiss(parent, 20s).at(0).code == 7);
}

BOOST_AUTO_TEST_CASE(a_sleeping_parent_is_told_of_a_death_over_shared_memory) {
  const NobodyLooks nobody_looks;
  auto link = Jobs::open();
  auto parent = link.parent();
  Crew crew(link, {.size = 2, .restarts = 1}, [](Jobs& inbox) {
    auto order = inbox.receive();
    if (order->request() == Request("HOLD")) return hold(inbox);
    if (order->attempt() == 1) ::raise(SIGKILL);
    inbox.reply(*order, request::FINISHED).value();
  });
  parent.send({.request = "HOLD", .recipient = crew[1].id()}).value();
  parent.send({.request = request::DO}).value();
  BOOST_TEST((crew.receive(parent).value().request() == request::FINISHED));  // by the replacement: there is nobody else
  BOOST_REQUIRE(crew.deaths().size() == 1u);
  BOOST_TEST((crew.deaths()[0].status.signal == SIGKILL && crew.deaths()[0].replaced));
}

BOOST_AUTO_TEST_CASE(a_sleeping_parent_is_told_of_a_death_over_a_pipe_that_others_hold_open) {
  const NobodyLooks nobody_looks;
  auto link = Line::open();
  auto parent = link.parent();
  Crew crew(link, {.size = 1}, [](Line&) {
    auto heir = spawn([dead = ::getpid()] {  // has the pipe's end too, until the parent has reaped the dead
      while (::kill(dead, 0) == 0) ::poll(nullptr, 0, 1);
    });
    ::raise(SIGKILL);
  });
  BOOST_TEST((crew.receive(parent).error() == Errc::closed));
  BOOST_REQUIRE(crew.deaths().size() == 1u);
  BOOST_TEST(crew.deaths()[0].status.signal == SIGKILL);
}

BOOST_AUTO_TEST_CASE(a_death_that_no_transport_tells_of_is_found_by_looking) {
  auto link = Jobs::open();
  auto parent = link.parent();
  Crew crew(link, {.size = 2, .restarts = 1}, [](Jobs& inbox) {
    auto order = inbox.receive();
    if (order->request() == Request("HOLD")) {
      hold(inbox);
    } else if (order->request() == Request("LEAVE")) {
      order = Errc::closed;
      { const Jobs left = std::move(inbox); }
      ::raise(SIGKILL);  // of a process that takes part in nothing
    } else {
      inbox.reply(*order, request::FINISHED).value();
    }
  });
  parent.send({.request = "LEAVE", .recipient = crew[0].id()}).value();
  parent.send({.request = "HOLD", .recipient = crew[1].id()}).value();
  parent.send({.request = request::DO}).value();
  BOOST_TEST((crew.receive(parent).value().request() == request::FINISHED));  // by the replacement
  BOOST_TEST(crew.deaths().size() == 1u);
  for (const auto& status : crew.dismiss(parent, 20s)) BOOST_TEST(status.code == 0);
}

BOOST_AUTO_TEST_CASE(a_death_is_made_good_while_messages_wait) {
  auto link = Jobs::open();
  auto parent = link.parent();
  Crew crew(link, {.size = 2, .restarts = 1}, [](Jobs& inbox) {
    auto order = inbox.receive();
    if (order->request() == request::DIE) return;
    for (int i = 0; i < 3; ++i) inbox.reply(*order, request::FINISHED).value();
    until_the_pill(inbox);
  });
  parent.send({.request = request::DO, .recipient = crew[0].id()}).value();
  BOOST_TEST(bool(crew.receive(parent)));
  crew[1].kill(SIGKILL);
  wait_for_the_end_of(crew[1]);
  ::poll(nullptr, 0, 5);  // a long computation, for a parent that looks each millisecond
  BOOST_TEST(bool(crew.receive(parent)));
  BOOST_REQUIRE(crew.deaths().size() == 1u);
  BOOST_TEST(crew.deaths()[0].replaced);
  BOOST_TEST(bool(crew.receive(parent)));
  for (const auto& status : crew.dismiss(parent, 20s)) BOOST_TEST(status.code == 0);
}

BOOST_AUTO_TEST_CASE(what_was_read_ahead_is_received_before_the_handle_is_waited_for) {
  const NobodyLooks nobody_looks;
  auto link = Line::open();
  auto parent = link.parent();
  Crew crew(link, {.size = 1}, [](Line& inbox) {
    for (int i = 0; i < 3; ++i) inbox.send({}, i).value();
    (void)inbox.receive();
  });
  for (int come = 0; come != 3 * static_cast<int>(sizeof(Envelope) + sizeof(int));) {
    BOOST_REQUIRE(::ioctl(parent.native_handle(), FIONREAD, &come) == 0);
  }
  for (int i = 0; i < 3; ++i) BOOST_TEST(crew.receive(parent).value().body<int>().value() == i);
  BOOST_TEST(crew.dismiss(parent, 20s).at(0).code == 0);
}

BOOST_AUTO_TEST_CASE(who_floods_the_parent_is_dismissed_by_a_signal) {
  auto link = Line::open();
  auto parent = link.parent();
  Crew crew(link, {.size = 1}, [](Line& inbox) {
    for (int i = 0; inbox.send({}, i); ++i) {
    }
  });
  const auto slowly = [](Line::Message) { ::poll(nullptr, 0, 1); };
  BOOST_TEST(crew.dismiss(parent, 50ms, slowly).at(0).signal == SIGTERM);
}

BOOST_AUTO_TEST_CASE(a_crew_is_dismissed_though_somebody_else_floods_the_parent) {
  auto link = Jobs::open({.capacity = 1000});
  auto parent = link.parent();
  Crew crew(link, {.size = 1}, until_the_pill);
  auto stranger = spawn(link, [](Jobs& inbox) {
    while (inbox.send({.request = "NOISE", .recipient = inbox.parent_id()}, 1)) {
    }
  });
  const auto slower_than_they_come = [](Jobs::Message) {
    for (const auto until = Deadline::after(20us); !until.expired();) {
    }
  };
  BOOST_TEST(crew.dismiss(parent, 50ms, slower_than_they_come).size() == 1u);
  BOOST_TEST(stranger.alive());
  stranger.kill(SIGKILL);
  stranger.wait();
}

#ifndef __SANITIZE_ADDRESS__  // UBSan looks at an exception through a pipe of its own, for which there is no descriptor here
/// Its first child dies, and for another there is no descriptor.
template <class Parent>
void cannot_be_replaced(Crew& crew, Parent& parent) {
  crew[0].kill(SIGKILL);
  wait_for_the_end_of(crew[0]);
  const NoDescriptors meanwhile;
  BOOST_CHECK_THROW(crew.tend(), std::system_error);
  BOOST_CHECK_THROW((void)crew.receive(parent), std::system_error);
}

BOOST_AUTO_TEST_CASE(who_could_not_be_replaced_is_replaced_later) {
  auto link = Jobs::open();
  auto parent = link.parent();
  Crew crew(link, {.size = 1, .restarts = 1}, until_the_pill);
  cannot_be_replaced(crew, parent);
  BOOST_TEST(crew.deaths().empty());
  parent.send({.request = request::DO}, 1).value();
  BOOST_TEST(crew.receive(parent).value().body<int>().value() == 2);
  BOOST_REQUIRE(crew.deaths().size() == 1u);
  BOOST_TEST((crew.deaths()[0].replaced && crew.deaths()[0].status.signal == SIGKILL));
  BOOST_TEST(crew.dismiss(parent, 20s).at(0).code == 0);
}

BOOST_AUTO_TEST_CASE(who_could_not_be_replaced_is_dismissed_as_dead) {
  auto link = Jobs::open();
  auto parent = link.parent();
  Crew crew(link, {.size = 1, .restarts = 1}, until_the_pill);
  cannot_be_replaced(crew, parent);
  BOOST_TEST(crew.dismiss(parent, 20s).at(0).signal == SIGKILL);
  BOOST_REQUIRE(crew.deaths().size() == 1u);
  BOOST_TEST(!crew.deaths()[0].replaced);
}
#endif

BOOST_AUTO_TEST_CASE(who_dies_unreaped_by_the_parent_is_replaced_too) {
  auto link = Jobs::open();
  auto parent = link.parent();
  const auto before = ::signal(SIGCHLD, SIG_IGN);  // the kernel reaps
  Crew crew(link, {.size = 1, .restarts = 1}, until_the_pill);
  crew[0].kill(SIGKILL);
  wait_for_the_end_of(crew[0]);
  BOOST_TEST(crew.tend() == 1u);
  BOOST_REQUIRE(crew.deaths().size() == 1u);
  BOOST_TEST((crew.deaths()[0].replaced && crew.deaths()[0].status.code == 255));
  parent.send({.request = request::DO}, 1).value();
  BOOST_TEST(crew.receive(parent).value().body<int>().value() == 2);
  BOOST_TEST(crew.dismiss(parent, 20s).at(0).code == 255);
  ::signal(SIGCHLD, before);
}
