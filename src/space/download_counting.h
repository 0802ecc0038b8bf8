// How often the files of a share were downloaded, byte by byte: what may begin, and what an ended transfer counts.
// Private to src/space.
#pragma once

#include <cstdint>
#include <list>

#include "base/result.h"
#include "space/catalog.h"
#include "space/parts.h"
#include "space/share_model.h"

namespace qrx::space {

tl::unexpected<Error> used_up();  // Kind::gone

void add(Parts& parts, const TransferLeg& leg);

// Whether one more leg of a file may begin, beside what was taken and those that are on their way.
// "Taken" is what clients are known to have got, byte by byte; "on their way" is what they may get. A download is
// admitted only if the limit holds even when all of that arrives, so that n+1 at once cannot get by a limit of n.
// Kind::gone when it is used up, Kind::locked while the last download runs, Kind::denied for too many ranges.
Result<void> admit(const Parts& taken, const std::list<TransferLeg>& others, const TransferLeg& leg,
                   std::uint64_t limit);

bool is_list(const FileRow& file);  // TransferLeg::list
TransferLeg whole(const FileRow& file);

// How often a link for so many downloads gives the file of this leg.
std::uint64_t limit_of(const TransferLeg& leg, std::uint64_t downloads);

// What one transfer brought, into the rows of its file and its share. `ahead`: how many of its bytes were recorded
// before. True when the file has been taken whole once more.
bool count_leg(Transaction& transaction, ShareRow& share, const TransferLeg& leg, std::uint64_t ahead);

}  // namespace qrx::space
