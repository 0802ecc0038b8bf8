// A delivery that is a text, without a file: kept where a file is wanted.
#pragma once

#include "base/result.h"
#include "receive/receive_job.h"
#include "receive/received.h"
#include "receive/sealed_contents.h"

namespace qrx::receive {

// The text as the file that some want of it: "text.txt", under the id of its delivery.
wire::FileInfo file_of_text(const DeliveryContents& contents);

// REQUIRES: is_text(contents.shown). Saved as a file when the output names one, durable then; else there is nothing to
// save, and the text itself is in the result.
Result<SavedDelivery> save_text(const ReceiveJob& job, const DeliveryContents& contents);

}  // namespace qrx::receive
