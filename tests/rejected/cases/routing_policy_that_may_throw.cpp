// says: must be noexcept
#include <mulproc/channel.hpp>
#include <mulproc/transport/in_memory.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
struct Throws { bool accepts(const mulproc::Envelope&, mulproc::ProcessId) const; };
struct Fine { bool accepts(const mulproc::Envelope&, mulproc::ProcessId) const noexcept; };

#ifdef REJECTED
mulproc::Channel<mulproc::transport::in_memory, mulproc::serializer::trivially_copyable, Throws>* c;
#else
mulproc::Channel<mulproc::transport::in_memory, mulproc::serializer::trivially_copyable, Fine>* c;
#endif
