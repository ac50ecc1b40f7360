// says: of a type this serializer can carry
#include <memory>
#include <mulproc/channel.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <mulproc/serializer/boost_binary.hpp>
#include <mulproc/routing/everything.hpp>
using C = mulproc::Channel<mulproc::transport::shm_deque, mulproc::serializer::boost_binary, mulproc::routing::everything>;

#ifdef REJECTED
void f(C& c) { (void)c.send({}, std::make_unique<int>(5)); }
#else
void f(C& c) { (void)c.send({}, *std::make_unique<int>(5)); }
#endif
