// One upload made of several that are complete (tus concatenation).
// Private to src/space.
#pragma once

#include <stop_token>
#include <vector>

#include "space/writer.h"

namespace qrx::space {

// As Spaces::concatenate(). The parts are locked from before they are looked at until they are gone. No gate is held
// while their bytes are put together, so that the owner may delete the space meanwhile.
Result<UploadRow> concatenate(const WriterParts& parts, LiveSpace& live, const NewUpload& wish,
                              const std::vector<Id>& named, const std::stop_token& stop);

}  // namespace qrx::space
