#include "cli/space/kept_spaces.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <tuple>
#include <utility>

#include "base/private_files.h"
#include "cli/places.h"
#include "cli/space/json_record.h"

namespace qrx::cli {
namespace {

Result<std::string> spaces_dir() {
  auto state = state_dir();
  if (!state) return state;
  return *state + "/spaces";
}

constexpr Seconds long_expired{90 * 86400};  // clocks are wrong by days, hardly by months

void remove_expired(const std::string& directory, WallTime now) {
  for (const std::string& path : entries_of(directory)) {
    if (!path.ends_with(".json")) continue;
    const auto members = RecordMembers::read(path);
    const auto expires = members ? from_rfc3339(members->text("expires")) : std::nullopt;
    std::error_code ignored;
    if (expires && *expires + long_expired < now) std::filesystem::remove(path, ignored);
  }
}

// Nothing for what is no such file; it may be anything.
std::optional<KeptSpace> read_kept(const std::filesystem::path& path) {
  const auto members = RecordMembers::read(path);
  if (!members) return std::nullopt;
  const auto link = wire::parse_owner_link(members->text("owner"));
  const auto created = from_rfc3339(members->text("created"));
  const auto expires = from_rfc3339(members->text("expires"));
  if (!link || !created || !expires || path.stem() != link->guid.text()) return std::nullopt;
  return KeptSpace{*link,    members->text("drop"),  members->text("label"), *created,
                   *expires, members->text("inbox"), members->text("bind"),  members->text("public_url")};
}

tl::unexpected<Error> none_kept(std::string what) {
  return fail(
      Kind::not_found, std::move(what),
      "receive with: qrx-recv --keep, or name a space: --space GUID, or --space - with its owner link on stdin");
}

}  // namespace

Result<std::vector<KeptSpace>> kept_spaces() {
  const auto directory = spaces_dir();
  if (!directory) return tl::unexpected(directory.error());
  struct Written {
    KeptSpace space;
    std::filesystem::file_time_type at;
  };
  std::vector<Written> found;
  for (const std::string& path : entries_of(*directory)) {
    if (!path.ends_with(".json")) continue;
    auto kept = read_kept(path);
    std::error_code ignored;
    if (kept) found.push_back({std::move(*kept), std::filesystem::last_write_time(path, ignored)});
  }
  // "created" has whole seconds: of two in one second the one written later.
  std::sort(found.begin(), found.end(), [](const Written& a, const Written& b) {
    return std::tie(a.space.created, a.at, a.space.drop) < std::tie(b.space.created, b.at, b.space.drop);
  });
  std::vector<KeptSpace> out;
  for (auto& written : found) out.push_back(std::move(written.space));
  return out;
}

Result<KeptSpace> newest_kept_space(const std::optional<wire::Origin>& server) {
  auto all = kept_spaces();
  if (!all) return tl::unexpected(all.error());
  std::erase_if(*all,
                [&](const KeptSpace& kept) { return !kept.inbox.empty() || (server && kept.link.origin != *server); });
  if (all->empty())
    return none_kept(server ? "nothing to share: no kept files of " + server->url()
                            : "nothing to share: no kept files");
  return std::move(all->back());
}

Result<KeptSpace> kept_space_named(const std::string& name) {
  auto all = kept_spaces();
  if (!all) return tl::unexpected(all.error());
  const auto guid = Guid::parse(name);
  for (auto& kept : *all)
    if (kept.inbox == name || (guid && kept.link.guid == *guid)) return std::move(kept);
  return fail(Kind::not_found, "no inbox or kept space '" + name + "' on this machine",
              all->empty() ? "" : "qrx-recv --list shows them");
}

Result<KeptSpace> kept_space(const Guid& guid) {
  const auto directory = spaces_dir();
  if (!directory) return tl::unexpected(directory.error());
  const auto kept = read_kept(*directory + "/" + guid.text() + ".json");
  if (!kept) return none_kept("the space " + guid.text() + " was not kept on this machine");
  return *kept;
}

Result<void> remember_space(const KeptSpace& space, WallTime now) {
  const auto directory = spaces_dir();
  if (!directory) return tl::unexpected(directory.error());
  if (auto made = make_private_directories(*directory); !made) return made;
  remove_expired(*directory, now);
  return JsonRecord()
      .text("server", space.link.origin.url())
      .text("guid", space.link.guid.text())
      .text("token", space.link.token.text())
      .text("owner", space.link.text())
      .text("drop", space.drop)
      .text("label", space.label)
      .text("inbox", space.inbox)
      .text("bind", space.bind)
      .text("public_url", space.public_url)
      .text("created", to_rfc3339(space.created))
      .text("expires", to_rfc3339(space.expires))
      .write(*directory + "/" + space.link.guid.text() + ".json");
}

Result<void> forget_space(const Guid& guid) {
  const auto directory = spaces_dir();
  if (!directory) return tl::unexpected(directory.error());
  return remove_private_file(*directory + "/" + guid.text() + ".json");
}

}  // namespace qrx::cli
