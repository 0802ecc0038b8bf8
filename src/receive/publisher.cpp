#include "receive/publisher.h"

#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "receive/item_names.h"
#include "receive/partial_type.h"
#include "receive/sealed_contents.h"

namespace qrx::receive {
namespace {

// So little that its sync is short, and that a crash loses little.
constexpr std::uint64_t most_waiting_bytes = 4U << 20;

// Small files that wait for their sync hold a descriptor each, four threads of them: half of what is allowed, without
// the 64 that everything else has. Of a thousand a sync takes little longer than of a hundred: it waits for the disk.
constexpr rlim_t most_of_thread = 1'024;
constexpr rlim_t parts = 8, others = 64;

std::size_t most_waiting() {
  // Asked once: nothing else here changes it. Shells give 1,024 of them, and allow more to whoever asks.
  static const rlim_t most = [] {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return rlim_t{1};
    if (const rlim_t wanted = std::min(limit.rlim_max, others + parts * most_of_thread); limit.rlim_cur < wanted) {
      const rlimit raised{wanted, limit.rlim_max};
      if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
    }
    const rlim_t free = limit.rlim_cur - std::min(limit.rlim_cur, others);
    return std::clamp<rlim_t>(free / parts, 1, most_of_thread);
  }();
  return static_cast<std::size_t>(most);
}

}  // namespace

Result<void> Publisher::keep(std::size_t index, std::string_view bytes, Arrived arrived, std::string why_unopened) {
  const Item& item = delivery_.item(index);
  const std::string& name = arrived.opened() ? item.name : item.info.name;
  auto partial = job_.saver->begin(name, item.id(), delivery_.delivery());
  if (!partial) return tl::unexpected(partial.error());
  // Whatever is there of it is not worth reading: all bytes are in memory.
  if (partial->size() > 0)
    if (auto emptied = partial->truncate(0); !emptied) return emptied;
  if (auto written = partial->write(as_bytes(bytes)); !written) return written;
  job_.tally.arrived(item.id(), delivery_.shown(index).size);
  waiting_bytes_ += partial->size();
  waiting_.push_back({index, std::move(*partial), std::move(arrived), std::move(why_unopened)});
  if (waiting_.size() >= most_waiting() || waiting_bytes_ >= most_waiting_bytes) flush();
  return {};
}

void Publisher::flush() {
  std::vector<PartialFile*> partials;
  for (Waiting& one : waiting_) partials.push_back(&one.partial);
  delivery_.group_sync().sync(partials);
  for (Waiting& one : waiting_) {
    // The rest of them cannot be published either, as on a full disk; their partials stay for the next run.
    const auto published = publish(one.index, one.partial, one.arrived, std::move(one.why_unopened));
    if (published) continue;
    const Error error = delivery_.as_known(one.index, published.error());
    if (!is_at_fault(error.kind)) {
      delivery_.fail_with(error);
      break;
    }
    delivery_.cannot_save(one.index, error);
  }
  waiting_.clear();
  waiting_bytes_ = 0;
}

Result<void> Publisher::publish(std::size_t index, PartialFile& partial, const Arrived& arrived,
                                std::string why_unopened) {
  const Item& item = delivery_.item(index);
  // A small one was admitted before it was written; of a large one there is only a partial so far, which nobody reads.
  if (arrived.opened()) {
    if (auto admitted = admit_item(job_, delivery_.contents(), item, arrived.tag); !admitted) {
      partial.discard();
      return admitted;
    }
    // It was begun under the name that the server knows.
    if (auto renamed = job_.saver->rename(partial, item.name, item.id(), delivery_.delivery()); !renamed)
      return renamed;
  }
  wire::FileInfo info = arrived.opened() ? opened_info(item, partial.size(), arrived.sums.xxh128) : unopened_info(item);
  // Of what was sealed the server knew nothing.
  if (arrived.opened()) info.type = type_of(partial);
  // The last question: the one who asks has the bytes by now (ReceiverEvents::arrived).
  if (const Wish wish = job_.tally.keep(info, partial.descriptor()); wish != Wish::save) {
    partial.discard();
    delivery_.declined(index, wish);
    return {};
  }
  // Before it has its name: a run that is killed in between finds it by this line, and does not save it twice.
  // The other way round the next run would save it again, as "photo (2).jpg".
  job_.record->add(item.id(), {partial.name(), info.size, info.xxh128, delivery_.delivery()});
  auto path = partial.publish(info.properties);
  if (!path) return tl::unexpected(path.error());
  const bool renamed = !job_.saver->one_file() && partial.name() != info.name;
  if (job_.options.identity && !arrived.opened() && why_unopened.empty() && has_age_ending(info.name))
    why_unopened = "it does not begin as age files do; it may be damaged";
  delivery_.saved(index, SavedFile{std::move(*path), info, arrived.sums.sha256, delivery_.delivery(), renamed,
                                   std::move(why_unopened)});
  return {};
}

}  // namespace qrx::receive
