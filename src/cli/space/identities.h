// The secret keys of the spaces that this user's qrx-recv has opened, one file each in $XDG_STATE_HOME/qrx/identities,
// mode 0600, in the form that `age -d -i FILE` reads.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "seal/keys.h"
#include "wire/id.h"

namespace qrx::cli {

using SharedIdentity = std::shared_ptr<const seal::Identity>;

// "<guid>.key". Those of spaces that have expired are removed on the way.
Result<void> keep_identity(const Guid& guid, const seal::Identity& identity, WallTime expires, WallTime now);
Result<void> forget_identity(const Guid& guid);

// The one that was kept for this space; null when there is none.
Result<SharedIdentity> kept_identity(const Guid& guid);

// From what a person gives: a file of mode 0600 or stricter with "AGE-SECRET-KEY-1…" in it (lines with # are comments),
// or, where `text_too`, the key itself. No message repeats any of it.
Result<SharedIdentity> given_identity(const std::string& file_or_text, bool text_too);
bool looks_like_identity(const std::string& text);

}  // namespace qrx::cli
