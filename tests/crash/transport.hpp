#pragma once
/// The transport under test, named by the build; without a name, shm_deque.
#ifndef MULPROC_TEST_TRANSPORT
#define MULPROC_TEST_TRANSPORT mulproc::transport::shm_deque
#define MULPROC_TEST_HEADER <mulproc/transport/shm_deque.hpp>
#endif
#include MULPROC_TEST_HEADER

namespace mulproc::tests {
using T = MULPROC_TEST_TRANSPORT;
}
