#include "vision/missing_finder.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <opencv2/imgproc.hpp>

#include "vision/finder_corners.h"
#include "vision/sampling.h"

namespace qrx::vision {
namespace {

constexpr double most_unequal = 2.2;       // sizes of two finders of one symbol, by perspective
constexpr double most_turned = 0.94;       // the cosine of 20 degrees: edges run along the legs, or across both of them
constexpr double least_timing = 0.78;      // chance reaches it once in 30 lines of eleven modules
constexpr std::size_t most_diagonal = 16;  // pairs without a line between them that could be looked at first

double length(const cv::Point2d& v) {
  return std::hypot(v.x, v.y);
}

double cosine(const cv::Point2d& a, const cv::Point2d& b) {
  return a.dot(b) / std::max(1e-9, length(a) * length(b));
}

// One module to the right and one down, as a finder shows them.
struct Axes {
  cv::Point2d right, down;
};

// right, down: about their directions.
Axes axes_of(const Finder& finder, const cv::Point2d& right, const cv::Point2d& down) {
  const Corners corners = corners_of(finder, right, down, FinderShape::square);
  return {(corners[1] - corners[0] + corners[2] - corners[3]) / 14,
          (corners[3] - corners[0] + corners[2] - corners[1]) / 14};
}

struct Guess {
  FinderTriple triple;
  double doubt = 0;  // smaller is likelier
};

// The middle of what looks most like a finder around a place, and how much it does: normalised cross-correlation.
struct Seen {
  cv::Point2d middle;
  double likeness = 0;
};
Seen look_around(const cv::Mat& gray, const cv::Point2d& place, const Axes& axes, double reach) {
  constexpr int scale = 4;
  // With the light module around: without it dark surroundings fit, too.
  constexpr int modules = 9;
  static const cv::Mat pattern = [] {
    cv::Mat out(modules * scale, modules * scale, CV_32F, cv::Scalar(255));
    for (int ring = 1, dark = 0; ring <= 3; ++ring, dark = 255 - dark)
      out(cv::Rect(ring * scale, ring * scale, (modules - 2 * ring) * scale, (modules - 2 * ring) * scale)).setTo(dark);
    return out;
  }();
  const double half = modules / 2.0 + reach;
  const int size = static_cast<int>(2 * half * scale);
  cv::Mat_<float> patch(size, size);
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x)
      patch(y, x) = static_cast<float>(
          gray_at(gray, place + axes.right * ((x + 0.5) / scale - half) + axes.down * ((y + 0.5) / scale - half)));
  cv::Mat likeness;
  cv::matchTemplate(patch, pattern, likeness, cv::TM_CCOEFF_NORMED);
  Seen out;
  cv::Point at;
  cv::minMaxLoc(likeness, nullptr, &out.likeness, nullptr, &at);
  out.middle = place + axes.right * (at.x / static_cast<double>(scale) - reach) +
               axes.down * (at.y / static_cast<double>(scale) - reach);
  return out;
}

Finder drawn_finder(const cv::Point2d& middle, const Axes& axes) {
  Finder out;
  out.centre = middle;
  const cv::Point2d right = axes.right * 3.5, down = axes.down * 3.5;
  out.corners = {middle - right - down, middle + right - down, middle + right + down, middle - right + down};
  out.side = 3.5 * (length(axes.right) + length(axes.down));
  return out;
}

Axes operator*(const Axes& axes, double by) {
  return {axes.right * by, axes.down * by};
}

// What is believed of a place in which nothing looks like a finder: the place itself, as the finder may be covered.
Guess guess_of(const cv::Mat& gray, const Finder& known, const Finder& other, bool missing_is_corner,
               const cv::Point2d& place, const Axes& axes, double reach) {
  constexpr double least_likeness = 0.4;
  Seen seen;
  double scale = 1;
  // Nearer or farther than the finders that were found.
  for (const double by : {1.0, 0.8, 1.25}) {
    const Seen one = look_around(gray, place, axes * by, reach / by);
    // The size that is expected has something in hand.
    if (one.likeness <= seen.likeness + (by == 1 ? 0 : 0.05)) continue;
    seen = one;
    scale = by;
  }
  const bool covered = seen.likeness < least_likeness;
  const Finder third = drawn_finder(covered ? place : seen.middle, covered ? axes : axes * scale);
  const Finder& corner = missing_is_corner ? third : known;
  const Finder& end = missing_is_corner ? known : third;
  const bool clockwise = (other.centre - corner.centre).cross(end.centre - corner.centre) > 0;
  const double doubt = 1 - std::max(seen.likeness, 0.0);
  return {{corner, clockwise ? other : end, clockwise ? end : other, doubt}, doubt};
}

// How well the line between two finders, so many modules of each beside their middles, is a timing pattern.
double timing_between(const cv::Mat& gray, const Finder& one, const Finder& two, const Axes& by_one, const Axes& by_two,
                      double beside, int side) {
  const cv::Point2d from = one.centre + by_one.down * beside, to = two.centre + by_two.down * beside;
  // In perspective modules grow evenly denser along a line; by how much the sizes at its ends say.
  const double denser = std::sqrt(length(by_two.right) / length(by_one.right));
  std::vector<double> line;
  for (int module = 7; module < side - 7; ++module) {
    const double along = (module - 3.0) / (side - 7);
    const double share = along / (along + (1 - along) * denser);
    double sum = 0;
    for (const double off : {-0.2, 0.0, 0.2}) sum += gray_at(gray, from + (to - from) * share + by_one.down * off);
    line.push_back(sum);
  }
  return alternation(line);
}

// The two finders at the ends of an edge: the timing pattern between them says on which side of it the symbol lies.
void add_beside(const cv::Mat& gray, const Finder& one, const Finder& two, std::vector<Guess>& out) {
  const cv::Point2d leg = two.centre - one.centre, across(-leg.y, leg.x);
  const Axes by_one = axes_of(one, leg, across), by_two = axes_of(two, leg, across);
  if (cosine(by_one.right, leg) < most_turned || cosine(by_two.right, leg) < most_turned) return;
  const double modules = length(leg) / std::sqrt(length(by_one.right) * length(by_two.right));
  const int guess = static_cast<int>(std::lround((modules + 7 - 17) / 4));
  double best = 0;
  int side = 0, sign = 0;
  for (int version = std::max(1, guess - 1 - guess / 8); version <= std::min(40, guess + 1 + guess / 8); ++version) {
    for (const int towards : {1, -1}) {
      const double timing = timing_between(gray, one, two, by_one, by_two, 3.0 * towards, 17 + 4 * version);
      if (timing <= best) continue;
      best = timing;
      side = 17 + 4 * version;
      sign = towards;
    }
  }
  if (best < least_timing) return;
  const double far = side - 7;
  for (const bool first : {true, false}) {
    const Finder& corner = first ? one : two;
    const Axes& axes = first ? by_one : by_two;
    // Seen from the side the other leg may be longer or shorter by a quarter.
    Guess found =
        guess_of(gray, corner, first ? two : one, false, corner.centre + axes.down * (sign * far), axes, 2 + far / 5);
    found.doubt += 1 - best;
    out.push_back(found);
  }
}

using Line = std::pair<cv::Point2d, cv::Point2d>;  // through two points

// Far away where they are parallel.
cv::Point2d crossing(const Line& a, const Line& b) {
  const cv::Point2d along = a.second - a.first, other = b.second - b.first;
  const double crossed = along.cross(other);
  return a.first + along * ((b.first - a.first).cross(other) / (std::abs(crossed) < 1e-9 ? 1e-9 : crossed));
}

// The two at the ends of the diagonal: their edges lead to the third.
void add_across(const cv::Mat& gray, const Finder& one, const Finder& two, std::vector<Guess>& out) {
  const cv::Point2d diagonal = two.centre - one.centre, turned(-diagonal.y, diagonal.x);
  const cv::Point2d right = diagonal - turned, down = diagonal + turned;
  const Axes by_one = axes_of(one, right, down), by_two = axes_of(two, right, down);
  if (cosine(by_one.right, right) < most_turned || cosine(by_two.down, down) < most_turned) return;
  for (const bool first : {true, false}) {
    // Rows from the one, columns from the other. Lines stay lines in perspective.
    const Corners rows = corners_of(first ? one : two, right, down, FinderShape::square);
    const Corners columns = corners_of(first ? two : one, right, down, FinderShape::square);
    const Line top{rows[0], rows[1]}, bottom{rows[3], rows[2]}, left{columns[0], columns[3]},
        far{columns[1], columns[2]};
    const cv::Point2d upper = crossing(top, left), lower = crossing(bottom, far);
    const cv::Point2d upper_right = crossing(top, far), lower_left = crossing(bottom, left);
    const cv::Point2d place = (upper + lower + upper_right + lower_left) / 4;
    Axes axes{(by_one.right + by_two.right) / 2, (by_one.down + by_two.down) / 2};
    // Edges that are extended far are less sure than the mean of both sizes, where these hardly differ.
    if (std::max(one.side, two.side) > 1.2 * std::min(one.side, two.side))
      axes = {(upper_right - upper + lower - lower_left) / 14, (lower_left - upper + lower - upper_right) / 14};
    const double module = (length(axes.right) + length(axes.down)) / 2;
    const double legs = length(one.centre - place) / module, others = length(two.centre - place) / module;
    // Thirteen modules at least, less what one may be mistaken by.
    if (module < 0.5 || std::min(legs, others) < 9 || std::max(legs, others) > 2 * std::min(legs, others)) continue;
    Guess found = guess_of(gray, one, two, true, place, axes, 2 + legs / 10);
    // Nothing else speaks for it.
    found.doubt += 0.2;
    out.push_back(found);
  }
}

}  // namespace

