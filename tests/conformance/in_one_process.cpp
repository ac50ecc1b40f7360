// CONTRACT.md's sentences that need one process only.
#define BOOST_TEST_MODULE conformance
#include <poll.h>

#include <algorithm>
#include <conformance/conformance.hpp>
#include <support/watchdog.hpp>
#include <thread>

using namespace mulproc;
using namespace mulproc::tests;

static_assert(promises.between_processes == bool(MULPROC_TEST_BETWEEN_PROCESSES), "register the transport with BETWEEN_PROCESSES if, and only if, it promises that");
static_assert(NamedTransport<Carrier> == bool(MULPROC_TEST_NAMED), "register the transport with NAMED if, and only if, it can be attached to by name");

namespace {
tests::Watchdog watchdog(60s);
}

// ---- messages ----

BOOST_AUTO_TEST_CASE(messages_arrive_in_the_order_they_were_sent) {
  Pair ends;
  for (int i = 0; i < 20; ++i) ends.parent.send({}, i).value();
  for (int i = 0; i < 20; ++i) BOOST_TEST(ends.child.receive_for(soon)->body<int>().value() == i);
}

BOOST_AUTO_TEST_CASE(what_waited_at_the_first_look_comes_before_what_is_sent_after_it) {
  Pair ends;
  for (const int i : {0, 1, 2}) ends.parent.send({}, i).value();
  BOOST_TEST(next(1, ends.child) == std::vector<int>{0}, boost::test_tools::per_element());
  ends.parent.send({}, 3).value();
  BOOST_TEST((next(3, ends.child) == std::vector<int>{1, 2, 3}));
}

BOOST_AUTO_TEST_CASE(an_envelope_arrives_as_it_was_filled_in) {
  Pair ends;
  ends.parent.send({.request = "sixteen letters!", .sender = ProcessId(7, 77)}, std::string("body")).value();
  auto message = ends.child.receive_for(soon);
  BOOST_REQUIRE(message);
  BOOST_TEST(message->request() == Request("sixteen letters!"));
  BOOST_TEST(message->sender() == ProcessId(7, 77));
  BOOST_TEST(message->recipient() == anyone);
  BOOST_TEST(message->sequence() == 1u);
  BOOST_TEST(message->in_reply_to() == 0u);
  BOOST_TEST(message->attempt() == 1);
  BOOST_TEST(message->body<std::string>().value() == "body");
  CHECK_ERROR(message->body<int>(), Errc::wrong_body);
}

BOOST_AUTO_TEST_CASE(a_sender_is_me_unless_said_otherwise_and_a_reply_names_what_it_answers) {
  Pair ends;
  ends.parent.send({.request = "first"}).value();
  ends.parent.send({.request = "second"}).value();
  (void)ends.child.receive_for(soon).value();
  auto second = ends.child.receive_for(soon);
  BOOST_REQUIRE(second);
  BOOST_TEST(second->sender() == ends.parent.id());
  ends.child.reply(*second, "answer", 3).value();
  auto answer = ends.parent.receive_for(soon);
  BOOST_REQUIRE(answer);
  BOOST_TEST(answer->recipient() == ends.parent.id());
  BOOST_TEST(answer->in_reply_to() == second->sequence());
  BOOST_TEST(answer->sequence() == 1u);
}

BOOST_AUTO_TEST_CASE(no_body_and_an_empty_body_are_two_things) {
  Pair ends;
  ends.parent.send({}).value();
  ends.parent.send({}, "").value();
  auto none = ends.child.receive_for(soon);
  BOOST_TEST(!none->has_body());
  CHECK_ERROR(none->body<std::string>(), Errc::wrong_body);
  auto empty = ends.child.receive_for(soon);
  BOOST_TEST(empty->has_body());
  BOOST_TEST(empty->body<std::string>().value().empty());
}

