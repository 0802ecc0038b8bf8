#include "cli/recv/kept_wish.h"

namespace qrx::cli {

Result<void> check_usage(const KeptWish& wish, std::vector<std::string>& names, const std::string& inbox) {
  if (wish.list) {
    if (wish.show || wish.extend || wish.close || wish.remove || !names.empty())
      return fail(Kind::usage, "--list lists all, and does nothing else");
    return {};
  }
  if (names.empty() && !inbox.empty()) names.push_back(inbox);
  if (wish.remove && (wish.show || wish.extend || wish.close))
    return fail(Kind::usage, "--delete leaves nothing to show, extend or close");
  if (wish.close && wish.show) return fail(Kind::usage, "--close leaves no code to show");
  if (names.empty()) return fail(Kind::usage, "which one? name an inbox or a GUID", "qrx-recv --list shows them");
  return {};
}

}  // namespace qrx::cli
