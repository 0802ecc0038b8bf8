#include "serve/operations/owned_directory.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "base/unique_fd.h"
#include "base/write_all.h"

namespace qrx::serve {
namespace {

constexpr const char* mark = "catalog-id";        // the file
constexpr const char* note = "directory marked";  // in the catalog: there is one
constexpr const char* catalog_id = "catalog id";  // made with its tables

// Nothing: there is none, or a start was broken off before it was written.
Result<std::optional<std::string>> read_mark(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file && errno == ENOENT) return std::nullopt;
  if (!file) return fail_errno("cannot read " + path);
  char text[256];
  const ssize_t got = ::read(file.get(), text, sizeof text);
  if (got < 0) return fail_errno("cannot read " + path);
  std::string_view id(text, static_cast<std::size_t>(got));
  id = id.substr(0, id.find_first_of("\r\n"));
  if (id.empty()) return std::nullopt;
  return std::string(id);
}

// Of two nodes that come at once both write the same.
Result<void> write_mark(const std::string& directory, const std::string& id) {
  const std::string path = directory + "/" + mark;
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return fail_errno("cannot write " + path);
  if (auto written = write_all(file.get(), id + "\n", path); !written) return written;
  // The note comes after it: it must not stand alone.
  const UniqueFd parent(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (::fsync(file.get()) != 0 || !parent || ::fsync(parent.get()) != 0) return fail_errno("cannot write " + path);
  return {};
}

tl::unexpected<Error> not_mounted(const std::string& directory) {
  return fail(Kind::unavailable, directory + " is not where the contents of this catalog are: it has no file " + mark,
              "is the shared directory mounted on this machine? After a loss put it back from a backup");
}

}  // namespace

Result<void> own_directory(const std::string& directory, space::Catalog& catalog, space::Blobs& blobs) {
  const auto id = catalog.remembered(catalog_id);
  if (!id) return tl::unexpected(id.error());
  if (!*id) return fail(Kind::integrity, "the catalog has lost its id", "put the catalog back from a backup");
  // Before the file: where the note is, the file was there before it, whatever other nodes do meanwhile.
  const auto noted = catalog.remembered(note);
  if (!noted) return tl::unexpected(noted.error());
  const auto found = read_mark(directory + "/" + mark);
  if (!found) return tl::unexpected(found.error());
  if (*found && **found != **id)
    return fail(Kind::usage, directory + " has the contents of another catalog",
                "name that catalog with --catalog, or another directory with --blobs");
  if (*found && *noted) return {};
  if (!*found) {
    if (*noted) return not_mounted(directory);
    // Of a version that made no marks: then there is something, if the catalog names something.
    const auto named = catalog.blobs();
    if (!named) return tl::unexpected(named.error());
    if (!named->empty()) {
      const auto there = blobs.list();
      if (!there) return tl::unexpected(there.error());
      if (there->empty()) return not_mounted(directory);
    }
    if (auto written = write_mark(directory, **id); !written) return written;
  }
  return catalog.change(space::Durability::durable, [](space::Transaction& transaction) -> Result<void> {
    transaction.remember(note, "yes");
    return {};
  });
}

}  // namespace qrx::serve
