// says: give the endpoint a take(Deadline)
#include <mulproc/channel.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/routing/everything.hpp>
using mulproc::Deadline, mulproc::Envelope, mulproc::Result;
struct Parcel {
  const Envelope& envelope() const;
  int attempt() const;
  std::span<const std::byte> bytes() const;
  Result<> done();
  Result<> give_back();
};
struct Mute {
  using Parcel = ::Parcel;
  Result<> put(const Envelope&, std::span<const std::byte>, Deadline);
  bool empty();
  mulproc::ProcessId id() const;
};
struct Full : Mute {
  Result<Parcel> take(Deadline);
};
template <class E>
struct wire {
  static constexpr std::string_view name = "wire";
  static constexpr mulproc::Promises promises{};
  struct Options {};
  using Endpoint = E;
  struct Link {
    E parent(), child();
  };
  static Link open(Options);
};

#ifdef REJECTED
mulproc::Channel<wire<Mute>, mulproc::serializer::trivially_copyable, mulproc::routing::everything>* c;
#else
mulproc::Channel<wire<Full>, mulproc::serializer::trivially_copyable, mulproc::routing::everything>* c;
#endif
