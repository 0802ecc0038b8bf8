// Symbols that a reader of whole pictures gives up.
#include "unit/catch.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "qr/symbol.h"
#include "unit/vision_pictures.h"
#include "vision/finders.h"
#include "vision/missing_finder.h"
#include "vision/search_codes.h"
#include "vision/symbol_modules.h"

using namespace qrx;
using namespace qrx::qr;
using namespace qrx::vision;

namespace {

const std::string link_one = "HTTPS://QRX.EXAMPLE.NET/U/ABCDEFGHIJKLMNOPQRSTUVWXYA";

SearchResult search(const Gray& gray) {
  SearchOptions options;
  options.budget = std::chrono::milliseconds(0);
  // Each picture holds one code: once it is read the ways of --thorough are not tried, too.
  options.any = true;
  return search_codes(gray, options);
}

// The picture seen through moved: each place of the result shows the place of the picture that moved names.
template <class Move>
Gray warped(const Gray& gray, Move&& moved, std::uint8_t ground = 255) {
  Gray out(gray.width, gray.height, ground);
  for (int y = 0; y < gray.height; ++y) {
    for (int x = 0; x < gray.width; ++x) {
      const auto [u, v] = moved(x, y);
      const int i = static_cast<int>(std::lround(u)), j = static_cast<int>(std::lround(v));
      if (i >= 0 && j >= 0 && i < gray.width && j < gray.height) out.row(y)[x] = gray.row(j)[i];
    }
  }
  return out;
}

Gray framed(const Gray& gray, int frame, std::uint8_t value) {
  Gray out(gray.width + 2 * frame, gray.height + 2 * frame, value);
  for (int y = 0; y < gray.height; ++y) std::copy_n(gray.row(y), gray.width, out.row(y + frame) + frame);
  return out;
}

}  // namespace

TEST_CASE("the patterns drawn over modules are those of every version") {
  int versions = 0;
  for (std::size_t length = 10, last = 0; length < 4290; length += 10 + length / 25) {
    const Symbol symbol = make_symbol(std::string(length, 'A')).value();
    if (static_cast<std::size_t>(symbol.version()) == last) continue;
    last = static_cast<std::size_t>(symbol.version());
    ++versions;
    cv::Mat modules(symbol.side(), symbol.side(), CV_8U);
    for (int y = 0; y < symbol.side(); ++y)
      for (int x = 0; x < symbol.side(); ++x) modules.at<std::uint8_t>(y, x) = symbol.dark(x, y) ? 0 : 255;
    cv::Mat drawn_over = modules.clone();
    draw_function_patterns(drawn_over);
    INFO("version " << symbol.version());
    CHECK(cv::countNonZero(drawn_over != modules) == 0);
  }
  CHECK(versions == 40);
}

TEST_CASE("a code without a quiet zone on dark ground is read") {
  const SearchResult result = search(framed(code_picture(link_one, 7, 0), 60, 40));
  CHECK(result.texts == std::vector<std::string>{link_one});
}

TEST_CASE("a code on a wave is followed") {
  const Gray flat = framed(code_picture(link_one, 9, 4), 40, 255);
  const SearchResult result = search(warped(flat, [&](int x, int y) {
    return std::pair(static_cast<double>(x), y + 16 * std::sin(x * 2 * M_PI / (flat.width * 1.1)));
  }));
  CHECK(result.texts == std::vector<std::string>{link_one});
  CHECK(result.step.starts_with("locate"));
}

TEST_CASE("a large code on a cylinder is followed") {
  const std::string text = link_one + "#AGE1" + std::string(58, 'Q') + std::string(100, 'X');
  const Gray flat = framed(code_picture(text, 8, 4), 10, 255);
  const double middle = flat.width / 2.0, radius = 0.75 * flat.width;
  const SearchResult result = search(warped(flat, [&](int x, int y) {
    const double angle = std::asin(std::clamp((x - middle) / radius, -1.0, 1.0));
    return std::pair(middle + angle * radius, y - 60 * (1 - std::cos(angle)));
  }));
  CHECK(result.texts == std::vector<std::string>{text});
}

TEST_CASE("a small code that is wrapped around a bottle is read, though nothing shows its fourth corner") {
  const std::string text = "WRAPPED AROUND";  // version 1: no alignment pattern
  const Gray flat = framed(code_picture(text, 12, 4), 30, 255);
  const double middle = flat.width * 0.3, radius = 0.45 * flat.width;
  const SearchResult result = search(warped(flat, [&](int x, int y) {
    const double sine = (x - middle) / radius;
    if (std::abs(sine) > 0.98) return std::pair(-1.0, -1.0);
    const double angle = std::asin(sine);
    return std::pair(middle + angle * radius, y - 80 * (1 - std::cos(angle)));
  }));
  CHECK(result.texts == std::vector<std::string>{text});
}

