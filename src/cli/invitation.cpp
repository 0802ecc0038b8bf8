#include "cli/invitation.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/text.h"
#include "base/units.h"
#include "cli/counts.h"
#include "cli/local_time.h"
#include "cli/picture_file.h"
#include "qr/image.h"
#include "wire/resource.h"

namespace qrx::cli {
namespace {

qr::Colours colours_of(term::Depth depth) {
  switch (depth) {
    case term::Depth::none:
      return qr::Colours::none;
    case term::Depth::eight:
      return qr::Colours::eight;
    case term::Depth::sixteen:
      return qr::Colours::sixteen;
    case term::Depth::palette:
      return qr::Colours::palette;
    case term::Depth::truecolour:
      return qr::Colours::truecolour;
  }
  return qr::Colours::none;
}

// Rows that lines take in a window that wraps them.
int rows_of(const std::vector<std::string>& lines, int columns) {
  int rows = 0;
  for (const auto& line : lines) {
    const auto width = static_cast<int>(term::display_width(line));
    rows += columns <= 0 ? 1 : std::max(1, (width + columns - 1) / columns);
  }
  return rows;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) out += line + "\n";
  return out;
}

// Lines of at most so many columns, broken between words where possible.
std::vector<std::string> wrapped(const std::vector<std::string>& lines, std::size_t columns) {
  std::vector<std::string> out;
  for (const auto& line : lines) {
    std::string current;
    for (std::string_view rest = trim(line); !rest.empty();) {
      const auto word = rest.substr(0, rest.find(' '));
      const std::size_t used = current.empty() ? 0 : term::display_width(current) + 1;
      if (used + term::display_width(word) <= columns) {
        current += (current.empty() ? "" : " ") + std::string(word);
        rest = trim(rest.substr(word.size()));
      } else if (!current.empty()) {
        out.push_back(std::exchange(current, {}));
      } else {
        auto front = term::front_of_width(word, columns);
        if (const auto hyphen = front.rfind('-'); hyphen != std::string_view::npos) front = front.substr(0, hyphen + 1);
        out.emplace_back(front);
        rest.remove_prefix(std::max<std::size_t>(front.size(), 1));
      }
    }
    out.push_back(current);
  }
  return out;
}

constexpr int gap = 2;  // columns between the code and the text beside it

// The code with at least so many columns of text beside it and so many rows under it.
qr::Drawing draw_leaving(const qr::Symbol& symbol, int columns, int rows, const qr::Screen& screen) {
  qr::Screen part = screen;
  part.columns = screen.columns - gap - columns;
  part.rows = screen.rows - rows + 1;  // draw() leaves a row free by itself
  return part.columns > 0 && part.rows > 0 ? qr::draw(symbol, part) : qr::Drawing{};
}

std::vector<std::string> wrapped_beside(const qr::Drawing& drawing, const std::vector<std::string>& text,
                                        const qr::Screen& screen) {
  return wrapped(text, static_cast<std::size_t>(screen.columns - drawing.columns - gap - 1));
}

// Of a drawing that fills the screen the last row is only half a row of light: what is said later stands there.
std::size_t rows_beside(const qr::Drawing& drawing) {
  return drawing.lines.size() - (drawing.fills_screen ? 1 : 0);
}

std::string side_by_side(const qr::Drawing& drawing, const std::vector<std::string>& side) {
  std::string out;
  for (std::size_t row = 0; row < drawing.lines.size(); ++row) {
    out += drawing.lines[row];
    if (row < side.size() && !side[row].empty()) out += std::string(gap, ' ') + side[row];
    out += '\n';
  }
  // The line's end after it would scroll the first row away.
  if (drawing.fills_screen) out.pop_back();
  return out;
}

// The text beside the code, `below` under both; absent when not all of it fits into the window.
std::optional<std::string> draw_beside(const qr::Symbol& symbol, const std::vector<std::string>& text,
                                       const std::vector<std::string>& below, const qr::Screen& screen, int free_rows) {
  for (const int least : {44, 36, 28}) {  // columns of text: a wider one leaves a smaller code
    const auto drawing = draw_leaving(symbol, least, rows_of(below, screen.columns) + free_rows, screen);
    if (!drawing.fits || (drawing.fills_screen && !below.empty())) continue;
    const auto side = wrapped_beside(drawing, text, screen);
    if (side.size() <= rows_beside(drawing)) return side_by_side(drawing, side) + joined(below);
  }
  return std::nullopt;
}

// The lines of `text` of which all fit, in their order; `fits` says so of lines that go together.
template <typename Fits>
std::vector<std::string> those_that_fit(const std::vector<std::string>& text, const Fits& fits) {
  std::vector<std::string> out;
  for (const auto& line : text) {
    out.push_back(line);
    if (!fits(out)) out.pop_back();
  }
  return out;
}

// What of a text stands with the code in a small window.
struct Part {
  std::string drawn;
  std::vector<std::string> lines;  // of the text, whole
};

// Of `text` each line that fits beside the code, the first one at least.
std::optional<Part> draw_beside_what_fits(const qr::Symbol& symbol, const std::vector<std::string>& text,
                                          const qr::Screen& screen, int free_rows) {
  constexpr int least = 10;  // columns; in fewer a link has more rows than a code, and words are torn
  const auto drawing = draw_leaving(symbol, least, free_rows, screen);
  if (!drawing.fits) return std::nullopt;
  const auto lines = those_that_fit(text, [&](const std::vector<std::string>& some) {
    return wrapped_beside(drawing, some, screen).size() <= rows_beside(drawing);
  });
  if (lines.empty() || lines.front() != text.front()) return std::nullopt;
  return Part{side_by_side(drawing, wrapped_beside(drawing, lines, screen)), lines};
}

// The same below the code.
std::optional<Part> draw_above_what_fits(const qr::Symbol& symbol, const std::vector<std::string>& text,
                                         const qr::Screen& screen, int free_rows) {
  // As many rows of text as the smallest code leaves.
  for (int rows = rows_of(text, screen.columns); rows >= rows_of({text.front()}, screen.columns); --rows) {
    qr::Screen part = screen;
    part.rows = screen.rows - rows - free_rows + 1;  // draw() leaves a row free by itself
    if (part.rows <= 0) continue;
    const auto drawing = qr::draw(symbol, part);
    if (!drawing.fits || drawing.fills_screen) continue;
    const auto lines = those_that_fit(
        text, [&](const std::vector<std::string>& some) { return rows_of(some, screen.columns) <= rows; });
    return Part{joined(drawing.lines) + joined(lines), lines};
  }
  return std::nullopt;
}

// For a window in which the text scrolls away: with the code the link where there is room for it, or else the words,
// and more as far as it fits.
std::optional<Part> draw_with_what_fits(const Invitation& invitation, const qr::Screen& screen, int free_rows) {
  std::vector<std::string> text = {invitation.drop};
  text.insert(text.end(), invitation.after.begin(), invitation.after.end());
  for (; !text.empty(); text.erase(text.begin())) {
    if (auto beside = draw_beside_what_fits(*invitation.symbol, text, screen, free_rows)) return beside;
    if (auto below = draw_above_what_fits(*invitation.symbol, text, screen, free_rows)) return below;
  }
  return std::nullopt;
}

bool is_said(const std::vector<std::string>& lines, const std::string& words) {
  return std::any_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return line.find(words) != std::string::npos; });
}

