// says: of a type this serializer can carry
#include <mulproc/channel.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/routing/everything.hpp>
using C = mulproc::Channel<mulproc::transport::shm_deque, mulproc::serializer::trivially_copyable, mulproc::routing::everything>;

#ifdef REJECTED
void f(C& c, int* body) { (void)c.send({}, body); }
#else
void f(C& c, int* body) { (void)c.send({}, *body); }
#endif
