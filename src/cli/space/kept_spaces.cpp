#include "cli/space/kept_spaces.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "base/private_files.h"
#include "cli/events.h"
#include "cli/places.h"
#include "wire/event_line.h"

namespace qrx::cli {
namespace {

Result<std::string> spaces_dir() {
  auto state = state_dir();
  if (!state) return state;
  return *state + "/spaces";
}

constexpr Seconds long_expired{90 * 86400};  // clocks are wrong by days, hardly by months

void remove_expired(const std::string& directory, WallTime now) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.path().extension() != ".json") continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    constexpr std::string_view member = "\"expires\":\"";
    const auto at = text.find(member);
    if (at == std::string::npos) continue;
    const auto begin = at + member.size();
    const auto expires = from_rfc3339(std::string_view(text).substr(begin, text.find('"', begin) - begin));
    std::error_code ignored;
    if (expires && *expires + long_expired < now) std::filesystem::remove(entry.path(), ignored);
  }
}

constexpr std::uintmax_t most_bytes = 64 * 1024;

// Nothing for what is no such file; it may be anything.
std::optional<KeptSpace> read_kept(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error) || std::filesystem::file_size(path, error) > most_bytes)
    return std::nullopt;
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  auto members = wire::read_event_line(text);
  if (!members) return std::nullopt;
  auto& member = *members;
  const auto link = parse_owner_link(member["owner"]);
  const auto created = from_rfc3339(member["created"]);
  const auto expires = from_rfc3339(member["expires"]);
  if (!link || !created || !expires || path.stem() != link->guid.text()) return std::nullopt;
  return KeptSpace{*link, member["drop"], member["label"], *created, *expires};
}

tl::unexpected<Error> none_kept(std::string what) {
  return fail(
      Kind::not_found, std::move(what),
      "receive with: qrx-recv --keep, or name a space: --space GUID, or --space - with its owner link on stdin");
}

}  // namespace

Result<KeptSpace> newest_kept_space(const std::optional<Origin>& server) {
  const auto directory = spaces_dir();
  if (!directory) return tl::unexpected(directory.error());
  std::optional<KeptSpace> newest;
  std::filesystem::file_time_type newest_written{};
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(*directory, error)) {
    if (entry.path().extension() != ".json") continue;
    auto kept = read_kept(entry.path());
    if (!kept || (server && kept->link.origin != *server)) continue;
    std::error_code ignored;
    const auto written = std::filesystem::last_write_time(entry.path(), ignored);
    // "created" has whole seconds: of two in one second the one written later.
    if (newest && std::pair(newest->created, newest_written) >= std::pair(kept->created, written)) continue;
    newest = std::move(kept);
    newest_written = written;
  }
  if (!newest)
    return none_kept(server ? "nothing to share: no kept files of " + server->url()
                            : "nothing to share: no kept files");
  return *newest;
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
  const auto member = [](std::string_view name, const std::string& value) {
    return "," + json_quoted(name) + ":" + json_quoted(value);
  };
  const std::string text = "{\"v\":1" + member("server", space.link.origin.url()) +
                           member("guid", space.link.guid.text()) + member("token", space.link.token.text()) +
                           member("owner", space.link.text()) + member("drop", space.drop) +
                           member("label", space.label) + member("created", to_rfc3339(space.created)) +
                           member("expires", to_rfc3339(space.expires)) + "}\n";
  const std::string path = *directory + "/" + space.link.guid.text() + ".json";
  return replace_private_file(path, text);
}

Result<void> forget_space(const Guid& guid) {
  const auto directory = spaces_dir();
  if (!directory) return tl::unexpected(directory.error());
  const std::string path = *directory + "/" + guid.text() + ".json";
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno("cannot remove " + path);
  return {};
}

}  // namespace qrx::cli
