// result.hpp: a value, or the reason why there is none.
#include <boost/test/unit_test.hpp>
#include <mulproc/result.hpp>
#include <memory>
#include <string>
#include <vector>

using namespace mulproc;

BOOST_AUTO_TEST_CASE(a_result_holds_a_value_or_says_why_not) {
  Result<int> value = 5, error = Errc::closed, system = system_error_code(ENOSPC);
  BOOST_TEST(bool(value));
  BOOST_TEST(*value == 5);
  BOOST_TEST((value.error() == std::error_code()));
  BOOST_TEST(!error);
  BOOST_TEST((error.error() == Errc::closed));
  BOOST_TEST((system.error() == std::errc::no_space_on_device));
  BOOST_CHECK_EXCEPTION((void)error.value(), std::system_error, [](const auto& thrown) { return thrown.code() == Errc::closed; });
  BOOST_CHECK_THROW(Result<>(Errc::broken).value(), std::system_error);
  BOOST_CHECK_NO_THROW(Result<>().value());
}

BOOST_AUTO_TEST_CASE(a_temporary_results_value_is_a_value_so_that_a_loop_over_it_does_not_dangle) {
  static_assert(std::same_as<decltype(std::declval<Result<std::string>>().value()), std::string>);
  static_assert(std::same_as<decltype(*std::declval<Result<std::string>>()), std::string>);
  static_assert(std::same_as<decltype(std::declval<Result<std::string>&>().value()), std::string&>);
  const auto words = [] { return Result<std::vector<std::string>>(std::vector<std::string>{"one", "two"}); };
  std::string all;
  for (const auto& word : words().value()) all += word;
  BOOST_TEST(all == "onetwo");
}

BOOST_AUTO_TEST_CASE(what_can_only_be_moved_goes_in_and_out) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(5);
  BOOST_TEST(**result == 5);
  BOOST_TEST(*result->get() == 5);
  const std::unique_ptr<int> out = std::move(result).value();
  BOOST_TEST(*out == 5);
}

BOOST_AUTO_TEST_CASE(a_value_can_be_changed_in_its_place) {
  Result<std::string> result = std::string("one");
  result->push_back('!');
  *result += '!';
  result.value() += '!';
  BOOST_TEST(std::as_const(result).value() == "one!!!");
}

BOOST_AUTO_TEST_CASE(without_a_value_to_hold_no_error_is_success) {
  BOOST_TEST(bool(Result<>()));
  BOOST_TEST(bool(Result<>(std::error_code())));
  BOOST_TEST(!Result<>(Errc::closed));
  BOOST_TEST((Result<>(system_error_code(ENOSPC)).error() == std::errc::no_space_on_device));
}
