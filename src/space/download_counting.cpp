#include "space/download_counting.h"

#include <algorithm>

#include "wire/limits.h"
#include "wire/messages.h"

namespace qrx::space {
namespace {

// A file that is taken in more pieces than this, with gaps between them, is not counted piece by piece any more.
constexpr std::size_t most_pieces = 1000;
// How often the bytes of a file are sent, at most, for each download that a limited link allows: clients that cannot
// resume a broken download begin it again.
constexpr std::uint64_t sent_for_each_download = 2;
// A download that is interrupted and resumed reads the list of its files anew each time. Without the key the list says
// nothing, and it is not what a limit is meant for.
constexpr std::uint64_t lists_for_each_download = 20;

}  // namespace

tl::unexpected<Error> used_up() {
  return fail(Kind::gone, "this link has reached its download limit");
}

bool is_list(const FileRow& file) {
  // What is longer is no list for any receiver, whatever it is called: it counts as the file that it is.
  return file.sealed && file.name == wire::manifest_name && file.size <= wire::most_manifest_bytes;
}

TransferLeg whole(const FileRow& file) {
  return {file.file, file.size, 0, file.size, is_list(file)};
}

std::uint64_t limit_of(const TransferLeg& leg, std::uint64_t downloads) {
  return leg.list ? lists_for_each_download * downloads : downloads;
}

void add(Parts& parts, const TransferLeg& leg) {
  if (leg.size == 0)
    parts.add_whole();
  else
    parts.add(leg.first, leg.bytes);
}

Result<void> admit(const Parts& taken, const std::list<TransferLeg>& others, const TransferLeg& leg,
                   std::uint64_t limit) {
  if (taken.least() >= limit) return used_up();
  // If all that is on its way arrives, the file has been taken this often.
  Parts then = taken;
  for (const TransferLeg& other : others) add(then, other);
  // No byte of this range was or is being sent as often as the limit says: it is somebody who closes the gaps of an
  // aborted download, and they may always do that.
  const bool only_what_is_missing = then.most(leg.first, leg.bytes) < limit;
  add(then, leg);
  if (then.least() > limit) return fail(Kind::locked, "the last allowed download of this link is in progress");
  // What is broken off counts nothing, but is not given without end either.
  const std::uint64_t most_sent = sent_for_each_download * limit * std::max<std::uint64_t>(leg.size, 1);
  if (then.sum() > most_sent && !only_what_is_missing) {
    // What is on its way to somebody who has vanished counts less once it is broken off.
    Parts alone = taken;
    add(alone, leg);
    if (alone.sum() <= most_sent) return fail(Kind::locked, "another download of this link is in progress");
    return fail(Kind::gone,
                "this link was downloaded too often without its end: only the missing parts can be downloaded");
  }
  if (then.pieces() > most_pieces)
    return fail(Kind::denied, "too many separate ranges of this file were downloaded: download it as a whole");
  return {};
}

bool count_leg(Transaction& transaction, ShareRow& share, const TransferLeg& leg, std::uint64_t ahead) {
  auto file = transaction.share_file(share.share, leg.file);
  if (!file) file = ShareFileRow{share.share, leg.file, share.guid, 0, {}};
  Parts parts = Parts::parse(file->parts, leg.size);
  // Less arrived than was recorded ahead: the rest is taken back.
  if (ahead > leg.bytes)
    parts.take_back(leg.first + leg.bytes, ahead - leg.bytes);
  else if (ahead > 0)
    parts.add(leg.first + ahead, leg.bytes - ahead);
  else
    add(parts, leg);
  // A row must not grow without end by ranges with gaps. Of a limited link they are refused before (admit).
  if (parts.pieces() > most_pieces && share.limit == 0) parts.flatten();
  if (file->taken == 0 && parts.least() > 0) ++share.files_taken;
  const bool counts = parts.least() > file->taken;
  file->taken = std::max(file->taken, parts.least());
  file->parts = parts.text();
  transaction.put_share_file(*file);
  return counts;
}

}  // namespace qrx::space
