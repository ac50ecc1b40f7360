// Python's JoinableQueue: a program of its own, run by the conductor of each measurement.
#include <array>
#include <cstdio>
#include <stress/benchmarks/catalogue.hpp>

namespace mulproc::benchmarks {
namespace {

std::size_t bytes_of(const Work& work) {
  if (work.name == "one_way.0B") return 0;
  if (work.name.find("1KiB") != std::string::npos) return 1 << 10;
  if (work.name.find("64KiB") != std::string::npos) return 64 << 10;
  return work.name.find("1MiB") != std::string::npos ? 1 << 20 : 64;
}
std::string pattern_of(const Work& work) {
  const std::string first = work.name.substr(0, work.name.find('.'));
  return first == "ping_pong" || first == "addressed" ? "request_reply" : first;
}

void run(const std::string& command, Record& record) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> output(::popen(command.c_str(), "r"), ::pclose);
  if (!output) fail("popen");
  long long nanoseconds = 0;
  unsigned long long done = 0, received = 0;
  if (std::fscanf(output.get(), "%lld %llu %llu %lf %lf %lf", &nanoseconds, &done, &received, &record.p50, &record.p99, &record.p999) != 6)
    fail("the Python program did not end well");
  record.seconds_in_ns = nanoseconds;
  record.expected = record.done = done;
  record.tally[0].received = received;
}

}  // namespace

void enter_python(Catalogue& catalogue, const std::string& program) {
  const std::string why_not = std::system("python3 -c 'import multiprocessing' >/dev/null 2>&1") == 0 ? "" : "python3 is not installed";
  for (const Work& work : works()) {
    const auto call = [command = "exec python3 " + program + ' ' + pattern_of(work), bytes = bytes_of(work)](const Shape& shape, std::uint64_t count, Record& record) {
      const auto word = [](auto number) { return ' ' + std::to_string(number); };
      run(command + word(shape.children) + word(shape.in_flight) + word(bytes) + word(count) + word(static_cast<int>(shape.placement)), record);
    };
    catalogue.add(work, {"Python JoinableQueue", Kind::peer, call, work.shape.spins ? "it cannot spin" : why_not});
  }
}

}  // namespace mulproc::benchmarks
