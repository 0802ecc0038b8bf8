// The rows of a commit, of a delivery of many small files: the first of them in transactions before the one that
// commits, so that nobody waits for all of them. Private to src/space.
#pragma once

#include <span>
#include <vector>

#include "space/context.h"
#include "space/live.h"
#include "space/versions.h"

namespace qrx::space {

// In the order of their arrival, which is that of their bytes. Nobody writes into the pack.
std::vector<FileRow> rows_of(const Pack& pack);
Use use_of(std::span<const FileRow> rows);

// Thread-safe. Files of a delivery that is not committed are shown to nobody, so their rows may come before it is;
// until then they are as good as not there, for they are acknowledged with the commit. Should it not come, they go
// again: at once, with the next attempt, or with the next start.
class CommitRows {
 public:
  CommitRows(Context& context, Versions& versions) : context_(context), versions_(versions) {}

  // Puts all but the last rows_at_once of `rows`, and takes them off its front. REQUIRES: the pack is durable and
  // published, and the delivery is committing. When it fails, what it has put is taken back.
  Result<void> put_ahead(LiveSpace& live, LiveDelivery& delivery, std::span<const FileRow>& rows);
  // What was put ahead goes; nothing to be done when nothing was.
  Result<void> take_back(LiveDelivery& delivery);
  // At a start, of all open deliveries.
  Result<void> take_back_all();

 private:
  Context& context_;
  Versions& versions_;
};

}  // namespace qrx::space
