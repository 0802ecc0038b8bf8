// How much memory large answers hold while their clients take them, slowly perhaps: bounded, for all together.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

namespace qrx::front {

// Thread-safe.
class LargeAnswers {
 public:
  static constexpr std::size_t most_bytes = 48U << 20;

  // Counts as long as it lives.
  class Hold {
   public:
    Hold() = default;
    Hold(Hold&& other) noexcept : all_(std::exchange(other.all_, nullptr)), bytes_(other.bytes_) {}
    Hold& operator=(Hold&& other) noexcept {
      std::swap(all_, other.all_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Hold() {
      if (all_ != nullptr) all_->bytes_ -= bytes_;
    }
    explicit operator bool() const { return all_ != nullptr; }

   private:
    friend class LargeAnswers;
    LargeAnswers* all_ = nullptr;
    std::size_t bytes_ = 0;
  };

  // Empty when others hold too much; the first gets what it needs.
  Hold take(std::size_t bytes) {
    Hold hold;
    const std::size_t before = bytes_.fetch_add(bytes);
    if (before > 0 && before + bytes > most_bytes) {
      bytes_ -= bytes;
      return hold;
    }
    hold.all_ = this;
    hold.bytes_ = bytes;
    return hold;
  }

 private:
  std::atomic<std::size_t> bytes_{0};
};

}  // namespace qrx::front
