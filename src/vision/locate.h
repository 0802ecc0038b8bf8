// Finds symbols by their finders and reads them module by module: symbols without a quiet zone, under glare, bent or
// damaged, which a reader of whole pictures gives up. Private to src/vision.
#pragma once

#include <cstddef>

#include "vision/search.h"

namespace qrx::vision {

// How many of the likeliest are tried, of each kind, in one picture.
struct LocateEffort {
  std::size_t triples;    // of finders, by each way to tell dark from light
  std::size_t bent;       // of these, also as symbols on a bent surface
  std::size_t completed;  // pairs whose third finder was not found
  int follows;            // times that a grid is laid closer to a bent symbol
  std::size_t proof;      // as repair_symbol() takes it
};
// So that the steps that follow have their share of the budget.
inline constexpr LocateEffort usual_effort{24, 4, 8, 3, 0};
// For --thorough: so many tries that the least proof of the smallest symbols would come by chance.
inline constexpr LocateEffort great_effort{128, 32, 64, 8, 3};

// gray: the picture at the size to search in.
void locate_and_read(Search& search, const cv::Mat& gray, const LocateEffort& effort = usual_effort);

// After a drop link was found: is there another symbol beside it? Which of two links is taken must not be decided by
// luck.
void look_beside(Search& search);

}  // namespace qrx::vision
