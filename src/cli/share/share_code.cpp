#include "cli/share/share_code.h"

#include <unistd.h>

#include <utility>

#include "base/text.h"
#include "base/write_all.h"
#include "qr/symbol.h"
#include "term/terminal.h"
#include "wire/link.h"

namespace qrx::cli {

Result<void> ShareCode::show(const std::string& link, std::vector<std::string> before, std::vector<std::string> after,
                             int free_rows) {
  const auto parsed = wire::parse_share_link(link);  // a named server's: what it says is not trusted
  if (!parsed) return fail(Kind::unavailable, "the server gave a malformed link: " + parsed.error().what);
  const auto symbol = qr::make_symbol(parsed->code_text());
  if (!symbol) return tl::unexpected(symbol.error());
  if (!wishes_.file.empty())
    if (auto written = write_qr_file(wishes_.file, *symbol, wishes_.invert); !written) return written;
  Invitation invitation;
  invitation.before = std::move(before);
  invitation.drop = escape_untrusted(link);
  invitation.after = std::move(after);
  if (wishes_.drawn) invitation.symbol = *symbol;
  invitation.invert = wishes_.invert;
  const std::lock_guard lock(screen_);
  shown_ = std::move(invitation);
  free_rows_ = free_rows;
  draw(false);
  return {};
}

void ShareCode::draw(bool anew) {
  if (messages_.quiet()) {
    if (!anew) (void)write_all(STDERR_FILENO, shown_->drop + "\n");
    return;
  }
  const qr::Screen screen =
      screen_for(term::size_of(STDERR_FILENO), term::colour_depth(), term::speaks_utf8(), shown_->invert);
  messages_.raw((anew && term::moves_cursor() ? "\x1b[H\x1b[2J" : "") +
                draw_invitation(*shown_, screen, free_rows_).text);
  if (!status_.empty()) progress_.status(status_);
}

void ShareCode::status(std::string_view text) {
  if (status_ == text) return;
  status_ = text;
  progress_.status(status_);
}

void ShareCode::progress(std::string_view label, std::uint64_t bytes, std::uint64_t total) {
  if (!status_.empty()) progress_.start_anew();
  status_.clear();
  progress_.update(label, bytes, total);
}

void ShareCode::redraw() {
  const std::lock_guard lock(screen_);
  if (shown_) draw(true);
}

}  // namespace qrx::cli
