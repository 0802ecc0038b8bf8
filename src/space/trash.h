// Blobs that no row names any more: noted in the transaction that ends their rows, removed afterwards by whoever comes
// first. So no end of a process leaves one that nobody knows of, and none is taken for an orphan meanwhile.
// Private to src/space.
#pragma once

#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "space/context.h"

namespace qrx::space {

// Thread-safe; no lock of a space is needed, and any may be held.
class Trash {
 public:
  explicit Trash(Context& context) : context_(context) {}

  // What a committed transaction has put into the trash. What cannot be removed stays there.
  void remove(const std::vector<BlobKey>& blobs);
  // All that is there, whoever put it there. Goes on after a blob that cannot be removed; each is told in
  // `failures`.
  Result<void> empty(std::vector<std::string>& failures, const std::stop_token& stop);

 private:
  void strike_out(std::size_t at_least);  // the rows of what was removed, if there are so many

  Context& context_;
  std::mutex mutex_;
  std::vector<BlobKey> removed_;  // their rows in the trash can go
};

}  // namespace qrx::space
