// says: put the rest into the body
#include <mulproc/channel.hpp>

#ifdef REJECTED
constexpr mulproc::Request request = "12345678901234567";
#else
constexpr mulproc::Request request = "1234567890123456";
#endif
