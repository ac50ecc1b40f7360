// The tests of what forks: one source for each header of the framework.
#define BOOST_TEST_MODULE processes
#include <boost/test/unit_test.hpp>
#include <support/watchdog.hpp>

namespace {
mulproc::tests::Watchdog watchdog(std::chrono::seconds(100));
}
