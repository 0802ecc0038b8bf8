// Room for a file that grows to a known length, taken ahead of the writes.
#pragma once

#include <cstdint>

namespace qrx {

// On ext4 each page written beyond the end costs a reservation of its block. Taking blocks in large steps before spares
// that: receiving 1 GiB and writing it took 0.97 s of CPU without and 0.73 s with it (fallocate(2), Linux 6.18).
// Only a hint: it never fails, and the size of the file stays what was written. One thread at a time.
class Preallocator {
 public:
  // Before `bytes` are written at `offset`; the file will be `length` bytes long. Does nothing elsewhere than on ext4,
  // and for the last MiB. What is not used then stays with the file until it is removed or truncated: at most 16 MiB,
  // and no more than was written.
  void before_write(int fd, std::uint64_t offset, std::uint64_t bytes, std::uint64_t length);

 private:
  std::uint64_t end_ = 0;  // taken up to here
  bool helps_ = true;
};

}  // namespace qrx
