// Running sums: XXH3-128 (guards against accidents, travels with every file) and SHA-256 (on request, and for tokens).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace qrx {

// The canonical (big-endian) form of an XXH3-128 sum, as xxh128sum(1) prints it in hex.
using Xxh128Sum = std::array<std::uint8_t, 16>;
using Sha256Sum = std::array<std::uint8_t, 32>;

// Not thread-safe; movable. 576 bytes of state on the heap.
class Xxh128 {
 public:
  Xxh128();
  Xxh128(Xxh128&&) noexcept;
  Xxh128& operator=(Xxh128&&) noexcept;
  ~Xxh128();
  void reset();
  void update(ByteView bytes);
  Xxh128Sum sum() const;  // of all bytes so far; the state goes on
  // The byte with which the sum becomes this one. None: these are not the bytes that it was made of, all but the last.
  std::optional<std::byte> byte_to(const Xxh128Sum& whole) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();
  void update(ByteView bytes);
  Sha256Sum sum() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Sha256Sum sha256(ByteView bytes);

// A running sum chosen by its name, for tus checksums: md5, sha1, sha256, xxh128. Not thread-safe; movable.
class NamedSum {
 public:
  static std::optional<NamedSum> start(std::string_view algorithm);  // nothing for a name that is not one of the four
  NamedSum(NamedSum&&) noexcept;
  NamedSum& operator=(NamedSum&&) noexcept;
  ~NamedSum();
  void update(ByteView bytes);
  std::vector<std::uint8_t> sum() const;  // of all bytes so far; the state goes on
 private:
  struct State;
  explicit NamedSum(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

template <std::size_t N>
std::string to_hex(const std::array<std::uint8_t, N>& sum) {
  return to_hex(as_bytes(sum));
}

}  // namespace qrx
