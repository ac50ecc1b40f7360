// spares.hpp: memory for objects that come and go.
#include <boost/test/unit_test.hpp>
#include <mulproc/spares.hpp>
#include <string>

using namespace mulproc;

BOOST_AUTO_TEST_CASE(the_next_object_lies_where_the_last_one_ended) {
  Spares<std::string> spares;
  std::string& first = spares.make("first");
  std::string& second = spares.make("too long to lie in the string itself");
  BOOST_TEST(&first != &second);
  spares.end(first);
  spares.end(second);
  BOOST_TEST(&spares.make("third") == &second);
  BOOST_TEST(&spares.make("fourth") == &first);
  BOOST_TEST(first == "fourth");
  BOOST_TEST(second == "third");
  spares.end(first);
  spares.end(second);
}

BOOST_AUTO_TEST_CASE(what_was_prepared_once_is_there_for_the_next_object_alone) {
  Spares<std::string> spares;
  spares.prepare();
  spares.prepare();
  std::string& first = spares.make("first");
  std::string& second = spares.make("second");
  BOOST_TEST(&first != &second);
  BOOST_TEST(first + second == "firstsecond");
  spares.end(second);
  spares.end(first);
}

BOOST_AUTO_TEST_CASE(objects_end_when_they_are_ended_and_not_again_with_their_memory) {
  struct Counted {
    explicit Counted(int& ends) : ends_(ends) {}
    ~Counted() { ++ends_; }
    int& ends_;
  };
  int ends = 0;
  {
    Spares<Counted> spares;
    spares.end(spares.make(ends));
    BOOST_TEST(ends == 1);
  }
  BOOST_TEST(ends == 1);
}
