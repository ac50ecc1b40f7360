# A send that says yes and sends nothing, once in so many: each scenario of the stress program that it touches notices, and
# the command that one prints repeats it. -DEVERY=100000 is the long form: make lost-message.
if(NOT EVERY)
  set(EVERY 200)
endif()
set(FILE policies/mulproc/shared_memory/deque_store.hpp)
set(FROM "if (body.size() > max_body_bytes()) return Errc::too_large;\n")
set(TO "${FROM}\
    if (envelope.sequence % ${EVERY} == 0) {
      ::dprintf(STDERR_FILENO, \"seeded: lost #%d of %d\\n\", static_cast<int>(envelope.sequence), ::getpid());
      return {};
    }
")
set(SOURCES stress/over_shm_deque.cpp)
set(LIBRARIES ${BUILD}/stress/libmulproc-scenarios.a -lboost_program_options -lboost_serialization -lboost_json)
set(RUNNER tests/stress/each_scenario_notices.sh)
set(ARGUMENTS ${EVERY})
