// Where a space is read: by its owner, or by one recipient's share link. The files lie below it in the same way.
#pragma once

#include <algorithm>
#include <string>

#include "base/checksum.h"
#include "wire/link.h"

namespace qrx::transfer {

struct SpaceAddress {
  Origin origin;
  std::string path;    // "/api/v1/spaces/GUID" or "/d/TOKEN"
  std::string bearer;  // the owner's token; empty: the path is the right
  Id name;             // under which a run remembers what it saved: the GUID, or made of the share's token
  bool shared = false;

  SpaceAddress(const OwnerLink& link)
      : origin(link.origin), path("/api/v1/spaces/" + link.guid.text()), bearer(link.token.text()), name(link.guid) {}
  SpaceAddress(const ShareLink& link) : origin(link.origin), path("/d/" + link.token), shared(true) {
    const Sha256Sum sum = sha256(as_bytes(link.token));
    std::copy_n(sum.begin(), name.bytes.size(), name.bytes.begin());
  }
};

}  // namespace qrx::transfer
