# A send that says yes and sends nothing, once in so many: each scenario of the stress program that it touches notices, and
# the command that one prints repeats it. -DEVERY=100000 "-DARGUMENTS=--duration;300s" is the long form: make lost-message.
set(FILE policies/mulproc/shared_memory/deque_store.hpp)
set(FROM [==[if (body.size() > max_body_bytes()) return Errc::too_large;
]==])
set(TO [==[if (body.size() > max_body_bytes()) return Errc::too_large;
    static const std::uint64_t every = std::stoull(std::getenv("MULPROC_LOSE_ONE_IN"));
    if (envelope.sequence % every == 0) return {};
]==])
set(SOURCES stress/over_shm_deque.cpp)
set(LIBRARIES ${BUILD}/stress/libmulproc-scenarios.a -lboost_program_options -lboost_serialization -lboost_json)
set(RUNNER tests/stress/each_scenario_notices.sh)
if(NOT EVERY)
  set(EVERY 200)
  set(ARGUMENTS --children 2 --messages 500 --rounds 500)
endif()
set(ARGUMENTS ${EVERY} ${ARGUMENTS})
