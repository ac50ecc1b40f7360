// Any bytes on the wire of a pipe: messages, and then `closed` or `broken`.
#include <fuzz/fuzz.hpp>
#include <mulproc/transport/pipe.hpp>
#include <support/allocation_count.hpp>

using namespace mulproc;

namespace {
constexpr std::size_t max_body_bytes = 300;

std::pair<InheritedFd, InheritedFd> a_pipe() {
  int ends[2];
  fuzz::require(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0, "a pipe can be had");
  return {InheritedFd(ends[0]), InheritedFd(ends[1])};
}
void append(fuzz::Input& input, Envelope envelope, std::size_t body) {
  envelope.body_bytes = static_cast<std::uint32_t>(body);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&envelope);
  input.insert(input.end(), bytes, bytes + sizeof envelope);
  input.insert(input.end(), body, 7);
}
}  // namespace

std::vector<fuzz::Input> fuzz::seeds() {
  const Envelope envelope{.request = {"DO"}, .recipient = 0, .sender = 7, .sequence = 1};
  std::vector<Input> all(3);
  append(all[0], envelope, 0);
  append(all[0], envelope, 4);
  append(all[1], envelope, max_body_bytes);
  append(all[1], envelope, max_body_bytes + 1);
  for (int i = 0; i < 5; ++i) append(all[2], envelope, 16);
  return all;
}

static void read_to_the_end(const std::uint8_t* data, std::size_t size) {
  auto [in, peer] = a_pipe();
  transport::pipe::Endpoint endpoint({std::move(in), InheritedFd()}, anyone, max_body_bytes);
  fuzz::require(size == 0 || ::write(peer.get(), data, size) == static_cast<ssize_t>(size), "an empty pipe takes a kilobyte");
  peer.reset();
  std::size_t taken = 0;
  const tests::AllocationPeak peak;
  while (true) {
    const auto parcel = endpoint.take(Deadline::now());
    if (!parcel) {
      fuzz::require(parcel.error() == Errc::closed || parcel.error() == Errc::broken, "at its end a pipe is closed, or broken");
      break;
    }
    fuzz::require(parcel->bytes().size() == parcel->envelope().body_bytes && parcel->bytes().size() <= max_body_bytes, "a body is as long as its frame says");
    taken += sizeof(Envelope) + parcel->bytes().size();
  }
  fuzz::require(taken <= size, "no frame comes from nowhere");
  fuzz::require(peak.bytes() <= 2 * size + (128 << 10), "memory: the buffer to read ahead, and what came");
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::in_100_ms([&] { read_to_the_end(data, size); });
}
