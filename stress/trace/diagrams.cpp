// The sequence diagram, for Mermaid and as a picture of our own.
#include <stress/trace/story.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

namespace mulproc::stress {
namespace {

std::size_t left_out(const Story& story, std::size_t messages) {
  const auto shown = static_cast<std::size_t>(std::count_if(story.messages.begin(), story.messages.end(), [](const Posted& one) { return !one.may_be_left_out(); }));
  return messages != 0 && shown > messages ? shown - messages : 0;
}
std::string remark(const Story& story, std::size_t messages) {
  std::string text;
  if (const auto more = left_out(story, messages)) text += "and " + std::to_string(more) + " messages more: --messages 0 shows all";
  if (story.lost != 0) text += (text.empty() ? "" : "; ") + std::to_string(story.lost) + " events found no room in the trace";
  return text;
}
/// Where a message that nobody took was to go.
const Actor* meant_for(const Story& story, const Posted& message) {
  return message.envelope.recipient == anyone ? nullptr : story.actor_of(message.envelope.recipient);
}
std::string size_of(const Posted& message) {
  return message.envelope.body_bytes == 0 ? "" : ", " + std::to_string(message.envelope.body_bytes) + " B";
}
/// The first to take it; none: nobody did.
const Receipt* taken(const Posted& message) {
  const auto found = std::find_if(message.receipts.begin(), message.receipts.end(), [](const Receipt& one) { return one.how != Receipt::End::refused; });
  return found == message.receipts.end() ? nullptr : &*found;
}

/// With Mermaid's own escape, #35; for what would end a text or mean something in it.
std::string for_mermaid(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("#;:<>%$&\\").find(c) != std::string_view::npos) {
      out += '#' + std::to_string(static_cast<int>(c)) + ';';
    } else {
      out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
  }
  return out;
}
/// A comment ends with its line, and %%{ would begin a directive.
std::string for_a_comment(std::string text) {
  std::replace_if(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '%'; }, ' ');
  return text;
}
std::string for_xml(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

}  // namespace

std::string as_mermaid(const Story& story, std::size_t messages) {
  std::ostringstream out;
  const auto id = [](std::size_t actor) { return "p" + std::to_string(actor); };
  out << "%% " << for_a_comment(story.title) << "\nsequenceDiagram\n";
  for (std::size_t i = 0; i < story.actors.size(); ++i)
    out << "  participant " << id(i) << " as " << for_mermaid(story.actors[i].name) << "<br/>" << story.actors[i].id.pid << '\n';
  for (const Step& step : story.steps(messages)) {
    if (step.what == Step::What::leave || step.what == Step::What::die) {
      out << "  Note over " << id(step.which) << ": " << (step.what == Step::What::die ? "died" : "leaves") << '\n';
      continue;
    }
    const Posted& message = story.messages[step.which];
    const auto name = for_mermaid(message.name());
    const Receipt* first = taken(message);
    if (step.what == Step::What::send) {
      const Actor* meant = meant_for(story, message);
      const auto to = first != nullptr ? id(first->by) : meant != nullptr ? id(static_cast<std::size_t>(meant - story.actors.data())) : "";
      if (to.empty()) {
        out << "  Note over " << id(message.from) << ": " << name << (message.not_sent ? ", not sent, " + in_short(*message.not_sent) : ", which nobody took") << '\n';
        continue;
      }
      // Solid for what is asked, dashed for what answers; a cross where it never arrived.
      const bool answers = message.envelope.in_reply_to != 0;
      out << "  " << id(message.from) << (first == nullptr ? (answers ? "--x" : "-x") : answers ? "-->>" : "->>") << to << ": " << name << size_of(message)
          << (message.not_sent ? ", not sent, " + in_short(*message.not_sent) : first == nullptr ? ", which nobody took" : "") << '\n';
      continue;
    }
    const Receipt& receipt = message.receipts[step.receipt];
    if (step.what == Step::What::end) {
      out << "  deactivate " << id(receipt.by) << '\n';
      if (receipt.how == Receipt::End::given_back || receipt.how == Receipt::End::failed)
        out << "  Note over " << id(receipt.by) << ": " << name << (receipt.how == Receipt::End::failed ? " failed, back in its place" : " given back") << '\n';
    } else if (receipt.how == Receipt::End::refused) {
      out << "  Note over " << id(receipt.by) << ": " << name << " refused\n";
    } else {
      if (&receipt != first)
        out << "  " << id(message.from) << "-)" << id(receipt.by) << ": " << name
            << (message.is_dead_letter && step.receipt + 1 == message.receipts.size() ? ", a dead letter" : receipt.attempt > 1 ? " again, attempt " + std::to_string(receipt.attempt) : " again") << '\n';
      out << "  activate " << id(receipt.by) << '\n';
    }
  }
  if (const auto more = remark(story, messages); !more.empty()) out << "  Note over p0: " << for_mermaid(more) << '\n';
  return std::move(out).str();
}

