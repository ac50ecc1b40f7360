#pragma once
/// What this process has of the system: in a soak none of it may grow.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace mulproc::stress {

struct Footprint {
  double at = 0;  // seconds into the soak
  std::size_t resident_kib = 0, descriptors = 0, shared_files = 0, processes = 0;

  static Footprint now(double at = 0) {
    const std::string own =
        "-" + std::to_string(::getpid()) + "-";  // files of shared memory are named after their maker's pid
    Footprint found{at};
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages >> pages;
    found.resident_kib = pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 1024;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++found.descriptors;
    for (const auto& entry : std::filesystem::directory_iterator("/dev/shm"))
      found.shared_files += entry.path().filename().string().find(own) != std::string::npos ? 1 : 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
      std::ifstream children(task.path() / "children");
      for (std::string pid; children >> pid;) ++found.processes;
    }
    return found;
  }
};

/// Footprints taken between a soak's runs.
class Growth {
 public:
  static constexpr std::size_t resident_allowed_kib = 4096, least = 8;

  void add(const Footprint& footprint) { taken_.push_back(footprint); }
  const std::vector<Footprint>& taken() const noexcept { return taken_; }
  /// The first round touches everything once; from the second on the first quarter is compared with the last. Empty:
  /// nothing grew.
  std::string verdict(std::size_t in_a_round) const {
    for (const Footprint& one : taken_) {
      if (one.descriptors > taken_[0].descriptors)
        return "descriptors grew from " + std::to_string(taken_[0].descriptors) + " to " +
               std::to_string(one.descriptors);
      if (one.shared_files > taken_[0].shared_files)
        return "shared memory files grew from " + std::to_string(taken_[0].shared_files) + " to " +
               std::to_string(one.shared_files);
      if (one.processes > taken_[0].processes)
        return "processes grew from " + std::to_string(taken_[0].processes) + " to " + std::to_string(one.processes);
    }
    if (!can_tell(in_a_round)) return "";
    const std::vector<Footprint> steady(taken_.begin() + static_cast<std::ptrdiff_t>(in_a_round), taken_.end());
    const std::size_t quarter = steady.size() / 4, before = median(steady, 0, quarter),
                      after = median(steady, steady.size() - quarter, quarter);
    if (after <= before + resident_allowed_kib) return "";
    return "resident memory grew from " + std::to_string(before) + " KiB to " + std::to_string(after) + " KiB";
  }
  bool can_tell(std::size_t in_a_round) const noexcept { return taken_.size() >= in_a_round + least; }

 private:
  static std::size_t median(const std::vector<Footprint>& all, std::size_t from, std::size_t count) {
    std::vector<std::size_t> values;
    for (std::size_t i = from; i < from + count; ++i) values.push_back(all[i].resident_kib);
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(count / 2), values.end());
    return values[count / 2];
  }
  std::vector<Footprint> taken_;
};

}  // namespace mulproc::stress
