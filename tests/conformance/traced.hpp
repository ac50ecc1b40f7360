#pragma once
// The transport that can do all that any can, recorded: what the suite does over it goes into a file that has no name.
#include <mulproc/transport/shm_deque.hpp>
#include <mulproc/transport/traced.hpp>

namespace mulproc::tests {

using traced_deque = transport::traced<transport::shm_deque>;
inline const transport::TraceFile all_that_is_traced{[] {
  return transport::TraceFile::Options{.path = "/dev/shm/mulproc-conformance-traced-" + std::to_string(::getpid())};
}()};
inline const int without_a_name = ::unlink(("/dev/shm/mulproc-conformance-traced-" + std::to_string(::getpid())).c_str());

}  // namespace mulproc::tests
