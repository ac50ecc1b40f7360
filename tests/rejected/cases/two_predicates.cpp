// says: one predicate at most
#include <mulproc/channel.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/routing/everything.hpp>
using C = mulproc::Channel<mulproc::transport::shm_deque, mulproc::serializer::trivially_copyable, mulproc::routing::everything>;
inline constexpr auto any = [](const auto&) { return true; };

#ifdef REJECTED
void f(C& c) { (void)c.receive(any, any); }
#else
void f(C& c) { (void)c.receive(any); }
#endif
