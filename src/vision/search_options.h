// What a search for codes may cost and must find, and what it found.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "vision/colour.h"

namespace qrx::vision {

struct SearchOptions {
  // Of this thread's processor time, checked between steps. 0: every way is tried, for most_thorough (scan_client.h) at
  // most.
  std::chrono::milliseconds budget{1500};
  bool any = false;  // false: only a drop link ends the search; true: the first step that reads anything
  // The same picture in colours, with so many pixels at least along its shorter side, as far as it has them. Called
  // once at most, when gray was not enough. Empty: there are no colours.
  std::function<std::optional<ColourPicture>(int side)> colours;
  bool screenshot = false;  // a lossless picture: seams between a terminal's cells are healed first
};

struct SearchResult {
  // Every text read, drop links first, no text twice, at most 32; bytes as they stand in the codes.
  std::vector<std::string> texts;
  std::string step;  // that read the first of texts; empty when none
};

}  // namespace qrx::vision
