#pragma once
/// A value or the reason why there is none. std::expected in the clothes of C++20.
#include <mulproc/errc.hpp>
#include <optional>
#include <utility>

namespace mulproc {

/// An error_code, or none. What succeeds need not ask for a category: that is a call.
class Failure {
 public:
  Failure() = default;
  Failure(std::error_code error) noexcept : category_(&error.category()), value_(error.value()) {}
  explicit operator bool() const noexcept { return value_ != 0; }
  std::error_code code() const noexcept { return category_ ? std::error_code(value_, *category_) : std::error_code(); }
  [[noreturn, gnu::cold, gnu::noinline]] void raise() const { throw std::system_error(code()); }

 private:
  const std::error_category* category_ = nullptr;
  int value_ = 0;
};

/// Either a T or an error.
///
/// Fails:   value() throws std::system_error when there is none; operator* and -> must not be used then.
/// Safety:  a value type, as safe as T.
template <class T = void>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}
  Result(Errc error) : error_(make_error_code(error)) {}
  Result(std::error_code error) : error_(error) {}
  /// Makes the value where it stays.
  template <class... A>
  explicit Result(std::in_place_t, A&&... arguments) : value_(std::in_place, std::forward<A>(arguments)...) {}

  explicit operator bool() const noexcept { return value_.has_value(); }
  std::error_code error() const noexcept { return error_.code(); }

  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T operator*() && { return *std::move(value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

  T& value() & { return require(), *value_; }
  const T& value() const& { return require(), *value_; }
  T value() && { return require(), *std::move(value_); }  // by value, so that range-for over a temporary cannot dangle

 private:
  void require() const {
    if (!value_) [[unlikely]] error_.raise();
  }

  std::optional<T> value_;
  Failure error_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Errc error) : error_(make_error_code(error)) {}
  Result(std::error_code error) : error_(error) {}

  explicit operator bool() const noexcept { return !error_; }
  std::error_code error() const noexcept { return error_.code(); }
  void value() const {
    if (error_) [[unlikely]] error_.raise();
  }

 private:
  Failure error_;
};

/// The error that errno holds now, as a Result converts it.
inline std::error_code system_error_code(int number) noexcept { return {number, std::system_category()}; }

}  // namespace mulproc
