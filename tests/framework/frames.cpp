// frames.hpp: messages out of a stream of bytes.
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <mulproc/frames.hpp>
#include <optional>
#include <vector>

using namespace mulproc;

namespace {
std::vector<std::byte> frame(std::uint64_t sequence, std::size_t body_bytes) {
  Envelope head;
  head.sequence = sequence;
  head.body_bytes = static_cast<std::uint32_t>(body_bytes);
  std::vector<std::byte> bytes(sizeof head + body_bytes, static_cast<std::byte>(sequence));
  std::memcpy(bytes.data(), &head, sizeof head);
  return bytes;
}
/// As a read would: as much as there is room for. Says how much that was.
std::size_t read(Frames& frames, std::span<const std::byte> stream) {
  const auto room = frames.room();
  BOOST_REQUIRE(!room.empty());
  const auto count = std::min(room.size(), stream.size());
  std::memcpy(room.data(), stream.data(), count);
  frames.filled(count);
  return count;
}
bool is_whole(const Frames::Parcel& parcel, std::uint64_t sequence, std::size_t body_bytes) {
  const auto expected = frame(sequence, body_bytes);
  return parcel.envelope().sequence == sequence && std::ranges::equal(parcel.bytes(), std::span(expected).subspan(sizeof(Envelope)));
}
}  // namespace

BOOST_AUTO_TEST_CASE(a_frame_is_given_once_its_last_byte_has_come) {
  Frames frames(1000);
  const auto stream = frame(7, 100);
  for (std::size_t i = 0; i < stream.size(); ++i) {
    BOOST_TEST((frames.next().error() == Errc::not_ready));
    BOOST_REQUIRE(read(frames, std::span(stream).subspan(i, 1)) == 1u);
  }
  BOOST_TEST(is_whole(frames.next().value(), 7, 100));
  BOOST_TEST(frames.unread() == 0u);
}

BOOST_AUTO_TEST_CASE(a_length_that_no_peer_would_write_is_no_reason_to_make_room) {
  Frames frames(1000);
  const std::size_t usual = frames.room().size();
  auto stream = frame(1, 0);
  const std::uint32_t claimed = 1 << 30;
  std::memcpy(stream.data() + offsetof(Envelope, body_bytes), &claimed, sizeof claimed);
  read(frames, stream);
  for (int i = 0; i < 2; ++i) {
    BOOST_TEST((frames.next().error() == Errc::broken));
    BOOST_TEST(frames.room().size() <= usual);  // a put that waits for room reads on
  }
}

BOOST_AUTO_TEST_CASE(a_held_message_stays_what_it_was_while_others_are_read) {
  Frames frames(200'000);
  std::vector<Frames::Parcel> held;
  const auto size = [](std::uint64_t i) { return i % 10 == 9 ? std::size_t{150'000} : i * 37 % 3000; };
  for (std::uint64_t i = 0; i < 100; ++i) {
    const auto stream = frame(i, size(i));
    for (std::size_t done = 0; done < stream.size();) done += read(frames, std::span(stream).subspan(done));
    held.push_back(frames.next().value());
  }
  for (std::uint64_t i = 0; i < 100; ++i) BOOST_TEST(is_whole(held[i], i, size(i)));
}

BOOST_AUTO_TEST_CASE(messages_outlive_what_they_were_read_by) {
  std::optional<Frames> frames(1000);
  read(*frames, frame(3, 500));
  const auto parcel = frames->next().value();
  frames.reset();
  BOOST_TEST(is_whole(parcel, 3, 500));
}

BOOST_AUTO_TEST_CASE(a_length_that_is_not_allowed_is_broken_before_anything_is_made_for_it) {
  Frames frames(1000);
  const auto stream = frame(1, 1001);
  read(frames, std::span(stream).first(sizeof(Envelope)));
  BOOST_TEST((frames.next().error() == Errc::broken));
  BOOST_TEST((frames.next().error() == Errc::broken));
}

BOOST_AUTO_TEST_CASE(a_large_frame_is_read_to_its_end_and_no_further) {
  Frames frames(1 << 20);
  for (const std::size_t body : {500'000u, 300'000u, 20'000u}) {  // the block stays as large as the first
    const auto stream = frame(body, body);
    const auto begin = std::span(stream).first(sizeof(Envelope)), rest = std::span(stream).subspan(sizeof(Envelope));
    read(frames, begin);
    BOOST_TEST((frames.next().error() == Errc::not_ready));
    BOOST_TEST(frames.room().size() == rest.size());
    read(frames, rest);
    BOOST_TEST(is_whole(frames.next().value(), body, body));
    BOOST_TEST(frames.room().size() == stream.size());  // the next one is taken to be like it
  }
}

BOOST_AUTO_TEST_CASE(what_a_length_claims_is_not_touched_before_it_has_come) {
  const auto resident = [] {
    std::ifstream sizes("/proc/self/statm");
    std::size_t all = 0, pages = 0;
    sizes >> all >> pages;
    return pages * 4096;
  };
  constexpr std::size_t claimed = 256 << 20;
  Frames frames(claimed);
  Envelope head;
  head.body_bytes = claimed;
  const auto before = resident();
  read(frames, std::as_bytes(std::span(&head, 1)));
  BOOST_TEST((frames.next().error() == Errc::not_ready));
  BOOST_TEST(frames.room().size() == claimed);
  BOOST_TEST(resident() < before + claimed / 4);
}
