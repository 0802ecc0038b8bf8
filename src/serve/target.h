// From the path of a request to what it names. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "wire/id.h"

namespace qrx::serve {

enum class Resource : std::uint8_t {
  home,           // /
  scan_page,      // /scan
  asset,          // /assets/{name}
  health,         // /healthz
  spaces,         // /api/v1/spaces
  space,          // /api/v1/spaces/{guid}
  file,           // /api/v1/spaces/{guid}/files/{item}
  shares,         // /api/v1/spaces/{guid}/shares
  share,          // /api/v1/spaces/{guid}/shares/{item}
  owner_page,     // /s/{guid}
  link,           // /d/{token}
  link_opened,    // /d/{token}/opened
  link_file,      // /d/{token}/files/{item}
  link_all,       // /d/{token}/all.zip
  drop,           // /u/{guid}
  drop_file,      // /u/{guid}/{name…}, PUT
  uploads,        // /u/{guid}/uploads
  upload,         // /u/{guid}/uploads/{item}
  deliveries,     // /u/{guid}/deliveries
  delivery,       // /u/{guid}/deliveries/{item}
  commit,         // /u/{guid}/deliveries/{item}/commit
  delivery_file,  // /u/{guid}/deliveries/{item}/files/{name…}
  control_sweep,  // /control/sweep, by the control socket
  control_check,  // /control/check, by the control socket
};

struct Target {
  Resource resource = Resource::home;
  Id guid;  // an id that does not parse is all zeros, which names nothing
  Id item;
  std::string name;   // percent-decoded
  std::string token;  // of a share's link, as it came: secret
};

// `prefix` ("" or "/prefix") is taken off when it is there: the proxy may have done so already. Words and ids may be in
// any case. Under /u/{guid}/, PUT means a file of that name, whatever other methods mean there.
// Nothing: no such resource, or a name with a broken percent escape.
std::optional<Target> parse_target(std::string_view path, std::string_view prefix, bool is_put);

// The path with ids cut short and without names and secrets, for logs: "/u/k3wq7a…/uploads/b2jd4k…".
std::string loggable(const Target& target);

// The id at the end of an address of an upload of this space, absolute or relative (Upload-Concat), or nothing.
std::optional<Id> upload_of(std::string_view address, const Id& guid);

}  // namespace qrx::serve
