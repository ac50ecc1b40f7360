#include <boost/json.hpp>
#include <cerrno>
#include <fstream>
#include <iomanip>
#include <sstream>
#include <stress/report/report.hpp>

namespace mulproc::stress {
namespace {

namespace json = boost::json;

json::value read(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw std::system_error(errno, std::system_category(), "reading " + path);
  json::error_code error;
  auto value = json::parse(text.str(), error);
  if (error || !value.is_object() || value.as_object()["format"] != "mulproc-stress")
    throw std::runtime_error(path + " is no report that mulproc-stress --json wrote");
  return value;
}
std::string key_of(const json::value& run) {
  std::ostringstream key;
  key << std::left << std::setw(15) << run.at("scenario").as_string().c_str() << std::setw(15)
      << run.at("transport").as_string().c_str() << std::setw(20) << run.at("serializer").as_string().c_str();
  return key.str();
}
const json::value* find(const json::value& report, const std::string& key) {
  for (const auto& run : report.at("runs").as_array()) {
    if (key_of(run) == key) return &run;
  }
  return nullptr;
}
// "a -> b (x1.23)"
template <class Words>
std::string change(double before, double after, Words words) {
  std::ostringstream out;
  out << words(before) << " -> " << words(after);
  if (before > 0) out << " (x" << std::fixed << std::setprecision(2) << after / before << ')';
  return out.str();
}

}  // namespace

std::string compare(const std::string& before_path, const std::string& after_path) {
  const auto before = read(before_path), after = read(after_path);
  std::ostringstream out;
  const auto say = [&](const char* what, const json::value& a, const json::value& b) {
    if (a != b) out << what << ": " << json::serialize(a) << " -> " << json::serialize(b) << '\n';
  };
  for (const char* part : {"machine", "versions"}) {
    for (const auto& [key, value] : before.at(part).as_object()) {
      const auto* other = after.at(part).as_object().if_contains(key);
      say(key.data(), value, other == nullptr ? json::value(nullptr) : *other);
    }
  }
  say("seed", before.at("seed"), after.at("seed"));
  out << std::left << std::setw(50) << "scenario, transport, serializer" << std::setw(32) << "messages/s"
      << std::setw(34) << "p50" << std::setw(34) << "p99"
      << "verdict\n";
  for (const auto& run : after.at("runs").as_array()) {
    const auto key = key_of(run);
    const json::value* old = find(before, key);
    if (old == nullptr) {
      out << key << "only in " << after_path << '\n';
      continue;
    }
    const auto number = [](const json::value& of, const char* name) { return of.at(name).to_number<double>(); };
    const auto plain = [](double value) { return std::to_string(static_cast<std::uint64_t>(value)); };
    const auto verdict = std::string(run.at("verdict").as_string()), was = std::string(old->at("verdict").as_string());
    out << key << std::setw(32)
        << change(number(*old, "messages_per_second"), number(run, "messages_per_second"), plain) << std::setw(34)
        << change(number(old->at("latency"), "p50_ns"), number(run.at("latency"), "p50_ns"), time_in_words)
        << std::setw(34)
        << change(number(old->at("latency"), "p99_ns"), number(run.at("latency"), "p99_ns"), time_in_words)
        << (verdict == was ? verdict : was + " -> " + verdict) << '\n';
  }
  for (const auto& run : before.at("runs").as_array()) {
    if (find(after, key_of(run)) == nullptr) out << key_of(run) << "only in " << before_path << '\n';
  }
  return out.str();
}

}  // namespace mulproc::stress
