#pragma once
/// What a predicate sees of a message, and what a received message shows.
#include <mulproc/envelope.hpp>
#include <mulproc/serializer.hpp>
#include <span>

namespace mulproc {

/// What there is to see of a message: a private copy of its envelope, and where its body lies.
struct MessageParts {
  Envelope envelope;
  int attempt = 1;
  std::span<const std::byte> bytes = {};
  std::size_t max_body_bytes = 0;
};
/// What is seen of a message that was moved from, which is known by its address: one in the whole process.
[[gnu::visibility("default")]] inline constexpr MessageParts no_message{};

/// A look at one message; its parts belong to whoever made the view.
///
/// Safety:  as long-lived as the message or the predicate's call it came from.
template <Serializer S>
class MessageView {
 public:
  explicit MessageView(const MessageParts& parts) noexcept : parts_(&parts) {}

  Request request() const noexcept { return envelope().request; }
  ProcessId sender() const noexcept { return envelope().sender; }
  ProcessId recipient() const noexcept { return envelope().recipient; }
  /// The sender's count of its successful sends, from 1.
  std::uint64_t sequence() const noexcept { return envelope().sequence; }
  /// The sequence of the message this one answers, 0 if none.
  std::uint64_t in_reply_to() const noexcept { return envelope().in_reply_to; }
  /// 1, plus one for every holder that died or threw.
  int attempt() const noexcept { return parts_->attempt; }
  bool has_body() const noexcept { return envelope().body_bytes != 0 || envelope().body_type != 0; }
  const Envelope& envelope() const noexcept { return parts_->envelope; }
  std::span<const std::byte> bytes() const noexcept { return parts_->bytes; }

  /// Decodes the body, each time anew.
  /// Fails:   wrong_body when there is none or it was sent as another type; malformed when the bytes are no B.
  template <class B>
    requires SerializerFor<S, B>
  Result<B> body() const {
    const bool is_unchecked = envelope().body_type == 0 && has_body();
    if (envelope().body_type != body_type_of<B> && !is_unchecked) return Errc::wrong_body;
    if constexpr (requires { S::template decode<B>(bytes(), parts_->max_body_bytes); }) {
      return S::template decode<B>(bytes(), parts_->max_body_bytes);
    } else {
      return S::template decode<B>(bytes());
    }
  }

 protected:
  const MessageParts* parts_;
};

}  // namespace mulproc
