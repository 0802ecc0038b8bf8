// File contents in an S3 store, in place of files: the module that has it is loaded only then.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "s3/blobs_module.h"
#include "space/catalog.h"

namespace qrx::serve {

struct ObjectsOptions {
  std::string module;  // its path; empty: contents are files
  s3::ObjectBlobsOptions store;
  std::string text() const;  // s3://bucket/prefix
};

// Kind::usage or Kind::unavailable, with a sentence for the operator: also when the catalog belongs to other contents,
// or the contents to another catalog.
Result<std::unique_ptr<space::Blobs>> open_objects(const ObjectsOptions& options, space::Catalog& catalog,
                                                   Clock& clock);  // of all nodes
// The catalog's contents are no objects: those of a directory are opened over it.
Result<void> refuse_objects(space::Catalog& catalog);

}  // namespace qrx::serve