BOOST_AUTO_TEST_CASE(a_body_of_max_body_bytes_fits_and_one_more_is_too_large_and_costs_no_sequence) {
  Pair ends({.max_body_bytes = 5000});
  const std::string fits(5000 - 8, 'x');  // 8: the length that boost_binary writes before a string
  CHECK_ERROR(ends.parent.try_send({}, fits + 'x'), Errc::too_large);
  ends.parent.send({}, fits).value();
  auto message = ends.child.receive_for(soon);
  BOOST_REQUIRE(message);
  BOOST_TEST(message->body<std::string>().value() == fits);
  BOOST_TEST(message->sequence() == 1u);
}

BOOST_AUTO_TEST_CASE(sequence_counts_successful_sends_only) {
  if constexpr (counts_room) {
    Pair ends({.capacity = 1});
    ends.parent.send({}, 1).value();
    CHECK_ERROR(ends.parent.try_send({}, 2), Errc::not_ready);
    ends.child.receive_for(soon)->done().value();
    ends.parent.send({}, 3).value();
    BOOST_TEST(ends.child.receive_for(soon)->sequence() == 2u);
  }
}

// ---- leases ----

BOOST_AUTO_TEST_CASE(acting_twice_on_a_lease_is_stale_and_changes_nothing) {
  Pair ends;
  ends.parent.send({}, 1).value();
  ends.parent.send({}, 2).value();
  auto first = ends.child.receive_for(soon);
  BOOST_REQUIRE(first);
  first->give_back().value();
  CHECK_ERROR(first->done(), Errc::stale);
  CHECK_ERROR(first->give_back(), Errc::stale);
  BOOST_TEST((next(2, ends.child) == std::vector{1, 2}));
}

BOOST_AUTO_TEST_CASE(a_lease_given_back_stays_stale_when_its_holder_takes_the_message_again) {
  Pair ends;
  ends.parent.send({}, 1).value();
  auto first = ends.child.receive_for(soon);
  first->give_back().value();
  auto second = ends.child.receive_for(soon);
  CHECK_ERROR(first->done(), Errc::stale);
  second->done().value();
}

BOOST_AUTO_TEST_CASE(a_returned_message_has_its_old_place_and_the_same_attempt) {
  Pair ends;
  for (int i = 0; i < 3; ++i) ends.parent.send({}, i).value();
  auto zero = ends.child.receive_for(soon);
  auto one = ends.child.receive_for(soon);
  one->give_back().value();
  zero->give_back().value();
  for (int i = 0; i < 3; ++i) {
    auto message = ends.child.receive_for(soon);
    BOOST_REQUIRE(message);
    BOOST_TEST(message->body<int>().value() == i);
    BOOST_TEST(message->attempt() == 1);
  }
}

BOOST_AUTO_TEST_CASE(an_exception_through_a_held_message_counts_an_attempt_and_the_fifth_makes_a_dead_letter) {
  Pair ends;
  ends.parent.send({}, 7).value();
  for (int attempt = 1; attempt <= max_attempts; ++attempt) {
    try {
      auto message = ends.child.receive_for(soon);
      BOOST_REQUIRE(message);
      BOOST_TEST(message->attempt() == attempt);
      throw attempt;
    } catch (int) {
    }
  }
  CHECK_ERROR(ends.child.try_receive(), Errc::not_ready);
  auto letters = ends.child.dead_letters();
  BOOST_REQUIRE(letters.size() == 1u);
  BOOST_TEST(letters[0].body<int>().value() == 7);
  BOOST_TEST(letters[0].attempt() == max_attempts);
  letters.clear();
  BOOST_TEST(ends.child.dead_letters().empty());
  BOOST_TEST(ends.child.dead_letters_dropped() == 0u);
}

