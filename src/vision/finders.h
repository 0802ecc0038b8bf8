// The three squares in the corners of a QR code, found by their outlines in a black and white picture. Private to
// src/vision.
#pragma once

#include <array>
#include <vector>

#include <opencv2/core/mat.hpp>

namespace qrx::vision {

struct Finder {
  std::array<cv::Point2d, 4> corners;  // of the outer square of seven modules, in order around it
  cv::Point2d centre;
  double side = 0;  // mean length of an edge, pixels: seven modules
  // Drawn as a ring: its corners are then where chance put them, and this matrix is that of the ellipse that it is
  // seen as (the points for which the product of the inverse from both sides is at most 1). Zeros: it has corners.
  cv::Matx22d oval = cv::Matx22d::zeros();
  bool is_round() const { return oval(0, 0) > 0; }
  bool without_ring = false;  // found by find_cores()
};

// What is dark in a picture, and the outlines of it.
struct DarkOutlines {
  cv::Mat dark;  // 255 where the picture is dark; noise too fine for a finder may have been taken out
  std::vector<std::vector<cv::Point>> lines;
  std::vector<cv::Vec4i> tree;           // of each line: next, previous, first child, parent; -1: none
  bool is_hole(std::size_t line) const;  // around something light
};
// dark: 255 where the picture is dark.
DarkOutlines outlines_of(const cv::Mat& dark);

// Outlines that touch their surroundings are completed from the light ring inside.
std::vector<Finder> find_finders(const DarkOutlines& outlines);

// Finders whose outer ring is broken, faded or drawn as something else: by the dark square in the middle and the light
// ring around it. Fewer proofs, so for when find_finders() has not led to a symbol.
std::vector<Finder> find_cores(const DarkOutlines& outlines);

// Adds those that are not there yet.
void merge_finders(std::vector<Finder>& all, const std::vector<Finder>& more);

// Three that may belong to one symbol; across and down are its top and left edge, of which across comes first
// clockwise.
struct FinderTriple {
  Finder corner;
  Finder across;
  Finder down;
  double score = 0;  // smaller is likelier
  bool any_without_ring() const { return corner.without_ring || across.without_ring || down.without_ring; }
  bool any_round() const { return corner.is_round() || across.is_round() || down.is_round(); }
};

// The likeliest first.
std::vector<FinderTriple> likely_triples(const std::vector<Finder>& finders, std::size_t most);

}  // namespace qrx::vision
