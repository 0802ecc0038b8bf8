// What stands on the receiver's terminal while it waits: the QR code, the link in text, who may do what and until when.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "qr/symbol.h"
#include "qr/terminal_drawing.h"
#include "term/terminal.h"

namespace qrx::cli {

struct Invitation {
  std::vector<std::string> before;  // lines above the code, escaped
  std::string drop;                 // the link
  std::vector<std::string> after;   // lines below it, escaped
  std::optional<Symbol> symbol;     // none: text only
  bool invert = false;
};

// What the lines below the code say.
struct SpaceTerms {
  WallTime expires;
  std::uint64_t max_size = 0;   // in all, as the receiver asked for: 0, nothing
  std::uint64_t max_files = 0;  // likewise
  std::string words;            // the four of the link, or empty
  std::string owner;            // the receiver's own link, when the space is kept; as it came, or empty
};
std::vector<std::string> lines_of(const SpaceTerms& terms, WallTime now);

// The screen as draw() wants it. Columns and rows are 0 (no limit) without a terminal.
Screen screen_for(const std::optional<term::Size>& size, term::Depth depth, bool utf8, bool invert);

// The whole text, newline at its end, with a word on --invert where a terminal draws without colours. The code is never
// clipped: what does not fit beside it goes above it and may scroll away, and when even that is not enough the text
// says how large the window has to be. `free_rows` stay free below for what is said later.
std::string draw_invitation(const Invitation& invitation, const Screen& screen, int free_rows);

// PNG or SVG by the ending of the path; Kind::usage for another one.
Result<void> check_qr_file_name(const std::string& path);

// The code as such a picture. A file that is there is replaced as a whole.
Result<void> write_qr_file(const std::string& path, const Symbol& symbol, bool invert);

}  // namespace qrx::cli
