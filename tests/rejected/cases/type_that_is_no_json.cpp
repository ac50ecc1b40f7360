// says: of a type this serializer can carry
#include <mulproc/channel.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <mulproc/serializer/json.hpp>
#include <mulproc/routing/everything.hpp>
using C = mulproc::Channel<mulproc::transport::shm_deque, mulproc::serializer::json, mulproc::routing::everything>;
struct Opaque { struct Inner {} inner; };

#ifdef REJECTED
void f(C& c) { (void)c.send({}, Opaque{}); }
#else
void f(C& c) { (void)c.send({}, boost::json::value{{"value", 20}}); }
#endif
