// What the owner reads: files, uploads while they grow, and sums.
// Private to src/space.
#pragma once

#include <memory>
#include <span>
#include <stop_token>

#include "space/content.h"
#include "space/context.h"
#include "space/registry.h"

namespace qrx::space {

// As Spaces::content(), the owner's right checked before.
Result<std::shared_ptr<Content>> open_content(Context& context, const LivePtr& space, const Id& file);
// As Spaces::contents(), likewise.
Result<std::unique_ptr<StoredFiles>> open_contents(Context& context, const LivePtr& space, const Id& delivery,
                                                   std::span<const Id> files);
// As Spaces::sha256().
Result<Sha256Sum> sha256_of(Context& context, Registry& registry, const FileRow& file, const std::stop_token& stop);

}  // namespace qrx::space
