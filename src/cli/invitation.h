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
#include "wire/link.h"

namespace qrx::cli {

struct Invitation {
  std::vector<std::string> before;    // where it is served, escaped
  std::string drop;                   // the link
  std::vector<std::string> commands;  // to be copied as the link is, escaped
  std::vector<std::string> after;     // the terms, escaped
  std::string words;                  // the four of the link, which are among the terms; or empty
  std::optional<qr::Symbol> symbol;   // none: text only
  bool invert = false;
};

// What the terms say.
struct SpaceTerms {
  WallTime expires;
  std::uint64_t count = 0;      // deliveries that are waited for; 0: as many as come
  std::uint64_t max_size = 0;   // in all, as the receiver asked for: 0, nothing
  std::uint64_t max_files = 0;  // likewise
  std::string words;            // the four of the link, or empty
  std::string inbox;            // its name, or empty
  std::string owner;            // the receiver's own link, when the space is kept; as it came, or empty
};
std::vector<std::string> lines_of(const SpaceTerms& terms, WallTime now);

// The screen as draw() wants it. Columns and rows are 0 (no limit) without a terminal. A terminal without colours is
// taken to be light on dark, as most are, unless COLORFGBG says otherwise.
qr::Screen screen_for(const std::optional<term::Size>& size, term::Depth depth, bool utf8, bool invert);

// "curl -T FILE http://HOST/u/GUID/": what sends without a tool of ours and can be pasted as it stands.
std::string curl_command(const wire::DropLink& drop);

// "one delivery", "3 deliveries" or, for 0, "files".
std::string what_is_awaited(std::uint64_t count);

struct DrawnInvitation {
  std::string text;  // newline at its end, unless the code fills the window
  // The four words, where they are not in sight with the code: for the line that stands below it. Else empty.
  std::string words_out_of_sight;
};

// The whole text, with a word on --invert where a terminal draws without colours. The code is never clipped. What is to
// be copied stands in lines of its own below the code, the rest beside it; where that does not fit, all of it above and
// below the code, or all of it beside. In a window that is too small for that the text goes above the code and may
// scroll away, and once more beside or below it as far as there is room: the link first, then the words of both ends.
// When even the code does not fit it says how large the window has to be. `free_rows` stay free below for what is said
// later.
DrawnInvitation draw_invitation(const Invitation& invitation, const qr::Screen& screen, int free_rows);

// `status`, after the words where the code left no room for them: a line that is cut at its end shows them.
std::string status_with_words(const DrawnInvitation& drawn, const std::string& status);

// PNG or SVG by the ending of the path; Kind::usage for another one.
Result<void> check_qr_file_name(const std::string& path);

// The code as such a picture. A file that is there is replaced as a whole.
Result<void> write_qr_file(const std::string& path, const qr::Symbol& symbol, bool invert);

}  // namespace qrx::cli
