// shared.hpp: an object that lives as long as its last owner.
#include <boost/test/unit_test.hpp>
#include <mulproc/shared.hpp>
#include <memory>

using namespace mulproc;

BOOST_AUTO_TEST_CASE(a_shared_object_lives_as_long_as_its_last_owner) {
  struct Watched {
    int* ended;
    ~Watched() { ++*ended; }
  };
  int ended = 0;
  struct Holder {
    explicit Holder(int* e) : watched{e} {}
    Watched watched;
  };
  {
    auto first = Shared<std::unique_ptr<Holder>>::make(std::make_unique<Holder>(&ended));
    auto second = first;
    first = {};
    BOOST_TEST(ended == 0);
    auto third = std::move(second);
    BOOST_TEST(!second);
    BOOST_TEST(bool(third));
  }
  BOOST_TEST(ended == 1);
}
