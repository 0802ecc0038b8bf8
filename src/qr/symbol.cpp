#include "qr/symbol.h"

#include <qrencode.h>

#include <cerrno>
#include <memory>
#include <string>

namespace qrx::qr {
namespace {

struct FreeCode {
  void operator()(QRcode* code) const { QRcode_free(code); }
};
using Code = std::unique_ptr<QRcode, FreeCode>;

// QR_MODE_8 with case sensitivity: the library then splits the text into the cheapest modes by itself.
Code encode(const std::string& text, int least_version, QRecLevel level) {
  return Code(QRcode_encodeString(text.c_str(), least_version, level, QR_MODE_8, 1));
}

}  // namespace

Symbol::Symbol(int side, Correction correction, std::vector<bool> modules)
    : side_(side), correction_(correction), modules_(std::move(modules)) {}

Result<Symbol> make_symbol(std::string_view text) {
  if (text.empty()) return fail(Kind::usage, "cannot make a QR code of nothing");
  if (text.find('\0') != std::string_view::npos) return fail(Kind::usage, "cannot make a QR code of a text with a NUL");
  const std::string copy(text);

  errno = 0;
  // The lowest correction gives the smallest version; raising it within that version costs nothing.
  Code best = encode(copy, 0, QR_ECLEVEL_L);
  if (!best) {
    if (errno == ERANGE) return fail(Kind::usage, "cannot make a QR code: the text is too long");
    return fail_errno("cannot make a QR code", errno);
  }
  Correction correction = Correction::low;
  constexpr std::pair<QRecLevel, Correction> higher[] = {
      {QR_ECLEVEL_M, Correction::medium}, {QR_ECLEVEL_Q, Correction::quartile}, {QR_ECLEVEL_H, Correction::high}};
  for (const auto& [level, name] : higher) {
    Code candidate = encode(copy, best->version, level);
    // The same size only: larger modules read better from a screen than more correction does.
    if (!candidate || candidate->version != best->version) break;
    best = std::move(candidate);
    correction = name;
  }

  const int side = best->width;
  std::vector<bool> modules(static_cast<std::size_t>(side) * side);
  // libqrencode: the lowest bit of each byte is the colour.
  for (std::size_t i = 0; i < modules.size(); ++i) modules[i] = (best->data[i] & 1) != 0;
  return Symbol(side, correction, std::move(modules));
}

}  // namespace qrx::qr
