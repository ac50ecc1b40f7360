# A send that says yes and sends nothing, once.
set(FILE policies/mulproc/shared_memory/deque_store.hpp)
set(FROM [==[if (body.size() > max_body_bytes()) return Errc::too_large;
]==])
set(TO [==[if (body.size() > max_body_bytes()) return Errc::too_large;
    if (envelope.sequence == 40) return {};
]==])
set(SOURCES stress/mulproc_stress.cpp stress/over_shm_deque.cpp)
set(LIBRARIES -lboost_program_options -lboost_serialization -lboost_json)
set(ARGUMENTS fan_in --messages 100 --children 1 --seed 1)
set(SAYS "BROKEN: nothing lost.*repeat it: .*fan_in --transport shm_deque.*--seed 1")
