// The file of a source, opened and compared with what was found at the check.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "base/unique_fd.h"
#include "http/interrupt.h"
#include "send/sent.h"
#include "send/sources.h"

namespace qrx::send {

class SourceFile {
 public:
  // Kind::integrity when it is not the same file any more. `strictly`: as a file has to be whose bytes are sealed,
  // perhaps a second time, under the same secrets. `source` must outlive it.
  static Result<SourceFile> open(const Source& source, bool strictly = false);
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> space) const;  // 0 at the end
  Result<void> check_unchanged() const;

 private:
  SourceFile(const Source& source, UniqueFd fd, bool strictly)
      : source_(&source), fd_(std::move(fd)), strictly_(strictly) {}
  const Source* source_;
  UniqueFd fd_;
  bool strictly_;
};

// "photo.jpg became shorter while it was being sent".
[[nodiscard]] tl::unexpected<Error> became_shorter(const Source& source);

// The sums of a source as it is on this machine.
Result<SentFile> sum_file(const Source& source, bool sha256, const http::Interrupt& interrupt);

}  // namespace qrx::send
