// From three finders to the modules of a symbol: where each module lies in the picture, how dark it is, and the symbol
// drawn anew as it should look. Private to src/vision.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "vision/finders.h"

namespace qrx {

class SymbolGrid {
 public:
  // What of the finders the grid hangs on: their corners; those of the rings that round ones are seen as; their middles
  // alone, without perspective, as edges may be torn.
  enum class Finders : std::uint8_t { squares, ovals, middles };

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
  SymbolGrid(const cv::Mat& gray, const FinderTriple& finders, int side, Finders as);

  cv::Point2d at(double x, double y) const;  // module coordinates to pixels of the picture
  cv::Point2d shift_at(double x, double y) const;
  double gray_at(const cv::Point2d& point) const;
  double gray_around(double x, double y) const;  // mean over the middle of a module
  bool solve();
  void bend_corner(double right, double down);  // by so many modules
  double contrast() const;
  double timing_score() const;
  double bend_to_timing();
  std::optional<cv::Point2d> find_alignment(double x, double y, double reach) const;

  struct Anchor {
    cv::Point2d module;
    cv::Point2d pixel;
    double weight;
  };

  cv::Mat gray_;
  FinderTriple finders_;
  int side_;
  double timing_ = 0;
  std::vector<Anchor> anchors_;
  cv::Matx33d plane_;
  int nodes_ = 0;  // shifts lie on nodes_ * nodes_ points, node_step modules apart
  std::vector<cv::Point2d> shifts_;
};

}  // namespace qrx
