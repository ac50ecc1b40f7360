// owner.hpp: to which process and thread a thing belongs.
#include <boost/test/unit_test.hpp>
#include <mulproc/owner.hpp>
#include <mulproc/process.hpp>
#include <thread>

using namespace mulproc;

BOOST_AUTO_TEST_CASE(an_owner_knows_its_process_and_thread) {
  const Owner owner;
  BOOST_TEST(bool(owner.check()));
  std::error_code in_a_thread;
  std::thread([&] { in_a_thread = owner.check().error(); }).join();
  BOOST_TEST((in_a_thread == Errc::wrong_thread));
  BOOST_TEST(spawn([&] { return owner.check().error() == Errc::stale ? 0 : 1; }).wait().code == 0);
}

BOOST_AUTO_TEST_CASE(an_owners_thread_is_the_kernels_and_a_child_is_a_generation_further) {
  BOOST_TEST(Owner().thread() == ::gettid());
  const auto here = ForkWatch::generation();
  const auto child = [&] { return ForkWatch::generation() == here + 1 && Owner().thread() == ::getpid() ? 0 : 1; };
  BOOST_TEST(spawn(child).wait().code == 0);
  BOOST_TEST(ForkWatch::generation() == here);
}
