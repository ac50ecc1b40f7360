// T4: eight processes over one channel, four that send and four that receive; one of them is killed every 5 to 20 ms and
// replaced. Everybody notes what he does in shared memory; the history is checked in the end: total_queue.hpp.
//
//   random_kills [--kills N] [--messages N] [--seed N] [--table FILE]      goes on until both are reached
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <tests/crash/transport.hpp>

#include "arguments.hpp"
#include "notebook.hpp"

namespace mulproc::tests {

using namespace std::chrono_literals;
using C = Channel<T, serializer::trivially_copyable, routing::addressed_to_me>;

struct Body {
  std::uint32_t sender, number;
};

constexpr std::size_t senders = 4, receivers = 4, kills_of_a_round = 100;
constexpr auto patience = 30s;

[[noreturn]] void hangs(const std::string& what) {
  std::cerr << "random_kills: hangs: " << what << '\n';
  ::_exit(1);  // no destructor could wait for those who hang
}

/// One in sixteen names a receiver, who may be dead by then.
constexpr bool is_letter(std::uint32_t number) { return number % 16 == 0; }

/// Now and then a message takes long, so that many who are killed hold one: before they noted it, or after.
void work_on(const Body& body, bool is_noted) {
  if (body.number % 1024 == (is_noted ? 511 : 1023)) ::poll(nullptr, 0, 2);
}

void send_until_the_end(C& outbox, Notebook& notes, std::uint32_t me) {
  while (!notes.ending()) {
    const auto number = notes.begins(me);
    const pid_t named = is_letter(number) ? notes.receivers()[number / 16 % receivers].load() : 0;
    const auto sent = outbox.send({.recipient = named != 0 ? ProcessId(named) : anyone}, Body{me, number});
    // What was refused was never sent, and its number is taken again.
    if (sent) notes.returned(me);
    if (!sent && sent.error() != Errc::recipient_gone) throw std::runtime_error("send: " + sent.error().message());
  }
}
int receive_until_closed(C& inbox, Notebook& notes, std::uint32_t me) {
  while (true) {
    auto message = inbox.receive();
    if (!message) return message.error() == Errc::closed ? 0 : throw std::runtime_error("receive: " + message.error().message());
    const auto body = message->body<Body>().value();
    work_on(body, false);
    notes.arrives({body.sender, body.number, me, message->attempt()});
    work_on(body, true);
    message->done().value();
  }
}

/// One channel's life.
class Round {
 public:
  Round(std::uint64_t seed, std::size_t kills) : random_(seed) {
    for (std::size_t slot = 0; slot < senders + receivers; ++slot) children_.push_back(fill(slot));
    for (std::size_t i = 0; i < kills; ++i) {
      wait_a_little();
      const std::size_t slot = random_() % children_.size();
      children_[slot].kill(SIGKILL);
      if (const auto status = children_[slot].wait(); status.signal != SIGKILL) failed_ = "a child ended by itself with code " + std::to_string(status.code);
      children_[slot] = fill(slot);
    }
    end();
  }
  TotalQueue check() const { return notes_.check(is_letter); }
  std::size_t dropped() const noexcept { return dropped_; }
  const std::string& failed() const noexcept { return failed_; }

