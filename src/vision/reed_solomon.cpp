#include "vision/reed_solomon.h"

#include <algorithm>
#include <array>
#include <vector>

namespace qrx::vision {
namespace {

using Poly = std::vector<std::uint8_t>;  // the coefficient of x^i at i

// Tables of exponents and logarithms, the former twice as long, so that multiply() needs no remainder.
struct Field {
  std::array<std::uint8_t, 512> power{};
  std::array<int, 256> log{};
  constexpr Field() {
    int value = 1;
    for (int i = 0; i < 255; ++i) {
      power[static_cast<std::size_t>(i)] = power[static_cast<std::size_t>(i + 255)] = static_cast<std::uint8_t>(value);
      log[static_cast<std::size_t>(value)] = i;
      value <<= 1;
      // x^8 + x^4 + x^3 + x^2 + 1 (ISO/IEC 18004, annex A)
      if (value & 0x100) value ^= 0x11D;
    }
  }
};
constexpr Field field;

std::uint8_t multiply(std::uint8_t a, std::uint8_t b) {
  return a == 0 || b == 0 ? std::uint8_t{0} : field.power[static_cast<std::size_t>(field.log[a] + field.log[b])];
}
std::uint8_t inverse(std::uint8_t a) {
  return field.power[static_cast<std::size_t>(255 - field.log[a])];
}
std::uint8_t alpha(int exponent) {
  return field.power[static_cast<std::size_t>((exponent % 255 + 255) % 255)];
}

std::uint8_t value_at(const Poly& poly, std::uint8_t x) {
  std::uint8_t sum = 0;
  for (std::size_t i = poly.size(); i-- > 0;) sum = static_cast<std::uint8_t>(multiply(sum, x) ^ poly[i]);
  return sum;
}

// Horner's rule at the code's roots, alpha^0 to alpha^(check - 1): all zero for a sound block.
Poly syndromes(std::span<const std::uint8_t> block, std::size_t check) {
  Poly out(check);
  for (std::size_t i = 0; i < check; ++i)
    for (const std::uint8_t byte : block)
      out[i] = static_cast<std::uint8_t>(multiply(out[i], alpha(static_cast<int>(i))) ^ byte);
  return out;
}

bool all_zero(const Poly& poly) {
  return std::ranges::all_of(poly, [](std::uint8_t value) { return value == 0; });
}

// The locator of all errors, from that of the erasures: Berlekamp and Massey's algorithm, started behind them (Blahut
// 1983).
Poly locate(const Poly& syndrome, Poly locator, std::size_t erased) {
  const std::size_t check = syndrome.size();
  locator.resize(check + 1);
  Poly other = locator;
  std::size_t length = erased;
  for (std::size_t r = erased + 1; r <= check; ++r) {
    std::uint8_t discrepancy = 0;
    for (std::size_t i = 0; i < r; ++i) discrepancy ^= multiply(locator[i], syndrome[r - 1 - i]);
    Poly shifted(check + 1);
    std::copy(other.begin(), other.end() - 1, shifted.begin() + 1);
    if (discrepancy == 0) {
      other = std::move(shifted);
      continue;
    }
    Poly next = locator;
    for (std::size_t i = 0; i <= check; ++i) next[i] ^= multiply(discrepancy, shifted[i]);
    if (2 * length <= r + erased - 1) {
      length = r + erased - length;
      const std::uint8_t factor = inverse(discrepancy);
      std::ranges::transform(locator, other.begin(), [&](std::uint8_t value) { return multiply(value, factor); });
    } else {
      other = std::move(shifted);
    }
    locator = std::move(next);
  }
  while (locator.size() > 1 && locator.back() == 0) locator.pop_back();
  return locator;
}

}  // namespace

bool correct_block(std::span<std::uint8_t> block, std::size_t check, std::span<const std::size_t> erasures,
                   std::size_t spare) {
  const int size = static_cast<int>(block.size());
  // 255: the block's length in this field.
  if (check == 0 || block.size() <= check || size > 255 || erasures.size() + spare > check) return false;
  const Poly syndrome = syndromes(block, check);
  if (all_zero(syndrome)) return true;

  // The product of (1 - X z) over the erasures.
  Poly locator{1};
  for (const std::size_t index : erasures) {
    const std::uint8_t place = alpha(size - 1 - static_cast<int>(index));
    Poly next(locator.size() + 1);
    for (std::size_t i = 0; i < locator.size(); ++i) {
      next[i] ^= locator[i];
      next[i + 1] ^= multiply(locator[i], place);
    }
    locator = std::move(next);
  }
  locator = locate(syndrome, std::move(locator), erasures.size());
  const std::size_t wrong = locator.size() - 1;
  // 2 check symbols for each error, 1 for each erasure: no more may be used up than are not to be spare.
  if (wrong < erasures.size() || erasures.size() + 2 * (wrong - erasures.size()) + spare > check) return false;

  Poly evaluator(check);  // of the errors' values: syndrome * locator, without what is beyond the check symbols
  for (std::size_t i = 0; i < check; ++i)
    for (std::size_t j = 0; j < locator.size() && j <= i; ++j) evaluator[i] ^= multiply(locator[j], syndrome[i - j]);
  Poly derivative(locator.size());  // of the locator: only odd powers stay in a field of characteristic 2
  for (std::size_t i = 1; i < locator.size(); i += 2) derivative[i - 1] = locator[i];

  std::vector<std::uint8_t> fixed(block.begin(), block.end());
  std::size_t found = 0;
  // Chien's search: the places whose reciprocal is a root of the locator.
  for (int i = 0; i < size; ++i) {
    const int exponent = size - 1 - i;
    const std::uint8_t reciprocal = alpha(-exponent);
    if (value_at(locator, reciprocal) != 0) continue;
    const std::uint8_t slope = value_at(derivative, reciprocal);
    if (slope == 0) return false;
    ++found;
    // Forney's formula, for a first root of alpha^0.
    fixed[static_cast<std::size_t>(i)] ^=
        multiply(alpha(exponent), multiply(value_at(evaluator, reciprocal), inverse(slope)));
  }
  // As many roots as the locator's degree; anything else is no correction but noise. Checked once more from the start.
  if (found != wrong || !all_zero(syndromes(fixed, check))) return false;
  std::ranges::copy(fixed, block.begin());
  return true;
}

}  // namespace qrx::vision
