# The length that a frame claims.
set(FILE framework/mulproc/frames.hpp)
set(FROM [==[if (envelope.body_bytes > max_body_bytes_) return]==])
set(TO [==[if (envelope.body_bytes > (1u << 20)) return]==])
set(SOURCES tests/fuzz/frames.cpp tests/fuzz/replay.cpp tests/support/allocation_count.cpp)
set(ARGUMENTS 20000)
set(LIBRARIES -O0)
