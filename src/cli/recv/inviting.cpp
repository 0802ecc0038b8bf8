#include "cli/recv/inviting.h"

#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/text.h"
#include "cli/link_words.h"
#include "cli/recv/poster_file.h"
#include "qr/symbol.h"
#include "term/terminal.h"

namespace qrx::cli {

Invitation invitation_of(const RecvSettings& set, const OpenedSpace& space, const std::string& words,
                         qr::Symbol symbol) {
  Invitation invitation;
  if (const auto* own = space.own_server())
    invitation.before = own->describe(set.space.bind.empty() && !set.space.public_url);
  invitation.drop = escape_untrusted(space.drop().text());
  // curl sends in plain, which such a space refuses.
  if (set.seal != "require") invitation.commands = {escape_untrusted(curl_command(space.drop()))};
  SpaceTerms terms = space.terms(words);
  terms.count = set.awaited();
  invitation.after = lines_of(terms, system_clock().wall());
  invitation.words = words;
  if (set.qr.value_or(term::is_terminal(STDERR_FILENO))) invitation.symbol = std::move(symbol);
  invitation.invert = set.invert;
  return invitation;
}

Result<Invitation> announce(const RecvSettings& set, const OpenedSpace& space, const Messages& messages,
                            StdoutWriter& to_stdout) {
  std::optional<LinkWords> computed;  // while the code is drawn
  if (set.common.json || set.common.verbose > 0 || !set.poster.empty() ||
      (term::is_terminal(STDERR_FILENO) && !messages.quiet()))
    computed.emplace(space.drop());
  auto symbol = qr::make_symbol(space.drop().text());
  if (!symbol) return tl::unexpected(symbol.error());
  if (!set.qr_file.empty())
    if (auto written = write_qr_file(set.qr_file, *symbol, set.invert); !written)
      return tl::unexpected(written.error());
  const Result<std::string> words = computed ? computed->get() : std::string();
  if (!words) return tl::unexpected(words.error());
  if (!set.poster.empty()) {
    const std::string help = space.own_server() ? help_with_own_server(space.drop().origin) : "";
    if (auto drawn = write_poster(set.poster, {space.kept().label, *words, help}, space.drop(), *symbol); !drawn)
      return tl::unexpected(drawn.error());
  }
  if (auto told = to_stdout.event(space.event(*words)); !told) return tl::unexpected(told.error());
  return invitation_of(set, space, *words, std::move(*symbol));
}

}  // namespace qrx::cli
