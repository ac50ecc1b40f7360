#include <mulproc/transport/pipe.hpp>
#include <stress/combinations.hpp>

static const mulproc::stress::Over<mulproc::transport::pipe> over_pipe;