BOOST_AUTO_TEST_CASE(dead_letters_leave_their_sides_room_and_the_oldest_beyond_the_reserve_are_dropped_and_counted) {
  if constexpr (counts_room) {
    Pair ends({.capacity = 2});
    for (int i = 0; i < 5; ++i) {
      ends.parent.try_send({}, i).value();  // there is room although dead letters wait
      for (int attempt = 0; attempt < max_attempts; ++attempt) {
        try {
          auto message = ends.child.try_receive();
          throw 0;
        } catch (int) {
        }
      }
    }
    everything_is_finished(ends.parent);
    BOOST_TEST(ends.parent.dead_letters_dropped() == 3u);
    const auto letters = ends.parent.dead_letters();  // any endpoint may take them
    BOOST_REQUIRE(letters.size() == 2u);
    BOOST_TEST(letters[0].body<int>().value() == 3);
    BOOST_TEST(letters[1].body<int>().value() == 4);
  }
}

BOOST_AUTO_TEST_CASE(a_channel_may_be_moved_while_messages_are_held_and_messages_too) {
  Pair ends;
  ends.parent.send({}, 1).value();
  auto held = *ends.child.receive_for(soon);
  All moved = std::move(ends.child);
  std::vector<All::Message> kept;
  kept.push_back(std::move(held));
  BOOST_TEST(kept[0].body<int>().value() == 1);
  kept[0].give_back().value();
  const auto given_back = std::move(kept[0]);
  BOOST_TEST(given_back.sequence() == 1u);
  BOOST_TEST(moved.receive_for(soon)->body<int>().value() == 1);
}

BOOST_AUTO_TEST_CASE(a_message_that_was_moved_from_shows_nothing_and_ends_nothing) {
  Pair ends;
  for (int i = 1; i <= 2; ++i) ends.parent.send({.request = request::DO}, i).value();
  auto first = *ends.child.receive_for(soon);
  auto second = std::move(first);
  CHECK_ERROR(first.done(), Errc::stale);
  CHECK_ERROR(first.give_back(), Errc::stale);
  BOOST_TEST((first.sequence() == 0u && first.bytes().empty() && !first.has_body()));
  BOOST_TEST(second.body<int>().value() == 1);
  first = *ends.child.receive_for(soon);
  BOOST_TEST(first.body<int>().value() == 2);
  second = std::move(first);  // the first message ends here
  BOOST_TEST(second.body<int>().value() == 2);
  second.give_back().value();
  BOOST_TEST(ends.child.receive_for(soon)->body<int>().value() == 2);
  CHECK_ERROR(ends.child.try_receive(), Errc::not_ready);
}

BOOST_AUTO_TEST_CASE(a_destroyed_endpoint_gives_back_what_it_holds_and_its_messages_are_stale) {
  if constexpr (promises.many_to_many) {
    auto link = All::open();
    auto parent = link.parent();
    parent.send({}, std::string(5000, 'x')).value();
    std::optional<All> child(link.child());
    auto held = child->receive_for(soon);
    BOOST_REQUIRE(held);
    child.reset();
    CHECK_ERROR(held->done(), Errc::stale);
    BOOST_TEST(held->bytes().size() == 5008u);
    auto other = link.child();
    auto again = other.receive_for(soon);
    BOOST_REQUIRE(again);
    BOOST_TEST(again->attempt() == 1);
  }
}

// ---- room ----

BOOST_AUTO_TEST_CASE(capacity_is_exact_per_side_and_held_messages_count) {
  if constexpr (counts_room) {
    Pair ends({.capacity = 3});
    for (int i = 0; i < 3; ++i) ends.parent.try_send({}, i).value();
    CHECK_ERROR(ends.parent.try_send({}, 3), Errc::not_ready);
    for (int i = 0; i < 3; ++i) ends.child.try_send({.recipient = ends.parent.id()}, i).value();  // answers have room of their own
    CHECK_ERROR(ends.child.try_send({.recipient = ends.parent.id()}, 3), Errc::not_ready);
    auto held = ends.child.try_receive([&](const All::MessageView& seen) { return seen.recipient() == anyone; });
    BOOST_REQUIRE(held);
    CHECK_ERROR(ends.parent.try_send({}, 3), Errc::not_ready);
    held->done().value();
    ends.parent.try_send({}, 3).value();
  }
}

