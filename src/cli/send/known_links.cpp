#include "cli/send/known_links.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <set>
#include <utility>
#include <vector>

#include "base/private_files.h"
#include "cli/config_keys.h"
#include "cli/given_name.h"
#include "cli/places.h"
#include "cli/space/json_record.h"
#include "seal/fingerprint.h"

namespace qrx::cli {
namespace {

constexpr std::size_t most_names_told = 10;

Result<std::string> links_dir() {
  auto state = state_dir();
  if (!state) return state;
  return *state + "/to";
}

Result<std::optional<KnownLink>> configured_link(const std::string& name, const Config& config) {
  const auto table = config.find("to." + name);
  if (table == config.end()) return std::nullopt;
  const auto bad = [&](const std::string& why) {
    return fail(Kind::usage, config_path() + ": [to." + name + "] " + why);
  };
  for (const auto& [key, values] : table->second)
    if (key != "link" && key != "words") return bad("has an unknown key: " + key);
  const auto value = [&](const char* key) {
    const auto found = table->second.find(key);
    return found == table->second.end() || found->second.empty() ? std::string() : found->second.back();
  };
  if (value("link").empty()) return bad("has no link");
  auto link = wire::parse_drop_link(value("link"));
  if (!link) return bad("link: " + link.error().what);
  return KnownLink{std::move(*link), value("words"), true};
}

std::vector<std::string> names_of(const Config& config) {
  std::set<std::string> names;
  for (const auto& [table, values] : config)
    if (table.starts_with("to.")) names.insert(table.substr(3));
  if (const auto directory = links_dir())
    for (const std::string& path : entries_of(*directory))
      if (path.ends_with(".json")) names.insert(std::filesystem::path(path).stem());
  return {names.begin(), names.end()};
}

}  // namespace

Result<std::optional<KnownLink>> known_link(const std::string& name, const Config& config) {
  if (auto right = check_given_name("--to", name); !right) return tl::unexpected(right.error());
  auto configured = configured_link(name, config);
  if (!configured || *configured) return configured;
  const auto directory = links_dir();
  if (!directory) return std::nullopt;
  const auto members = RecordMembers::read(*directory + "/" + name + ".json");
  // Not there, or not readable: as good as unknown.
  if (!members) return std::nullopt;
  auto link = wire::parse_drop_link(members->text("link"));
  if (!link)
    return fail(Kind::usage, "what was saved as " + name + " is no link for sending", "save it anew with --save-as");
  return KnownLink{std::move(*link), members->text("words"), false};
}

Result<KnownLink> needed_link(const std::string& name, const Config& config) {
  auto known = known_link(name, config);
  if (!known) return tl::unexpected(known.error());
  if (*known) return std::move(**known);
  const auto names = names_of(config);
  std::string hint = "save one with: qrx-send --save-as " + name + " FILE…, before their code";
  if (const auto meant = nearest(name, names); !meant.empty()) {
    hint = "did you mean " + meant + "?";
  } else if (!names.empty()) {
    std::string list;
    for (std::size_t i = 0; i < names.size() && i < most_names_told; ++i) list += (i == 0 ? "" : ", ") + names[i];
    hint = "known: " + list + (names.size() > most_names_told ? ", …" : "");
  }
  return fail(Kind::usage, "no link is saved as '" + name + "'", hint);
}

Result<void> learn_link(const std::string& name, const wire::DropLink& link, const std::string& words) {
  const auto directory = links_dir();
  if (!directory) return tl::unexpected(directory.error());
  if (auto made = make_private_directories(*directory); !made) return made;
  return JsonRecord().text("link", link.text()).text("words", words).write(*directory + "/" + name + ".json");
}

Result<void> forget_link(const std::string& name) {
  if (auto right = check_given_name("--forget", name); !right) return right;
  const auto directory = links_dir();
  if (!directory) return tl::unexpected(directory.error());
  const std::string path = *directory + "/" + name + ".json";
  if (::unlink(path.c_str()) == 0) return {};
  if (errno != ENOENT) return fail_errno("cannot remove " + path);
  return fail(Kind::not_found, "no link was saved as '" + name + "'");
}

Result<void> check_same_link(const std::string& name, const KnownLink& known, const wire::DropLink& link,
                             const std::string& words, const std::string& confirmed) {
  // Also the key: the same space with another key is another receiver.
  if (known.link.text() == link.text()) return {};
  if (known.configured)
    return fail(Kind::exists, "another link stands in the configuration file as [to." + name + "]",
                "change it there, or choose another name");
  // The owner of the name may have a new code; only the words that they say themselves can tell.
  if (!confirmed.empty() && seal::same_words(words, confirmed)) return {};
  return fail(Kind::integrity,
              "the link of " + name + " has changed: its words were " + known.words + ", this one's are " + words +
                  "; somebody may have put another code over theirs",
              "ask them for their words; if they are these: the same command with --expect '" + words + "'");
}

}  // namespace qrx::cli
