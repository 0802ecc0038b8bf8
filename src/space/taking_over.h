// Of many nodes: how a writer takes an upload over from another that may be at it still.
// Private to src/space.
#pragma once

#include "space/context.h"
#include "space/live.h"

namespace qrx::space {

// In the transaction of a new epoch: `row` as it stands now, with this node as its holder. Whoever had the upload and
// did not let go may still write into its blob, so this writer goes on in one of its own, the spare. Kind::conflict
// when the upload stands at another offset.
Result<void> take_over(const Context& context, Transaction& transaction, UploadRow& row);

// Makes the spare, with the bytes that are durable; from then on it is the blob of `upload`. For the lock's holder.
Result<void> copy_to_spare(Context& context, LiveSpace& live, LiveUpload& upload);

}  // namespace qrx::space
