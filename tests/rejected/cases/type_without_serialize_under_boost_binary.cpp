// says: of a type this serializer can carry
#include <mulproc/channel.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <mulproc/serializer/boost_binary.hpp>
#include <mulproc/routing/everything.hpp>
using C = mulproc::Channel<mulproc::transport::shm_deque, mulproc::serializer::boost_binary, mulproc::routing::everything>;
struct Plain { int number = 0; };
struct Job { int number = 0; void serialize(auto& archive, unsigned) { archive & number; } };

#ifdef REJECTED
void f(C& c) { (void)c.send({}, Plain{}); }
#else
void f(C& c) { (void)c.send({}, Job{}); }
#endif
