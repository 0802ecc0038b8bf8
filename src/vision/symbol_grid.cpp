#include "vision/symbol_grid.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include <opencv2/imgproc.hpp>

#include "vision/symbol_modules.h"

namespace qrx {
namespace {

constexpr double least_timing = 0.72;       // random pictures rarely reach 0.65
constexpr double least_bent_timing = 0.83;  // hundreds of curves are tried: chance reaches more
constexpr int node_step = 4;

double length(const cv::Point2d& v) {
  return std::hypot(v.x, v.y);
}

int side_of(int version) {
  return 17 + 4 * version;
}

// The corners of the parallelogram around an ellipse whose sides run along the legs.
std::array<cv::Point2d, 4> corners_around(const Finder& round, const cv::Point2d& across, const cv::Point2d& down) {
  const auto reach = [&](const cv::Point2d& along, const cv::Point2d& other) {
    const cv::Vec2d normal(-other.y, other.x);
    return along * (std::sqrt(std::max(0.0, normal.dot(round.oval * normal))) /
                    std::max(1e-6, std::abs(normal.dot(cv::Vec2d(along.x, along.y)))));
  };
  const cv::Point2d right = reach(across, down), below = reach(down, across), middle = round.centre;
  return {middle - right - below, middle + right - below, middle + right + below, middle - right + below};
}

// Which corner of the finder in the picture is which of the symbol: the assignment nearest to what the legs predict.
std::array<cv::Point2d, 4> ordered(const Finder& finder, const cv::Point2d& across, const cv::Point2d& down) {
  const cv::Point2d expected[4] = {finder.centre - across - down, finder.centre + across - down,
                                   finder.centre + across + down, finder.centre - across + down};
  std::array<cv::Point2d, 4> best{};
  double least = 1e18;
  for (int first = 0; first < 4; ++first) {
    for (const int turn : {1, 3}) {
      std::array<cv::Point2d, 4> candidate;
      double sum = 0;
      for (int i = 0; i < 4; ++i) {
        candidate[i] = finder.corners[(first + turn * i) % 4];
        sum += length(candidate[i] - expected[i]);
      }
      if (sum < least) {
        least = sum;
        best = candidate;
      }
    }
  }
  return best;
}

std::array<cv::Point2d, 4> corners_of(const Finder& finder, const cv::Point2d& across, const cv::Point2d& down,
                                      SymbolGrid::Finders as) {
  if (as == SymbolGrid::Finders::ovals && finder.is_round()) return corners_around(finder, across, down);
  const double half = finder.side / 2;
  return ordered(finder, across * (half / length(across)), down * (half / length(down)));
}

// Half the finder's extent along a leg, from the edges that run along it.
double half_extent(const std::array<cv::Point2d, 4>& corners, bool across) {
  return across ? (length(corners[1] - corners[0]) + length(corners[2] - corners[3])) / 4
                : (length(corners[3] - corners[0]) + length(corners[2] - corners[1])) / 4;
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

// The share of a timing pattern's modules, of which the first one is light, that are on the right side of the mean
// around them.
double alternation(const std::vector<double>& line) {
  int right = 0;
  for (std::size_t i = 1; i + 1 < line.size(); ++i) {
    const std::size_t from = i < 4 ? 0 : i - 4, to = std::min(line.size(), i + 5);
    double mean = 0;
    for (std::size_t j = from; j < to; ++j) mean += line[j];
    const bool dark = line[i] < mean / static_cast<double>(to - from);
    if (dark == (i % 2 == 1)) ++right;
  }
  return line.size() > 2 ? right / static_cast<double>(line.size() - 2) : 0;
}

// The mean shift of the nodes around that have one; the node's own counts where it has one.
cv::Point2d neighbours_mean(const std::vector<cv::Point2d>& shifts, const std::vector<bool>& done, int nodes,
                            int node) {
  cv::Point2d sum;
  double weight = 0;
  const int column = node % nodes, row = node / nodes;
  for (int y = std::max(0, row - 1); y <= std::min(nodes - 1, row + 1); ++y) {
    for (int x = std::max(0, column - 1); x <= std::min(nodes - 1, column + 1); ++x) {
      const auto i = static_cast<std::size_t>(y * nodes + x);
      if (!done[i]) continue;
      const double near = x == column || y == row ? 2 : 1;
      sum += shifts[i] * near;
      weight += near;
    }
  }
  return weight > 0 ? sum / weight : sum;
}

// flat: the symbol from above, fine pixels a module, border modules around. start and the answer are in its pixels.
cv::Point2d best_shift(const cv::Mat& flat, const cv::Mat_<schar>& known, const cv::Point& module,
                       const cv::Point2d& start, int reach, int fine, int border) {
  constexpr int window = 3;  // modules to each side
  const int side = known.rows - 2;
  cv::Point2d best = start;
  double best_score = -1e18;
  for (int dy = -reach; dy <= reach; ++dy) {
    for (int dx = -reach; dx <= reach; ++dx) {
      const int shift_x = static_cast<int>(std::lround(start.x)) + dx,
                shift_y = static_cast<int>(std::lround(start.y)) + dy;
      int samples[(2 * window + 1) * (2 * window + 1)];
      int signs[(2 * window + 1) * (2 * window + 1)];
      int count = 0, sum = 0;
      for (int y = std::max(-1, module.y - window); y <= std::min(side, module.y + window); ++y) {
        for (int x = std::max(-1, module.x - window); x <= std::min(side, module.x + window); ++x) {
          const int u = std::clamp((x + border) * fine + fine / 2 + shift_x, 0, flat.cols - 1);
          const int v = std::clamp((y + border) * fine + fine / 2 + shift_y, 0, flat.rows - 1);
          samples[count] = flat.at<std::uint8_t>(v, u);
          signs[count] = known(y + 1, x + 1);
          sum += samples[count++];
        }
      }
      const double mean = static_cast<double>(sum) / count;
      double score = -0.02 * count * std::hypot(dx, dy);
      for (int i = 0; i < count; ++i) score += signs[i] ? signs[i] * (samples[i] - mean) : std::abs(samples[i] - mean);
      if (score <= best_score) continue;
      best_score = score;
      best = cv::Point2d(shift_x, shift_y);
    }
  }
  return best;
}

}  // namespace

SymbolGrid::SymbolGrid(const cv::Mat& gray, const FinderTriple& finders, int side, Finders as)
    : gray_(gray), finders_(finders), side_(side) {
  const cv::Point2d across = finders.across.centre - finders.corner.centre;
  const cv::Point2d down = finders.down.centre - finders.corner.centre;
  const double far = side - 7;
  if (as == Finders::middles) {
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
  const auto likely_version = [&](Finders as) {
    double modules = 0;
    for (const bool is_across : {true, false}) {
      const cv::Point2d& leg = is_across ? across : down;
      double module = 0;
      for (const Finder* finder : {&finders.corner, is_across ? &finders.across : &finders.down})
        module += half_extent(corners_of(*finder, across, down, as), is_across) * 2 / 7 / 2;
      modules += length(leg) / std::max(0.5, module) / 2;
    }
    return static_cast<int>(std::lround((modules + 7 - 17) / 4));
  };
  std::vector<SymbolGrid> grids;
  const auto add = [&](Finders as) {
    const int guess = likely_version(as);
    const int reach = guess < 7 ? 1 : guess < 14 ? 2 : 3;
    for (int version = std::max(1, guess - reach); version <= std::min(40, guess + reach); ++version) {
      SymbolGrid grid(gray, finders, side_of(version), as);
      if (!grid.solve()) continue;
      grid.timing_ = grid.timing_score();
      grids.push_back(std::move(grid));
    }
  };
  add(Finders::squares);
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
  for (const Finders as : {Finders::ovals, Finders::middles}) {
    if (is_plane() || (as == Finders::ovals && !finders.any_round())) continue;
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

// The homography that carries the anchors' modules to their pixels, by weighted least squares on normalised
// coordinates.
bool SymbolGrid::solve() {
  const double unit = std::max(gray_.cols, gray_.rows);
  cv::Matx<double, 8, 8> left = cv::Matx<double, 8, 8>::zeros();
  cv::Vec<double, 8> right, solution;
  for (const Anchor& anchor : anchors_) {
    const double x = anchor.module.x / side_, y = anchor.module.y / side_;
    const double u = anchor.pixel.x / unit, v = anchor.pixel.y / unit, weight = anchor.weight * anchor.weight;
    const cv::Vec<double, 8> across(x, y, 1, 0, 0, 0, -u * x, -u * y);
    const cv::Vec<double, 8> down(0, 0, 0, x, y, 1, -v * x, -v * y);
    left += weight * (across * across.t() + down * down.t());
    right += weight * (u * across + v * down);
  }
  if (!cv::solve(left, right, solution, cv::DECOMP_CHOLESKY)) return false;
  const cv::Matx33d normal(solution(0), solution(1), solution(2), solution(3), solution(4), solution(5), solution(6),
                           solution(7), 1);
  const cv::Matx33d into(1.0 / side_, 0, 0, 0, 1.0 / side_, 0, 0, 0, 1);
  const cv::Matx33d out(unit, 0, 0, 0, unit, 0, 0, 0, 1);
  plane_ = out * normal * into;
  // The plane's horizon must not cut the symbol.
  for (const double x : {0.0, static_cast<double>(side_)})
    for (const double y : {0.0, static_cast<double>(side_)})
      if (plane_(2, 0) * x + plane_(2, 1) * y + plane_(2, 2) < 0.05) return false;
  return true;
}

cv::Point2d SymbolGrid::at(double x, double y) const {
  if (nodes_ > 0) {
    const cv::Point2d shift = shift_at(x, y);
    x += shift.x;
    y += shift.y;
  }
  const double w = plane_(2, 0) * x + plane_(2, 1) * y + plane_(2, 2);
  return {(plane_(0, 0) * x + plane_(0, 1) * y + plane_(0, 2)) / w,
          (plane_(1, 0) * x + plane_(1, 1) * y + plane_(1, 2)) / w};
}

cv::Point2d SymbolGrid::shift_at(double x, double y) const {
  const double u = std::clamp(x / side_ * (nodes_ - 1), 0.0, nodes_ - 1.001);
  const double v = std::clamp(y / side_ * (nodes_ - 1), 0.0, nodes_ - 1.001);
  const int i = static_cast<int>(u), j = static_cast<int>(v);
  const double s = u - i, t = v - j;
  const auto node = [&](int column, int row) { return shifts_[static_cast<std::size_t>(row * nodes_ + column)]; };
  return (node(i, j) * (1 - s) + node(i + 1, j) * s) * (1 - t) +
         (node(i, j + 1) * (1 - s) + node(i + 1, j + 1) * s) * t;
}

// Whole coordinates are the middles of pixels, as in outlines; beyond the edge the picture goes on as it ends.
double SymbolGrid::gray_at(const cv::Point2d& point) const {
  const double x = std::clamp(point.x, 0.0, gray_.cols - 1.001);
  const double y = std::clamp(point.y, 0.0, gray_.rows - 1.001);
  const int i = static_cast<int>(x), j = static_cast<int>(y);
  if (i + 1 >= gray_.cols || j + 1 >= gray_.rows) return gray_.at<std::uint8_t>(j, i);
  const double s = x - i, t = y - j;
  const std::uint8_t* top = gray_.ptr<std::uint8_t>(j) + i;
  const std::uint8_t* bottom = gray_.ptr<std::uint8_t>(j + 1) + i;
  return (top[0] * (1 - s) + top[1] * s) * (1 - t) + (bottom[0] * (1 - s) + bottom[1] * s) * t;
}

double SymbolGrid::gray_around(double x, double y) const {
  double sum = 0;
  for (const double dy : {-0.22, 0.0, 0.22})
    for (const double dx : {-0.22, 0.0, 0.22}) sum += gray_at(at(x + dx, y + dy));
  return sum / 9;
}

void SymbolGrid::bend_corner(double right, double down) {
  nodes_ = side_ / node_step + 2;
  shifts_.resize(static_cast<std::size_t>(nodes_ * nodes_));
  const double spacing = static_cast<double>(side_) / (nodes_ - 1);
  for (int node = 0; node < nodes_ * nodes_; ++node) {
    // Nothing moves along the edges between the finders.
    const double u = std::max(0.0, (node % nodes_ * spacing - 3.5) / (side_ - 7)),
                 v = std::max(0.0, (node / nodes_ * spacing - 3.5) / (side_ - 7));
    shifts_[static_cast<std::size_t>(node)] += cv::Point2d(right, down) * (u * v);
  }
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
  if (side_ != 21) return {};
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
  for (const bool row : {true, false}) {
    Curve& best = found[row ? 0 : 1];
    for (double bow = -4; bow <= 4; bow += 0.5) {
      for (double stretch = -1.5; stretch <= 1.5; stretch += 0.5) {
        for (double bulge = -1; bulge <= 1; bulge += 0.5) {
          for (std::size_t i = 0; i < line.size(); ++i) {
            const double along = static_cast<double>(i) + 7.5, bend = parabola(along, side_);
            const double x = along + stretch * bend + bulge * wave(along, side_), y = 6.5 + bow * bend;
            line[i] = gray_at(row ? at(x, y) : at(y, x));
          }
          // Of equal curves the flatter one.
          const double score = alternation(line) - 0.004 * (std::abs(bow) + std::abs(stretch) + std::abs(bulge));
          if (score > best.score) best = {score, bow, stretch, bulge};
        }
      }
    }
  }
  nodes_ = side_ / node_step + 2;
  shifts_.assign(static_cast<std::size_t>(nodes_ * nodes_), {});
  const double spacing = static_cast<double>(side_) / (nodes_ - 1);
  for (int node = 0; node < nodes_ * nodes_; ++node) {
    const double x = node % nodes_ * spacing, y = node / nodes_ * spacing;
    const double across = parabola(x, side_), down = parabola(y, side_);
    shifts_[static_cast<std::size_t>(node)] = {
        found[0].stretch * across + found[0].bulge * wave(x, side_) + found[1].bow * down,
        found[0].bow * across + found[1].stretch * down + found[1].bulge * wave(y, side_)};
  }
  return std::min(found[0].score, found[1].score);
}

// Where the 5x5 pattern centred near module coordinates (x, y) really is, in the same coordinates.
std::optional<cv::Point2d> SymbolGrid::find_alignment(double x, double y, double reach) const {
  constexpr int scale = 6;
  const int size = static_cast<int>((5 + 2 * reach) * scale);
  cv::Mat_<float> patch(size, size);
  for (int j = 0; j < size; ++j)
    for (int i = 0; i < size; ++i)
      patch(j, i) =
          static_cast<float>(gray_at(at(x + (i + 0.5) / scale - 2.5 - reach, y + (j + 0.5) / scale - 2.5 - reach)));
  cv::Mat_<float> pattern(5 * scale, 5 * scale, 0.0f);
  pattern(cv::Rect(scale, scale, 3 * scale, 3 * scale)) = 255;
  pattern(cv::Rect(2 * scale, 2 * scale, scale, scale)) = 0;
  cv::Mat score;
  cv::matchTemplate(patch, pattern, score, cv::TM_CCOEFF_NORMED);
  double best = 0;
  cv::Point where;
  cv::minMaxLoc(score, nullptr, &best, nullptr, &where);
  if (best < 0.45) return std::nullopt;
  return cv::Point2d(x + where.x / static_cast<double>(scale) - reach,
                     y + where.y / static_cast<double>(scale) - reach);
}

void SymbolGrid::pull_to_alignment() {
  const auto centres = alignment_centres(side_);
  if (centres.empty() || nodes_ > 0) return;
  const double timing_before = timing_score();
  const auto anchors_before = anchors_;
  const cv::Matx33d plane_before = plane_;
  const double last = centres.back() + 0.5;
  // Far from the three finders the plane is a guess: the window grows until the pattern is in it.
  for (const double reach : {2.0, 3.5, 5.0}) {
    const auto found = find_alignment(last, last, reach);
    if (!found) continue;
    anchors_.push_back({{last, last}, at(found->x, found->y), 3});
    const cv::Matx33d before = plane_;
    if (!solve()) {
      anchors_.pop_back();
      plane_ = before;
      continue;
    }
    break;
  }
  const std::size_t plain = anchors_.size();
  for (const int y : centres) {
    for (const int x : centres) {
      const bool in_finder = (x == 6 && y == 6) || (x == 6 && y == centres.back()) || (y == 6 && x == centres.back());
      if (in_finder || (x == centres.back() && y == centres.back())) continue;
      if (const auto found = find_alignment(x + 0.5, y + 0.5, 1.5))
        anchors_.push_back({{x + 0.5, y + 0.5}, at(found->x, found->y), 1});
    }
  }
  const cv::Matx33d before = plane_;
  if (anchors_.size() > plain && !solve()) plane_ = before;
  // What looked like an alignment pattern was none.
  if (timing_score() < timing_before - 0.06) {
    anchors_ = anchors_before;
    plane_ = plane_before;
  }
}

// Each node takes the shift at which the modules around it stand out most: where the colour of a module is known, it
// must have it; elsewhere samples are far from the mean in the middle of modules and near it between them. A node
// starts from where its neighbours nearer to the finders went, so that bends of many modules are followed in small
// moves.
void SymbolGrid::follow_surface() {
  constexpr int border = 5;
  constexpr int fine = 8;  // pixels a module; shifts are whole pixels of this
  const int nodes = side_ / node_step + 2;
  std::vector<cv::Point2d> first = shifts_;
  first.resize(static_cast<std::size_t>(nodes * nodes));
  nodes_ = 0;
  cv::Mat flat;
  cv::blur(rectify(fine, border, false), flat, cv::Size(5, 5));
  const cv::Mat_<schar> known = known_modules(side_);
  const double spacing = static_cast<double>(side_) / (nodes - 1);

  std::vector<int> order(first.size());
  std::iota(order.begin(), order.end(), 0);
  const auto from_finders = [&](int node) {
    const double x = node % nodes * spacing, y = node / nodes * spacing, far = side_ - 3.5;
    return std::min({std::hypot(x - 3.5, y - 3.5), std::hypot(x - far, y - 3.5), std::hypot(x - 3.5, y - far)});
  };
  std::ranges::sort(order, {}, from_finders);

  // What is followed is the difference to the first guess, which bends already.
  std::vector<cv::Point2d> moves(first.size());
  for (const int reach : {4, 2}) {
    const std::vector<cv::Point2d> before = moves;
    std::vector<bool> done(moves.size(), reach == 2);
    for (const int node : order) {
      const auto i = static_cast<std::size_t>(node);
      const cv::Point2d start = first[i] + neighbours_mean(reach == 2 ? before : moves, done, nodes, node);
      const cv::Point module(static_cast<int>(node % nodes * spacing), static_cast<int>(node / nodes * spacing));
      moves[i] = best_shift(flat, known, module, start * fine, reach, fine, border) / fine - first[i];
      done[i] = true;
    }
  }
  nodes_ = nodes;
  shifts_ = first;
  for (std::size_t i = 0; i < shifts_.size(); ++i) shifts_[i] += moves[i];
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
          gray_at(at((x + 0.5) / module_pixels - border, (y + 0.5) / module_pixels - border)));
  return out;
}

}  // namespace qrx
