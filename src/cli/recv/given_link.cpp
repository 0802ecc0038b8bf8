#include "cli/recv/given_link.h"

#include <unistd.h>

#include <memory>
#include <utility>

#include "base/write_all.h"
#include "cli/secret_line.h"
#include "term/terminal.h"
#include "wire/link.h"

namespace qrx::cli {

Result<GivenLink> read_given_link(const std::string& argument) {
  std::string text = argument;
  // Not on the command line, where others could see it (ps(1)).
  if (argument == "-") {
    if (term::is_terminal(STDIN_FILENO)) (void)write_all(STDERR_FILENO, "Link: ");
    auto line = secret_from_stdin();
    if (!line) return tl::unexpected(line.error());
    text = std::move(*line);
    if (text.empty()) return fail(Kind::usage, "there is no link on stdin");
  }
  // The owner's link may hold the key behind its token.
  const auto owner = wire::parse_owner_link(text);
  if (owner) return GivenLink{*owner, owner->identity};
  if (const auto share = wire::parse_share_link(text)) return GivenLink{*share, share->identity};
  // The most likely mistake is said by its name.
  if (wire::parse_drop_link(text))
    return fail(Kind::usage, "this link is for sending, not receiving", "send with: qrx-send -l LINK FILE");
  return tl::unexpected(owner.error());
}

Result<SharedIdentity> identity_of(const GivenLink& link) {
  // The key of a space that this machine opened is kept here; one of a share comes with its link only.
  if (link.identity.empty()) return link.address.shared ? SharedIdentity() : kept_identity(link.address.name);
  auto identity = seal::Identity::parse(link.identity);
  if (!identity) return fail(Kind::usage, "the key in the link is malformed", "copy the whole link");
  return std::make_shared<const seal::Identity>(std::move(*identity));
}

}  // namespace qrx::cli
