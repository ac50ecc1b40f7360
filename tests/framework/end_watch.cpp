// end_watch.hpp: the end of one of many children.
#include <poll.h>
#include <signal.h>

#include <boost/test/unit_test.hpp>
#include <mulproc/end_watch.hpp>

using namespace mulproc;
using namespace std::chrono_literals;

namespace {
Child sleeper() {
  return spawn([] { ::pause(); });
}
bool is_readable(int fd) {
  pollfd one{fd, POLLIN, 0};
  return ::poll(&one, 1, 0) == 1;
}
}  // namespace

BOOST_AUTO_TEST_CASE(the_end_of_any_watched_child_is_told_and_of_no_other) {
  EndWatch watch;
  auto first = sleeper(), second = sleeper(), stranger = sleeper();
  watch.add(first), watch.add(second);
  stranger.kill(SIGKILL);
  stranger.wait();
  const auto begin = Deadline::clock::now();
  BOOST_TEST(!watch.wait(Deadline::after(20ms)));
  BOOST_TEST((Deadline::clock::now() - begin >= 20ms));
  second.kill(SIGKILL);
  BOOST_TEST(watch.wait(Deadline::never()));
  BOOST_TEST(is_readable(watch.native_handle()));
  watch.remove(second);
  BOOST_TEST(!is_readable(watch.native_handle()));
  first.kill(SIGKILL);
  BOOST_TEST(watch.wait(Deadline::never()));
}
