#include "cli/share/link_key.h"

#include "cli/space/identities.h"

namespace qrx::cli {

Result<LinkKey> find_link_key(const Guid& guid, const wire::SpaceInfo& space, const std::string& given, bool text_too) {
  const auto identity = given.empty() ? kept_identity(guid) : given_identity(given, text_too);
  if (!identity) return tl::unexpected(identity.error());
  bool anything = false;
  bool sealed = false;
  for (const auto& delivery : space.deliveries) {
    for (const auto& file : delivery.files) {
      anything = true;
      sealed = sealed || file.sealed;
    }
  }
  if (!*identity) return LinkKey{{}, sealed};
  // Nothing has arrived yet: what will come may be sealed, so the links carry the key already.
  const bool may_come = !anything && space.seal != wire::Seal::off;
  return LinkKey{sealed || may_come ? (*identity)->text() : std::string(), false};
}

}  // namespace qrx::cli
