#include "serve/operations/data.h"

#include <sys/stat.h>
#include <unistd.h>

#include "serve/operations/owned_directory.h"
#include "store/sqlite_catalog.h"

namespace qrx::serve {
namespace {

// A new directory has neither catalog nor blobs. Blobs without their catalog are files of people that would be set
// aside as orphans: somebody must look first.
Result<void> no_blobs_without(const std::string& what, space::Blobs& blobs) {
  const auto found = blobs.list();
  if (!found) return tl::unexpected(found.error());
  if (found->empty()) return {};
  return fail(Kind::integrity, what + ", but " + std::to_string(found->size()) + " stored files are there",
              "put the catalog back from a backup; or, to begin without these files, move the directories blobs and "
              "staging away");
}

class NoEvents : public space::Events {
  void space_changed(const Guid&) override {}
  void upload_grew(const Id&) override {}
  void delivery_changed(const Id&) override {}
};

}  // namespace

Result<void> Data::open_catalog(const DataOptions& options) {
  if (!options.module.address.empty()) {
    auto opened = serve::open_catalog(options.module);
    if (!opened) return tl::unexpected(opened.error());
    if ((*opened)->is_new() && blobs_ != nullptr)
      if (auto there = no_blobs_without("the catalog had no tables", *blobs_); !there) return there;
    shared_ = opened->get();
    catalog_ = std::move(*opened);
    return {};
  }
  const std::string path = options.catalog.empty() ? options.directory + "/catalog.db" : options.catalog;
  struct stat info {};
  // Empty is as good as missing: a start that was broken off leaves such a file.
  if (blobs_ != nullptr && (::stat(path.c_str(), &info) != 0 || info.st_size == 0))
    if (auto there = no_blobs_without("the catalog " + path + " is missing", *blobs_); !there) return there;
  store::SqliteOptions sqlite;
  sqlite.relaxed = options.policy.relaxed;
  auto opened = store::SqliteCatalog::open(path, sqlite);
  if (!opened) return tl::unexpected(opened.error());
  catalog_ = std::move(*opened);
  return {};
}

Result<std::unique_ptr<Data>> Data::open(const DataOptions& options, space::Events& events) {
  // First of all: two processes on one catalog and one staging directory would repair each other's work.
  auto lock = store::DataLock::take(options.directory);
  if (!lock) return tl::unexpected(lock.error());
  std::unique_ptr<Data> data(new Data(std::move(*lock)));
  if (options.objects.module.empty()) {
    auto blobs =
        store::FileBlobs::open(options.blobs.empty() ? options.directory : options.blobs, {options.policy.relaxed});
    if (!blobs) return tl::unexpected(blobs.error());
    data->blobs_ = std::move(*blobs);
  }
  if (auto opened = data->open_catalog(options); !opened) return tl::unexpected(opened.error());
  if (auto filled = data->fill(options); !filled) return tl::unexpected(filled.error());
  space::Policy policy = options.policy;
  policy.shared = data->shared_ != nullptr;
  data->spaces_ = std::make_unique<space::Spaces>(*data->catalog_, *data->blobs_, data->clock(), events, policy);
  return data;
}

// The contents of a catalog that is open.
Result<void> Data::fill(const DataOptions& options) {
  if (options.objects.module.empty()) {
    if (auto none = refuse_objects(*catalog_); !none || shared_ == nullptr) return none;
    return own_directory(options.blobs, *catalog_, *blobs_);
  }
  auto blobs = open_objects(options.objects, *catalog_, clock());
  if (!blobs) return tl::unexpected(blobs.error());
  blobs_ = std::move(*blobs);
  return {};
}

Result<std::unique_ptr<Data>> Data::take(const DataOptions& options) {
  const std::string lock = options.directory + "/lock";
  if (options.module.address.empty() && ::access(lock.c_str(), F_OK) != 0)
    return fail(Kind::other, options.directory + " is not a qrx-serve data directory",
                "name its directory with --data");
  return make(options);
}

Result<std::unique_ptr<Data>> Data::make(const DataOptions& options) {
  static NoEvents nobody_listens;
  auto data = open(options, nobody_listens);
  if (!data && data.error().kind == Kind::locked)
    return fail(Kind::unavailable, "the server of " + options.directory + " does not answer",
                "it may be starting or stopping; try again");
  return data;
}

}  // namespace qrx::serve
