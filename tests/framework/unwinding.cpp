// unwinding.hpp: counts what std::uncaught_exceptions() counts, also where destructors throw and catch on their own.
#include <boost/test/unit_test.hpp>
#include <exception>
#include <mulproc/unwinding.hpp>
#include <vector>

using namespace mulproc;

namespace {

struct Counts {
  std::vector<unsigned>& seen;
  const Unwinding& unwinding;
  int deeper;
  ~Counts() {
    seen.push_back(unwinding.count());
    BOOST_TEST(int(unwinding.count()) == std::uncaught_exceptions());
    if (deeper == 0) return;
    try {
      const Counts inner{seen, unwinding, deeper - 1};
      throw 2;
    } catch (int) {
    }
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(exceptions_on_their_way_are_counted_like_the_library_does) {
  const Unwinding unwinding;
  std::vector<unsigned> seen;
  { const Counts at_peace{seen, unwinding, 0}; }
  try {
    const Counts thrown_through{seen, unwinding, 2};
    throw 1;
  } catch (int) {
  }
  BOOST_TEST(seen == (std::vector<unsigned>{0, 1, 2, 3}), boost::test_tools::per_element());
  BOOST_TEST(unwinding.count() == 0u);
}
