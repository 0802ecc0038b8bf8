// SHA-256 sums on request: a large file is read by one, in the work queue, however many ask for its sum.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/result.h"
#include "front/exchange.h"
#include "space/model.h"
#include "space/spaces.h"

namespace qrx::serve {

// Thread-safe. Its mutex is held for looking up only, and with no other.
class Digests {
 public:
  // `wake` wakes what waits for a topic (front::Server::wake). All outlive it, and every reply it gives.
  Digests(space::Spaces& spaces, Clock& clock, const std::function<void(const Id&)>& wake)
      : spaces_(spaces), clock_(clock), wake_(wake) {}

  using GoOn = std::function<front::Reply(const Result<Sha256Sum>&)>;

  // The sum of a stored file, then `go_on`: at once when it is known or the file is small; else as Work, or while
  // another request computes it as a Wait for that one.
  front::Reply find(const space::FileRow& file, GoOn go_on);

 private:
  struct Run;
  class Lead;
  void end(const Id& file, const std::shared_ptr<Run>& run, std::optional<Result<Sha256Sum>> sum);
  front::Reply follow(const space::FileRow& file, std::shared_ptr<Run> run, GoOn go_on);

  space::Spaces& spaces_;
  Clock& clock_;
  const std::function<void(const Id&)>& wake_;
  std::mutex mutex_;
  std::unordered_map<Id, std::shared_ptr<Run>, IdHash> runs_;  // by file
};

}  // namespace qrx::serve
