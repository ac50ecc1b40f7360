// errc.hpp: ten words for what can go wrong.
#include <boost/test/unit_test.hpp>
#include <mulproc/errc.hpp>
#include <set>

using namespace mulproc;

BOOST_AUTO_TEST_CASE(each_error_has_words_of_its_own_in_the_category_mulproc) {
  std::set<std::string> words;
  for (int code = 1; code <= static_cast<int>(Errc::wrong_thread); ++code) {
    const std::error_code error = static_cast<Errc>(code);
    BOOST_TEST(error.category().name() == std::string("mulproc"));
    words.insert(error.message());
  }
  BOOST_TEST(words.size() == 10u);
}

BOOST_AUTO_TEST_CASE(a_number_that_is_no_error_of_ours_has_words_too) {
  BOOST_TEST(error_category().message(0) == "unknown mulproc error");
  BOOST_TEST(error_category().message(11) == "unknown mulproc error");
}

BOOST_AUTO_TEST_CASE(our_errors_are_not_the_systems) {
  BOOST_TEST((make_error_code(Errc::not_ready) != std::error_code(1, std::system_category())));
  BOOST_TEST((make_error_code(Errc::stale) == std::error_code(Errc::stale)));
  BOOST_TEST((std::error_code(Errc::stale) != Errc::closed));
}
