// What a store of objects is told: where it is, and what it has of this machine.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/clock.h"
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
  // Who waits for the topic of a piece; what a request to the store failed of, now and then, for the log. Any thread;
  // they outlive the blobs.
  std::function<void(const Id&)> wake = [](const Id&) {};
  std::function<void(const std::string&)> failed = [](const std::string&) {};
  // How long an object that several blobs share may wait for all their rows. It is removed later than that, so that
  // none of them loses it to another that is gone already.
  Seconds shared_settles{3600};
  Seconds trouble_after{5};  // when what fails is told as trouble()
};

}  // namespace qrx::s3
