// Runs a harness without libFuzzer: over its seeds, what fuzzing found before, and many mutants of both, the same ones
// every time.
//   fuzz_NAME [MUTANTS [FOUND.hex]]     FOUND: one input a line, in hexadecimal
//   fuzz_NAME --write-to FOLDER [FOUND.hex]
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <fuzz/fuzz.hpp>
#include <iostream>
#include <random>

using namespace mulproc::fuzz;

namespace {
const Input* running = nullptr;

/// Says which input it was, as a line for FOUND.
void last_words(int signal) {
  static constexpr char digits[] = "0123456789abcdef";
  std::fprintf(stderr, "signal %d at the input ", signal);
  if (running != nullptr) {
    for (const auto byte : *running) std::fprintf(stderr, "%c%c", digits[byte / 16], digits[byte % 16]);
  }
  std::fputc('\n', stderr);
  ::_exit(1);
}

std::vector<Input> found_in(const char* path) {
  std::vector<Input> all;
  std::ifstream file(path);
  require(bool(file), "the file of inputs can be read");
  for (std::string line; std::getline(file, line);) {
    Input input;
    for (std::size_t i = 0; i + 1 < line.size(); i += 2) input.push_back(static_cast<std::uint8_t>(std::stoul(line.substr(i, 2), nullptr, 16)));
    all.push_back(std::move(input));
  }
  return all;
}

Input mutant_of(const std::vector<Input>& all, std::mt19937& random) {
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  Input input = all[below(all.size())];
  for (std::size_t changes = 1 + below(4); changes > 0; --changes) {
    static constexpr std::uint8_t telling[] = {0, 1, 2, 4, 8, 16, 127, 128, 255, ' ', '"', '[', '{', '-', '9'};
    const std::size_t at = input.empty() ? 0 : below(input.size());
    switch (input.empty() ? 5 : below(7)) {
      case 0: input[at] ^= static_cast<std::uint8_t>(1u << below(8)); break;
      case 1: input[at] = static_cast<std::uint8_t>(random()); break;
      case 2: input[at] = telling[below(std::size(telling))]; break;
      case 3: input.resize(at); break;
      case 4: input.erase(input.begin() + static_cast<std::ptrdiff_t>(at), input.begin() + static_cast<std::ptrdiff_t>(std::min(at + 1 + below(8), input.size()))); break;
      case 5: input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), 1 + below(8), static_cast<std::uint8_t>(random())); break;
      default: {
        const Input& other = all[below(all.size())];
        if (other.empty()) break;
        const auto from = other.begin() + static_cast<std::ptrdiff_t>(below(other.size()));
        input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), from, from + std::min<std::ptrdiff_t>(other.end() - from, static_cast<std::ptrdiff_t>(1 + below(64))));
      }
    }
  }
  if (input.size() > longest_input) input.resize(longest_input);
  return input;
}

void run(const Input& input) {
  running = &input;
  LLVMFuzzerTestOneInput(input.data(), input.size());
}
}  // namespace

int main(int count, char** arguments) {
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM}) ::signal(signal, last_words);
  const bool writes = count > 2 && std::string(arguments[1]) == "--write-to";
  auto all = seeds();
  const char* found = count > (writes ? 3 : 2) ? arguments[writes ? 3 : 2] : nullptr;
  if (found != nullptr) std::ranges::move(found_in(found), std::back_inserter(all));
  if (writes) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      std::ofstream file(arguments[2] + ("/" + std::to_string(i)), std::ios::binary);
      for (const auto byte : all[i]) file.put(static_cast<char>(byte));
    }
    return 0;
  }
  const unsigned long mutants = count > 1 ? std::stoul(arguments[1]) : 10'000;
  ::alarm(100);  // an input that never ends
  for (const auto& input : all) run(input);
  std::mt19937 random(1);
  for (unsigned long i = 0; i < mutants; ++i) run(mutant_of(all, random));
  std::cout << all.size() << " known inputs and " << mutants << " mutants: values and errors, no harm\n";
}
