#pragma once
/// How many exceptions are on their way through this thread. std::uncaught_exceptions() is two calls into two libraries;
/// who asks for each message asks where they look, once.
/// Source:  Itanium C++ ABI, exception handling, 2.2.2 "Caught Exception Stack", which every compiler on Linux keeps to
#include <cxxabi.h>

namespace mulproc {

/// Safety:  for the thread that made it, which outlives it.
class Unwinding {
 public:
  unsigned count() const noexcept { return globals_->uncaught_exceptions; }

 private:
  struct Globals {
    void* caught_exceptions;
    unsigned uncaught_exceptions;
  };
  const Globals* globals_ = reinterpret_cast<const Globals*>(abi::__cxa_get_globals());
};

}  // namespace mulproc
