#include <mulproc/transport/shm_lanes.hpp>
#include <stress/over.hpp>

static const mulproc::stress::Over<mulproc::transport::shm_lanes> over_shm_lanes;
