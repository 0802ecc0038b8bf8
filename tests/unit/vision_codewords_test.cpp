// The codewords behind the modules, against symbols of libqrencode.
#include "unit/catch.h"

#include <map>
#include <memory>

#include <qrencode.h>
#include <opencv2/core.hpp>

#include "vision/codewords.h"
#include "vision/qr_reader.h"
#include "vision/reed_solomon.h"
#include "vision/symbol_modules.h"

using namespace qrx;
using namespace qrx::vision;

namespace {

constexpr QRecLevel levels[] = {QR_ECLEVEL_L, QR_ECLEVEL_M, QR_ECLEVEL_Q, QR_ECLEVEL_H};

cv::Mat modules_of(QRcode* made) {
  const std::unique_ptr<QRcode, decltype(&QRcode_free)> code(made, QRcode_free);
  REQUIRE(code);
  cv::Mat out(code->width, code->width, CV_8U);
  for (int i = 0; i < code->width * code->width; ++i)
    out.at<std::uint8_t>(i / code->width, i % code->width) = code->data[i] & 1 ? 0 : 255;
  return out;
}

cv::Mat modules_of(const std::string& text, int version, QRecLevel level) {
  return modules_of(QRcode_encodeString(text.c_str(), version, level, QR_MODE_8, 1));
}

cv::Mat_<float> sure(const cv::Mat& modules) {
  return cv::Mat_<float>(modules.size(), 1.0F);
}
bool same(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && cv::countNonZero(a != b) == 0;
}

}  // namespace

TEST_CASE("an undamaged symbol of every version and level is found right and stays as it is") {
  for (int version = 1; version <= 40; ++version) {
    for (const QRecLevel level : levels) {
      const cv::Mat whole = modules_of("HTTP://X/" + std::to_string(version), version, level);
      cv::Mat modules = whole.clone();
      INFO("version " << version << " level " << level);
      CHECK(repair_symbol(modules, sure(modules)));
      CHECK(same(modules, whole));
    }
  }
}

TEST_CASE("doubtful modules in known places are corrected twice as far as errors in unknown ones") {
  const cv::Mat whole =
      modules_of("HTTPS://QRX.EXAMPLE.NET/U/ABCDEFGHIJKLMNOPQRSTUVWXYA#AGE1QQQQQQQQQQQQQQQQQQQ", 5, QR_ECLEVEL_L);
  int blind_limit = 0, told_limit = 0;  // the largest bright spot that is corrected
  for (int size = 2; size <= 16; ++size) {
    const cv::Rect spot(15, 11, size, size);
    cv::Mat modules = whole.clone();
    modules(spot).setTo(255);
    cv::Mat_<float> certainty = sure(modules);
    cv::Mat blind = modules.clone();
    if (repair_symbol(blind, certainty)) {
      CHECK(same(blind, whole));
      blind_limit = size;
    } else {
      CHECK(same(blind, modules));
    }
    certainty(spot).setTo(0);
    if (!repair_symbol(modules, certainty)) continue;
    CHECK(same(modules, whole));
    told_limit = size;
  }
  CHECK(blind_limit >= 5);
  CHECK(told_limit > blind_limit);
}

TEST_CASE("random modules are never taken for a symbol") {
  std::uint32_t state = 7;
  for (int round = 0; round < 200; ++round) {
    cv::Mat modules = modules_of("A", 1 + round % 6, levels[round % 4]);
    cv::Mat_<float> certainty = sure(modules);
    for (int y = 9; y < modules.rows; ++y) {
      for (int x = 9; x < modules.cols; ++x) {
        state = state * 1664525 + 1013904223;
        modules.at<std::uint8_t>(y, x) = state >> 30 & 1 ? 0 : 255;
        certainty(y, x) = static_cast<float>(state >> 8 & 0xFF);
      }
    }
    CHECK_FALSE(repair_symbol(modules, certainty));
  }
}

TEST_CASE("a block is corrected within its limits and else left as it is") {
  // The codeword of all zeros is one of every code.
  std::vector<std::uint8_t> block(40);
  block[3] = 9;
  block[20] = 200;
  block[39] = 1;
  std::vector<std::uint8_t> fixed = block;
  CHECK(correct_block(fixed, 6, {}, 0));
  CHECK(fixed == std::vector<std::uint8_t>(40));
  fixed = block;
  CHECK_FALSE(correct_block(fixed, 6, {}, 1));
  CHECK(fixed == block);
  const std::size_t erased[] = {3, 5, 39};
  fixed = block;
  CHECK(correct_block(fixed, 6, erased, 1));  // three erasures, one error: five of six
  CHECK(fixed == std::vector<std::uint8_t>(40));
  fixed = block;
  CHECK_FALSE(correct_block(fixed, 6, erased, 4));
  CHECK_FALSE(correct_block({}, 0, {}, 0));
}

TEST_CASE("a symbol whose checksums hold and whose bits make no text is no code, and no exception") {
  // The sum of three symbols of one mask is a symbol: finders, format and mask are those of each, and its codewords are
  // the sum of theirs. Modes 1, 2 and 8 make mode 11, which is none (ISO/IEC 18004, table 2).
  const auto symbols = [](QRencodeMode mode, const std::vector<std::string>& texts) {
    std::map<std::string, cv::Mat> by_format;
    for (const std::string& text : texts) {
      const std::unique_ptr<QRinput, decltype(&QRinput_free)> input(QRinput_new2(1, QR_ECLEVEL_L), QRinput_free);
      REQUIRE(QRinput_append(input.get(), mode, static_cast<int>(text.size()),
                             reinterpret_cast<const unsigned char*>(text.data())) == 0);
      const cv::Mat modules = modules_of(QRcode_encodeInput(input.get()));
      std::string format;
      for (int x = 0; x < 6; ++x) format += modules.at<std::uint8_t>(8, x) == 0 ? '1' : '0';
      by_format[format] = modules;
    }
    return by_format;
  };
  std::vector<std::string> digits, letters, kanji;
  for (int i = 10; i < 99; ++i) {
    digits.push_back(std::to_string(i));
    letters.push_back("A" + std::to_string(i));
    kanji.push_back("\x93" + std::string(1, static_cast<char>(0x40 + i % 60)));
  }
  const auto one = symbols(QR_MODE_NUM, digits), two = symbols(QR_MODE_AN, letters),
             eight = symbols(QR_MODE_KANJI, kanji);
  int sums = 0;
  for (const auto& [format, modules] : one) {
    if (!two.contains(format) || !eight.contains(format)) continue;
    const cv::Mat picture = drawn(modules ^ two.at(format) ^ eight.at(format));
    CHECK(
        read_pure_code({picture.data, picture.cols, picture.rows, static_cast<std::ptrdiff_t>(picture.step)}).empty());
    ++sums;
  }
  CHECK(sums > 0);
}

TEST_CASE("what is drawn of modules is read by every version of the library, with nothing else around") {
  for (const int version : {1, 2, 7, 14, 40}) {
    const std::string text = "VERSION " + std::to_string(version);
    const cv::Mat picture = drawn(modules_of(text, version, QR_ECLEVEL_M));
    const auto codes =
        read_pure_code({picture.data, picture.cols, picture.rows, static_cast<std::ptrdiff_t>(picture.step)});
    REQUIRE(codes.size() == 1);
    CHECK(codes.front().text == text);
  }
}
