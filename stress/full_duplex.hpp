#pragma once
/// pymulproc's scenario: each round one child out of N is told to DO, only it answers, with its identifier; at the end
/// every child gets a poison pill and all join.
#include <mulproc/crew.hpp>
#include <random>
#include <stress/run.hpp>

namespace mulproc::stress {

struct Job {
  std::uint64_t number = 0, checksum = 0;
  std::array<std::uint64_t, 16> payload{};

  static Job make(std::uint64_t number) {
    Job job{.number = number};
    for (std::size_t i = 0; i < job.payload.size(); ++i) job.payload[i] = (number + i) * 0x9E3779B97F4A7C15u;
    job.checksum = job.sum();
    return job;
  }
  std::uint64_t sum() const {
    std::uint64_t sum = number;
    for (const auto word : payload) sum = (sum ^ word) * 1099511628211u;
    return sum;
  }
};

template <class Channel>
void answer_until_the_pill(Channel& inbox) {
  while (auto message = inbox.receive()) {
    if (message->request() == request::DIE) return;
    const Job job = message->template body<Job>().value();
    inbox.reply(*message, job.sum() == job.checksum ? request::FINISHED : Request("TORN"), job).value();
  }
}

template <class Channel>
void full_duplex(const Settings& settings, Run& run) {
  // A 1:1 transport has one child to a link: N links then.
  const std::size_t per_link = Channel::promises.many_to_many ? settings.children : 1;
  std::vector<typename Channel::Link> links;
  std::vector<Channel> parents;
  std::vector<std::unique_ptr<Crew>> crews;
  for (std::size_t made = 0; made < settings.children; made += per_link) {
    links.push_back(Channel::open());
    parents.push_back(links.back().parent());
  }
  for (auto& link : links) crews.push_back(std::make_unique<Crew>(link, Crew::Options{.size = per_link}, answer_until_the_pill<Channel>));

  std::mt19937_64 random(settings.seed);
  std::vector<std::uint64_t> last_sequence(settings.children, 0);
  for (std::size_t round = 0; round < settings.rounds; ++round) {
    const std::size_t chosen = random() % settings.children;
    auto& parent = parents[chosen / per_link];
    const ProcessId child = (*crews[chosen / per_link])[chosen % per_link].id();
    parent.send({.request = request::DO, .recipient = child}, Job::make(random())).value();
    ++run.messages;
    auto answer = parent.receive_for(run.patience);
    if (!run.check(bool(answer), "nothing lost: an answer comes to every DO")) return;
    ++run.messages;
    run.check(answer->request() == request::FINISHED, "nothing torn: checksums agree");
    run.check(answer->sender() == child, "nothing misdelivered: only the addressed child answers");
    run.check(answer->sequence() == ++last_sequence[chosen], "order per sender: sequences follow one another");
    answer->done().value();
    run.check(parent.empty(), "nothing twice: the queue is empty after an answer");
    run.progress(round + 1, settings.rounds);
  }
  for (std::size_t i = 0; i < links.size(); ++i) {
    for (const ExitStatus& status : crews[i]->dismiss(parents[i], run.patience)) run.check(status.ok(), "every child ends by its pill");
    if constexpr (requires { parents[i].join_for(run.patience); }) {
      run.check(bool(parents[i].join_for(run.patience)), "queue join returns");
      run.check(parents[i].unfinished() == 0, "nothing is unfinished");
    }
  }
}

}  // namespace mulproc::stress
