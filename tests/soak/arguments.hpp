#pragma once
/// What the soaks are asked on the command line: numbers by name, and a file that their last word goes to as well.
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <stdexcept>
#include <string>

namespace mulproc::tests {

class Arguments {
 public:
  Arguments(int argc, char** argv, std::map<std::string, std::size_t> defaults) : numbers_(std::move(defaults)) {
    for (int i = 1; i + 1 < argc; i += 2) {
      if (const auto known = numbers_.find(argv[i]); known != numbers_.end()) {
        known->second = std::stoul(argv[i + 1]);
      } else if (argv[i] == std::string("--table")) {
        table_ = argv[i + 1];
      } else {
        refuse(argv[i]);
      }
    }
    if (argc % 2 == 0) refuse(argv[argc - 1]);
  }
  std::size_t operator[](const std::string& name) const { return numbers_.at(name); }

  void say(const std::string& last_word) const {
    progress("");
    std::cout << last_word << std::endl;
    if (!table_.empty()) std::ofstream(table_) << last_word << '\n';
  }
  /// A live line, on terminals only.
  void progress(const std::string& line) const {
    if (::isatty(STDERR_FILENO) == 1) std::cerr << '\r' << line << "\x1b[K" << std::flush;
  }

 private:
  [[noreturn]] void refuse(const std::string& word) const {
    std::string known;
    for (const auto& [name, number] : numbers_) known += ' ' + name + " N";
    std::cerr << "no option \"" << word << "\"; there are:" << known << " --table FILE\n";
    std::exit(2);
  }
  std::map<std::string, std::size_t> numbers_;
  std::string table_;
};

}  // namespace mulproc::tests
