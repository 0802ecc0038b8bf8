// Where a space is read: by its owner, or by one recipient's share link.
#pragma once

#include <algorithm>
#include <string>

#include "base/checksum.h"
#include "wire/link.h"
#include "wire/resource.h"

namespace qrx::api {

struct SpaceAddress {
  wire::Origin origin;
  wire::Target place;  // the space, or the share
  std::string bearer;  // the owner's token; empty: the path is the right
  Id name;             // under which a run remembers what it saved: the GUID, or made of the share's token
  bool shared = false;

  SpaceAddress(const wire::OwnerLink& link)
      : origin(link.origin), place{wire::Resource::space, link.guid}, bearer(link.token.text()), name(link.guid) {}
  SpaceAddress(const wire::ShareLink& link)
      : origin(link.origin), place{.resource = wire::Resource::link, .token = link.token}, shared(true) {
    const Sha256Sum sum = sha256(as_bytes(link.token));
    std::copy_n(sum.begin(), name.bytes.size(), name.bytes.begin());
  }

  std::string path() const { return wire::path_of(place); }
  std::string path_of_file(const Id& file) const {
    wire::Target target = place;
    target.resource = shared ? wire::Resource::link_file : wire::Resource::file;
    target.item = file;
    return wire::path_of(target);
  }
};

}  // namespace qrx::api
