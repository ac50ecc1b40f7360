// two_sides.hpp: a link of descriptors, each side handed out once. A child's checks are its exit code.
#include <fcntl.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <mulproc/process.hpp>
#include <mulproc/two_sides.hpp>

using namespace mulproc;

namespace {
struct End {
  InheritedFd fd;
  ProcessId parent;
  std::size_t max_body_bytes;
};
using Sides = TwoSides<End>;

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

struct Pipe {
  int reader = -1, writer = -1;
  Sides sides = make();
  Sides make() {
    int ends[2];
    BOOST_REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    reader = ends[0], writer = ends[1];
    return Sides(InheritedFd(reader), InheritedFd(writer), 100);
  }
};
}  // namespace

BOOST_AUTO_TEST_CASE(each_side_is_handed_out_once) {
  Pipe pipe;
  const End parent = pipe.sides.parent(), child = pipe.sides.child();
  BOOST_TEST(parent.fd.get() == pipe.reader);
  BOOST_TEST(child.fd.get() == pipe.writer);
  BOOST_TEST((child.parent == ProcessId(::gettid())));
  BOOST_TEST(child.max_body_bytes == 100u);
  BOOST_CHECK_THROW((void)pipe.sides.parent(), std::system_error);
  BOOST_CHECK_THROW((void)pipe.sides.child(), std::system_error);
}

BOOST_AUTO_TEST_CASE(what_is_released_is_closed_and_a_spawned_child_has_its_own) {
  Pipe one, other;
  one.sides.release();
  BOOST_TEST(!is_open(one.reader));
  BOOST_TEST(!is_open(one.writer));
  other.sides.spawned();
  BOOST_TEST(is_open(other.reader));
  BOOST_TEST(!is_open(other.writer));
}

BOOST_AUTO_TEST_CASE(a_forked_process_keeps_its_side_only) {
  Pipe pipe;
  auto child = spawn([&] {
    const End mine = pipe.sides.child();
    return is_open(mine.fd.get()) && !is_open(pipe.reader) ? 0 : 1;
  });
  BOOST_TEST(child.wait().code == 0);
  BOOST_TEST(is_open(pipe.reader));
}