// COLORFGBG is "foreground;background", as some terminals set it; 7 and from 9 on are light colours. Without it a
// terminal is taken for a dark one.
bool is_dark_terminal() {
  const char* set = std::getenv("COLORFGBG");
  const std::string_view colours = set ? set : "";
  const auto background = colours.substr(colours.rfind(';') + 1);
  return !(background == "7" || (background.size() == 1 && background[0] == '9') ||
           (background.size() == 2 && background[0] == '1'));
}

bool ends_with(const std::string& text, std::string_view back) {
  return text.size() > back.size() &&
         equal_ignoring_case(std::string_view(text).substr(text.size() - back.size()), back);
}

}  // namespace

std::vector<std::string> lines_of(const SpaceTerms& terms, WallTime now) {
  std::vector<std::string> lines;
  if (!terms.words.empty()) lines.push_back("  words: " + terms.words);
  lines.emplace_back("Scan the code, open the link in a browser, or run: qrx-send -l LINK FILE");
  const std::string until = local_time(terms.expires, now);
  if (terms.inbox.empty()) {
    lines.push_back("Anyone with this link can send " + (terms.count == 0 ? "" : what_is_awaited(terms.count) + " ") +
                    "until " + until + ", but cannot read anything.");
  } else {
    lines.emplace_back("Anyone with this link can send, but cannot read anything.");
    lines.push_back("The inbox " + escape_untrusted(terms.inbox) + " lasts until " + until +
                    "; each run of this command extends it.");
  }
  std::string most;
  if (terms.max_size != 0) most = format_size(terms.max_size);
  if (terms.max_files != 0) most += (most.empty() ? "" : " and ") + count_of_files(terms.max_files);
  if (!most.empty()) lines.push_back("At most " + most + " in all.");
  if (!terms.owner.empty()) lines.push_back("Your own link, not for the sender: " + escape_untrusted(terms.owner));
  return lines;
}

// Without the key, as curl sends no fragment; with a slash, behind which curl puts the file's name.
std::string curl_command(const wire::DropLink& drop) {
  return "curl -T FILE " + drop.origin.url() + wire::path_of({wire::Resource::drop, drop.guid}) + "/";
}

