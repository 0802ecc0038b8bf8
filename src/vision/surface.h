// Where each point of a symbol lies in a picture: a plane in perspective, and shifts from it where the symbol is bent.
// Private to src/vision.
#pragma once

#include <functional>
#include <vector>

#include <opencv2/core/matx.hpp>
#include <opencv2/core/types.hpp>

namespace qrx::vision {

class Surface {
 public:
  // A point of the symbol, in modules from its top left corner, that was seen at this pixel.
  struct Anchor {
    cv::Point2d module;
    cv::Point2d pixel;
    double weight;
  };
  // One a node: points of a square grid over the symbol, row by row. In modules; between nodes they are interpolated.
  using Shifts = std::vector<cv::Point2d>;

  // side: of the symbol, modules. unit: the longer side of the picture, pixels.
  Surface(int side, double unit);

  // The plane that fits the anchors best. False, and all is as before, when they are on no plane that a camera could
  // see.
  bool lay(const std::vector<Anchor>& anchors);

  cv::Point2d at(double x, double y) const;  // modules to pixels

  int nodes() const { return nodes_; }  // a side
  double spacing() const;               // of the nodes, modules
  bool is_bent() const { return !shifts_.empty(); }
  // Adds to each node's shift what it should move further; x, y: where the node is, modules.
  void bend(const std::function<cv::Point2d(double x, double y)>& further);
  Shifts shifts() const;  // zero for a plane
  void set_shifts(Shifts shifts) { shifts_ = std::move(shifts); }
  void flatten() { shifts_.clear(); }

 private:
  cv::Point2d shift_at(double x, double y) const;

  int side_;
  double unit_;
  int nodes_;
  cv::Matx33d plane_;
  Shifts shifts_;  // empty: none
};

// Here, as it is asked for every pixel.
inline cv::Point2d Surface::at(double x, double y) const {
  if (!shifts_.empty()) {
    const cv::Point2d shift = shift_at(x, y);
    x += shift.x;
    y += shift.y;
  }
  const double w = plane_(2, 0) * x + plane_(2, 1) * y + plane_(2, 2);
  return {(plane_(0, 0) * x + plane_(0, 1) * y + plane_(0, 2)) / w,
          (plane_(1, 0) * x + plane_(1, 1) * y + plane_(1, 2)) / w};
}

}  // namespace qrx::vision
