// The addresses of the protocol (qrx-protocol(7)) in one table: the server reads them, its clients write them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "wire/id.h"

namespace qrx::wire {

// What there is at a server; resource.cpp has the path of each.
enum class Resource : std::uint8_t {
  home,
  scan_page,
  share_target,  // where the share sheet of a phone posts to; a service worker answers first
  app_manifest,
  app_worker,
  asset,
  health,
  ready,
  spaces,
  space,
  file,
  open_upload,    // as its space's owner names it
  open_delivery,  // likewise
  receipt,        // of a committed delivery
  contents,       // likewise
  shares,
  share,
  owner_page,
  link,
  link_opened,
  link_file,
  link_all,
  drop,
  drop_file,
  uploads,
  upload,
  deliveries,
  delivery,
  commit,
  delivery_file,
  delivery_files,  // many small ones by one request
  control_sweep,   // this one and those below by the control socket
  control_check,
  control_spaces,
  control_space,
};

struct Target {
  Resource resource = Resource::home;
  Id guid = {};            // an id that does not parse is all zeros, which names nothing
  Id item = {};            // the file, share, upload or delivery
  std::string name = {};   // not percent-encoded; '/' between its parts
  std::string token = {};  // of a share link, as it came: secret
};

// `prefix` ("" or "/prefix") is taken off when it is there: the proxy may have done so already. Words and ids may be in
// any case. Under /u/{guid}/, PUT means a file of that name, whatever other methods mean there.
// Nothing: no such resource, or a name with a broken percent escape.
std::optional<Target> parse_target(std::string_view path, std::string_view prefix, bool is_put);

// Mail gateways and messengers write the '#' of a link as %23, so that its key arrives as a part of the path. The
// address that was meant ("/u/{guid}#AGE1…", "/s/{guid}#…", "/d/{token}#…", behind the prefix), or nothing.
std::optional<std::string> with_its_fragment(std::string_view path, const std::string& prefix);

// The path of a target, without a server's prefix: what parse_target() reads.
std::string path_of(const Target& target);

// The path with ids cut short and without names and secrets, for logs: "/u/k3wq7a…/uploads/b2jd4k…".
std::string loggable(const Target& target);

// The id at the end of an address of an upload of this space, absolute or relative (Upload-Concat), or nothing.
std::optional<Id> upload_of(std::string_view address, const Id& guid);

}  // namespace qrx::wire
