// says: take shm_deque or message_queue
#include <mulproc/channel.hpp>
#include <mulproc/transport/pipe.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/routing/everything.hpp>
using C = mulproc::Channel<mulproc::transport::pipe, mulproc::serializer::trivially_copyable, mulproc::routing::everything>;

#ifdef REJECTED
void f(C& c) { (void)c.unfinished(); }
#else
void f(C& c) { (void)c.empty(); }
#endif
