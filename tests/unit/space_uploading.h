// Uploads of tests: begun and written by what must succeed, and the sums of their bytes.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "base/checksum.h"
#include "unit/space_world.h"

namespace qrx::test {

inline std::unique_ptr<space::UploadWriter> must_write(World& world, const Guid& guid, const Id& upload,
                                                       std::uint64_t offset) {
  auto writer = world.spaces->write(guid, upload, offset, std::nullopt);
  if (!writer) throw std::runtime_error(writer.error().what);
  return std::move(*writer);
}

inline space::UploadRow must_begin(World& world, const Guid& guid, const space::NewUpload& wish) {
  auto row = world.spaces->create_upload(guid, wish);
  if (!row) throw std::runtime_error(row.error().what);
  return *row;
}

inline Xxh128Sum sum_of(std::string_view bytes) {
  Xxh128 sum;
  sum.update(as_bytes(bytes));
  return sum.sum();
}

inline space::ChunkChecksum checksum_of(const std::string& algorithm, std::string_view bytes) {
  auto sum = NamedSum::start(algorithm);
  sum->update(as_bytes(bytes));
  return {algorithm, sum->sum()};
}

}  // namespace qrx::test
