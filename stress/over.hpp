#pragma once
/// The thin layer between the scenarios and one transport with one serializer. A transport joins by a file like
/// over_pipe.cpp.
#include <boost/json.hpp>
#include <mulproc/channel.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/boost_binary.hpp>
#include <mulproc/serializer/boost_text.hpp>
#include <mulproc/serializer/json.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/traced.hpp>
#include <stress/medium.hpp>

namespace mulproc::stress {

/// For serializers that carry containers.
struct Letter {
  std::uint64_t number = 0, due = 0;
  std::string text;
  std::uint64_t checksum = 0;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& number& due& text& checksum;
  }
};
inline void tag_invoke(boost::json::value_from_tag, boost::json::value& value, const Letter& letter) {
  value = {{"number", letter.number}, {"due", letter.due}, {"text", letter.text}, {"checksum", letter.checksum}};
}
inline Letter tag_invoke(boost::json::value_to_tag<Letter>, const boost::json::value& value) {
  return {value.at("number").to_number<std::uint64_t>(), value.at("due").to_number<std::uint64_t>(),
          std::string(value.at("text").as_string()), value.at("checksum").to_number<std::uint64_t>()};
}

/// For trivially_copyable: the smallest of a few sizes that holds the text.
template <std::size_t Bytes>
struct Block {
  std::uint64_t number, due, checksum, used;
  std::array<char, Bytes> text;
};
inline constexpr std::size_t block_sizes[] = {32, 1024, 16 << 10, (1 << 20) + 1024};

template <Serializer S>
inline constexpr bool in_blocks = std::same_as<S, serializer::trivially_copyable>;

/// Calls f with an integral constant: the smallest block that holds so many bytes.
template <class F>
auto with_block_for(std::size_t bytes, F f) {
  if (bytes <= block_sizes[0]) return f(std::integral_constant<std::size_t, block_sizes[0]>{});
  if (bytes <= block_sizes[1]) return f(std::integral_constant<std::size_t, block_sizes[1]>{});
  if (bytes <= block_sizes[2]) return f(std::integral_constant<std::size_t, block_sizes[2]>{});
  return f(std::integral_constant<std::size_t, block_sizes[3]>{});
}

/// Calls f with the body that carries the load over S.
template <Serializer S, class F>
Result<> with_body(const Load& load, F f) {
  const std::uint64_t checksum = checksum_of(load.number, load.due, load.text);
  if constexpr (in_blocks<S>) {
    if (load.text.size() > block_sizes[3]) return Errc::too_large;
    return with_block_for(load.text.size(), [&](auto size) -> Result<> {
      const auto block = std::make_unique<Block<size>>();
      block->number = load.number, block->due = load.due, block->checksum = checksum, block->used = load.text.size();
      load.text.copy(block->text.data(), load.text.size());
      return f(*block);
    });
  } else {
    return f(Letter{load.number, load.due, load.text, checksum});
  }
}

/// What a body carries; none when there is none or it is torn.
template <Serializer S>
std::optional<Load> load_of(const MessageView<S>& message) {
  const auto whole = [](std::uint64_t number, std::uint64_t due, std::string_view text,
                        std::uint64_t checksum) -> std::optional<Load> {
    if (checksum != checksum_of(number, due, text)) return std::nullopt;
    return Load{number, std::string(text), due};
  };
  if constexpr (in_blocks<S>) {
    const std::size_t rest = sizeof(Block<block_sizes[0]>) - block_sizes[0];
    if (message.bytes().size() < rest) return std::nullopt;
    return with_block_for(message.bytes().size() - rest, [&](auto size) -> std::optional<Load> {
      const auto block = message.template body<Block<size>>();
      if (!block || block->used > size) return std::nullopt;
      return whole(block->number, block->due, {block->text.data(), block->used}, block->checksum);
    });
  } else {
    const auto letter = message.template body<Letter>();
    if (!letter) return std::nullopt;
    return whole(letter->number, letter->due, letter->text, letter->checksum);
  }
}

/// How large a body can be that carries so long a text.
template <Serializer S>
std::size_t most_bytes_of(std::size_t text) {
  if constexpr (in_blocks<S>) {
    return with_block_for(text, [](auto size) { return sizeof(Block<size>); });
  } else {
    return text + 256;  // names, numbers and quotes
  }
}

