// says: route by addressed_to_me, narrow with all_of
#include <mulproc/channel.hpp>
#include <mulproc/transport/in_memory.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/routing/everything.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
struct addressed : mulproc::transport::in_memory {
  static constexpr mulproc::Promises promises{.addressed = true};
};

#ifdef REJECTED
mulproc::Channel<addressed, mulproc::serializer::trivially_copyable, mulproc::routing::everything>* c;
#else
mulproc::Channel<addressed, mulproc::serializer::trivially_copyable, mulproc::routing::addressed_to_me>* c;
#endif
