// owned_parcel.hpp: a message in memory of its own.
#include <boost/test/unit_test.hpp>
#include <mulproc/owned_parcel.hpp>

using namespace mulproc;

static_assert(Parcel<OwnedParcel>);

BOOST_AUTO_TEST_CASE(a_parcel_shows_what_it_owns_also_after_a_move_and_leaves_giving_back_to_the_stash) {
  OwnedParcel first{{}, {std::byte{1}, std::byte{2}}};
  first.head.request = "DO";
  first.head.sequence = 7;
  OwnedParcel parcel = std::move(first);
  BOOST_TEST((parcel.envelope().request == Request("DO")));
  BOOST_TEST(parcel.envelope().sequence == 7u);
  BOOST_TEST(parcel.attempt() == 1);
  BOOST_TEST(parcel.bytes().size() == 2u);
  BOOST_TEST((parcel.bytes()[1] == std::byte{2}));
  BOOST_TEST(bool(parcel.done()));
  BOOST_TEST((parcel.give_back().error() == Errc::stale));
}
