#include "vision/locate.h"

#include <algorithm>
#include <cmath>

#include <opencv2/imgproc.hpp>

#include "vision/codewords.h"
#include "vision/finders.h"
#include "vision/missing_finder.h"
#include "vision/symbol_grid.h"
#include "vision/symbol_modules.h"

namespace qrx::vision {
namespace {

constexpr std::size_t most_corners = 5;
constexpr std::size_t mirrored_tries = 2;  // of the ways to tell dark from light

// Dark is 255. Windows in shares of the picture: a finder is a tenth to a third of most pictures.
cv::Mat dark_parts(const cv::Mat& gray, int rule) {
  cv::Mat out;
  const int longest = std::max(gray.cols, gray.rows);
  const auto adaptive = [&](int share, double offset) {
    // Odd, as adaptiveThreshold() asks.
    const int window = std::max(3, longest / share) | 1;
    // Bradley and Roth's way (2007): a pixel is dark when it is darker than the mean around it.
    cv::adaptiveThreshold(gray, out, 255, cv::ADAPTIVE_THRESH_MEAN_C, cv::THRESH_BINARY_INV, window, offset);
  };
  switch (rule) {
    case 0:
      adaptive(14, 6);
      break;
    case 1:
      adaptive(40, 4);
      break;
    case 2:
      cv::threshold(gray, out, 0, 255, cv::THRESH_BINARY_INV | cv::THRESH_OTSU);
      break;
    default:
      adaptive(5, 12);
      break;
  }
  return out;
}
constexpr int rules = 4;
constexpr int core_rule = 0;  // by which squares without a whole ring are looked for

// Cheapest first: as the modules stand, by four thresholds; mirrored. By all the correction that the symbol has: for
// few tries, of which none comes to sense by chance.
bool read_as_they_stand(Search& search, std::vector<cv::Mat>& tries) {
  for (cv::Mat& modules : tries) {
    draw_function_patterns(modules);
    if (search.read_pure(drawn(modules))) return true;
  }
  // In a mirror the finders are where they are, and all else is transposed.
  for (std::size_t i = 0; i < mirrored_tries; ++i)
    if (search.read_pure(drawn(tries[i].t()))) return true;
  return false;
}

// With a proof asked for, only what leaves that much of its check symbols over; else as they stand first. Then with
// errors corrected, weakest modules erased.
bool read_modules(Search& search, const SymbolGrid& grid, std::size_t proof) {
  const cv::Mat samples = grid.sample();
  std::vector<cv::Mat> tries = thresholded(samples);
  if (proof == 0 && read_as_they_stand(search, tries)) return true;
  const cv::Mat_<float> certainty = certainty_of(samples);
  for (cv::Mat& modules : tries)
    if (repair_symbol(modules, certainty, proof) && search.read_pure(drawn(modules))) return true;
  cv::Mat transposed = tries.front().t();
  return repair_symbol(transposed, certainty.t(), proof) && search.read_pure(drawn(transposed));
}

bool read_symbol(Search& search, const cv::Mat& gray, const FinderTriple& triple, bool may_bend,
                 const LocateEffort& effort) {
  for (SymbolGrid& grid : SymbolGrid::fit(gray, triple, may_bend)) {
    grid.pull_to_alignment();
    if (read_modules(search, grid, effort.proof)) return true;
    // Where no alignment pattern says where the fourth corner lies (version 1): tried by contrast.
    if (may_bend)
      for (SymbolGrid& bent : grid.with_other_corners(most_corners)) {
        if (read_modules(search, bent, effort.proof)) return true;
        bent.follow_surface();
        if (read_modules(search, bent, effort.proof)) return true;
      }
    for (int i = 0; i < effort.follows; ++i) {
      grid.follow_surface();
      if (read_modules(search, grid, effort.proof)) return true;
    }
    // The grid was wrong somewhere; another reader may find its own way on the flattened picture.
    if (effort.proof == 0 && search.read(grid.rectify(8))) return true;
    if (search.done()) return false;
  }
  return false;
}

// A symbol that was read is not read again through the finders of another rule.
class SymbolsRead {
 public:
  bool has(const FinderTriple& triple) const {
    return std::ranges::any_of(middles_, [&](const cv::Point2d& middle) { return near(middle, triple); });
  }
  void add(const FinderTriple& triple) { middles_.push_back(middle_of(triple)); }

