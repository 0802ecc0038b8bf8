#include "vision/symbol_grid.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include <opencv2/imgproc.hpp>

#include "vision/finder_corners.h"
#include "vision/follow_surface.h"
#include "vision/sampling.h"
#include "vision/symbol_modules.h"

namespace qrx::vision {
namespace {

constexpr double least_timing = 0.72;       // random pictures rarely reach 0.65
constexpr double least_bent_timing = 0.83;  // hundreds of curves are tried: chance reaches more

double length(const cv::Point2d& v) {
  return std::hypot(v.x, v.y);
}

int side_of(int version) {
  return 17 + 4 * version;
}

// 0 at the finders' middles, 1 half way between them.
double parabola(double along, int side) {
  const double t = (along - 3.5) / (side - 7);
  return 4 * t * (1 - t);
}

// 0 at the finders' middles and half way, 1 and -1 in between.
double wave(double along, int side) {
  const double t = (along - 3.5) / (side - 7);
  return 20.8 * t * (1 - t) * (0.5 - t);
}

}  // namespace

SymbolGrid::SymbolGrid(const cv::Mat& gray, const FinderTriple& finders, int side, FinderShape as)
    : gray_(gray), side_(side), surface_(side, std::max(gray.cols, gray.rows)) {
  const cv::Point2d across = finders.across.centre - finders.corner.centre;
  const cv::Point2d down = finders.down.centre - finders.corner.centre;
  const double far = side - 7;
  if (as == FinderShape::middle) {
    const double middle = side - 3.5;
    anchors_ = {{{3.5, 3.5}, finders.corner.centre, 1},
                {{middle, 3.5}, finders.across.centre, 1},
                {{3.5, middle}, finders.down.centre, 1},
                {{middle, middle}, finders.corner.centre + across + down, 1}};
    return;
  }
  const std::pair<const Finder*, cv::Point2d> places[] = {
      {&finders.corner, {0, 0}}, {&finders.across, {far, 0}}, {&finders.down, {0, far}}};
  for (const auto& [finder, place] : places) {
    const auto corners = corners_of(*finder, across, down, as);
    const cv::Point2d modules[4] = {{0, 0}, {7, 0}, {7, 7}, {0, 7}};
    for (int i = 0; i < 4; ++i) anchors_.push_back({place + modules[i], corners[i], 1});
    anchors_.push_back({place + cv::Point2d(3.5, 3.5), finder->centre, 1});
  }
}

std::vector<SymbolGrid> SymbolGrid::fit(const cv::Mat& gray, const FinderTriple& finders, bool may_bend) {
  const cv::Point2d across = finders.across.centre - finders.corner.centre;
  const cv::Point2d down = finders.down.centre - finders.corner.centre;
  // The distance between two finders, in modules of their own mean size.
  const auto likely_version = [&](FinderShape as) {
    double modules = 0;
    for (const bool is_across : {true, false}) {
      const cv::Point2d& leg = is_across ? across : down;
      double module = 0;
      for (const Finder* finder : {&finders.corner, is_across ? &finders.across : &finders.down})
        module += half_extent(corners_of(*finder, across, down, as), is_across) * 2 / 7 / 2;
      modules += length(leg) / std::max(0.5, module) / 2;
    }
    // 7: from the finders' middles to the symbol's edges.
    return static_cast<int>(std::lround((modules + 7 - 17) / 4));
  };
  std::vector<SymbolGrid> grids;
  const auto add = [&](FinderShape as) {
    const int guess = likely_version(as);
    // Of large symbols a small error of the module's size is several versions.
    const int reach = guess < 7 ? 1 : guess < 14 ? 2 : 3;
    for (int version = std::max(1, guess - reach); version <= std::min(40, guess + reach); ++version) {
      SymbolGrid grid(gray, finders, side_of(version), as);
      if (!grid.surface_.lay(grid.anchors_)) continue;
      grid.timing_ = grid.timing_score();
      grids.push_back(std::move(grid));
    }
  };
  add(FinderShape::square);
  const auto keep_best = [&](double least, std::size_t most) {
    std::erase_if(grids, [&](const SymbolGrid& grid) { return grid.timing_ < least; });
    // A long pattern that fits says more than a short one: any curve fits five modules.
    std::ranges::sort(grids, std::greater(),
                      [](const SymbolGrid& grid) { return (grid.timing_ - 0.5) * std::sqrt(grid.side_ - 16); });
    if (grids.size() > most) grids.erase(grids.begin() + static_cast<std::ptrdiff_t>(most), grids.end());
  };
  const auto is_plane = [&] {
    return std::ranges::any_of(grids, [](const SymbolGrid& grid) { return grid.timing_ >= least_timing; });
  };
  // Other shapes only where squares fit nothing: round finders, and finders with torn edges.
  for (const FinderShape as : {FinderShape::oval, FinderShape::middle}) {
    if (is_plane() || (as == FinderShape::oval && !finders.any_round())) continue;
    const std::size_t before = grids.size();
    add(as);
    if (!is_plane()) grids.erase(grids.begin() + static_cast<std::ptrdiff_t>(before), grids.end());
  }
  if (is_plane()) {
    keep_best(least_timing, 1);
  } else if (may_bend) {
    for (SymbolGrid& grid : grids) grid.timing_ = grid.bend_to_timing();
    keep_best(least_bent_timing, 2);
  } else {
    grids.clear();
  }
  return grids;
}

double SymbolGrid::gray_around(double x, double y) const {
  double sum = 0;
  // The inner half of a module: its edges are smeared by its neighbours.
  for (const double dy : {-0.22, 0.0, 0.22})
    for (const double dx : {-0.22, 0.0, 0.22}) sum += gray_at(gray_, surface_.at(x + dx, y + dy));
  return sum / 9;
}

void SymbolGrid::bend_corner(double right, double down) {
  // Nothing moves along the edges between the finders.
  const auto share = [this](double along) { return std::max(0.0, (along - 3.5) / (side_ - 7)); };
  surface_.bend([&](double x, double y) { return cv::Point2d(right, down) * (share(x) * share(y)); });
}

double SymbolGrid::contrast() const {
  // What the finders and their surroundings say is the same wherever the corner is.
  constexpr int from = 8;
  const int count = side_ - from + 1;  // with the first light modules beside the symbol
  cv::Mat_<float> samples(count, count), mean;
  double least = 255, most = 0;
  for (int y = 0; y < count; ++y)
    for (int x = 0; x < count; ++x) {
      const double gray = gray_around(from + x + 0.5, from + y + 0.5);
      samples(y, x) = static_cast<float>(gray);
      least = std::min(least, gray);
      most = std::max(most, gray);
    }
  cv::blur(samples, mean, cv::Size(5, 5), cv::Point(-1, -1), cv::BORDER_REPLICATE);
  const double middle = (least + most) / 2;
  double sum = 0;
  for (int y = 0; y < count; ++y)
    for (int x = 0; x < count; ++x) {
      const bool beside = x == count - 1 || y == count - 1;
      sum += beside ? std::min(samples(y, x) - middle, 0.4 * (most - least)) : std::abs(samples(y, x) - mean(y, x));
    }
  return sum;
}

std::vector<SymbolGrid> SymbolGrid::with_other_corners(std::size_t most) const {
  std::vector<std::pair<double, SymbolGrid>> all;
  // Version 1 has no alignment pattern, so nothing says where the fourth corner is. Larger ones have.
  if (side_ != 21) return {};
  // In steps of half a module, less than which a module is still hit.
  for (double down = -4; down <= 2; down += 0.5) {
    for (double right = -4; right <= 2; right += 0.5) {
      if (right == 0 && down == 0) continue;
      SymbolGrid bent = *this;
      bent.bend_corner(right, down);
      const double contrast = bent.contrast();
      all.emplace_back(contrast, std::move(bent));
    }
  }
  std::ranges::sort(all, std::greater(), [](const auto& each) { return each.first; });
  std::vector<SymbolGrid> out;
  for (std::size_t i = 0; i < std::min(most, all.size()); ++i) out.push_back(std::move(all[i].second));
  return out;
}

// The share of timing modules that are on the right side of the mean of their neighbours, along the row and the column.
double SymbolGrid::timing_score() const {
  const int count = side_ - 14;
  double right = 0;
  for (const bool row : {true, false}) {
    std::vector<double> line;
    for (int i = 7; i < side_ - 7; ++i) line.push_back(row ? gray_around(i + 0.5, 6.5) : gray_around(6.5, i + 0.5));
    right += alternation(line);
  }
  return count > 0 ? right / 2 : 0;
}

// Looks for the curve along which each timing pattern lies when the symbol is not plane: bowed to one side, denser at
// one end, denser at both ends. The grid takes it over. The score of the worse one of the two.
double SymbolGrid::bend_to_timing() {
  struct Curve {
    double score = 0, bow = 0, stretch = 0, bulge = 0;
  };
  Curve found[2];
  std::vector<double> line(static_cast<std::size_t>(side_ - 14));
  // Each direction by itself: 17 * 7 * 5 curves.
  for (const bool row : {true, false}) {
    Curve& best = found[row ? 0 : 1];
    for (double bow = -4; bow <= 4; bow += 0.5) {
      for (double stretch = -1.5; stretch <= 1.5; stretch += 0.5) {
        for (double bulge = -1; bulge <= 1; bulge += 0.5) {
          for (std::size_t i = 0; i < line.size(); ++i) {
            const double along = static_cast<double>(i) + 7.5, bend = parabola(along, side_);
            const double x = along + stretch * bend + bulge * wave(along, side_), y = 6.5 + bow * bend;
            line[i] = gray_at(gray_, row ? surface_.at(x, y) : surface_.at(y, x));
          }
          // Of equal curves the flatter one.
          const double score = alternation(line) - 0.004 * (std::abs(bow) + std::abs(stretch) + std::abs(bulge));
          if (score > best.score) best = {score, bow, stretch, bulge};
        }
      }
    }
  }
  surface_.bend([&](double x, double y) {
    const double across = parabola(x, side_), down = parabola(y, side_);
    return cv::Point2d(found[0].stretch * across + found[0].bulge * wave(x, side_) + found[1].bow * down,
                       found[0].bow * across + found[1].stretch * down + found[1].bulge * wave(y, side_));
  });
  return std::min(found[0].score, found[1].score);
}

// Where the 5x5 pattern centred near module coordinates (x, y) really is, in the same coordinates.
// Template matching by normalised cross-correlation: light and contrast do not matter.
std::optional<cv::Point2d> SymbolGrid::find_alignment(double x, double y, double reach) const {
  constexpr int scale = 6;
  const int size = static_cast<int>((5 + 2 * reach) * scale);
  cv::Mat_<float> patch(size, size);
  for (int j = 0; j < size; ++j)
    for (int i = 0; i < size; ++i)
      patch(j, i) = static_cast<float>(
          gray_at(gray_, surface_.at(x + (i + 0.5) / scale - 2.5 - reach, y + (j + 0.5) / scale - 2.5 - reach)));
  cv::Mat_<float> pattern(5 * scale, 5 * scale, 0.0f);
  pattern(cv::Rect(scale, scale, 3 * scale, 3 * scale)) = 255;
  pattern(cv::Rect(2 * scale, 2 * scale, scale, scale)) = 0;
  cv::Mat score;
  cv::matchTemplate(patch, pattern, score, cv::TM_CCOEFF_NORMED);
  double best = 0;
  cv::Point where;
  cv::minMaxLoc(score, nullptr, &best, nullptr, &where);
  // 0.45: noise rarely correlates more; a blurred pattern does.
  if (best < 0.45) return std::nullopt;
  return cv::Point2d(x + where.x / static_cast<double>(scale) - reach,
                     y + where.y / static_cast<double>(scale) - reach);
}

void SymbolGrid::pull_to_alignment() {
  const auto centres = alignment_centres(side_);
  if (centres.empty() || surface_.is_bent()) return;
  const double timing_before = timing_score();
  const auto anchors_before = anchors_;
  const Surface surface_before = surface_;
  const double last = centres.back() + 0.5;
  // Far from the three finders the plane is a guess: the window grows until the pattern is in it.
  for (const double reach : {2.0, 3.5, 5.0}) {
    const auto found = find_alignment(last, last, reach);
    if (!found) continue;
    // Three times the weight of the others: no finder is near.
    anchors_.push_back({{last, last}, surface_.at(found->x, found->y), 3});
    if (surface_.lay(anchors_)) break;
    anchors_.pop_back();
  }
  const std::size_t plain = anchors_.size();
  for (const int y : centres) {
    for (const int x : centres) {
      const bool in_finder = (x == 6 && y == 6) || (x == 6 && y == centres.back()) || (y == 6 && x == centres.back());
      if (in_finder || (x == centres.back() && y == centres.back())) continue;
      if (const auto found = find_alignment(x + 0.5, y + 0.5, 1.5))
        anchors_.push_back({{x + 0.5, y + 0.5}, surface_.at(found->x, found->y), 1});
    }
  }
  if (anchors_.size() > plain) (void)surface_.lay(anchors_);
  // What looked like an alignment pattern was none.
  if (timing_score() < timing_before - 0.06) {
    anchors_ = anchors_before;
    surface_ = surface_before;
  }
}

void SymbolGrid::follow_surface() {
  constexpr int border = 5;
  constexpr int module_pixels = 8;
  const Surface bent = surface_;
  // Seen flat, as the shifts that are looked for replace those that are there.
  surface_.flatten();
  cv::Mat flat;
  cv::blur(rectify(module_pixels, border, false), flat, cv::Size(5, 5));
  surface_.set_shifts(followed({flat, module_pixels, border}, side_, bent));
}

cv::Mat SymbolGrid::sample() const {
  cv::Mat out(side_, side_, CV_8U);
  for (int y = 0; y < side_; ++y)
    for (int x = 0; x < side_; ++x)
      out.at<std::uint8_t>(y, x) = cv::saturate_cast<std::uint8_t>(gray_around(x + 0.5, y + 0.5));
  return out;
}

cv::Mat SymbolGrid::rectify(int module_pixels, int border, bool white_border) const {
  const int size = (side_ + 2 * border) * module_pixels;
  cv::Mat out(size, size, CV_8U, cv::Scalar(255));
  const int margin = white_border ? border * module_pixels : 0;
  for (int y = margin; y < size - margin; ++y)
    for (int x = margin; x < size - margin; ++x)
      out.at<std::uint8_t>(y, x) = cv::saturate_cast<std::uint8_t>(
          gray_at(gray_, surface_.at((x + 0.5) / module_pixels - border, (y + 0.5) / module_pixels - border)));
  return out;
}

}  // namespace qrx::vision
