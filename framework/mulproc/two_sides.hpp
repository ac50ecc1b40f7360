#pragma once
/// The link of a transport made of file descriptors, some for the one parent and some for the one child.
#include <mulproc/inherited.hpp>
#include <mulproc/transport.hpp>

namespace mulproc {

/// Hands each side out once, and lets go of the other side's descriptors in a process that they are not for.
///
/// Side      an InheritedFd, or what has its claim(), reset() and operator bool
/// Endpoint  made as Endpoint{Side, parent's ProcessId, max_body_bytes}
template <class Endpoint, class Side = InheritedFd>
class TwoSides {
 public:
  TwoSides(Side parent, Side child, std::size_t max_body_bytes)
      : parent_(std::move(parent)), child_(std::move(child)), max_body_bytes_(max_body_bytes) {}

  /// Fails:   both throw std::system_error (EBUSY) when that side is taken or released.
  Endpoint parent() {
    parent_id_ = ForkWatch::this_thread_id();
    return hand_out(parent_, child_, "the parent's side of this link is taken or released; it has one");
  }
  Endpoint child() { return hand_out(child_, parent_, "the child's side of this link is taken or released; it has one"); }

  void release() noexcept { parent_.reset(), child_.reset(); }
  void spawned() noexcept { child_.reset(); }

 private:
  Endpoint hand_out(Side& mine, Side& other, const char* refusal) {
    if (!mine) throw std::system_error(system_error_code(EBUSY), refusal);
    if (!owner_.in_this_process()) {  // either side may be the forked one; it keeps its own only
      mine.claim();
      other.reset();
    }
    return Endpoint{std::move(mine), parent_id_, max_body_bytes_};
  }

  Side parent_, child_;
  ProcessId parent_id_{ForkWatch::this_thread_id()};
  std::size_t max_body_bytes_;
  Owner owner_;
};

}  // namespace mulproc