std::vector<FinderTriple> completed_triples(const cv::Mat& gray, const std::vector<Finder>& finders, std::size_t most,
                                            const std::function<bool()>& stop) {
  std::vector<Guess> guesses;
  std::vector<std::pair<double, std::pair<const Finder*, const Finder*>>> diagonals;
  for (std::size_t i = 0; i < finders.size(); ++i) {
    for (std::size_t j = i + 1; j < finders.size(); ++j) {
      const Finder &one = finders[i], &two = finders[j];
      const double unequal = std::max(one.side, two.side) / std::min(one.side, two.side);
      const double apart = length(two.centre - one.centre) / std::min(one.side, two.side);
      // 14 modules of seven a side at least, as far as one sees them; 170 at most.
      if (unequal > most_unequal || apart < 1.6 || apart > 36) continue;
      if (stop()) return {};
      add_beside(gray, one, two, guesses);
      diagonals.push_back({unequal, {&one, &two}});
    }
  }
  // The most equal ones.
  std::ranges::sort(diagonals, {}, [](const auto& pair) { return pair.first; });
  for (std::size_t i = 0; i < std::min(most_diagonal, diagonals.size()) && !stop(); ++i)
    add_across(gray, *diagonals[i].second.first, *diagonals[i].second.second, guesses);
  std::ranges::sort(guesses, {}, &Guess::doubt);
  std::vector<FinderTriple> out;
  for (std::size_t i = 0; i < std::min(most, guesses.size()); ++i) out.push_back(guesses[i].triple);
  return out;
}

}  // namespace qrx::vision
