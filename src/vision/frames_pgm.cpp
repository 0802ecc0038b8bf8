#include "vision/frames_pgm.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace qrx::vision {
namespace {

constexpr int longest_side = 4096;
constexpr int most_skipped = 8;  // a source faster than any reader must not be waited for

class PgmFrames : public Frames {
 public:
  PgmFrames(int fd, bool live) : fd_(fd), live_(live), buffer_(1 << 16) {}

  const Gray* next() override {
    if (!read_one()) return nullptr;
    for (int skipped = 0; live_ && skipped < most_skipped && more_is_there(); ++skipped)
      if (!read_one()) break;  // what came before is still good
    return &gray_;
  }
  ScanStatus why() const override { return any_ ? ScanStatus::searched : ScanStatus::not_a_picture; }

 private:
  bool more_is_there() {
    if (at_ < end_) return true;
    pollfd waiting{fd_, POLLIN, 0};
    return poll(&waiting, 1, 0) == 1 && (waiting.revents & POLLIN) != 0;
  }

  bool fill() {
    for (;;) {
      const ssize_t got = ::read(fd_, buffer_.data(), buffer_.size());
      if (got < 0 && errno == EINTR) continue;
      at_ = 0;
      end_ = got > 0 ? static_cast<std::size_t>(got) : 0;
      return got > 0;
    }
  }

  int byte() { return at_ < end_ || fill() ? buffer_[at_++] : -1; }

  // A number and the one blank behind it.
  // As netpbm(5) has it: comments begin with '#', one blank ends the last number.
  int number() {
    int c = byte();
    while (c == '#' || c == ' ' || c == '\n' || c == '\r' || c == '\t') {
      if (c == '#')
        while (c >= 0 && c != '\n') c = byte();
      c = byte();
    }
    int value = 0;
    for (; c >= '0' && c <= '9'; c = byte())
      if ((value = 10 * value + c - '0') > 1 << 20) return -1;
    return c == ' ' || c == '\n' || c == '\r' || c == '\t' ? value : -1;
  }

  bool read_pixels() {
    std::uint8_t* out = coming_.pixels.data();
    std::size_t left = coming_.pixels.size();
    while (left > 0) {
      if (at_ == end_ && !fill()) return false;
      const std::size_t size = std::min(left, end_ - at_);
      std::memcpy(out, buffer_.data() + at_, size);
      at_ += size;
      out += size;
      left -= size;
    }
    return true;
  }

  bool read_one() {
    if (byte() != 'P' || byte() != '5') return false;
    const int width = number();
    const int height = number();
    // 255: what ffmpeg writes for "format=gray".
    if (width <= 0 || height <= 0 || width > longest_side || height > longest_side || number() != 255) return false;
    if (coming_.width != width || coming_.height != height) coming_ = Gray(width, height, 0);
    if (!read_pixels()) return false;
    std::swap(gray_, coming_);
    any_ = true;
    return true;
  }

  int fd_;
  bool live_;
  bool any_ = false;
  std::vector<std::uint8_t> buffer_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
  Gray gray_;
  Gray coming_;  // gray_ stays whole when the source ends in the middle
};

}  // namespace

std::unique_ptr<Frames> frames_of_pgm(int fd, bool live) {
  return std::make_unique<PgmFrames>(fd, live);
}

}  // namespace qrx::vision
