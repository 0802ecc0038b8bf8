#include "vision/qr_reader.h"

#include <exception>
#include <new>

#define ZX_USE_UTF8 1
#include <ZXing/ReadBarcode.h>

namespace qrx::vision {
namespace {

// ZXing renamed DecodeHints, and before it brought ReaderOptions.h it had no try at inverted symbols to turn off.
#if __has_include(<ZXing/ReaderOptions.h>)
using Options = ZXing::ReaderOptions;

// From version 3 on QRCode stands for micro and rectangular symbols, too: no link is in one, and their weak checksums
// hold by chance.
#if defined(ZXING_VERSION_MAJOR) && ZXING_VERSION_MAJOR >= 3
constexpr auto symbols = ZXing::BarcodeFormat::QRCodeModel2;
#else
constexpr auto symbols = ZXing::BarcodeFormat::QRCode;
#endif
// Version 3.1 finds nothing in a pure picture when asked for the model alone. What is given to that is drawn by us with
// the patterns of a whole symbol, which no micro or rectangular one has.
constexpr auto pure_symbols = ZXing::BarcodeFormat::QRCode;

Options qr_options() {
  return Options().setFormats(symbols).setTextMode(ZXing::TextMode::Plain).setTryInvert(false);
}
#else
using Options = ZXing::DecodeHints;

constexpr auto pure_symbols = ZXing::BarcodeFormat::QRCode;

Options qr_options() {
  return Options().setFormats(ZXing::BarcodeFormat::QRCode);
}
#endif

ZXing::Binarizer binarizer(Threshold threshold) {
  switch (threshold) {
    case Threshold::global:
      return ZXing::Binarizer::GlobalHistogram;
    case Threshold::fixed:
      return ZXing::Binarizer::FixedThreshold;
    case Threshold::local:
      break;
  }
  return ZXing::Binarizer::LocalAverage;
}

std::vector<FoundCode> read(const GrayView& picture, const Options& options) {
  const ZXing::ImageView view(picture.pixels, picture.width, picture.height, ZXing::ImageFormat::Lum,
                              static_cast<int>(picture.row_bytes));
  decltype(ZXing::ReadBarcodes(view, options)) codes;
  try {
    codes = ZXing::ReadBarcodes(view, options);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception&) {
    // The checksums of a symbol held and its bits make no text: version 1.4 throws, and a step would end there.
    return {};
  }
  std::vector<FoundCode> out;
  for (const auto& code : codes) {
    // A symbol whose checksums do not hold: what it says is a guess.
    if (!code.isValid()) continue;
    FoundCode& found = out.emplace_back();
    found.text = code.text();
    std::size_t corner = 0;
    for (const auto& point : code.position()) found.corners.at(corner++) = {point.x, point.y};
  }
  return out;
}

}  // namespace

std::vector<FoundCode> read_codes(const GrayView& picture, Threshold threshold, int most) {
  return read(picture,
              // ZXing's setting has eight bits.
              qr_options().setBinarizer(binarizer(threshold)).setMaxNumberOfSymbols(static_cast<std::uint8_t>(most)));
}

std::vector<FoundCode> read_pure_code(const GrayView& picture) {
  return read(picture, qr_options()
                           .setFormats(pure_symbols)
                           .setBinarizer(ZXing::Binarizer::FixedThreshold)
                           .setIsPure(true)
                           .setMaxNumberOfSymbols(1));
}

}  // namespace qrx::vision
