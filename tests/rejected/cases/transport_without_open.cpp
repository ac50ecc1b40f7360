// says: give the transport a static open(Options)
#include <mulproc/channel.hpp>
#include <mulproc/transport/in_memory.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/routing/everything.hpp>
struct Half {
  static constexpr std::string_view name = "half";
  static constexpr mulproc::Promises promises{};
  struct Options {};
  using Endpoint = mulproc::transport::in_memory::Endpoint;
};
struct Whole : mulproc::transport::in_memory {};

#ifdef REJECTED
mulproc::Channel<Half, mulproc::serializer::trivially_copyable, mulproc::routing::everything>* c;
#else
mulproc::Channel<Whole, mulproc::serializer::trivially_copyable, mulproc::routing::everything>* c;
#endif
