// What a link that gives its files a number of times only says of a delivery in words: a text, or the message beside
// files. It stands in the list of the delivery, which the server may not give again once its last byte was asked for,
// or that of the last file. So it is kept before, and what a killed run has not shown the next one shows.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "receive/receive_job.h"
#include "receive/received.h"
#include "receive/sealed_contents.h"

namespace qrx::receive {

// REQUIRES: the delivery is admitted and wanted, and none of its files was asked for. Of a link without a limit
// nothing; else its words are kept, durably and sealed if they came so, in "GUID.DELIVERYID.list" in the state
// directory; then its list is counted as taken. Blocks; retries trouble. Kind::not_found when the link gives it no
// more: somebody else took it, and it is not kept. That it cannot be kept is no error, as with SavedRecord.
Result<void> count_list(const ReceiveJob& job, const DeliveryContents& contents);

// The delivery was shown.
void drop_list(const ReceiveJob& job, const Id& delivery);

// For when the server gives nothing any more: what earlier runs have kept and not shown. `named`: deliveries whose
// files were finished just now; they get their message. `save` is asked for each text. What was told is dropped, of
// `named` when that was told. True when something was told here.
using SaveText = std::function<Result<SavedDelivery>(const DeliveryContents& text)>;
bool tell_kept_lists(const ReceiveJob& job, std::vector<SavedDelivery>& named, const SaveText& save);

}  // namespace qrx::receive
