// What all rules work with: the stores, the clock, whom they tell, what is allowed.
// Private to src/space.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "space/blobs.h"
#include "space/catalog.h"
#include "space/policy.h"
#include "space/text_memory.h"

namespace qrx::space {

struct Context {
  Catalog& catalog;
  Blobs& blobs;
  Clock& clock;
  Events& events;
  const Policy policy;
  const Id node = Id::random();  // this one, until it ends
  std::atomic<bool> stopping{false};
  std::atomic<std::uint64_t> taken_over{0};  // uploads, from nodes that had not let them go
  const std::shared_ptr<TextMemory> text_memory = std::make_shared<TextMemory>();

  Durability durability() const { return policy.relaxed ? Durability::lazy : Durability::durable; }
  // Kind::unavailable once the server, or who asked for this work, wants it to end.
  Result<void> go_on(const std::stop_token& stop) const;
};

// A file's bytes, read from its blob piece by piece; `take` gets each piece, and its error ends the reading.
// Kind::integrity when the blob is too short. `context` and `stop` are asked before each piece (Context::go_on).
Result<void> read_through(const Context& context, const Opened& blob, std::uint64_t offset, std::uint64_t size,
                          const std::function<Result<void>(ByteView)>& take, const std::stop_token& stop);

// "blob ID: reason", for what goes on without it.
std::string about(const char* thing, const Id& id, const Error& error);

tl::unexpected<Error> no_such_space();
tl::unexpected<Error> no_such_upload();
tl::unexpected<Error> no_such_delivery();
tl::unexpected<Error> takes_no_more_files();  // Kind::denied

}  // namespace qrx::space
