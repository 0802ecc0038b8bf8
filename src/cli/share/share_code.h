// The QR code of a share link: on the terminal, with what it is about, until somebody scans it; and as a picture.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/invitation.h"
#include "cli/share/recipient_rows.h"
#include "cli/user_messages.h"
#include "term/progress.h"

namespace qrx::cli {

struct CodeWishes {
  bool drawn = false;  // on stderr; else only the link stands there
  bool invert = false;
  std::string file;  // .png or .svg; empty: none
};

// One of a run: redraw() comes from another thread than the rest, so that all of it is done with screen() locked.
// Messages and ProgressLine stay the caller's, who says nothing meanwhile without that lock.
class ShareCode {
 public:
  ShareCode(CodeWishes wishes, Messages& messages, term::ProgressLine& progress)
      : wishes_(std::move(wishes)), messages_(messages), progress_(progress) {}

  // Writes the picture, draws the code, with `before` above it and `after` below it (escaped); with --quiet the link
  // only. `free_rows`: for what the caller says below it.
  Result<void> show(const std::string& link, std::vector<std::string> before, std::vector<std::string> after,
                    int free_rows);
  void status(std::string_view text);  // the line below; not thread-safe: with screen() locked
  // The same, of a transfer: likewise.
  void progress(std::string_view label, std::uint64_t bytes, std::uint64_t total);
  void redraw();  // the window has another size
  std::mutex& screen() { return screen_; }

 private:
  void draw(bool anew);

  const CodeWishes wishes_;
  Messages& messages_;
  term::ProgressLine& progress_;
  std::mutex screen_;
  std::optional<Invitation> shown_;
  int free_rows_ = 0;
  std::string status_;
};

}  // namespace qrx::cli
