// Names as an attacker, a broken client or a fuzzer might send them.
#pragma once

#include <iterator>
#include <random>
#include <string>

namespace qrx::test {

inline std::string hostile_name(std::mt19937& random) {
  static const std::string pieces[] = {"..",
                                       ".",
                                       "/",
                                       "//",
                                       "\\",
                                       "-rf",
                                       "--",
                                       ".bashrc",
                                       "a",
                                       "photo.jpg",
                                       "C:",
                                       "CON",
                                       "nul.txt",
                                       std::string(1, '\0'),
                                       "\n",
                                       "\r",
                                       "\x1b[2J",
                                       "\x7f",
                                       "\xc2\x85",
                                       "\xe2\x80\xae",
                                       "\xe2\x80\x8b",
                                       "\xef\xbb\xbf",
                                       "\xff",
                                       "\xc0\xaf",
                                       "\xed\xa0\x80",
                                       "\xf0\x9f\x98\x80",
                                       "\xe4\xbd\xa0\xe5\xa5\xbd",
                                       " ",
                                       "~",
                                       "$HOME",
                                       "`id`",
                                       ";",
                                       "*",
                                       "%2e%2e",
                                       "..%2f",
                                       ".qrx-part",
                                       std::string(300, 'l'),
                                       std::string(120, '\xe4'),
                                       "\xc3\xa9",
                                       "e\xcc\x81",
                                       "\t",
                                       "|",
                                       "\"",
                                       "'"};
  std::string out;
  const auto count = random() % 12;
  for (unsigned i = 0; i < count; ++i) {
    out += pieces[random() % std::size(pieces)];
    if (random() % 3 == 0) out += '/';
  }
  return out;
}

}  // namespace qrx::test
