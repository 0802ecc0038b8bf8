// Of many nodes: how a writer takes an upload over from another that may be at it still.
//
// The other is not asked to stop first. All that it could still save is what it has taken and not recorded, two seconds
// of an upload at most (ten of a slow one into objects), and for that each newcomer would wait for an answer of a node
// that is dead or far behind as a rule, and then be told another offset than the one it was sent here with: a 409, a
// HEAD and a PATCH more, where now it goes on at once from what was promised to it. A node whose client is really gone
// notices that by itself, records what it has and lets go. Of files alone it has a price: what is durable is copied,
// once, while the former holder has not noticed yet.
// Private to src/space.
#pragma once

#include "space/context.h"
#include "space/live.h"

namespace qrx::space {

// In the transaction of a new epoch: `row` as it stands now, with this node as its holder. Whoever had the upload and
// did not let go may still write into its blob, so this writer goes on in one of its own, the spare. Kind::conflict
// when the upload stands at another offset. True: it was another node's, which had not let go.
Result<bool> take_over(const Context& context, Transaction& transaction, UploadRow& row);

// Makes the spare, with the bytes that are durable; from then on it is the blob of `upload`. For the lock's holder.
Result<void> copy_to_spare(Context& context, LiveSpace& live, LiveUpload& upload);

}  // namespace qrx::space
