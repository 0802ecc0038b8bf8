#include "base/running_sums.h"

namespace qrx {

RunningSums::RunningSums(bool with_sha256) {
  if (with_sha256) sha256_.emplace();
}

void RunningSums::reset() {
  xxh128_.reset();
  if (sha256_) sha256_.emplace();
}

void RunningSums::update(ByteView bytes) {
  xxh128_.update(bytes);
  if (sha256_) sha256_->update(bytes);
}

Sums RunningSums::sums() const {
  Sums out{xxh128_.sum(), std::nullopt};
  if (sha256_) out.sha256 = sha256_->sum();
  return out;
}

Sums sums_of(ByteView bytes, bool with_sha256) {
  RunningSums running(with_sha256);
  running.update(bytes);
  return running.sums();
}

}  // namespace qrx
