// Drawings for the terminal are painted as a terminal would and read back by an independent reader.
#include "unit/catch.h"

#include <algorithm>

#include "qr/terminal_drawing.h"
#include "unit/qr_screen.h"

using namespace qrx;
using namespace qrx::qr;

namespace {

// An upper case drop link's alphabet: the size of the symbol follows the length alone.
std::string text_of(std::size_t length) {
  std::string text = "HTTP://QRX.EXAMPLE.NET:8460/U/";
  while (text.size() < length) text += static_cast<char>('A' + text.size() * 7 % 26);
  text.resize(length);
  return text;
}

// Most alphanumeric characters of a version at level L (ISO/IEC 18004, table 7).
std::size_t capacity(int version) {
  constexpr std::size_t table[] = {25, 47, 77, 114, 154, 195, 224, 279, 335, 395};
  return table[version - 1];
}

Symbol symbol_of(int version) {
  return make_symbol(text_of(capacity(version))).value();
}

std::string name_of(const Drawing& drawing) {
  return (drawing.form == Form::two_columns ? "two columns" : "half blocks") + std::string(" q=") +
         std::to_string(drawing.quiet_zone);
}

}  // namespace

TEST_CASE("every form reads back in every colour depth, on dark and light themes") {
  const auto colours = GENERATE(Colours::eight, Colours::sixteen, Colours::palette, Colours::truecolour);
  for (int version = 3; version <= 10; ++version) {
    const Symbol symbol = symbol_of(version);
    REQUIRE(symbol.version() == version);
    const int side = symbol.side();
    const std::pair<int, int> sizes[] = {{2 * side + 8, side + 5},        // two columns, q=2
                                         {side + 8, (side + 9) / 2 + 1},  // half blocks, q=4
                                         {side + 4, (side + 5) / 2 + 1},  // q=2
                                         {side + 2, (side + 3) / 2 + 1},  // q=1
                                         {side + 2, (side + 3) / 2}};     // q=1, no row left
    const std::string expected[] = {"two columns q=2", "half blocks q=4", "half blocks q=2", "half blocks q=1",
                                    "half blocks q=1"};
    for (std::size_t i = 0; i < std::size(sizes); ++i) {
      const Screen screen{sizes[i].first, sizes[i].second, colours};
      const Drawing drawing = draw(symbol, screen);
      REQUIRE(drawing.fits);
      CHECK(name_of(drawing) == expected[i]);
      CHECK(drawing.fills_screen == (i == 4));
      CHECK(static_cast<int>(drawing.lines.size()) == drawing.rows);
      for (const bool dark_theme : {true, false}) {
        const Raster raster = paint(drawing.lines, dark_theme);
        CHECK(raster.columns == drawing.columns);
        CHECK(read_code(raster) == text_of(capacity(version)));
      }
    }
  }
}

TEST_CASE("a gap that a font leaves at the edge of half blocks shows only where it cannot be avoided") {
  const Drawing drawing = draw(symbol_of(6), Screen{80, 24});
  REQUIRE(drawing.form == Form::half_blocks);
  const Raster whole = paint(drawing.lines, true);
  const Raster gaps = paint(drawing.lines, true, 1);
  const int cell = 12;
  int seams = 0, avoidable = 0;
  for (int y = cell; y < whole.height - cell; ++y) {
    for (int x = 0; x < whole.width; ++x) {
      const auto at = [&](const Raster& raster, int line) {
        return raster.pixels[static_cast<std::size_t>(line) * raster.width + x];
      };
      const bool top = y % cell == 0, bottom = y % cell == cell - 1;
      if (at(whole, y) == at(gaps, y)) continue;
      REQUIRE((top || bottom));
      // The seam is as good as gone when what lies beyond the edge has its colour.
      if (at(whole, top ? y - 1 : y + 1) == at(gaps, y)) continue;
      ++seams;
      const bool other_way = at(whole, top ? y + cell : y - cell) == at(whole, y);
      if (other_way) ++avoidable;
    }
  }
  CHECK(seams > 0);
  CHECK(avoidable == 0);
}

