#include "cli/share/share_table.h"

#include <algorithm>

#include "base/text.h"
#include "base/write_all.h"
#include "term/terminal.h"

namespace qrx::cli {
namespace {

constexpr std::size_t widest_name = 40;
constexpr std::size_t state_width = 12;

std::string padded(std::string_view text, std::size_t width) {
  std::string out(term::front_of_width(text, width));
  out.append(width - term::display_width(out), ' ');
  return out;
}

}  // namespace

std::vector<std::string> share_table(const std::vector<ShareLine>& shares, int columns, int rows) {
  // The last column and the last row stay free.
  const auto width = static_cast<std::size_t>(std::max(columns, 20)) - 1;
  const auto height = static_cast<std::size_t>(std::max(rows, 4)) - 2;
  std::size_t name_width = 0;
  for (const ShareLine& share : shares)
    name_width = std::max(name_width, term::display_width(escape_untrusted(share.to)));
  name_width = std::min({name_width, widest_name, width / 2});
  std::vector<const ShareLine*> order;
  for (const ShareLine& share : shares) order.push_back(&share);
  const bool all_fit = order.size() <= height;
  // Those that have not downloaded yet are what people look for.
  if (!all_fit)
    std::stable_partition(order.begin(), order.end(),
                          [](const ShareLine* share) { return share->state != "downloaded"; });
  std::vector<std::string> out;
  const std::size_t shown = all_fit ? order.size() : height - 1;
  for (std::size_t i = 0; i < shown; ++i) {
    const std::string line = padded(escape_untrusted(order[i]->to), name_width) + "  " +
                             padded(order[i]->state, state_width) + escape_untrusted(order[i]->detail);
    out.emplace_back(term::front_of_width(line, width));
  }
  if (!all_fit) out.push_back("... and " + std::to_string(order.size() - shown) + " more");
  const auto done =
      std::count_if(shares.begin(), shares.end(), [](const ShareLine& share) { return share.state == "downloaded"; });
  out.emplace_back(term::front_of_width(
      std::to_string(done) + " of " + std::to_string(shares.size()) + " have downloaded (Ctrl-C to stop)", width));
  return out;
}

void LiveTable::draw(const std::vector<ShareLine>& shares) {
  if (!shown_) return;
  const auto size = term::size_of(fd_).value_or(term::Size{});
  std::string out;
  if (lines_ > 0) out = "\r\x1b[" + std::to_string(lines_) + "A";
  const auto lines = share_table(shares, size.columns, size.rows);
  for (const std::string& line : lines) out += line + "\x1b[K\n";
  out += "\x1b[J";
  lines_ = lines.size();
  write_all(fd_, out);
}

void LiveTable::leave() {
  lines_ = 0;
}

}  // namespace qrx::cli