std::string what_is_awaited(std::uint64_t count) {
  if (count == 0) return "files";
  return count == 1 ? "one delivery" : std::to_string(count) + " deliveries";
}

qr::Screen screen_for(const std::optional<term::Size>& size, term::Depth depth, bool utf8, bool invert) {
  qr::Screen screen;
  screen.columns = size ? size->columns : 0;
  screen.rows = size ? size->rows : 0;
  screen.colours = size ? colours_of(depth) : qr::Colours::none;
  // Ink is light on a dark terminal: drawn with it are the light modules.
  screen.invert = invert != (size && screen.colours == qr::Colours::none && is_dark_terminal());
  screen.utf8 = utf8;
  return screen;
}

DrawnInvitation draw_invitation(const Invitation& invitation, const qr::Screen& screen, int free_rows) {
  // Shown on lines of their own, unbroken: they are copied.
  std::vector<std::string> copied = {"  " + invitation.drop};
  for (const auto& command : invitation.commands) copied.push_back("  " + command);
  std::vector<std::string> after = copied;
  after.insert(after.end(), invitation.after.begin(), invitation.after.end());
  if (!invitation.symbol) return {joined(invitation.before) + joined(after), {}};
  const auto add_notes = [&](std::vector<std::string>& lines) {
    if (screen.columns > 0 && screen.colours == qr::Colours::none)
      lines.emplace_back("Drawn without colours: if the code does not scan, try --invert.");
    if (screen.columns > 0 && !screen.utf8)
      lines.emplace_back("No code? Set LC_ALL=C.UTF-8, or save it with --qr-file.");
  };
  add_notes(after);

  // In this order: the text beside the code (links below both), above and below it, all of it beside the code, with it
  // what must be in sight, and at last whatever of it scrolls away, with the code below all.
  const bool is_window = screen.rows > 0 && screen.columns > 0;
  if (is_window) {
    std::vector<std::string> text = invitation.before;
    text.insert(text.end(), invitation.after.begin(), invitation.after.end());
    add_notes(text);
    if (auto beside = draw_beside(*invitation.symbol, text, copied, screen, free_rows)) return {*beside, {}};
    // All of it in one window, with a form as large as that allows.
    const int text_rows = rows_of(invitation.before, screen.columns) + rows_of(after, screen.columns) + free_rows + 1;
    qr::Screen smaller = screen;
    smaller.rows = screen.rows - text_rows + 1;  // draw() leaves a row free by itself
    if (smaller.rows > 0) {
      const qr::Drawing drawing = qr::draw(*invitation.symbol, smaller);
      if (drawing.fits && !drawing.fills_screen)
        return {joined(invitation.before) + joined(drawing.lines) + joined(after), {}};
    }
    text.insert(text.begin(), copied.begin(), copied.end());
    if (auto beside = draw_beside(*invitation.symbol, text, {}, screen, free_rows)) return {*beside, {}};
    if (const auto small = draw_with_what_fits(invitation, screen, free_rows))
      return {joined(invitation.before) + joined(after) + small->drawn,
              is_said(small->lines, invitation.words) ? "" : invitation.words};
  }
  // The text goes first: the code, which must be whole, stays in sight.
  const qr::Drawing drawing = qr::draw(*invitation.symbol, screen);
  if (!drawing.fits) {
    std::string why = qr::does_not_fit(drawing, screen);
    why[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(why[0])));
    return {joined(invitation.before) + why +
                ".\nMake the window larger or its font smaller, or save the code with --qr-file.\n" + joined(after),
            {}};
  }
  std::string code = joined(drawing.lines);
  // The line's end after it would scroll the first row away.
  if (drawing.fills_screen) code.pop_back();
  return {joined(invitation.before) + joined(after) + code, is_window ? invitation.words : ""};
}

std::string status_with_words(const DrawnInvitation& drawn, const std::string& status) {
  return (drawn.words_out_of_sight.empty() ? "" : "words: " + drawn.words_out_of_sight + "  ") + status;
}

Result<void> check_qr_file_name(const std::string& path) {
  if (ends_with(path, ".png") || ends_with(path, ".svg")) return {};
  return fail(Kind::usage, "--qr-file: '" + path + "' ends neither in .png nor in .svg");
}

Result<void> write_qr_file(const std::string& path, const qr::Symbol& symbol, bool invert) {
  if (auto known = check_qr_file_name(path); !known) return known;
  qr::ImageOptions options;
  options.invert = invert;
  std::string content;
  if (ends_with(path, ".svg")) {
    content = qr::to_svg(symbol, options);
  } else {
    const auto png = qr::to_png(symbol, options);
    if (!png) return tl::unexpected(png.error());
    content.assign(reinterpret_cast<const char*>(png->data()), png->size());
  }
  return replace_picture_file(path, content);
}

}  // namespace qrx::cli