BOOST_AUTO_TEST_CASE(a_full_channel_is_not_ready_and_loses_nothing) {
  Pair ends({.capacity = 4});
  int sent = 0;
  while (ends.parent.try_send({}, sent)) ++sent;
  const auto begin = std::chrono::steady_clock::now();
  CHECK_ERROR(ends.parent.send_for(20ms, Header{}, sent), Errc::not_ready);
  BOOST_TEST((std::chrono::steady_clock::now() - begin >= 20ms));
  for (int i = 0; i < sent; ++i) BOOST_TEST(ends.child.try_receive()->body<int>().value() == i);
  CHECK_ERROR(ends.child.try_receive(), Errc::not_ready);
}

// ---- receiving ----

BOOST_AUTO_TEST_CASE(a_refused_message_keeps_its_place) {
  Pair ends;
  for (int i = 0; i < 4; ++i) ends.parent.send({}, i).value();
  const auto is_two = [](const All::MessageView& seen) { return seen.body<int>().value() == 2; };
  BOOST_TEST(ends.child.receive_for(soon, is_two)->body<int>().value() == 2);
  CHECK_ERROR(ends.child.try_receive(is_two), Errc::not_ready);
  BOOST_TEST((next(3, ends.child) == std::vector{0, 1, 3}));
}

BOOST_AUTO_TEST_CASE(a_predicate_narrows_the_policy_and_never_widens_it) {
  auto link = Over<routing::only_to_me>::open();
  auto parent = link.parent();
  auto child = link.child();
  parent.send({.request = "anyone"}).value();
  parent.send({.request = "me", .recipient = child.id()}).value();
  const auto any = [](const auto&) { return true; };
  BOOST_TEST(child.receive_for(soon, any)->request() == Request("me"));
  CHECK_ERROR(child.try_receive(any), Errc::not_ready);
  BOOST_TEST(child.empty());
}

BOOST_AUTO_TEST_CASE(a_throwing_predicate_leaves_the_message_in_place_with_the_same_attempt) {
  Pair ends;
  ends.parent.send({}, 1).value();
  ends.parent.send({}, 2).value();
  const auto throws = [](const All::MessageView&) -> bool { throw std::runtime_error("no"); };
  BOOST_CHECK_THROW((void)ends.child.try_receive(throws), std::runtime_error);
  auto message = ends.child.try_receive();
  BOOST_REQUIRE(message);
  BOOST_TEST(message->body<int>().value() == 1);
  BOOST_TEST(message->attempt() == 1);
}

BOOST_AUTO_TEST_CASE(within_one_call_a_message_is_shown_to_the_predicate_once) {
  Pair ends;
  for (int i = 0; i < 3; ++i) ends.parent.send({}, i).value();
  std::vector<int> shown;
  CHECK_ERROR(ends.child.receive_for(5ms,
                                     [&](const All::MessageView& seen) {
                                       shown.push_back(seen.body<int>().value());
                                       return false;
                                     }),
              Errc::not_ready);
  BOOST_TEST((shown == std::vector{0, 1, 2}));
}

BOOST_AUTO_TEST_CASE(a_timed_receive_waits_as_long_as_it_was_asked_to) {
  Pair ends;
  const auto begin = std::chrono::steady_clock::now();
  CHECK_ERROR(ends.child.receive_for(30ms), Errc::not_ready);
  BOOST_TEST((std::chrono::steady_clock::now() - begin >= 30ms));
  CHECK_ERROR(ends.child.receive_for(-1h), Errc::not_ready);
  ends.parent.send({}, 1).value();
  BOOST_TEST(!!ends.child.receive_for(std::chrono::hours::max()));  // saturates
}

BOOST_AUTO_TEST_CASE(empty_is_about_what_is_queued_and_accepted) {
  Pair ends;
  BOOST_TEST(ends.child.empty());
  ends.parent.send({}, 1).value();
  BOOST_TEST(!ends.child.empty());
  auto held = ends.child.receive_for(soon);
  BOOST_TEST(ends.child.empty());
  held->give_back().value();
  BOOST_TEST(!ends.child.empty());
}

