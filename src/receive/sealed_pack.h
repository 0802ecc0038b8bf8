// Packs: items of a sealed delivery that hold several small files (wire::ManifestFile), opened in memory as a whole.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "receive/receive_job.h"
#include "receive/sealed_contents.h"

namespace qrx::receive {

// What the pack of this file holds, to be cut by part_of(): verified, and taken for this delivery, which is durable
// since admit(). `sealed`: all of it, as it came. Kind::integrity for whatever is not what was sealed.
Result<std::string> open_pack(const ReceiveJob& job, const DeliveryContents& contents, std::size_t file,
                              std::string_view sealed);

// The file's share of it.
std::string_view part_of(const Item& file, std::string_view pack);

}  // namespace qrx::receive