// ---- SVG

namespace {

constexpr int gutter = 96, column = 168, top = 132, longest_fall = 46;

class Drawing {
 public:
  std::ostringstream back, bars, arrows, labels;  // in this order, so that no line crosses a word

  /// The nearest line beside a receiver that is free from y1 to y2.
  int place_in_queue(std::size_t receiver, int side, int y1, int y2) {
    auto& places = queues_[{receiver, side}];
    auto free = std::find_if(places.begin(), places.end(), [&](int until) { return until < y1; });
    if (free == places.end() && places.size() < 14) free = places.insert(places.end(), 0);
    if (free == places.end()) --free;
    *free = y2;
    return static_cast<int>(free - places.begin());
  }

 private:
  std::map<std::pair<std::size_t, int>, std::vector<int>> queues_;  // until which row each line is taken
};
int x_of(std::size_t actor) { return gutter + column / 2 + static_cast<int>(actor) * column; }

/// Requests keep their colour: eight that differ in light and in dark.
int colour_of(const Posted& message) { return static_cast<int>(std::hash<Request>{}(message.envelope.request) % 8); }

/// Not a marker: not every viewer gives those the colour of their line.
void tip(Drawing& drawing, int colour, double x, double y, double dx, double dy) {
  const double length = std::hypot(dx, dy), ux = dx / length, uy = dy / length;
  drawing.arrows << "<path class=\"tip c" << colour << "\" d=\"M" << x << ' ' << y << 'L' << x - 9 * ux - 4.2 * uy << ' ' << y - 9 * uy + 4.2 * ux << 'L' << x - 9 * ux + 4.2 * uy << ' '
                 << y - 9 * uy - 4.2 * ux << "z\"/>\n";
}

void arrow(Drawing& drawing, const Posted& message, std::size_t from, int y1, std::size_t to, int y2, const std::string& words, const char* kind) {
  const int x1 = x_of(from), x2 = x_of(to), towards = x2 > x1 ? 1 : -1;
  const int end = x2 - towards * 6;
  if (from == to) {
    drawing.arrows << "<path class=\"m c" << colour_of(message) << ' ' << kind << "\" d=\"M" << x1 + 5 << ' ' << y1 << "h34V" << y2 << "h-24\"/>\n";
    tip(drawing, colour_of(message), x1 + 6, y2, -1, 0);
    drawing.labels << "<text class=\"l\" x=\"" << x1 + 46 << "\" y=\"" << (y1 + y2) / 2 + 4 << "\">" << for_xml(words) << "</text>\n";
    return;
  }
  // One that waits long goes across at once, into a queue beside the receiver's line, and down to where it is taken.
  const bool queues = y2 - y1 > longest_fall;
  const int across = queues ? end - towards * (8 + 5 * drawing.place_in_queue(to, towards, y1, y2)) : end;
  const int fall = queues ? y1 : y2;
  if (queues) {
    drawing.arrows << "<path class=\"m c" << colour_of(message) << ' ' << kind << "\" d=\"M" << x1 << ' ' << y1 << 'H' << across << "\"/><path class=\"m c" << colour_of(message) << " queued\" d=\"M" << across
                   << ' ' << y1 << 'V' << y2 << 'H' << end << "\"/>\n";
    tip(drawing, colour_of(message), end, y2, towards, 0);
  } else {
    drawing.arrows << "<line class=\"m c" << colour_of(message) << ' ' << kind << "\" x1=\"" << x1 << "\" y1=\"" << y1 << "\" x2=\"" << end << "\" y2=\"" << y2 << "\"/>\n";
    tip(drawing, colour_of(message), end, y2, end - x1, y2 - y1);
  }
  // Along the line, beside its sender: there lines are apart that cross further on.
  const double angle = std::atan2(fall - y1, std::abs(end - x1)) * 180 / 3.14159265358979;
  drawing.labels << "<text class=\"l" << (towards > 0 ? "" : " end") << "\" transform=\"translate(" << x1 + towards * 14 << ' ' << y1 + 14.0 * (fall - y1) / std::abs(end - x1) << ") rotate("
                 << towards * angle << ")\" y=\"-5\">" << for_xml(words) << "</text>\n";
}

constexpr const char* style = R"(
.d{--g:#fbfaf8;--card:#fff;--ink:#1d2330;--soft:#5b6474;--line:#c9cdd6;--bad:#b3261e;font:13px system-ui,"Segoe UI",Roboto,"Noto Sans",sans-serif}
.c0{--c:#2456c7}.c1{--c:#b85c00}.c2{--c:#0b7a55}.c3{--c:#b02a63}.c4{--c:#6b3fb5}.c5{--c:#5d6b10}.c6{--c:#00708a}.c7{--c:#8a4b2a}
@media(prefers-color-scheme:dark){.d{--g:#14171d;--card:#1c2028;--ink:#e8eaf0;--soft:#a0a8b8;--line:#414957;--bad:#ff9e95}
.c0{--c:#8ab0ff}.c1{--c:#ffb454}.c2{--c:#5fd0a5}.c3{--c:#f48fb1}.c4{--c:#c9a6ff}.c5{--c:#c4d17a}.c6{--c:#6fd0e8}.c7{--c:#e0a684}}
.g{fill:var(--g)}.box{fill:var(--card);stroke:var(--line);stroke-width:1.2}.life{stroke:var(--line);stroke-width:1.2;stroke-dasharray:3 4}
.h1{font-size:18px;font-weight:650;fill:var(--ink)}.who{font-weight:650;fill:var(--ink);text-anchor:middle}.soft{fill:var(--soft);font-size:12px}.mid{text-anchor:middle}.end{text-anchor:end}
.m{stroke:var(--c);stroke-width:1.8;fill:none}.tip{fill:var(--c)}.queued{stroke-width:1.1;opacity:.7}.reply{stroke-dasharray:7 4}.again{stroke-dasharray:2 4;stroke-width:2.4}.lost{opacity:.75}
.l{fill:var(--ink);paint-order:stroke;stroke:var(--g);stroke-width:4px;stroke-linejoin:round;font-size:12.5px}
.bar{fill:var(--c);fill-opacity:.28;stroke:var(--c)}.x{stroke:var(--bad);stroke-width:2.6;stroke-linecap:round}.bad{fill:var(--bad);font-weight:600}.tick{stroke:var(--line)}
)";

}  // namespace

std::string as_svg(const Story& story, std::size_t messages) {
  const auto steps = story.steps(messages);
  // A row for each step; the end of a lease needs little room.
  std::vector<int> rows;
  int y = top + 26;
  for (const Step& step : steps) {
    rows.push_back(y);
    y += step.what == Step::What::end ? 10 : step.what == Step::What::take ? 18 : 26;
  }
  std::map<std::tuple<Step::What, std::size_t, std::size_t>, int> places;
  for (std::size_t i = 0; i < steps.size(); ++i) places[{steps[i].what, steps[i].which, steps[i].receipt}] = rows[i];
  const auto row_of = [&](Step::What what, std::size_t which, std::size_t receipt) { return places.at({what, which, receipt}); };
  Drawing drawing;
  std::vector<int> depth_of(story.actors.size(), 0), life_end(story.actors.size(), y + 6);
  std::size_t lines = 0;
  int last_time = -100;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    const int row = rows[i];
    if (step.what != Step::What::end && row - last_time >= 24) {
      drawing.labels << "<text class=\"soft end\" x=\"" << gutter - 14 << "\" y=\"" << row + 4 << "\">" << time_in_text(step.at) << "</text>\n";
      last_time = row;
    }
    if (step.what == Step::What::leave || step.what == Step::What::die) {
      const int x = x_of(step.which);
      life_end[step.which] = row;
      if (step.what == Step::What::die) {
        drawing.labels << "<path class=\"x\" d=\"M" << x - 7 << ' ' << row - 7 << "l14 14m0-14l-14 14\"/><text class=\"l bad\" x=\"" << x + 14 << "\" y=\"" << row + 4 << "\">died</text>\n";
      } else {
        drawing.labels << "<line class=\"tick\" x1=\"" << x - 9 << "\" x2=\"" << x + 9 << "\" y1=\"" << row << "\" y2=\"" << row << "\"/><text class=\"l\" x=\"" << x + 14 << "\" y=\"" << row + 4 << "\">leaves</text>\n";
      }
      continue;
    }
    const Posted& message = story.messages[step.which];
    const Receipt* first = taken(message);
    if (step.what == Step::What::send) {
      const auto words = message.name() + size_of(message);
      const Actor* meant = meant_for(story, message);
      ++lines;
      if (first != nullptr) {
        const int to = row_of(Step::What::take, step.which, static_cast<std::size_t>(first - message.receipts.data()));
        arrow(drawing, message, message.from, row, first->by, to, words, message.envelope.in_reply_to != 0 ? "reply" : "");
      } else {
        const auto why = message.not_sent ? "not sent: " + in_short(*message.not_sent) : std::string("nobody took it");
        const std::size_t to = meant != nullptr ? static_cast<std::size_t>(meant - story.actors.data()) : message.from;
        if (to != message.from) {
          arrow(drawing, message, message.from, row, to, row, words + ", " + why, "lost");
          const int x = x_of(to) - (to > message.from ? 18 : -18);
          drawing.labels << "<path class=\"x\" d=\"M" << x - 5 << ' ' << row - 5 << "l10 10m0-10l-10 10\"/>\n";
        } else {
          drawing.labels << "<text class=\"l bad\" x=\"" << x_of(to) + 14 << "\" y=\"" << row + 4 << "\">" << for_xml(words + ", " + why) << "</text>\n";
        }
      }
      continue;
    }
    if (step.what == Step::What::end) {
      --depth_of[message.receipts[step.receipt].by];
      continue;
    }
    const Receipt& receipt = message.receipts[step.receipt];
    const int x = x_of(receipt.by);
    if (receipt.how == Receipt::End::refused) {
      drawing.labels << "<text class=\"l\" x=\"" << x + 14 << "\" y=\"" << row + 4 << "\">refuses " << for_xml(message.name()) << "</text>\n";
      continue;
    }
    if (&receipt != first) {
      const bool buried = message.is_dead_letter && step.receipt + 1 == message.receipts.size();
      arrow(drawing, message, message.from, row - 14, receipt.by, row, message.name() + (buried ? ", a dead letter" : ", attempt " + std::to_string(receipt.attempt)), "again");
    }
    const int end = row_of(Step::What::end, step.which, step.receipt), shift = 5 * depth_of[receipt.by]++;
    drawing.bars << "<rect class=\"bar c" << colour_of(message) << "\" x=\"" << x - 5 + shift << "\" y=\"" << row << "\" width=\"10\" height=\"" << std::max(8, end - row)
                 << "\" rx=\"2\"><title>" << for_xml(message.name() + ": held for " + time_in_text(receipt.end - receipt.at)) << "</title></rect>\n";
  }
  for (std::size_t i = 0; i < story.actors.size(); ++i) {
    const Actor& actor = story.actors[i];
    const int x = x_of(i);
    drawing.back << "<line class=\"life\" x1=\"" << x << "\" x2=\"" << x << "\" y1=\"" << top - 8 << "\" y2=\"" << life_end[i] << "\"/>\n"
                 << "<rect class=\"box\" x=\"" << x - 62 << "\" y=\"" << top - 54 << "\" width=\"124\" height=\"46\" rx=\"9\"/><text class=\"who\" x=\"" << x << "\" y=\"" << top - 34 << "\">" << for_xml(actor.name)
                 << "</text><text class=\"soft mid\" x=\"" << x << "\" y=\"" << top - 17 << "\">process " << actor.id.pid << "</text>\n";
  }
  const int width = std::max(560, gutter + static_cast<int>(story.actors.size()) * column + 40), height = y + 50;
  std::ostringstream out;
  const auto title = for_xml(story.title.empty() ? "Trace" : story.title);
  out << "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"d\" viewBox=\"0 0 " << width << ' ' << height << "\" width=\"" << width << "\" height=\"" << height << "\" role=\"img\" aria-labelledby=\"t e\">\n<title id=\"t\">" << title
      << "</title>\n<desc id=\"e\">A sequence diagram: " << story.actors.size() << " processes, " << lines << " messages, from top to bottom in the order in which it happened.</desc>\n<style>" << style
      << "</style>\n"
      << "<rect class=\"g\" width=\"100%\" height=\"100%\"/>\n<text class=\"h1\" x=\"24\" y=\"36\">" << title << "</text>\n<text class=\"soft\" x=\"24\" y=\"56\">" << lines << " messages in " << time_in_text(story.length)
      << "; an arrow goes down from when it was sent to when it was taken; a bar is how long it was held</text>\n"
      << drawing.back.str() << drawing.bars.str() << drawing.arrows.str() << drawing.labels.str();
  if (const auto more = remark(story, messages); !more.empty()) out << "<text class=\"soft\" x=\"24\" y=\"" << height - 18 << "\">" << for_xml(more) << "</text>\n";
  out << "</svg>\n";
  return std::move(out).str();
}

}  // namespace mulproc::stress
