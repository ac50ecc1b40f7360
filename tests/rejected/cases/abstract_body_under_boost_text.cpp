// says: of a type this serializer can carry
#include <mulproc/channel.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <mulproc/serializer/boost_text.hpp>
#include <mulproc/routing/everything.hpp>
using C = mulproc::Channel<mulproc::transport::shm_deque, mulproc::serializer::boost_text, mulproc::routing::everything>;
struct Shape {
  virtual ~Shape() = default;
  virtual double area() const = 0;
  void serialize(auto&, unsigned) {}
};
struct Square : Shape {
  double side = 1;
  double area() const override { return side * side; }
  void serialize(auto& archive, unsigned) { archive & side; }
};

#ifdef REJECTED
void f(C& c, const Shape& shape) { (void)c.send({}, shape); }
#else
void f(C& c, const Square& shape) { (void)c.send({}, shape); }
#endif
