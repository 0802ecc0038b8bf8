#include "vision/finders.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <opencv2/imgproc.hpp>

namespace qrx::vision {
namespace {

using Contour = std::vector<cv::Point>;
using Quad = std::array<cv::Point2d, 4>;

constexpr int least_contour = 8;          // points of the innermost square's outline
constexpr std::size_t most_finders = 60;  // the largest: a page of text has thousands of near misses

double length(const cv::Point2d& v) {
  return std::hypot(v.x, v.y);
}

double quad_area(const Quad& quad) {
  double sum = 0;
  for (int i = 0; i < 4; ++i) sum += quad[i].cross(quad[(i + 1) % 4]);
  return std::abs(sum) / 2;
}

cv::Point2d centroid(const Quad& quad) {
  return (quad[0] + quad[1] + quad[2] + quad[3]) / 4;
}

// The four corners of a convex outline that is nearly a quadrangle, else of the smallest rectangle around it.
Quad corners_of(const Contour& contour) {
  Contour hull, quad;
  cv::convexHull(contour, hull);
  const double around = cv::arcLength(hull, true);
  for (double tolerance = 0.02; tolerance < 0.2; tolerance += 0.02) {
    // Douglas and Peucker's algorithm, coarser until four corners are left.
    cv::approxPolyDP(hull, quad, tolerance * around, true);
    if (quad.size() <= 4) break;
  }
  Quad out;
  if (quad.size() == 4) {
    for (int i = 0; i < 4; ++i) out[i] = quad[i];
  } else {
    cv::Point2f box[4];
    cv::minAreaRect(hull).points(box);
    for (int i = 0; i < 4; ++i) out[i] = box[i];
  }
  return out;
}

// Moves the corners away from the centre: by pixels each, and by a factor.
Quad grown(const Quad& quad, double pixels, double factor) {
  const cv::Point2d middle = centroid(quad);
  Quad out;
  for (int i = 0; i < 4; ++i) {
    const cv::Point2d arm = quad[i] - middle;
    const double arm_length = std::max(1e-6, length(arm));
    out[i] = middle + arm * (factor * (arm_length + pixels) / arm_length);
  }
  return out;
}

std::optional<Finder> as_finder(const Quad& quad, double outline_area) {
  Finder finder;
  finder.corners = quad;
  finder.centre = centroid(quad);
  double longest = 0, shortest = 1e9;
  for (int i = 0; i < 4; ++i) {
    const double edge = length(quad[i] - quad[(i + 1) % 4]);
    longest = std::max(longest, edge);
    shortest = std::min(shortest, edge);
    finder.side += edge / 4;
  }
  // 4 pixels a side: less has no shape. 3.2: seen from flatter than that, its modules are too narrow to be read.
  if (shortest < 4 || longest > 3.2 * shortest) return std::nullopt;
  // The outline of a finder fills its quadrangle; letters do not.
  if (outline_area < 0.55 * quad_area(quad)) return std::nullopt;
  return finder;
}

// The ellipse that an outline is, grown by a factor; zeros when it is none. Of its second moments (Hu 1962): an ellipse
// with half axes a and b has mu20 = area * a^2 / 4. The area of an ellipse is 4 pi times the root of their determinant;
// a square has 4.5 % less.
cv::Matx22d oval_of(const Contour& contour, double factor) {
  const cv::Moments moments = cv::moments(contour);
  if (moments.m00 <= 0) return cv::Matx22d::zeros();
  const double scale = 4 * factor * factor / moments.m00;
  const cv::Matx22d out(scale * moments.mu20, scale * moments.mu11, scale * moments.mu11, scale * moments.mu02);
  const double ellipse = CV_PI * std::sqrt(std::max(0.0, cv::determinant(out))) / (factor * factor);
  return moments.m00 > 0.98 * ellipse ? out : cv::Matx22d::zeros();
}

bool concentric(const cv::Point2d& a, const cv::Point2d& b, double side) {
  return length(a - b) <= 0.22 * side;
}

// A dark ring around a light ring around a dark square: areas 49 : 25 : 9. core is the square's outline, hole the light
// ring's outer one, ring the dark ring's outer one where it stands free.
std::optional<Finder> from_outlines(const Contour& core, const Contour& hole, const Contour* ring) {
  const double core_area = cv::contourArea(core) + 1;
  const double hole_area = cv::contourArea(hole) + 1;
  // 25 : 9 is 2.8; blurred or overexposed rings are far from it.
  if (hole_area < 1.15 * core_area || hole_area > 7 * core_area) return std::nullopt;
  const Quad core_quad = corners_of(core);
  if (ring) {
    const double ring_area = cv::contourArea(*ring) + 1;
    if (ring_area >= 2.3 * core_area && ring_area <= 16 * core_area) {
      // Outlines run through the centres of pixels.
      auto finder = as_finder(grown(corners_of(*ring), 0.7, 1), ring_area);
      if (finder) finder->oval = oval_of(*ring, 1);
      if (finder && concentric(finder->centre, centroid(core_quad), finder->side)) return finder;
    }
  }
  // The outline of a hole runs through the dark pixels around it: five modules and a pixel. Used where the dark ring
  // touches something dark, so that its own outline is not its own.
  if (core_area < 9 || hole_area < 1.8 * core_area || hole_area > 4.5 * core_area) return std::nullopt;
  auto finder = as_finder(grown(corners_of(hole), -0.7, 7.0 / 5.0), hole_area * 49 / 25);
  if (finder) finder->oval = oval_of(hole, 7.0 / 5.0);
  if (finder && concentric(finder->centre, centroid(core_quad), finder->side)) return finder;
  return std::nullopt;
}

// The share of points along a quadrangle, grown by a factor, that are as dark as is said.
double share_along(const cv::Mat& dark, const Quad& quad, double factor, bool is_dark) {
  constexpr int points = 12;  // an edge
  const Quad line = grown(quad, 0, factor);
  int count = 0;
  for (int i = 0; i < 4; ++i)
    for (int k = 0; k < points; ++k) {
      const cv::Point2d at = line[i] + (line[(i + 1) % 4] - line[i]) * ((k + 0.5) / points);
      const cv::Point pixel(cvRound(at.x), cvRound(at.y));
      if (!cv::Rect(cv::Point(), dark.size()).contains(pixel)) continue;
      count += (dark.at<std::uint8_t>(pixel) != 0) == is_dark;
    }
  return count / (4.0 * points);
}

// A dark square by itself, a light ring around it, and of the dark ring around that so much that letters have not.
std::optional<Finder> from_core(const cv::Mat& dark, const Contour& core) {
  constexpr double least_light = 0.85, least_dark = 0.5;
  const double area = cv::contourArea(core);
  // The length around a rectangle of 1 by 3, squared, is 21 times its area. Most outlines end here.
  const auto around = static_cast<double>(core.size());
  if (area < 9 || around * around > 30 * area) return std::nullopt;
  // Outlines run through the centres of pixels. Three modules of seven.
  const Quad quad = grown(corners_of(core), 0.7, 1);
  if (area < 0.6 * quad_area(quad)) return std::nullopt;
  // The middles of the rings, in shares of the square's half: 2 and 3 modules of 1.5.
  if (share_along(dark, quad, 2 / 1.5, false) < least_light || share_along(dark, quad, 3 / 1.5, true) < least_dark)
    return std::nullopt;
  return as_finder(grown(quad, 0, 7.0 / 3.0), area * 49 / 9);
}

// More edges from left to right than modules of four pixels could have, everywhere.
bool is_busy(const cv::Mat& dark) {
  if (dark.cols < 2) return false;
  cv::Mat edges;
  const int last = dark.cols - 1;
  cv::compare(dark.colRange(0, last), dark.colRange(1, last + 1), edges, cv::CMP_NE);
  return cv::countNonZero(edges) > dark.rows * last / 8;
}

}  // namespace

bool DarkOutlines::is_hole(std::size_t line) const {
  // Dark areas and holes alternate, from the outermost inward.
  bool hole = false;
  for (int up = tree[line][3]; up >= 0; up = tree[static_cast<std::size_t>(up)][3]) hole = !hole;
  return hole;
}

DarkOutlines outlines_of(const cv::Mat& dark) {
  DarkOutlines out;
  // The time that OpenCV takes grows with the square of the number of outlines, and noise has a hundred thousand.
  // In such noise no ring of a single pixel is seen anyway.
  if (is_busy(dark))
    cv::medianBlur(dark, out.dark, 3);
  else
    out.dark = dark;
  cv::findContours(out.dark, out.lines, out.tree, cv::RETR_TREE, cv::CHAIN_APPROX_NONE);
  return out;
}

std::vector<Finder> find_cores(const DarkOutlines& outlines) {
  std::vector<Finder> out;
  for (std::size_t i = 0; i < outlines.lines.size(); ++i) {
    const Contour& line = outlines.lines[i];
    if (static_cast<int>(line.size()) < least_contour || outlines.is_hole(i)) continue;
    if (auto finder = from_core(outlines.dark, line)) out.push_back(*finder);
  }
  for (Finder& finder : out) finder.without_ring = true;
  std::ranges::sort(out, std::greater(), &Finder::side);
  if (out.size() > most_finders) out.resize(most_finders);
  return out;
}

std::vector<Finder> find_finders(const DarkOutlines& outlines) {
  const auto& [dark, lines, tree] = outlines;
  std::vector<Finder> out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const int hole = tree[i][3];
    if (hole < 0 || static_cast<int>(lines[i].size()) < least_contour) continue;
    const int ring = tree[static_cast<std::size_t>(hole)][3];
    if (ring < 0 || outlines.is_hole(i)) continue;
    const auto finder =
        from_outlines(lines[i], lines[static_cast<std::size_t>(hole)], &lines[static_cast<std::size_t>(ring)]);
    if (finder) merge_finders(out, {*finder});
  }
  std::ranges::sort(out, [](const Finder& a, const Finder& b) { return a.side > b.side; });
  if (out.size() > most_finders) out.resize(most_finders);
  return out;
}