 private:
  static cv::Point2d middle_of(const FinderTriple& triple) { return (triple.across.centre + triple.down.centre) / 2; }
  static bool near(const cv::Point2d& middle, const FinderTriple& triple) {
    const cv::Point2d away = middle - middle_of(triple);
    return std::hypot(away.x, away.y) < triple.corner.side;
  }
  std::vector<cv::Point2d> middles_;
};

// Around the symbol, in shares of the picture.
cv::Rect2d place_of(const FinderTriple& triple, cv::Size size) {
  const cv::Point2d fourth = triple.across.centre + triple.down.centre - triple.corner.centre;
  double left = 1e9, right = -1e9, top = 1e9, bottom = -1e9;
  for (const cv::Point2d& point : {triple.corner.centre, triple.across.centre, triple.down.centre, fourth}) {
    left = std::min(left, point.x);
    right = std::max(right, point.x);
    top = std::min(top, point.y);
    bottom = std::max(bottom, point.y);
  }
  const double half = triple.corner.side / 2;
  return {(left - half) / size.width, (top - half) / size.height, (right - left + 2 * half) / size.width,
          (bottom - top + 2 * half) / size.height};
}

// Those that were not tried without the cores.
std::vector<FinderTriple> triples_with_cores(std::vector<Finder> finders, const std::vector<Finder>& cores,
                                             std::size_t most) {
  const std::size_t whole = finders.size();
  merge_finders(finders, cores);
  if (finders.size() == whole) return {};
  auto out = likely_triples(finders, 2 * most);
  std::erase_if(out, [](const FinderTriple& triple) { return !triple.any_without_ring(); });
  if (out.size() > most) out.resize(most);
  return out;
}

}  // namespace

void look_beside(Search& search) {
  // Enough for one more symbol; people wait for this although a link was found.
  constexpr std::chrono::milliseconds time{250};
  constexpr std::size_t most_tried = 6;
  if (search.read_places().empty()) return;
  const cv::Mat& gray = search.at_most(1000);
  cv::Mat rest = gray.clone();
  // A copy: reading below adds more.
  const auto places = search.read_places();
  const auto covered = [&](const FinderTriple& triple) {
    const cv::Point2d middle = (triple.across.centre + triple.down.centre) / 2;
    return std::ranges::any_of(places, [&](const cv::Rect2d& place) {
      return place.contains({middle.x / gray.cols, middle.y / gray.rows});
    });
  };
  bool any = false;
  const cv::Mat dark = dark_parts(gray, 0);
  for (const cv::Mat& parts : {dark, cv::Mat(255 - dark)})
    for (const FinderTriple& triple : likely_triples(find_finders(outlines_of(parts)), most_tried))
      any = any || !covered(triple);
  if (!any) return;
  for (const cv::Rect2d& place : places) {
    const cv::Rect box(cvFloor(place.x * gray.cols), cvFloor(place.y * gray.rows), cvCeil(place.width * gray.cols),
                       cvCeil(place.height * gray.rows));
    // Blanked out, so that only what is beside it can be read.
    rest(box & cv::Rect(cv::Point(), gray.size())).setTo(128);
  }
  search.extend_budget(time);
  if (search.read(rest) || search.done()) return;
  const cv::Mat negative = 255 - rest;
  if (search.read(negative) || search.done()) return;
  locate_and_read(search, rest);
}

void locate_and_read(Search& search, const cv::Mat& gray, const LocateEffort& effort) {
  std::vector<Finder> all;
  SymbolsRead symbols_read;
  const auto try_triples = [&](const std::vector<FinderTriple>& triples, std::size_t may_bend) {
    std::size_t rank = 0;
    for (const FinderTriple& triple : triples) {
      if (search.done()) return;
      if (symbols_read.has(triple) || !read_symbol(search, gray, triple, rank++ < may_bend, effort)) continue;
      symbols_read.add(triple);
      search.read_at(place_of(triple, gray.size()));
    }
  };
  std::size_t largest = 0;
  std::vector<Finder> cores;
  for (int rule = 0; rule < rules && !search.done(); ++rule) {
    const DarkOutlines outlines = outlines_of(dark_parts(gray, rule));
    const auto finders = find_finders(outlines);
    try_triples(likely_triples(finders, effort.triples), effort.bent);
    largest = std::max(largest, finders.size());
    merge_finders(all, finders);
    if (rule == core_rule) cores = find_cores(outlines);
  }
  // Finders of one symbol may have been found by different rules.
  if (all.size() > largest) try_triples(likely_triples(all, effort.triples), effort.bent);
  if (!search.done()) try_triples(triples_with_cores(all, cores, effort.triples), 0);
  if (!search.done()) try_triples(completed_triples(gray, all, effort.completed, [&] { return search.done(); }), 0);
}

}  // namespace qrx::vision
