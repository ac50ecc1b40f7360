#include <mulproc/transport/shm_deque.hpp>
#include <stress/over.hpp>

static const mulproc::stress::Over<mulproc::transport::shm_deque> over_shm_deque;
