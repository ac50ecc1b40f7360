#pragma once
/// One piece of shared memory: a sealed memfd, or a file that other executables find by its name.
///
/// Named: built whole without a name (O_TMPFILE), locked (flock), then linked to its name; so nobody meets a half-made one.
/// The flock lies on the open file that forked children inherit: it falls when the last of them is dead, and not before.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/interprocess/mapped_region.hpp>
#include <cerrno>
#include <memory>
#include <mulproc/deadline.hpp>
#include <mulproc/owner.hpp>
#include <mulproc/result.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

namespace mulproc::shared_memory {

/// A descriptor that closes itself, in the form in which Boost.Interprocess maps it.
class MemoryFile {
 public:
  explicit MemoryFile(int fd = -1) noexcept : fd_(fd) {}
  MemoryFile(MemoryFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  MemoryFile& operator=(MemoryFile&& other) noexcept { return std::swap(fd_, other.fd_), *this; }
  ~MemoryFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }
  boost::interprocess::mapping_handle_t get_mapping_handle() const noexcept { return {fd_, false}; }
  boost::interprocess::mode_t get_mode() const noexcept { return boost::interprocess::read_write; }

 private:
  int fd_;
};

inline void require(bool ok, const std::string& what, int error = errno) {
  if (!ok) throw std::system_error(system_error_code(error), what);
}

class Segment {
 public:
  /// Memory of `bytes` zeroes of which the first `allocated` can be touched; `initialise(address)` fills them before anybody sees them.
  /// When a segment left behind by the dead had the name, `bury(fd)` may clear away what belonged to it.
  /// Fails:   throws std::invalid_argument for a bad name; std::system_error: EEXIST when a live channel has that name.
  template <class Initialise, class Bury = void (*)(int)>
  static std::shared_ptr<Segment> create(std::string_view name, std::size_t bytes, std::size_t allocated, Initialise initialise,
                                         Bury bury = [](int) {}) {
    auto segment = std::make_shared<Segment>();
    if (name.empty()) {
      segment->file_ = MemoryFile(::memfd_create("mulproc", MFD_CLOEXEC | MFD_ALLOW_SEALING));
      require(segment->file_.get() >= 0, "memfd_create");
    } else {
      segment->path_ = path_of(name);
      segment->file_ = MemoryFile(::open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
      require(segment->file_.get() >= 0, std::string("opening a file in ") + folder);
    }
    const int fd = segment->file_.get();
    require(::ftruncate(fd, static_cast<off_t>(bytes)) == 0, "ftruncate of shared memory to " + std::to_string(bytes) + " bytes");
    if (name.empty()) require(::fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0, "sealing shared memory");
    if (const auto error = segment->allocate(0, allocated)) throw std::system_error(error, "allocating shared memory");
    segment->map(bytes);
    initialise(segment->address());
    if (!name.empty()) segment->publish(bury);
    return segment;
  }

  /// The live segment of that name.
  /// Fails:   throws std::system_error: stale when there is none alive; EPERM when it is not this user's own regular file.
  static std::shared_ptr<Segment> attach(std::string_view name) {
    auto segment = std::make_shared<Segment>();
    const std::string path = path_of(name);
    segment->file_ = open_existing(path);
    const int fd = segment->file_.get();
    if (fd < 0) throw std::system_error(Errc::stale, "no channel is open under the name \"" + std::string(name) + '"');
    // An exclusive lock can be had only when all who had the segment are dead.
    if (lock(fd, LOCK_EX) || !lock(fd, LOCK_SH) || !is_at(fd, path))
      throw std::system_error(Errc::stale, "the channel of the name \"" + std::string(name) + "\" is no longer open");
    struct stat status {};
    require(::fstat(fd, &status) == 0, "fstat " + path);
    if (status.st_size < 4096) throw std::system_error(Errc::malformed, path + " is no mulproc segment");
    segment->map(static_cast<std::size_t>(status.st_size));
    return segment;
  }

  Segment() = default;
  Segment(const Segment&) = delete;
  ~Segment() {
    if (path_.empty() || !owner_.in_this_process()) return;
    try {
      if (is_at(file_.get(), path_)) ::unlink(path_.c_str());
    } catch (const std::system_error&) {  // not known to be ours: whoever opens the name next clears it away
    }
  }

  std::byte* address() const noexcept { return static_cast<std::byte*>(region_.get_address()); }
  std::size_t size() const noexcept { return region_.get_size(); }

  /// Makes [offset, offset + bytes) safe to touch: memory that cannot be had is an error here, never a SIGBUS later.
  std::error_code allocate(std::size_t offset, std::size_t bytes) const noexcept {
    while (::fallocate(file_.get(), 0, static_cast<off_t>(offset), static_cast<off_t>(bytes)) != 0) {
      if (errno != EINTR) return system_error_code(errno);
    }
    return {};
  }

 private:
  static constexpr const char* folder = "/dev/shm";
  /// Who looks in attach() whether all are dead has their lock for a moment; whoever has it longer lives.
  static constexpr std::chrono::milliseconds longest_look{50};

  static std::string path_of(std::string_view name) {
    return std::string(folder) + '/' + file_name(name);
  }

 public:
  /// The name of a channel's file: per user.
  /// Fails:   throws std::invalid_argument.
  static std::string file_name(std::string_view name) {
    const auto fits = [](char c) {
      return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    };
    bool good = !name.empty() && name.size() <= 64;
    for (const char c : name) good = good && fits(c);
    if (!good) throw std::invalid_argument("name: 1 to 64 of the characters A-Z a-z 0-9 . _ - are allowed, not \"" + std::string(name) + '"');
    return "mulproc-" + std::to_string(::geteuid()) + '-' + std::string(name);
  }

  /// This user's own regular file; an empty file object when there is none at that path.
  /// Fails:   throws std::system_error: EPERM and the like for any other file.
  static MemoryFile open_existing(const std::string& path) {
    MemoryFile file(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (file.get() < 0 && errno == ENOENT) return file;
    require(file.get() >= 0, "opening " + path + " (a symbolic link or another user's file is refused)");
    struct stat status {};
    require(::fstat(file.get(), &status) == 0, "fstat " + path);
    require(S_ISREG(status.st_mode) && status.st_uid == ::geteuid(), path + " is not this user's own file; remove it or choose another name", EPERM);
    return file;
  }

 private:
  static bool is_at(int fd, const std::string& path) {
    struct stat mine {}, there {};
    require(::fstat(fd, &mine) == 0, "fstat " + path);
    if (::lstat(path.c_str(), &there) == 0) return mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
    require(errno == ENOENT, "lstat " + path);
    return false;
  }
  /// Says false when another open file holds a lock against it.
  static bool lock(int fd, int kind) {
    while (::flock(fd, kind | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return false;
      require(errno == EINTR, "flock of shared memory");
    }
    return true;
  }
  void map(std::size_t bytes) {
    try {
      region_ = boost::interprocess::mapped_region(file_, boost::interprocess::read_write, 0, bytes);
    } catch (const boost::interprocess::interprocess_exception& error) {
      throw std::system_error(system_error_code(error.get_native_error()), "mapping shared memory of " + std::to_string(bytes) + " bytes");
    }
  }
  template <class Bury>
  void publish(Bury bury) {
    lock(file_.get(), LOCK_SH);
    const std::string self = "/proc/self/fd/" + std::to_string(file_.get());
    const auto give_up = Deadline::after(longest_look);
    while (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path_.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      if (errno != EEXIST) require(false, "naming shared memory " + path_);
      const MemoryFile old = open_existing(path_);
      if (old.get() < 0) continue;  // gone meanwhile
      if (!lock(old.get(), LOCK_EX)) {
        require(!give_up.expired(), path_ + " belongs to a live channel; attach to it or choose another name", EEXIST);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        continue;
      }
      if (!is_at(old.get(), path_)) continue;
      bury(old.get());
      ::unlink(path_.c_str());
    }
  }

  std::string path_;  // empty: anonymous, or not ours to remove
  MemoryFile file_;
  boost::interprocess::mapped_region region_;
  Owner owner_;
};

}  // namespace mulproc::shared_memory
