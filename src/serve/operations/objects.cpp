#include "serve/operations/objects.h"

#include <dlfcn.h>

#include <algorithm>
#include <string_view>

#include "base/version.h"

namespace qrx::serve {
namespace {

constexpr const char* note = "contents";          // where they are, in the catalog
constexpr const char* catalog_id = "catalog id";  // made with its tables

// Never unloaded: its code is in use until the process ends.
Result<const s3::BlobsModule*> load(const std::string& path) {
  void* const handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* const reason = ::dlerror();
    const std::string_view what = reason == nullptr ? "out of memory" : reason;
    return fail(Kind::unavailable, "cannot load contents in S3 stores: " + std::string(what.substr(0, what.find('\n'))),
                "install the package qrx-server-cluster");
  }
  const auto* const module = static_cast<const s3::BlobsModule*>(::dlsym(handle, s3::blobs_module_name));
  if (module == nullptr || std::string_view(module->version) != version)
    return fail(Kind::usage, path + " is of another version than this qrx-serve", "install qrx completely");
  return module;
}

bool is_ours(const space::ObjectPage& page) {
  return std::any_of(page.objects.begin(), page.objects.end(),
                     [](const space::StoredObject& object) { return object.blob.has_value(); });
}

// A catalog and its contents belong together: others would be taken for lost, or for nobody's, and be removed.
Result<void> belong_together(space::Blobs& blobs, space::Catalog& catalog, const std::string& where) {
  auto noted = catalog.remembered(note);
  if (!noted) return tl::unexpected(noted.error());
  if (*noted && **noted != where)
    return fail(Kind::usage, "the contents of this catalog are in " + **noted + ", not in " + where,
                "name them with --blobs, or another catalog");
  auto id = catalog.remembered(catalog_id);
  if (!id) return tl::unexpected(id.error());
  if (!*id) return fail(Kind::integrity, "the catalog has lost its id", "put the catalog back from a backup");
  if (*noted) return blobs.belong_to(**id, false);
  auto named = catalog.blobs();
  if (!named) return tl::unexpected(named.error());
  if (!named->empty())
    return fail(Kind::usage, "the contents of this catalog are files, not in " + where,
                "name another catalog, or --blobs");
  auto there = blobs.objects({});
  if (!there) return tl::unexpected(there.error());
  if (is_ours(*there))
    return fail(Kind::usage, where + " has contents of another catalog",
                "put that catalog back, or name an empty prefix with --blobs");
  if (auto ours = blobs.belong_to(**id, true); !ours) return ours;
  return catalog.change(space::Durability::durable, [&](space::Transaction& transaction) -> Result<void> {
    transaction.remember(note, where);
    return {};
  });
}

}  // namespace

std::string ObjectsOptions::text() const {
  const std::string& prefix = store.place.prefix;
  return "s3://" + store.place.bucket + (prefix.empty() ? "" : "/" + prefix.substr(0, prefix.size() - 1));
}

Result<std::unique_ptr<space::Blobs>> open_objects(const ObjectsOptions& options, space::Catalog& catalog,
                                                   Clock& clock) {
  const auto module = load(options.module);
  if (!module) return tl::unexpected(module.error());
  auto blobs = (*module)->open(options.store, catalog, clock);
  if (!blobs) return blobs;
  if (auto together = belong_together(**blobs, catalog, options.text()); !together)
    return tl::unexpected(together.error());
  return blobs;
}

Result<void> refuse_objects(space::Catalog& catalog) {
  const auto noted = catalog.remembered(note);
  if (!noted) return tl::unexpected(noted.error());
  if (!*noted) return {};
  return fail(Kind::usage, "the contents of this catalog are in " + **noted, "name them with --blobs");
}

}  // namespace qrx::serve
