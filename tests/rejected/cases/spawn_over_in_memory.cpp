// says: spawn needs one that goes between processes, such as pipe or shm_deque
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/transport/in_memory.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/routing/everything.hpp>
using C = mulproc::Channel<mulproc::transport::in_memory, mulproc::serializer::trivially_copyable, mulproc::routing::everything>;
using S = mulproc::Channel<mulproc::transport::shm_deque, mulproc::serializer::trivially_copyable, mulproc::routing::everything>;

#ifdef REJECTED
void f(C::Link& link) { (void)mulproc::spawn(link, [](C&) {}); }
#else
void f(S::Link& link) { (void)mulproc::spawn(link, [](S&) {}); }
#endif
