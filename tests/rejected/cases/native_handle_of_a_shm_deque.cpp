// says: or wait with receive_for
#include <mulproc/channel.hpp>
#include <mulproc/transport/pipe.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/routing/everything.hpp>
using C = mulproc::Channel<mulproc::transport::pipe, mulproc::serializer::trivially_copyable, mulproc::routing::everything>;
using S = mulproc::Channel<mulproc::transport::shm_deque, mulproc::serializer::trivially_copyable, mulproc::routing::everything>;

#ifdef REJECTED
void f(S& s) { (void)s.native_handle(); }
#else
void f(C& c) { (void)c.native_handle(); }
#endif
