#pragma once
/// What a predicate sees of a message, and what a received message shows.
#include <mulproc/apart.hpp>
#include <mulproc/envelope.hpp>
#include <mulproc/serializer.hpp>
#include <span>

namespace mulproc {

/// A look at one message; the bytes belong to whoever made the view.
///
/// Safety:  as long-lived as the message or the predicate's call it came from.
template <Serializer S>
class MessageView {
 public:
  MessageView(const Envelope& envelope, int attempt, std::span<const std::byte> bytes, std::size_t max_body_bytes = 0) noexcept
      : envelope_(envelope), data_(bytes.data()), size_(bytes.size()), max_body_bytes_(max_body_bytes), attempt_(attempt) {}

  Request request() const noexcept { return envelope_.request; }
  ProcessId sender() const noexcept { return envelope_.sender; }
  ProcessId recipient() const noexcept { return envelope_.recipient; }
  /// The sender's count of its successful sends, from 1.
  std::uint64_t sequence() const noexcept { return envelope_.sequence; }
  /// The sequence of the message this one answers, 0 if none.
  std::uint64_t in_reply_to() const noexcept { return envelope_.in_reply_to; }
  /// 1, plus one for every holder that died or threw.
  int attempt() const noexcept { return attempt_; }
  bool has_body() const noexcept { return envelope_.body_bytes != 0 || envelope_.body_type != 0; }
  const Envelope& envelope() const noexcept { return envelope_; }
  std::span<const std::byte> bytes() const noexcept { return {static_cast<const std::byte*>(data_), size_}; }

  /// Decodes the body, each time anew.
  /// Fails:   wrong_body when there is none or it was sent as another type; malformed when the bytes are no B.
  template <class B>
    requires SerializerFor<S, B>
  Result<B> body() const {
    if (!has_body() || (envelope_.body_type != 0 && envelope_.body_type != body_type_of<B>)) return Errc::wrong_body;
    if constexpr (requires { S::template decode<B>(bytes(), max_body_bytes_); }) {
      return S::template decode<B>(bytes(), max_body_bytes_);
    } else {
      return S::template decode<B>(bytes());
    }
  }

 protected:
  void rebind(std::span<const std::byte> bytes) noexcept {
    data_ = bytes.data();
    size_ = bytes.size();
  }

 private:
  Envelope envelope_;
  Apart<const std::byte*> data_;
  Apart<std::size_t> size_, max_body_bytes_;
  int attempt_;
};

}  // namespace mulproc