TEST_CASE("a code of which one finder cannot be seen is read") {
  constexpr int module = 8, quiet_zone = 4;
  const Gray whole = framed(code_picture(link_one, module, quiet_zone), 60, 255);
  const int from = 60 + quiet_zone * module, far = whole.width - from - 7 * module;
  const auto seen_from_the_side = [&](const Gray& gray) {
    return warped(gray, [&](int x, int y) {
      const double depth = 1 + 0.0004 * (x - gray.width / 2.0);
      return std::pair(gray.width / 2.0 + (x - gray.width / 2.0) * depth + 0.1 * y - 20,
                       gray.height / 2.0 + (y - gray.height / 2.0) * depth);
    });
  };
  for (const auto& [x, y] : {std::pair(from, from), std::pair(far, from), std::pair(from, far)}) {
    INFO("finder at " << x << "," << y);
    Gray covered = whole, crossed = whole;
    for (int j = -module; j < 8 * module; ++j)
      std::fill_n(covered.row(y + j) + x - module, 9 * module, static_cast<std::uint8_t>(170));
    for (int i = 0; i < whole.width; ++i)
      for (int j = 0; j < 5; ++j) crossed.row(y + 2 * module + i / 8 + j)[i] = 0;
    for (const Gray& gray : {covered, crossed, seen_from_the_side(covered), seen_from_the_side(crossed)})
      CHECK(search(gray).texts == std::vector<std::string>{link_one});
  }
}

TEST_CASE("the search for a finder that cannot be seen ends when it is told to") {
  const Gray whole = framed(code_picture(link_one, 8, 4), 60, 255);
  const cv::Mat gray(whole.height, whole.width, CV_8UC1, const_cast<std::uint8_t*>(whole.pixels.data()));
  const auto finders = find_finders(outlines_of(255 - gray));
  REQUIRE(finders.size() == 3);
  CHECK_FALSE(completed_triples(gray, finders, 8, [] { return false; }).empty());
  CHECK(completed_triples(gray, finders, 8, [] { return true; }).empty());
}

TEST_CASE("noise around a symbol is taken out, its finders stay") {
  constexpr int noise = 100;
  const Gray whole = framed(code_picture(link_one, 5, 4), noise, 255);
  cv::Mat dark = 255 - cv::Mat(whole.height, whole.width, CV_8UC1, const_cast<std::uint8_t*>(whole.pixels.data()));
  std::minstd_rand random(1);
  for (int y = 0; y < dark.rows; ++y)
    for (int x = 0; x < dark.cols; ++x)
      if (std::min({x, y, dark.cols - 1 - x, dark.rows - 1 - y}) < noise && random() % 3 == 0)
        dark.at<std::uint8_t>(y, x) = 255;
  std::vector<std::vector<cv::Point>> lines;
  cv::findContours(dark, lines, cv::RETR_LIST, cv::CHAIN_APPROX_NONE);
  const DarkOutlines outlines = outlines_of(dark);
  CHECK(outlines.lines.size() < 2 * lines.size() / 3);
  CHECK(find_finders(outlines).size() == 3);
}

TEST_CASE("a finder is known by the square in its middle where its ring is broken") {
  constexpr int module = 8;
  cv::Mat dark(40 * module, 40 * module, CV_8U, cv::Scalar(0));
  const auto square = [&](int from, int size, int value) {
    dark(cv::Rect((15 + from) * module, (15 + from) * module, size * module, size * module)).setTo(value);
  };
  square(2, 3, 255);
  CHECK(find_cores(outlines_of(dark)).empty());  // a square by itself
  square(0, 7, 255);
  square(1, 5, 0);
  square(2, 3, 255);
  REQUIRE(find_finders(outlines_of(dark)).size() == 1);
  for (const int gap : {0, 6}) dark(cv::Rect(18 * module, (15 + gap) * module, module, module)).setTo(0);
  CHECK(find_finders(outlines_of(dark)).empty());
  const auto cores = find_cores(outlines_of(dark));
  REQUIRE(cores.size() == 1);
  CHECK(cores[0].side == Approx(7 * module).epsilon(0.05));
  CHECK(cv::norm(cores[0].centre - cv::Point2d(18.5 * module - 0.5, 18.5 * module - 0.5)) < 1);
}
