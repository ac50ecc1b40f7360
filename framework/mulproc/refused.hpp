#pragma once
/// What one receive call has refused, so that each message is shown to its predicate once.
#include <cstddef>
#include <mulproc/deadline.hpp>
#include <optional>
#include <utility>
#include <vector>

namespace mulproc {

/// Where in a sorted vector the first element lies that is not `before`. Not std::lower_bound: every user of a channel would
/// compile <algorithm>.
template <class Sorted, class Before>
auto first_not(Sorted& sorted, Before before) {
  auto first = sorted.begin();
  for (auto left = sorted.size(); left != 0;) {
    const auto half = left / 2;
    const auto middle = first + static_cast<std::ptrdiff_t>(half);
    if (before(*middle)) {
      first = middle + 1;
      left -= half + 1;
    } else {
      left = half;
    }
  }
  return first;
}

/// When a call's time is over it shows what lies there, and not what comes meanwhile: else it would last as long as messages come.
class LastLook {
 public:
  /// After a refusal: whether the call is to end. `there()`: as many may lie there.
  template <class F>
  bool is_over(Deadline deadline, F there) {
    if (left_) return (*left_)-- == 0;
    if (deadline.expired()) left_ = there();
    return false;
  }

 private:
  std::optional<std::size_t> left_;
};

/// `Key` names a message in one of its attempts, for as long as the call lasts; it can be ordered.
///
/// A call may refuse any number of messages before the one it waits for. So those that others have taken are to be forgotten:
///   refused.add(key);
///   if (refused.have_doubled()) refused.forget_if(is_gone);
///
/// Cost:    has() log n, for n twice as many as can lie in the channel at most; a message refused costs one is_gone() or two.
template <class Key>
class Refused {
 public:
  /// While it lives, an endpoint's set is one call's. A predicate may call that endpoint again: that call begins with none, too.
  class InOneCall {
   public:
    explicit InOneCall(Refused& set) noexcept : set_(set) {
      if (!set_.keys_.empty()) std::swap(set_, outer_);
    }
    InOneCall(const InOneCall&) = delete;
    ~InOneCall() {
      if (outer_.keys_.empty()) {
        set_.clear();  // its memory is for the next
      } else {
        std::swap(set_, outer_);
      }
    }

   private:
    Refused& set_;
    Refused outer_;
  };

  bool has(const Key& key) const noexcept {
    const auto at = place_of(key);
    return at != keys_.end() && *at == key;
  }
  void add(const Key& key) { keys_.insert(place_of(key), key); }
  /// Since some were forgotten, or there were few.
  bool have_doubled() const noexcept { return keys_.size() >= many_; }
  template <class IsGone>
  void forget_if(IsGone is_gone) {
    std::erase_if(keys_, is_gone);
    many_ = 2 * keys_.size() > few ? 2 * keys_.size() : few;
  }
  void clear() noexcept {
    keys_.clear();
    many_ = few;
  }

 private:
  static constexpr std::size_t few = 64;

  auto place_of(const Key& key) const {
    return first_not(keys_, [&](const Key& each) { return each < key; });
  }

  std::vector<Key> keys_;  // sorted; most are added behind all others
  std::size_t many_ = few;
};

}  // namespace mulproc
