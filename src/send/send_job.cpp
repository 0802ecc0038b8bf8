#include "send/send_job.h"

#include <utility>

#include "seal/item.h"

namespace qrx::send {

SendJob::SendJob(const wire::DropLink& to, const SenderOptions& how, const SourceList& what, http::Interrupt& end,
                 api::RateLimiter& limiter, SendTally& figures)
    : link(to), options(how), list(what), interrupt(end), rate(limiter), tally(figures), items(what.sources.size()) {
  done.resize(list.sources.size());
  wire.resize(items.count());
  uploads.resize(list.sources.size());
}

void SendJob::use(Items made, const SealPlan& seals) {
  items = std::move(made);
  plan = &seals;
  wire.assign(items.count(), {});
  sealed.assign(items.count(), std::nullopt);
}

api::Backoff SendJob::backoff() const {
  return api::Backoff(interrupt, options.retry,
                      [this](const std::string& text, bool counting) { tally.retry(text, counting); });
}

const std::string& SendJob::wire_name(std::size_t item) const {
  return plan != nullptr ? plan->item(item) : list.sources[items.first_source(item)].name;
}

std::uint64_t SendJob::wire_size(std::size_t item) const {
  std::uint64_t size = 0;
  for (const std::size_t source : items.sources(item)) size += *list.sources[source].size;
  return plan != nullptr ? seal::sealed_size(size) : size;
}

wire::FileProperties SendJob::told_properties(std::size_t item) const {
  if (plan != nullptr) return {};
  return properties_of(list.sources[items.first_source(item)], options.preserve);
}

std::uint64_t SendJob::shown(std::uint64_t wire_bytes) const {
  return plan != nullptr ? seal::plain_part(wire_bytes) : wire_bytes;
}

void SendJob::finish(std::size_t item, std::vector<SentFile> files, const Xxh128Sum& wire_sum,
                     std::uint64_t wire_bytes) {
  wire[item] = {wire_name(item), wire_bytes, wire_sum};
  auto file = files.begin();
  for (const std::size_t source : items.sources(item)) {
    file->sealed = plan != nullptr;
    // A stream has told its progress in what was sent; its length is known only by its end.
    if (!list.sources[source].stream) tally.set(source, file->size);
    tally.sent(*file);
    done[source] = std::move(*file++);
  }
}

void SendJob::undo(std::size_t item) {
  for (const std::size_t source : items.sources(item)) {
    done[source].reset();
    uploads[source].reset();
    tally.set(source, 0);
  }
}

}  // namespace qrx::send
