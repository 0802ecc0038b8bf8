// What stands on the receiver's terminal while it waits: the QR code, the link in text, who may do what and until when.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "qr/symbol.h"
#include "qr/terminal.h"
#include "term/terminal.h"

namespace qrx::cli {

struct Invitation {
  std::vector<std::string> before;  // lines above the code, escaped
  std::string drop;                 // the link
  std::vector<std::string> after;   // lines below it, escaped
  std::optional<Symbol> symbol;     // none: text only
  bool invert = false;
};

// The screen as draw() wants it. Columns and rows are 0 (no limit) without a terminal.
Screen screen_for(const std::optional<term::Size>& size, term::Depth depth, bool utf8, bool invert);

// The whole text, newline at its end. The code is never clipped: what does not fit beside it goes above it and may
// scroll away, and when even that is not enough the text says how large the window has to be. `free_rows` stay free
// below for what is said later.
std::string draw_invitation(const Invitation& invitation, const Screen& screen, int free_rows);

// The code as a picture: PNG or SVG by the ending of the path; Kind::usage for another one. A file that is there is
// replaced as a whole.
Result<void> write_qr_file(const std::string& path, const Symbol& symbol, bool invert);

}  // namespace qrx::cli
