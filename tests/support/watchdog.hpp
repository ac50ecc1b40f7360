#pragma once
/// The stress harness' watchdog, for the tests.
#include <stress/watchdog.hpp>

namespace mulproc::tests {
using stress::Watchdog;
}