template <class C, Serializer S>
class PortOver : public Port {
 public:
  explicit PortOver(C& channel) : channel_(channel) {}

  using Port::try_send;
  Result<> try_send(Header header) override { return channel_.try_send(header); }
  std::vector<Mail> dead_letters() override {
    std::vector<Mail> all;
    for (auto& letter : channel_.dead_letters()) all.push_back(mail(std::move(letter)));
    return all;
  }
  bool empty() const override { return channel_.empty(); }
  std::optional<std::size_t> unfinished() const override {
    if constexpr (requires { channel_.unfinished(); }) {
      return channel_.unfinished();
    } else {
      return std::nullopt;
    }
  }
  Result<> join_for([[maybe_unused]] std::chrono::nanoseconds patience) override {
    if constexpr (requires { channel_.join_for(patience); }) {
      return channel_.join_for(patience);
    } else {
      return {};
    }
  }
  ProcessId id() const override { return channel_.id(); }
  ProcessId parent_id() const override { return channel_.parent_id(); }
  int readable_handle() const override {
    if constexpr (requires { channel_.native_handle(); }) {
      return channel_.native_handle();
    } else {
      return -1;
    }
  }

 private:
  struct LeaseOver : Lease {
    explicit LeaseOver(typename C::Message taken) : message(std::move(taken)) {}
    typename C::Message message;
  };
  static Mail mail(typename C::Message message) {
    const Envelope envelope = message.envelope();
    auto load = load_of<S>(message);
    const int attempt = message.attempt();
    return {envelope, attempt, std::move(load), std::make_unique<LeaseOver>(std::move(message))};
  }
  Result<> put(Deadline deadline, Header header, const Load& load) override {
    return with_body<S>(load, [&](const auto& body) { return channel_.send_until(deadline, header, body); });
  }
  Result<> answer(const Envelope& to, Request request, const Load& load) override {
    const MessageParts answered{to};
    return with_body<S>(load, [&](const auto& body) { return channel_.reply(MessageView<S>(answered), request, body); });
  }
  Result<Mail> take(Deadline deadline, const Wanted* wanted) override {
    auto message = wanted == nullptr ? channel_.receive_until(deadline)
                                     : channel_.receive_until(deadline, [wanted](const MessageView<S>& seen) {
                                         return (*wanted)(seen.envelope());
                                       });
    if (!message) return message.error();
    return mail(*std::move(message));
  }

  C& channel_;
};

template <class C, Serializer S>
class LineOver : public Line {
 public:
  LineOver(typename C::Options options, const Medium::Asked& asked, const Medium::Work& work)
      : link_(C::open(std::move(options))),
        channel_(link_.parent()),
        parent_(channel_),
        crew_(link_, {.size = asked.children, .restarts = asked.restarts}, [work](C& inbox) {
          PortOver<C, S> port(inbox);
          return work(port);
        }) {}
  Port& parent() override { return parent_; }
  Crew& crew() override { return crew_; }

 private:
  typename C::Link link_;
  C channel_;
  PortOver<C, S> parent_;
  Crew crew_;  // ends first
};

template <Transport T, Serializer S>
Medium medium() {
  using C = Channel<T, S, routing::addressed_to_me>;
  return {std::string(T::name), std::string(S::name), T::promises,
          in_blocks<S> ? std::size_t{1} << 20 : std::size_t{64} << 20,
          [](const Medium::Asked& asked, const Medium::Work& work) -> std::unique_ptr<Line> {
            typename C::Options options;
            options.capacity = asked.capacity;
            options.max_body_bytes = most_bytes_of<S>(asked.largest_text);
            if constexpr (requires { options.max_participants; })
              options.max_participants = std::max(options.max_participants, 2 * asked.children + 16);
            return std::make_unique<LineOver<C, S>>(std::move(options), asked, work);
          }};
}

/// One of these in a file makes the transport known.
template <Transport T>
struct Over {
  Over() {
    media().push_back(medium<T, serializer::trivially_copyable>());
    media().back().open_traced = medium<transport::traced<T>, serializer::trivially_copyable>().open;
    media().push_back(medium<T, serializer::boost_binary>());
    media().push_back(medium<T, serializer::boost_text>());
    media().push_back(medium<T, serializer::json>());
  }
};

}  // namespace mulproc::stress
