#include "cli/invitation.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>

#include "base/text.h"
#include "base/unique_fd.h"
#include "base/units.h"
#include "base/write_all.h"
#include "cli/counts.h"
#include "cli/local_time.h"
#include "qr/image.h"

namespace qrx::cli {
namespace {

Colours colours_of(term::Depth depth) {
  switch (depth) {
    case term::Depth::none:
      return Colours::none;
    case term::Depth::eight:
      return Colours::eight;
    case term::Depth::sixteen:
      return Colours::sixteen;
    case term::Depth::palette:
      return Colours::palette;
    case term::Depth::truecolour:
      return Colours::truecolour;
  }
  return Colours::none;
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

bool ends_with(const std::string& text, std::string_view back) {
  return text.size() > back.size() &&
         equal_ignoring_case(std::string_view(text).substr(text.size() - back.size()), back);
}

}  // namespace

std::vector<std::string> lines_of(const SpaceTerms& terms, WallTime now) {
  std::vector<std::string> lines;
  if (!terms.words.empty()) lines.push_back("  words: " + terms.words);
  lines.emplace_back("Scan the code, open the link in a browser, or run: qrx-send -l LINK FILE");
  lines.push_back("Anyone with this link can send until " + local_time(terms.expires, now) +
                  ", but cannot read anything.");
  std::string most;
  if (terms.max_size != 0) most = format_size(terms.max_size);
  if (terms.max_files != 0) most += (most.empty() ? "" : " and ") + count_of_files(terms.max_files);
  if (!most.empty()) lines.push_back("At most " + most + " in all.");
  if (!terms.owner.empty()) lines.push_back("Your own link, not for the sender: " + escape_untrusted(terms.owner));
  return lines;
}

Screen screen_for(const std::optional<term::Size>& size, term::Depth depth, bool utf8, bool invert) {
  Screen screen;
  screen.columns = size ? size->columns : 0;
  screen.rows = size ? size->rows : 0;
  screen.colours = size ? colours_of(depth) : Colours::none;
  screen.invert = invert;
  screen.utf8 = utf8;
  return screen;
}

std::string draw_invitation(const Invitation& invitation, const Screen& screen, int free_rows) {
  std::vector<std::string> after = invitation.after;
  after.insert(after.begin(), "  " + invitation.drop);
  if (!invitation.symbol) return joined(invitation.before) + joined(after);
  if (screen.columns > 0 && screen.colours == Colours::none && !screen.invert)
    after.emplace_back("Drawn without colours: if your terminal is light on dark, use --invert.");

  if (screen.rows > 0) {
    // All of it in one window, with a form as large as that allows.
    const int text_rows = rows_of(invitation.before, screen.columns) + rows_of(after, screen.columns) + free_rows + 1;
    Screen smaller = screen;
    smaller.rows = screen.rows - text_rows + 1;  // draw() leaves a row free by itself
    if (smaller.rows > 0) {
      const Drawing drawing = draw(*invitation.symbol, smaller);
      if (drawing.fits && !drawing.fills_screen)
        return joined(invitation.before) + joined(drawing.lines) + joined(after);
    }
  }
  const Drawing drawing = draw(*invitation.symbol, screen);
  if (!drawing.fits) {
    std::string why = does_not_fit(drawing, screen);
    why[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(why[0])));
    return joined(invitation.before) + why +
           ".\nMake the window larger or its font smaller, or save the code with --qr-file.\n" + joined(after);
  }
  std::string code = joined(drawing.lines);
  if (drawing.fills_screen) code.pop_back();
  return joined(invitation.before) + joined(after) + code;
}

Result<void> check_qr_file_name(const std::string& path) {
  if (ends_with(path, ".png") || ends_with(path, ".svg")) return {};
  return fail(Kind::usage, "--qr-file: '" + path + "' ends neither in .png nor in .svg");
}

Result<void> write_qr_file(const std::string& path, const Symbol& symbol, bool invert) {
  if (auto known = check_qr_file_name(path); !known) return known;
  ImageOptions options;
  options.invert = invert;
  std::string content;
  if (ends_with(path, ".svg")) {
    content = to_svg(symbol, options);
  } else {
    const auto png = to_png(symbol, options);
    if (!png) return tl::unexpected(png.error());
    content.assign(reinterpret_cast<const char*>(png->data()), png->size());
  }
  std::string part = path + ".XXXXXX";
  const UniqueFd file(::mkostemp(part.data(), O_CLOEXEC));
  if (!file) return fail_errno("cannot write " + path);
  // What mkstemp made is for the owner only; a picture to be shown is an ordinary file.
  const mode_t mask = ::umask(0);
  ::umask(mask);
  if (!write_all(file.get(), content) || ::fchmod(file.get(), 0666 & ~mask) != 0 ||
      ::rename(part.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(part.c_str());
    return fail_errno("cannot write " + path, error);
  }
  return {};
}

}  // namespace qrx::cli
