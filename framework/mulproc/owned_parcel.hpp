#pragma once
/// The simplest parcel: one received message in memory of its own.
#include <mulproc/transport.hpp>
#include <vector>

namespace mulproc {

/// For a transport whose endpoint is the sole receiver: giving back is the work of the framework's stash.
struct OwnedParcel {
  Envelope head;
  std::vector<std::byte> body;

  const Envelope& envelope() const noexcept { return head; }
  int attempt() const noexcept { return 1; }
  std::span<const std::byte> bytes() const noexcept { return body; }
  Result<> done() noexcept { return {}; }
  Result<> give_back() noexcept { return Errc::stale; }
};

}  // namespace mulproc
