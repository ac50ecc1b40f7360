#pragma once
/// Which transport carries which routing policy: the one rule. Channel, the test matrix and the rejection tests all ask here.
#include <mulproc/routing.hpp>
#include <mulproc/transport.hpp>

namespace mulproc {

template <class T, class R>
concept ShowsWhatIsWanted =
    !(T::promises.addressed && TakesOthersMail<R>);  // REMEDY: this transport shows an endpoint only its own and anyone's mail; route by addressed_to_me, narrow with all_of<addressed_to_me, ...>, or take shm_deque

template <class T, class R>
concept Combination = Transport<T> && RoutingPolicy<R> && ShowsWhatIsWanted<T, R>;

}  // namespace mulproc
