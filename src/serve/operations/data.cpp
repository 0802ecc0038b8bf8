#include "serve/operations/data.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

namespace qrx::serve {
namespace {

// A new directory has neither catalog nor blobs. Blobs without their catalog are files of people that would be set
// aside as orphans: somebody must look first.
Result<void> catalog_is_there(const std::string& path, space::Blobs& blobs) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && info.st_size > 0) return {};
  const auto found = blobs.list();
  if (!found) return tl::unexpected(found.error());
  if (found->empty()) return {};
  return fail(Kind::integrity,
              "the catalog " + path + " is missing, but " + std::to_string(found->size()) + " stored files are there",
              "put the catalog back from a backup; or, to begin without these files, move the directories blobs and "
              "staging away");
}

class NoEvents : public space::Events {
  void space_changed(const Guid&) override {}
  void upload_grew(const Id&) override {}
  void delivery_changed(const Id&) override {}
};

}  // namespace

Result<std::unique_ptr<Data>> Data::open(const DataOptions& options, space::Events& events) {
  auto lock = store::DataLock::take(options.directory);
  if (!lock) return tl::unexpected(lock.error());
  std::unique_ptr<Data> data(new Data(std::move(*lock)));
  const bool relaxed = options.policy.relaxed;
  store::SqliteOptions sqlite;
  sqlite.relaxed = relaxed;
  auto blobs = store::FileBlobs::open(options.blobs.empty() ? options.directory : options.blobs, {relaxed});
  if (!blobs) return tl::unexpected(blobs.error());
  const std::string path = options.catalog.empty() ? options.directory + "/catalog.db" : options.catalog;
  if (auto there = catalog_is_there(path, **blobs); !there) return tl::unexpected(there.error());
  auto catalog = store::SqliteCatalog::open(path, sqlite);
  if (!catalog) return tl::unexpected(catalog.error());
  data->catalog_ = std::move(*catalog);
  data->blobs_ = std::move(*blobs);
  data->spaces_ =
      std::make_unique<space::Spaces>(*data->catalog_, *data->blobs_, system_clock(), events, options.policy);
  return data;
}

Result<std::unique_ptr<Data>> Data::take(const DataOptions& options) {
  static NoEvents nobody_listens;
  const std::string lock = options.directory + "/lock";
  if (::access(lock.c_str(), F_OK) != 0)
    return fail(Kind::other, options.directory + " is not a qrx-serve data directory",
                "name its directory with --data");
  auto data = open(options, nobody_listens);
  if (!data && data.error().kind == Kind::locked)
    return fail(Kind::unavailable, "the server of " + options.directory + " does not answer",
                "it may be starting or stopping; try again");
  return data;
}

}  // namespace qrx::serve
