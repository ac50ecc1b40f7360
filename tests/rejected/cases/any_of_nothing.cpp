// says: needs at least one policy to combine
#include <mulproc/channel.hpp>
#include <mulproc/routing/any_of.hpp>
#include <mulproc/routing/only_to_me.hpp>

#ifdef REJECTED
mulproc::routing::any_of<> policy;
#else
mulproc::routing::any_of<mulproc::routing::only_to_me> policy;
#endif
