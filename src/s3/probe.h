// Whether an S3 store does all that qrx stands on, found out before anything is kept there.
#pragma once

#include "base/result.h"
#include "s3/bucket.h"

namespace qrx::s3 {

// Writes, reads, lists and removes an object of its own. Gives how payloads are to be proved to this store: by a CRC
// where a wrong one is refused (some take the header and do not look), else by a signed SHA-256. The first thing that
// fails is named; Kind::usage when another store, bucket or option is needed, Kind::unavailable when it may be over
// soon.
Result<PayloadSum> probe(Bucket& bucket);

}  // namespace qrx::s3
