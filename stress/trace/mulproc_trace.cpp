// mulproc-trace: pictures of what mulproc-stress --trace, or a TraceFile of your own, recorded.
// Exit status: 0 it is drawn; 1 the file is no whole trace or cannot be written; 2 bad usage.
#include <boost/program_options.hpp>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iostream>
#include <stress/trace/story.hpp>

namespace mulproc::stress {
namespace {

namespace po = boost::program_options;
struct BadUsage : std::runtime_error {
  using std::runtime_error::runtime_error;
};

int run(int argc, char** argv) {
  po::options_description options("mulproc-trace FILE --as mermaid|svg|html|chrome      draws what was recorded\noptions");
  options.add_options()("help", "this text")(
      "as", po::value<std::string>(),
      "mermaid, svg: a sequence diagram; html: a timeline to look around in; chrome: for ui.perfetto.dev")(
      "output", po::value<std::string>(), "writes it there, not to standard output")(
      "messages", po::value<std::string>()->default_value("200"), "so many in a sequence diagram; 0: all")(
      "file", po::value<std::vector<std::string>>(), "may be given without the option's name");
  po::positional_options_description positional;
  positional.add("file", -1);
  po::variables_map given;
  try {
    po::store(po::command_line_parser(argc, argv)
                  .options(options)
                  .positional(positional)
                  .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing)
                  .run(),
              given);
  } catch (const po::error& error) {
    throw BadUsage(error.what());
  }
  if (given.count("help") != 0) return std::cout << options, 0;
  if (given.count("file") == 0 || given["file"].as<std::vector<std::string>>().size() != 1)
    throw BadUsage("name one trace, as mulproc-stress --trace FILE writes it");
  const auto as = given.count("as") != 0 ? given["as"].as<std::string>() : std::string();
  const auto text = given["messages"].as<std::string>();
  std::size_t messages = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), messages);
  if (error != std::errc() || end != text.data() + text.size())
    throw BadUsage("--messages must be a number, not \"" + text + '"');
  if (as != "mermaid" && as != "svg" && as != "html" && as != "chrome")
    throw BadUsage(as.empty() ? "say --as mermaid, svg, html or chrome"
                              : "--as must be mermaid, svg, html or chrome, not \"" + as + '"');

  const Story story = Story::read(given["file"].as<std::vector<std::string>>().front());
  const std::string picture = as == "mermaid" ? as_mermaid(story, messages)
                              : as == "svg"   ? as_svg(story, messages)
                              : as == "html"  ? as_page(story)
                                              : as_chrome(story);
  constexpr std::size_t most_of_mermaid = 50'000;  // its maxTextSize, which no text can raise by itself
  if (as == "mermaid" && picture.size() > most_of_mermaid)
    std::cerr << "mulproc-trace: this text has " << picture.size() << " characters, and Mermaid draws no more than "
              << most_of_mermaid << " unless its maxTextSize is raised: take fewer --messages, or --as svg\n";
  if (given.count("output") == 0) {
    if (!(std::cout << picture << std::flush)) throw std::runtime_error("standard output cannot be written");
    return 0;
  }
  const auto path = given["output"].as<std::string>();
  std::ofstream file(path, std::ios::binary);
  if (!(file << picture << std::flush))
    throw std::runtime_error('"' + path + "\" cannot be written: " + system_error_code(errno).message());
  return 0;
}

}  // namespace
}  // namespace mulproc::stress

int main(int argc, char** argv) {
  try {
    return mulproc::stress::run(argc, argv);
  } catch (const mulproc::stress::BadUsage& error) {
    std::cerr << "mulproc-trace: " << error.what() << "\nmulproc-trace --help shows the options.\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "mulproc-trace: " << error.what() << '\n';
    return 1;
  }
}
