#pragma once
/// The three words to begin with: any number of processes on one machine, nothing lost by a death, containers as bodies.
/// CMake reads its defaults for MULPROC_TRANSPORT, MULPROC_SERIALIZER and MULPROC_ROUTING from here.
#include <mulproc/channel.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/boost_binary.hpp>
#include <mulproc/transport/shm_deque.hpp>

namespace mulproc {

/// Cost:    links with Boost.Serialization.
using RecommendedChannel = Channel<transport::shm_deque, serializer::boost_binary, routing::addressed_to_me>;

}  // namespace mulproc
