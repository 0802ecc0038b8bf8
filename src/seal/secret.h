// Bytes that are wiped when they go: keys and what they are made from. No copy by accident, no way to print them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "base/bytes.h"

namespace qrx::seal {

// Overwrites in a way that the compiler cannot leave out.
void wipe(std::span<std::byte> bytes) noexcept;
void wipe(std::string& text) noexcept;  // its whole capacity; the string is empty afterwards

template <std::size_t N>
class Secret {
 public:
  static constexpr std::size_t size = N;

  Secret() = default;  // all zero
  Secret(Secret&& other) noexcept : bytes_(other.bytes_) { other.wipe_bytes(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      other.wipe_bytes();
    }
    return *this;
  }
  ~Secret() { wipe_bytes(); }

  Secret clone() const {
    Secret copy;
    copy.bytes_ = bytes_;
    return copy;
  }

  std::span<std::uint8_t, N> span() { return bytes_; }
  std::span<const std::uint8_t, N> span() const { return bytes_; }
  ByteView view() const { return as_bytes(std::span<const std::uint8_t>(bytes_)); }
  const std::uint8_t* data() const { return bytes_.data(); }
  std::uint8_t* data() { return bytes_.data(); }

 private:
  void wipe_bytes() noexcept { wipe(std::as_writable_bytes(std::span(bytes_))); }

  std::array<std::uint8_t, N> bytes_{};
};

}  // namespace qrx::seal
