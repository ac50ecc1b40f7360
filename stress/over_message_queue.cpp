#include <mulproc/transport/message_queue.hpp>
#include <stress/over.hpp>

static const mulproc::stress::Over<mulproc::transport::message_queue> over_message_queue;
