// From three finders to the modules of a symbol: where each module lies in the picture, how dark it is, and the symbol
// drawn anew as it should look. Private to src/vision.
#pragma once

#include <optional>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "vision/finder_corners.h"
#include "vision/finders.h"
#include "vision/surface.h"

namespace qrx::vision {

class SymbolGrid {
 public:
  // The sizes whose timing patterns fit, the best first; nothing when none fits, as most triples are no symbol.
  // may_bend: also try curves, which takes a hundred times as long.
  static std::vector<SymbolGrid> fit(const cv::Mat& gray, const FinderTriple& finders, bool may_bend);

  int side() const { return side_; }  // modules

  // Pulls the grid to the alignment patterns that can be seen: plane pictures get the right perspective.
  void pull_to_alignment();
  // Symbols of version 1 have nothing that shows where the fourth corner is. Bent ones are tried with it at many
  // places: these are the likeliest, by how far the modules are from the mean around them; none for larger symbols.
  std::vector<SymbolGrid> with_other_corners(std::size_t most) const;
  // Lets the grid follow a bent symbol: moves each part a little to where its modules stand out most. Again: a little
  // more.
  void follow_surface();

  // Mean gray of each module's middle, side * side, 8 bit.
  cv::Mat sample() const;
  // The symbol as seen straight from above, with a border of modules around: white, or what the picture has there.
  cv::Mat rectify(int module_pixels, int border = 4, bool white_border = true) const;

 private:
  SymbolGrid(const cv::Mat& gray, const FinderTriple& finders, int side, FinderShape as);

  double gray_around(double x, double y) const;  // mean over the middle of a module
  void bend_corner(double right, double down);   // by so many modules
  double contrast() const;
  double timing_score() const;
  double bend_to_timing();
  std::optional<cv::Point2d> find_alignment(double x, double y, double reach) const;

  cv::Mat gray_;
  int side_;
  double timing_ = 0;
  std::vector<Surface::Anchor> anchors_;
  Surface surface_;
};

}  // namespace qrx::vision
