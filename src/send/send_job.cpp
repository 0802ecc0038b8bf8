#include "send/send_job.h"

#include <utility>

#include "seal/item.h"

namespace qrx::send {

SendJob::SendJob(const wire::DropLink& to, const SenderOptions& how, const SourceList& what, http::Interrupt& end,
                 api::RateLimiter& limiter, SendTally& figures)
    : link(to), options(how), list(what), interrupt(end), rate(limiter), tally(figures) {
  done.resize(list.sources.size());
  wire.resize(list.sources.size());
  uploads.resize(list.sources.size());
}

api::Backoff SendJob::backoff() const {
  return api::Backoff(interrupt, options.retry,
                      [this](const std::string& text, bool counting) { tally.retry(text, counting); });
}

const std::string& SendJob::wire_name(std::size_t index) const {
  return plan != nullptr ? plan->item(index) : list.sources[index].name;
}

std::uint64_t SendJob::wire_size(std::size_t index) const {
  const std::uint64_t size = *list.sources[index].size;
  return plan != nullptr ? seal::sealed_size(size) : size;
}

wire::FileProperties SendJob::told_properties(std::size_t index) const {
  return plan != nullptr ? wire::FileProperties{} : properties_of(list.sources[index], options.preserve);
}

std::uint64_t SendJob::shown(std::uint64_t wire_bytes) const {
  return plan != nullptr ? seal::plain_part(wire_bytes) : wire_bytes;
}

void SendJob::finish(std::size_t index, SentFile file, const Xxh128Sum& wire_sum, std::uint64_t wire_bytes) {
  file.sealed = plan != nullptr;
  wire[index] = {wire_name(index), wire_bytes, wire_sum};
  // A stream has told its progress in what was sent; its length is known only by its end.
  if (!list.sources[index].stream) tally.set(index, file.size);
  tally.sent(file);
  done[index] = std::move(file);
}

}  // namespace qrx::send
