// Many small files in one body (qrx-protocol(7), "Many small files"): of each a line of JSON, then its bytes. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/result.h"
#include "wire/properties.h"

namespace qrx::wire {

inline constexpr std::string_view batch_content_type = "application/vnd.qrx.files";
inline constexpr std::size_t most_batch_files = 256;  // of one body

struct BatchedFile {
  std::string name;
  std::uint64_t size = 0;
  FileProperties properties;
};

// The line {"name":…,"size":…,"modified":…,"executable":…}, then the bytes.
void add_to_batch(std::string& body, std::string_view name, const FileProperties& properties, ByteView bytes);

// Reads a body as it comes, however it is cut, and holds one file of it at most.
class BatchReader {
 public:
  using Take = std::function<Result<void>(const BatchedFile& file, ByteView bytes)>;
  // `take` gets each file; its error ends the reading. No file may be larger than `most_bytes`.
  BatchReader(std::size_t most_bytes, Take take) : most_bytes_(most_bytes), take_(std::move(take)) {}

  // Kind::usage for what is no such body, Kind::too_large for too large a file, or too many.
  Result<void> write(ByteView bytes);
  Result<void> finish() const;                             // Kind::usage: it ends within a file
  std::size_t pending() const { return pending_.size(); }  // bytes that it holds

 private:
  Result<bool> step(std::string_view& rest);  // false: more bytes are needed

  const std::size_t most_bytes_;
  const Take take_;
  std::string pending_;  // a part of a line, or of a file
  std::optional<BatchedFile> file_;
  std::size_t files_ = 0;
};

// What the server answers: the sums of the files that it took, in their order.
std::string batch_answer(const std::vector<Xxh128Sum>& sums);
Result<std::vector<Xxh128Sum>> parse_batch_answer(std::string_view text);

}  // namespace qrx::wire
