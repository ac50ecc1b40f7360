# The length that a frame claims.
set(FILE framework/mulproc/frames.hpp)
set(FROM [==[if (body_bytes > max_body_bytes_) return true;]==])
set(TO [==[if (body_bytes > (1u << 20)) return true;]==])
set(ALSO_FROM [==[if (next_body_bytes() > max_body_bytes_) return]==])
set(ALSO_TO [==[if (next_body_bytes() > (1u << 20)) return]==])
set(SOURCES tests/fuzz/frames.cpp tests/fuzz/replay.cpp tests/support/allocation_count.cpp)
set(ARGUMENTS 20000)
set(LIBRARIES -O0)
