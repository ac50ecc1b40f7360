// says: take shm_deque or message_queue
#include <mulproc/channel.hpp>
#include <mulproc/transport/pipe.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/routing/everything.hpp>
using C = mulproc::Channel<mulproc::transport::pipe, mulproc::serializer::trivially_copyable, mulproc::routing::everything>;
using S = mulproc::Channel<mulproc::transport::shm_deque, mulproc::serializer::trivially_copyable, mulproc::routing::everything>;

#ifdef REJECTED
void f() { (void)C::attach("name"); }
#else
void f() { (void)S::attach("name"); }
#endif
