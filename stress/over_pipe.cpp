#include <mulproc/transport/pipe.hpp>
#include <stress/over.hpp>

static const mulproc::stress::Over<mulproc::transport::pipe> over_pipe;
