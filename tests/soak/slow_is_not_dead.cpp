// T5: workers are stopped at random moments and go on later, while everybody looks for deaths in each call. None may be
// taken for dead: no second attempt, no dead letter, no stale lease. Whoever is stopped inside the lock stops the channel;
// then try_ calls and timed ones say not_ready, and nothing else.
//
//   slow_is_not_dead [--stops N] [--seed N] [--table FILE]
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <tests/crash/crashing.hpp>
#include <tests/crash/transport.hpp>

#include "arguments.hpp"

namespace mulproc::tests {

using namespace std::chrono_literals;
using C = Channel<T, serializer::trivially_copyable, routing::addressed_to_me>;

constexpr std::size_t workers = 4, most_in_flight = 16;
enum Verdict : int { taken_for_dead = 41, other_error = 42 };

/// Says each number back.
int work(C& inbox) {
  while (auto message = inbox.receive()) {
    if (message->attempt() != 1) return taken_for_dead;
    if (message->request() == request::DIE) return 0;
    if (!inbox.reply(*message, request::FINISHED, message->body<std::size_t>().value())) return other_error;
    if (!message->done()) return taken_for_dead;  // stale: somebody gave it back for us
  }
  return other_error;
}

/// Stops workers and lets them go on, most of them for some milliseconds, each tenth beyond the 100 ms after which all look.
int stop_them(const std::vector<pid_t>& pids, std::size_t stops, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (std::size_t i = 0; i < stops; ++i) {
    ::usleep(static_cast<useconds_t>(random() % 3'000));
    const pid_t one = pids[random() % pids.size()];
    ::kill(one, SIGSTOP);
    ::usleep(static_cast<useconds_t>(i % 10 == 9 ? 130'000 : random() % 5'000));
    ::kill(one, SIGCONT);
  }
  return 0;
}

int main(int argc, char** argv) {
  const Arguments asked(argc, argv, {{"--stops", 100}, {"--seed", 1}});
  ::alarm(static_cast<unsigned>(60 + asked["--stops"] / 4));
  look_for_deaths_every<T>(0ms);
  auto link = C::open({.capacity = 64, .max_body_bytes = 64});
  C parent = link.parent();
  std::vector<Child> crew;
  std::vector<pid_t> pids;
  for (std::size_t i = 0; i < workers; ++i) crew.push_back(spawn(link, work)), pids.push_back(crew.back().pid());
  Child stopper = spawn([&] { return stop_them(pids, asked["--stops"], asked["--seed"]); });

  std::vector<bool> answered;
  std::size_t outstanding = 0, waits = 0, flaws = 0;
  std::chrono::microseconds longest_try{};
  std::string first_flaw;
  const auto finds = [&](const std::string& what) {
    if (flaws++ == 0) first_flaw = what;
  };
  const auto timed = [&](auto call) {
    const auto begun = Deadline::clock::now();
    auto result = call();
    longest_try = std::max(longest_try, std::chrono::duration_cast<std::chrono::microseconds>(Deadline::clock::now() - begun));
    return result;
  };
  while (flaws == 0 && (stopper.alive() || outstanding != 0)) {
    if (stopper.alive() && outstanding < most_in_flight) {
      // Every second one for a certain worker: dead, he would make a dead letter of it.
      const ProcessId to = answered.size() % 2 == 0 ? anyone : ProcessId(pids[answered.size() / 2 % workers]);
      const auto sent = timed([&] { return parent.try_send({.recipient = to}, answered.size()); });
      if (sent) answered.push_back(false), ++outstanding;
      if (!sent && sent.error() != Errc::not_ready) finds("try_send: " + sent.error().message());
    }
    auto answer = answered.size() % 3 == 0 ? parent.receive_for(1ms) : timed([&] { return parent.try_receive(); });
    if (!answer) {
      ++waits;
      if (answer.error() != Errc::not_ready) finds("receive: " + answer.error().message());
      continue;
    }
    const auto number = answer->body<std::size_t>().value();
    if (answer->attempt() != 1) finds("an answer on attempt " + std::to_string(answer->attempt()));
    if (number >= answered.size() || answered[number]) {
      finds("an answer twice");
    } else {
      answered[number] = true, --outstanding;
    }
  }
  if (!stopper.wait().ok()) finds("the stopper failed");
  if (!parent.dead_letters().empty()) finds("a dead letter");
  if (!parent.join_for(30s)) finds("join does not return");
  for (Child& one : crew) {
    parent.send({.request = request::DIE, .recipient = one.id()}).value();
    if (const auto ended = one.wait_for(30s); !ended) {
      finds("a worker does not end");
    } else if (!ended->ok()) {
      finds("a worker ended with " + std::to_string(ended->code) + (ended->code == taken_for_dead ? ", taken for dead" : ""));
    }
  }
  asked.say("slow is not dead over " + std::string(T::name) + ": " + std::to_string(asked["--stops"]) + " stops, " + std::to_string(answered.size()) +
            " jobs, " + std::to_string(waits) + " calls said not_ready, the longest try_ took " + std::to_string(longest_try.count() / 1000) +
            " ms\n  false deaths and other flaws: " + std::to_string(flaws) + (first_flaw.empty() ? "" : ", the first: " + first_flaw));
  return flaws == 0 && answered.size() > asked["--stops"] ? 0 : 1;
}

}  // namespace mulproc::tests

int main(int argc, char** argv) { return mulproc::tests::main(argc, argv); }