 private:
  /// A new process at this place: the first four send.
  Child fill(std::size_t slot) {
    if (slot < senders) {
      return spawn(link_, [this, me = notes_.new_sender()](C& outbox) { send_until_the_end(outbox, notes_, me); });
    }
    Child child = spawn(link_, [this, me = next_receiver_++](C& inbox) { return receive_until_closed(inbox, notes_, me); });
    notes_.receivers()[slot - senders] = child.pid();
    return child;
  }
  /// 5 to 20 ms, in which dead letters are taken.
  void wait_a_little() {
    const auto until = Deadline::after(std::chrono::microseconds(5'000 + random_() % 15'000));
    do {
      drain_dead_letters();
      ::poll(nullptr, 0, 1);
    } while (!until.expired());
  }
  void drain_dead_letters() {
    for (auto& letter : parent_->dead_letters()) {
      const auto body = letter.template body<Body>().value();
      notes_.arrives({body.sender, body.number, 0, letter.attempt(), true});
      letter.done().value();
    }
  }
  void end() {
    notes_.ending() = true;
    for (std::size_t slot = 0; slot < senders; ++slot) {
      if (!children_[slot].wait_for(patience)) hangs("a sender, in its last send");
    }
    if (auto joined = parent_->join_for(patience); !joined) hangs("join, of what " + std::to_string(parent_->unfinished()) + " messages are left: " + joined.error().message());
    drain_dead_letters();
    if (parent_->unfinished() != 0) failed_ = "unfinished after join";
    dropped_ = parent_->dead_letters_dropped();
    parent_.reset();  // the receivers hear: closed
    for (std::size_t slot = senders; slot < children_.size(); ++slot) {
      if (const auto ended = children_[slot].wait_for(patience); !ended) {
        hangs("a receiver that is to hear of the end");
      } else if (!ended->ok()) {
        failed_ = "a receiver ended with code " + std::to_string(ended->code);
      }
    }
  }

  std::mt19937_64 random_;
  Notebook notes_;
  C::Link link_ = C::open({.capacity = 64, .max_body_bytes = 64});
  std::optional<C> parent_ = link_.parent();
  std::vector<Child> children_;
  std::uint32_t next_receiver_ = 1;
  std::size_t dropped_ = 0;
  std::string failed_;
};

int main(int argc, char** argv) {
  const Arguments asked(argc, argv, {{"--kills", 400}, {"--messages", 1000}, {"--seed", 1}});
  TotalQueue all;
  std::size_t kills = 0, dropped = 0;
  std::string failed;
  for (std::size_t round = 0; failed.empty() && all.all_well() && (kills < asked["--kills"] || all.sent < asked["--messages"]); ++round) {
    ::alarm(240);
    const std::size_t left = asked["--kills"] > kills ? asked["--kills"] - kills : kills_of_a_round;
    const Round one(asked["--seed"] + round, std::min(left, kills_of_a_round));
    kills += std::min(left, kills_of_a_round);
    all.add(one.check());
    dropped += one.dropped();
    failed = one.failed();
    asked.progress("random_kills: " + std::to_string(kills) + " killed, " + std::to_string(all.sent) + " sent");
  }
  // A reserve that was full dropped its oldest dead letters, and counted them.
  const std::size_t lost = all.lost + all.missing_letters - std::min(all.missing_letters, dropped);
  if (failed.empty() && kills >= kills_of_a_round && all.handed_on == 0) failed = "none of them held a message: this proves little";
  const bool well = lost + all.unexpected + all.duplicated + all.out_of_order == 0 && failed.empty() && all.arrived > 0;
  asked.say("random kills over " + std::string(T::name) + ": " + std::to_string(kills) + " killed, " + std::to_string(all.sent) + " sent with a yes, " +
            std::to_string(all.maybe) + " maybe (" + std::to_string(all.recovered) + " of them came), " + std::to_string(all.handed_on) + " handed on, " +
            std::to_string(all.dead_letters) + " dead letters (" + std::to_string(dropped) + " dropped)\n  lost " + std::to_string(lost) + ", unexpected " +
            std::to_string(all.unexpected) + ", duplicated " + std::to_string(all.duplicated) + ", out of order " + std::to_string(all.out_of_order) +
            ", hangs 0" + (all.first_flaw.empty() ? "" : "\n  first: " + all.first_flaw) + (failed.empty() ? "" : "\n  " + failed));
  return well ? 0 : 1;
}

}  // namespace mulproc::tests

int main(int argc, char** argv) { return mulproc::tests::main(argc, argv); }
