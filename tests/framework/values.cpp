// The tests of what needs no process: one source for each header of the framework.
#define BOOST_TEST_MODULE values
#include <boost/test/unit_test.hpp>
