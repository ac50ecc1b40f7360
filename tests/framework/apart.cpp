// apart.hpp: a word that is copied by a load of its own behaves like the word.
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <mulproc/apart.hpp>

using mulproc::Apart;

BOOST_AUTO_TEST_CASE(is_what_it_was_made_from_after_any_copy) {
  const Apart<std::uint64_t> one = 1;
  Apart<std::uint64_t> copy(one), assigned;
  BOOST_TEST(assigned == 0u);
  assigned = one;
  BOOST_TEST(copy == 1u);
  BOOST_TEST(assigned == 1u);
  copy = 2;
  BOOST_TEST(copy == 2u);
  BOOST_TEST(one == 1u);
}

BOOST_AUTO_TEST_CASE(leads_to_the_members_of_what_it_holds_or_points_to) {
  struct Pair {
    std::uint32_t first, second;
  };
  Pair pair{1, 2};
  const Apart<Pair> held = pair;
  const Apart<Pair*> points = &pair;
  pair.second = 3;
  BOOST_TEST(held->second == 2u);
  BOOST_TEST(points->second == 3u);
}
