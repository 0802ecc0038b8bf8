// What the parts of one running delivery share: how and what is sent, how far it is, who may end it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/rate_limiter.h"
#include "api/retry.h"
#include "http/interrupt.h"
#include "send/items.h"
#include "send/resume_state.h"
#include "send/seal_plan.h"
#include "send/send_tally.h"
#include "send/sender_options.h"
#include "send/sent.h"
#include "send/sources.h"
#include "wire/link.h"
#include "wire/messages.h"

namespace qrx::send {

struct SendJob {
  const wire::DropLink& link;
  const SenderOptions& options;
  const SourceList& list;
  http::Interrupt& interrupt;
  api::RateLimiter& rate;
  SendTally& tally;
  Id delivery = {};
  ResumeState* state = nullptr;  // null: this run cannot be continued by another
  Items items;
  const SealPlan* plan = nullptr;                  // null: not sealed
  std::vector<std::optional<SentFile>> done = {};  // by source; of an item all are, or none
  std::vector<wire::ReceivedFile> wire = {};       // by item that is done: what the server must have
  // By item: a small one that was sealed in this run. The same secrets never seal other bytes.
  std::vector<std::optional<Xxh128Sum>> sealed = {};
  std::optional<wire::ReceivedFile> manifest = {};
  std::vector<std::optional<Id>> uploads = {};  // by source: the one that this run opened or continues
  bool stream_begun = false;                    // something was read that nobody can read again

  SendJob(const wire::DropLink& to, const SenderOptions& how, const SourceList& what, http::Interrupt& end,
          api::RateLimiter& limiter, SendTally& figures);

  api::Backoff backoff() const;
  // From now on the delivery consists of these items, and is sealed as the plan says. REQUIRES: nothing is done.
  void use(Items made, const SealPlan& seals);
  bool is_done(std::size_t item) const { return done[items.first_source(item)].has_value(); }
  const std::string& wire_name(std::size_t item) const;
  std::uint64_t wire_size(std::size_t item) const;  // REQUIRES: not a stream
  // What the server is told of an item: of a sealed one nothing.
  wire::FileProperties told_properties(std::size_t item) const;
  // What the server took of a source, in plain bytes.
  std::uint64_t shown(std::uint64_t wire_bytes) const;
  // The server has this item whole, and with it these files.
  void finish(std::size_t item, std::vector<SentFile> files, const Xxh128Sum& wire_sum, std::uint64_t wire_bytes);
  void finish(std::size_t item, SentFile file, const Xxh128Sum& wire_sum, std::uint64_t wire_bytes) {
    finish(item, std::vector{std::move(file)}, wire_sum, wire_bytes);
  }
  void undo(std::size_t item);  // the server has it no more
};

}  // namespace qrx::send
