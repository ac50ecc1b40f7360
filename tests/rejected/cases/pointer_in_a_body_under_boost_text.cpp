// says: send what it points to, by value
#include <mulproc/channel.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <mulproc/serializer/boost_text.hpp>
#include <mulproc/routing/everything.hpp>
using C = mulproc::Channel<mulproc::transport::shm_deque, mulproc::serializer::boost_text, mulproc::routing::everything>;
template <class T>
struct Job {
  T what{};
  void serialize(auto& archive, unsigned) { archive & what; }
};

#ifdef REJECTED
void f(C& c) { (void)c.send({}, Job<int*>{}); }
#else
void f(C& c) { (void)c.send({}, Job<int>{}); }
#endif
