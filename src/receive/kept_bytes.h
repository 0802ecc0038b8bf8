// The sealed bytes of a file as they came: of a link that gives it a number of times only, and not much more often in
// part. Nothing of a chunk can be opened before it is whole, so that of a small file a run that is killed would leave
// nothing, and the next one would ask for bytes that the server has given as often as it gives them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/unique_fd.h"
#include "receive/receive_job.h"
#include "wire/id.h"

namespace qrx::receive {

// Above this size what a kill loses (less than two chunks) is little beside what the server gives.
inline constexpr std::uint64_t most_kept_bytes = 1U << 20;

// A file "GUID.FILEID.part" in the state directory, which no other run uses meanwhile. Trouble with it is no error:
// then there is nothing to go on with. Not synced: after a loss of power what it has may be damaged.
class KeptBytes {
 public:
  // Nothing without a state directory, while another run has it, or when it cannot be read.
  static std::optional<KeptBytes> open(const ReceiveJob& job, const Id& file);

  std::string take();  // what an earlier run left
  void append(ByteView bytes);
  void remove();  // damaged, or of another file
  static void remove(const ReceiveJob& job, const Id& file);
  static void remove_all(const ReceiveJob& job);

 private:
  KeptBytes(std::string path, UniqueFd file, std::string bytes)
      : path_(std::move(path)), file_(std::move(file)), bytes_(std::move(bytes)) {}

  std::string path_;
  UniqueFd file_;  // empty: it is not written any more
  std::string bytes_;
};

}  // namespace qrx::receive