void merge_finders(std::vector<Finder>& all, const std::vector<Finder>& more) {
  for (const Finder& finder : more) {
    const bool known = std::ranges::any_of(all, [&](const Finder& other) {
      return length(other.centre - finder.centre) < 0.3 * std::min(other.side, finder.side) &&
             std::abs(other.side - finder.side) < 0.25 * finder.side;
    });
    if (!known) all.push_back(finder);
  }
}

std::vector<FinderTriple> likely_triples(const std::vector<Finder>& finders, std::size_t most) {
  std::vector<FinderTriple> out;
  const std::size_t count = finders.size();
  for (std::size_t c = 0; c < count; ++c) {
    for (std::size_t a = 0; a < count; ++a) {
      for (std::size_t d = a + 1; d < count; ++d) {
        if (a == c || d == c) continue;
        const Finder &corner = finders[c], &one = finders[a], &two = finders[d];
        const double sides[] = {corner.side, one.side, two.side};
        const auto [small, large] = std::minmax({sides[0], sides[1], sides[2]});
        // Seen in perspective the nearest may be twice as large as the farthest.
        if (large > 2.2 * small) continue;
        const cv::Point2d to_one = one.centre - corner.centre, to_two = two.centre - corner.centre;
        const double leg_one = length(to_one), leg_two = length(to_two);
        // Version 1: 14 modules between the middles, twice a finder's side; less when seen from the side.
        if (std::min(leg_one, leg_two) < 1.2 * small || std::max(leg_one, leg_two) > 2.3 * std::min(leg_one, leg_two))
          continue;
        // 177 modules at most between the outer edges
        if (std::max(leg_one, leg_two) > 26 * large) continue;
        const double cosine = to_one.dot(to_two) / (leg_one * leg_two);
        // Between 52 and 128 degrees.
        if (std::abs(cosine) > 0.62) continue;
        // How far it is from a square seen from above.
        const double score = 1.5 * std::abs(cosine) +
                             std::log(std::max(leg_one, leg_two) / std::min(leg_one, leg_two)) +
                             std::log(large / small);
        const bool clockwise = to_one.cross(to_two) > 0;
        out.push_back({corner, clockwise ? one : two, clockwise ? two : one, score});
      }
    }
  }
  const auto best = std::min(most, out.size());
  std::ranges::partial_sort(out, out.begin() + static_cast<std::ptrdiff_t>(best), {}, &FinderTriple::score);
  out.resize(best);
  return out;
}

}  // namespace qrx::vision
