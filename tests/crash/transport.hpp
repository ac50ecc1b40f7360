#pragma once
/// The transport under test, named by the build; without a name, shm_deque. It parks at once: to spin leaves nothing in shared
/// memory, and how long it spins depends on who else is on the machine, so that no place in it could be come by again.
#ifndef MULPROC_TEST_TRANSPORT
#define MULPROC_TEST_TRANSPORT mulproc::transport::shm_deque_waiting<mulproc::waiting::parking>
#define MULPROC_TEST_HEADER <mulproc/transport/shm_deque.hpp>
#endif
#include <mulproc/waiting/parking.hpp>
#include MULPROC_TEST_HEADER

namespace mulproc::tests {
using T = MULPROC_TEST_TRANSPORT;
}
