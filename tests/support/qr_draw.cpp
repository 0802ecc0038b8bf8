// For the terminal tests: qr-draw COLUMNS ROWS none|8|16|256|true TEXT [invert] prints the drawing as a tool would.
// Exit 1, and the sentence, when it does not fit.
#include <cstdlib>
#include <iostream>
#include <map>

#include "qr/terminal_drawing.h"

int main(int argc, char** argv) {
  using qrx::qr::Colours;
  const std::map<std::string, Colours> depths = {{"none", Colours::none},
                                                 {"8", Colours::eight},
                                                 {"16", Colours::sixteen},
                                                 {"256", Colours::palette},
                                                 {"true", Colours::truecolour}};
  if (argc < 5 || !depths.contains(argv[3])) return 2;
  qrx::qr::Screen screen{std::atoi(argv[1]), std::atoi(argv[2]), depths.at(argv[3])};
  screen.invert = argc > 5;
  const auto symbol = qrx::qr::make_symbol(argv[4]);
  if (!symbol) return 2;
  const qrx::qr::Drawing drawing = qrx::qr::draw(*symbol, screen);
  if (!drawing.fits) {
    std::cerr << qrx::qr::does_not_fit(drawing, screen) << '\n';
    return 1;
  }
  for (std::size_t i = 0; i < drawing.lines.size(); ++i) {
    if (i > 0) std::cout << '\n';
    std::cout << drawing.lines[i];
  }
  if (!drawing.fills_screen) std::cout << '\n';
  std::cout << std::flush;
}
