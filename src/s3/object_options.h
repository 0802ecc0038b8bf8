// What a store of objects is told: where it is, and what it has of this machine.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "wire/id.h"
#include "wire/link.h"

namespace qrx::s3 {

struct BucketPlace {
  wire::Origin endpoint;
  bool path_style = false;  // ENDPOINT/BUCKET/…, not BUCKET.ENDPOINT/…
  std::string region, bucket;
  std::string prefix;  // of all names: "" or "a/b/"
};

struct ObjectBlobsOptions {
  BucketPlace place;
  std::string ca_file;   // of the endpoint's certificate; empty: the system's
  std::string key_file;  // as KeySource::read()
  std::string spool;     // directory, made if it is not there
  std::uint64_t spool_max = 8ULL << 30;
  std::function<void(const Id&)> wake;  // who waits for the topic of a piece. Any thread; outlives the blobs
};

}  // namespace qrx::s3
