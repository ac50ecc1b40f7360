// says: give the serializer a static constexpr std::string_view name
#include <mulproc/channel.hpp>
#include <mulproc/transport/in_memory.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/routing/everything.hpp>
struct Nameless {};
struct Named { static constexpr std::string_view name = "named"; };

#ifdef REJECTED
mulproc::Channel<mulproc::transport::in_memory, Nameless, mulproc::routing::everything>* c;
#else
mulproc::Channel<mulproc::transport::in_memory, Named, mulproc::routing::everything>* c;
#endif
