#pragma once
// The least of PNG (RFC 2083): 8-bit RGB, one image chunk, deflate blocks stored as they are (RFC 1950, 1951).
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

class Png {
 public:
  Png(std::uint32_t width, std::uint32_t height) : width_(width), height_(height) {}

  /// Rows from top to bottom, 3 x width bytes each.
  void add_row(std::string_view rgb) { (lines_ += '\0') += rgb; }  // 0: no filter

  bool write(const std::string& path) const {
    std::ofstream file(path, std::ios::binary);
    file << "\x89PNG\r\n\x1a\n"
         << chunk("IHDR", number(width_) + number(height_) + std::string("\x08\x02\0\0\0", 5))
         << chunk("IDAT", stored()) << chunk("IEND", "");
    return bool(file.flush());
  }

 private:
  static std::string number(std::uint32_t n) {
    return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8), static_cast<char>(n)};
  }
  static std::string chunk(std::string_view type, std::string_view data) {
    const std::string body = std::string(type) += data;
    std::uint32_t crc = 0xffffffffu;
    for (const char c : body) {
      crc ^= static_cast<unsigned char>(c);
      for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0u);
    }
    return number(static_cast<std::uint32_t>(data.size())) + body + number(~crc);
  }
  std::string stored() const {
    constexpr std::size_t longest = 65535;
    std::string out("\x78\x01");
    for (std::size_t at = 0; at < lines_.size(); at += longest) {
      const auto length = static_cast<std::uint32_t>(std::min(longest, lines_.size() - at));
      const auto little = [](std::uint32_t n) { return std::string{static_cast<char>(n), static_cast<char>(n >> 8)}; };
      out += at + length == lines_.size() ? '\1' : '\0';
      out += little(length) + little(~length);
      out.append(lines_, at, length);
    }
    std::uint32_t a = 1, b = 0;
    for (const char c : lines_) {
      a = (a + static_cast<unsigned char>(c)) % 65521;
      b = (b + a) % 65521;
    }
    return out + number(b << 16 | a);
  }

  std::uint32_t width_, height_;
  std::string lines_;
};