TEST_CASE("without colours the drawing reads on a light theme, inverted on a dark one") {
  const Symbol symbol = symbol_of(6);
  Screen screen{80, 24, Colours::none};
  for (const bool two_columns : {false, true}) {
    if (two_columns) screen.columns = screen.rows = 0;
    screen.invert = false;
    const Drawing ink = draw(symbol, screen);
    CHECK(ink.form == (two_columns ? Form::two_columns : Form::half_blocks));
    CHECK(read_code(paint(ink.lines, false)) == text_of(capacity(6)));
    CHECK(read_code(paint(ink.lines, true)).empty());
    screen.invert = true;
    CHECK(read_code(paint(draw(symbol, screen).lines, true)) == text_of(capacity(6)));
  }
}

TEST_CASE("a drawing without colours holds no escape sequence") {
  for (const bool utf8 : {true, false}) {
    const Drawing drawing = draw(symbol_of(4), Screen{0, 0, Colours::none, false, utf8});
    REQUIRE(drawing.fits);
    for (const std::string& line : drawing.lines) CHECK(line.find('\x1b') == std::string::npos);
  }
}

TEST_CASE("an inverted drawing is light on dark") {
  const Drawing drawing = draw(symbol_of(6), Screen{80, 24, Colours::palette, true});
  REQUIRE(drawing.fits);
  Raster raster = paint(drawing.lines, true);
  CHECK(read_code(raster).empty());
  for (auto& pixel : raster.pixels) pixel = static_cast<std::uint8_t>(255 - pixel);
  CHECK(read_code(raster) == text_of(capacity(6)));
}

TEST_CASE("without UTF-8 two columns a module are drawn where they fit, else half blocks") {
  const Symbol symbol = symbol_of(3);
  const Drawing drawing = draw(symbol, Screen{80, 32, Colours::sixteen, false, false});
  REQUIRE(drawing.fits);
  CHECK(drawing.form == Form::two_columns);
  CHECK(drawing.quiet_zone == 1);
  for (const std::string& line : drawing.lines)
    CHECK(std::all_of(line.begin(), line.end(), [](unsigned char c) { return c < 0x80; }));
  CHECK(read_code(paint(drawing.lines, true)) == text_of(capacity(3)));
  const Drawing low = draw(symbol, Screen{80, 24, Colours::sixteen, false, false});
  REQUIRE(low.fits);
  CHECK(low.form == Form::half_blocks);
  CHECK(read_code(paint(low.lines, true)) == text_of(capacity(3)));
}

TEST_CASE("80x24 holds version 6 with a row of text and version 7 without") {
  const Drawing six = draw(symbol_of(6), Screen{80, 24});
  CHECK(six.fits);
  CHECK(six.rows == 23);
  CHECK_FALSE(six.fills_screen);
  const Drawing seven = draw(symbol_of(7), Screen{80, 24});
  CHECK(seven.fits);
  CHECK(seven.rows == 24);
  CHECK(seven.fills_screen);
}

TEST_CASE("what does not fit is not clipped: the size it needs is told, and is enough") {
  const Symbol symbol = symbol_of(8);
  const Screen small{80, 24};
  const Drawing drawing = draw(symbol, small);
  CHECK_FALSE(drawing.fits);
  CHECK(drawing.lines.empty());
  CHECK(does_not_fit(drawing, small) == "the QR code needs 51x26 characters, the terminal has 80x24");
  CHECK(draw(symbol, Screen{drawing.columns, drawing.rows}).fits);
  CHECK_FALSE(draw(symbol, Screen{drawing.columns - 1, drawing.rows}).fits);
  CHECK_FALSE(draw(symbol, Screen{drawing.columns, drawing.rows - 1}).fits);
}

TEST_CASE("each coloured line ends in the terminal's own colours") {
  for (const Colours colours : {Colours::eight, Colours::sixteen, Colours::palette, Colours::truecolour}) {
    for (const std::string& line : draw(symbol_of(5), Screen{80, 24, colours}).lines) {
      CHECK(line.starts_with("\x1b[0;"));
      CHECK(line.ends_with("\x1b[0m"));
      CHECK(line.find('\n') == std::string::npos);
    }
  }
}