BOOST_AUTO_TEST_CASE(the_handle_is_readable_when_a_message_waits) {
  const auto check = [](auto ends) {
    if constexpr (requires { ends.child.native_handle(); }) {
      pollfd handle{.fd = ends.child.native_handle(), .events = POLLIN, .revents = 0};
      BOOST_TEST(::poll(&handle, 1, 0) == 0);
      ends.parent.send({}, 1).value();
      BOOST_TEST(::poll(&handle, 1, 10'000) == 1);
    }
  };
  check(Pair());
}

// ---- ends ----

BOOST_AUTO_TEST_CASE(a_child_reads_closed_once_its_parent_is_gone_and_all_is_drained) {
  auto link = All::open();
  std::optional<All> parent(link.parent());
  auto child = link.child();
  parent->send({}, 1).value();
  parent.reset();
  BOOST_TEST(child.receive_for(soon)->body<int>().value() == 1);
  CHECK_ERROR(child.receive_for(soon), Errc::closed);
}

BOOST_AUTO_TEST_CASE(a_parent_reads_closed_once_its_children_are_gone_and_not_before_one_came) {
  auto link = All::open();
  auto parent = link.parent();
  CHECK_ERROR(parent.receive_for(5ms), Errc::not_ready);
  {
    auto child = link.child();
    child.send({}, 1).value();
  }
  BOOST_TEST(parent.receive_for(soon)->body<int>().value() == 1);
  CHECK_ERROR(parent.receive_for(soon), Errc::closed);
  if constexpr (promises.many_to_many) {  // not sticky
    auto another = link.child();
    CHECK_ERROR(parent.try_receive(), Errc::not_ready);
  }
}

BOOST_AUTO_TEST_CASE(what_another_live_participant_holds_may_come_back_so_it_is_not_closed_yet) {
  if constexpr (promises.many_to_many) {
    auto link = All::open();
    std::optional<All> parent(link.parent());
    auto child = link.child();
    auto other = link.child();
    parent->send({}, 1).value();
    auto held = other.receive_for(soon);
    BOOST_REQUIRE(held);
    parent.reset();
    CHECK_ERROR(child.receive_for(5ms), Errc::not_ready);
    held->give_back().value();
    BOOST_TEST(child.receive_for(soon)->body<int>().value() == 1);
    CHECK_ERROR(child.receive_for(soon), Errc::closed);
  }
}

BOOST_AUTO_TEST_CASE(close_ends_sending_and_not_receiving) {
  Pair ends;
  ends.parent.close().value();
  CHECK_ERROR(ends.parent.send({}, 1), Errc::closed);
  CHECK_ERROR(ends.child.receive_for(soon), Errc::closed);
  ends.child.send({}, 2).value();
  BOOST_TEST(ends.parent.receive_for(soon)->body<int>().value() == 2);
}

BOOST_AUTO_TEST_CASE(a_send_that_nobody_will_make_room_for_is_closed) {
  auto link = All::open({.capacity = 2});
  auto parent = link.parent();
  { auto child = link.child(); }
  std::error_code end;
  for (int i = 0; !end && i < 100; ++i) end = parent.send_for(soon, Header{}, i).error();
  BOOST_TEST((end == Errc::closed));
}

BOOST_AUTO_TEST_CASE(a_second_live_parent_is_refused_and_a_later_one_is_not) {
  auto link = All::open();
  {
    auto parent = link.parent();
    BOOST_CHECK_THROW((void)link.parent(), std::system_error);
  }
  if constexpr (promises.many_to_many) BOOST_CHECK_NO_THROW((void)link.parent());
}

BOOST_AUTO_TEST_CASE(a_child_knows_its_parent) {
  Pair ends;
  BOOST_TEST(ends.child.parent_id() == ends.parent.id());
}

BOOST_AUTO_TEST_CASE(bad_options_are_refused_by_name) {
  const auto names = [](const char* option) {
    return [=](const std::invalid_argument& refused) { return std::string(refused.what()).find(option) != std::string::npos; };
  };
  BOOST_CHECK_EXCEPTION((void)All::open({.capacity = 0}), std::invalid_argument, names("capacity"));
  BOOST_CHECK_EXCEPTION((void)All::open({.max_body_bytes = 0}), std::invalid_argument, names("max_body_bytes"));
  BOOST_CHECK_EXCEPTION((void)All::open({.max_body_bytes = std::size_t{1} << 33}), std::invalid_argument, names("max_body_bytes"));
}

// ---- join ----

BOOST_AUTO_TEST_CASE(join_means_done_and_not_taken) {
  const auto check = [](auto link) {
    auto parent = link.parent();
    if constexpr (requires { parent.join(); }) {
      parent.join().value();
      auto child = link.child();
      parent.send({}, 1).value();
      BOOST_TEST(parent.unfinished() == 1u);
      auto held = child.receive_for(soon);
      BOOST_TEST(parent.unfinished() == 1u);
      CHECK_ERROR(parent.join_for(5ms), Errc::not_ready);
      held->done().value();
      BOOST_TEST(parent.unfinished() == 0u);
      parent.join_for(soon).value();
      child.send({}, 2).value();  // both directions count
      BOOST_TEST(parent.unfinished() == 1u);
    }
  };
  check(All::open());
}

BOOST_AUTO_TEST_CASE(what_nobody_alive_could_finish_is_abandoned) {
  const auto check = [](auto link) {
    auto parent = link.parent();
    if constexpr (requires { parent.join(); }) {
      { auto child = link.child(); }
      parent.send({}, 1).value();
      CHECK_ERROR(parent.join_for(soon), Errc::abandoned);
      auto held = parent.receive_for(soon);  // held by the caller itself
      BOOST_REQUIRE(held);
      CHECK_ERROR(parent.join_for(soon), Errc::abandoned);
      held->done().value();
      parent.join_for(soon).value();
    }
  };
  check(All::open());
}

// ---- threads ----

BOOST_AUTO_TEST_CASE(another_threads_call_is_wrong_thread_and_changes_nothing) {
  Pair ends;
  ends.parent.send({}, 1).value();
  auto held = ends.child.receive_for(soon);
  std::vector<std::error_code> said;
  std::thread([&] {
    said.push_back(ends.parent.send({}, 2).error());
    said.push_back(ends.child.try_receive().error());
    said.push_back(ends.parent.close().error());
    said.push_back(held->done().error());
    said.push_back(held->give_back().error());
  }).join();
  for (const auto& error : said) BOOST_TEST((error == Errc::wrong_thread));
  held->done().value();
  CHECK_ERROR(ends.child.try_receive(), Errc::not_ready);
  ends.parent.send({}, 3).value();
}

BOOST_AUTO_TEST_CASE(competing_threads_take_every_message_once) {
  if constexpr (promises.many_to_many) {
    constexpr int messages = 2000;
    auto link = All::open({.capacity = 8});
    auto parent = link.parent();
    std::array<std::vector<int>, 3> taken;
    std::vector<std::thread> threads;
    for (auto& mine : taken) {
      threads.emplace_back([&link, &mine] {
        auto inbox = link.child();
        while (auto message = inbox.receive()) mine.push_back(message->template body<int>().value());
      });
    }
    for (int i = 0; i < messages; ++i) parent.send({}, i).value();
    parent.close().value();
    for (auto& thread : threads) thread.join();
    std::vector<int> all;
    for (const auto& mine : taken) {
      BOOST_TEST(std::is_sorted(mine.begin(), mine.end()));
      all.insert(all.end(), mine.begin(), mine.end());
    }
    std::sort(all.begin(), all.end());
    BOOST_REQUIRE(all.size() == static_cast<std::size_t>(messages));
    for (int i = 0; i < messages; ++i) BOOST_TEST(all[static_cast<std::size_t>(i)] == i);
  }
}
