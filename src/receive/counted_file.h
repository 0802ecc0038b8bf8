// A file of a link that gives it a number of times only. Its last byte counts: once that is asked for, the server may
// give nothing of the file again, nor even a list. So everything else comes before. What a run that is killed at any
// point leaves is fetched on, or is whole but for one byte, which follows from the sum on record.
#pragma once

#include <optional>

#include "api/owner_client.h"
#include "base/result.h"
#include "receive/arrived.h"
#include "receive/partial_file.h"
#include "receive/receive_job.h"
#include "receive/saved_record.h"
#include "wire/messages.h"

namespace qrx::receive {

// The last byte of a file whose others are here. It is not looked at: that of what is sealed is none of the partial's,
// and what it is to be is known. Blocks; retries trouble. Kind::not_found when the link gives it no more, unless it is
// `perhaps_given`: the server may have given it before, and an answer got lost, or the run that asked was killed.
Result<void> ask_for_last_byte(const ReceiveJob& job, api::OwnerClient& client, const wire::FileInfo& file,
                               bool perhaps_given);

// Of a file that is verified, and whole in its partial, by end_by_sum(): the partial is cut by its last byte, and
// stands on record as what it is to become, before the server is asked for the last byte. Then it is whole again.
// Blocks; retries trouble. Kind::not_found when the link gives the file no more: somebody else took it, and the partial
// is gone. `perhaps_given`: unless an earlier run may have been that somebody, for then the partial is all that is left
// of the download.
Result<void> count_download(const ReceiveJob& job, api::OwnerClient& client, const wire::FileInfo& file,
                            PartialFile& partial, const SavedRecord::Entry& entry, bool perhaps_given);

// Of a partial that an earlier run left so: the server is asked for the last byte, which it may have given to that run.
// Nothing when the partial is not what stands on record.
Result<std::optional<Sums>> count_left(const ReceiveJob& job, api::OwnerClient& client, const wire::FileInfo& file,
                                       PartialFile& partial, const SavedRecord::Entry& entry);

// Without the server, which gives nothing of it any more. Likewise.
Result<std::optional<Sums>> end_left(const ReceiveJob& job, PartialFile& partial, const SavedRecord::Entry& entry);

}  // namespace qrx::receive
