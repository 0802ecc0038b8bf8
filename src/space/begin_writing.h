// How an upload gets its next writer: the lock, a new epoch, the blob at its offset, the running sum.
// Private to src/space.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "space/writer.h"

namespace qrx::space {

// As Spaces::write().
Result<std::unique_ptr<UploadWriter>> open_writer(const WriterParts& parts, LivePtr live, const Id& upload,
                                                  std::uint64_t offset, std::optional<ChunkChecksum> expected,
                                                  const std::string& peer);

}  // namespace qrx::space
