#include "vision/watch.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>

#include <opencv2/imgproc.hpp>

#include "vision/deblur.h"
#include "vision/finders.h"
#include "vision/locate.h"
#include "vision/search.h"
#include "vision/search_steps.h"

namespace qrx::vision {
namespace {

constexpr unsigned judged_every = 6;  // frames: outlining all that is dark takes some milliseconds
constexpr double least_module = 2.3;  // pixels; below, neither reader is sure

void half(Search& search) {
  cv::Mat out;
  cv::resize(search.gray(), out, cv::Size(), 0.5, 0.5, cv::INTER_AREA);
  search.read(out);
}

void whole(Search& search) {
  search.read(search.gray());
}

// The camera of a call, or one that faces whoever holds it.
void mirrored(Search& search) {
  cv::Mat out, flipped;
  cv::resize(search.gray(), out, cv::Size(), 0.5, 0.5, cv::INTER_AREA);
  cv::flip(out, flipped, 1);
  search.read(flipped);
}

void soft(Search& search) {
  cv::Mat out;
  cv::GaussianBlur(search.at_most(1280), out, cv::Size(), 1.2);
  search.read(out);
}

void adaptive(Search& search) {
  cv::Mat out;
  cv::adaptiveThreshold(search.at_most(1280), out, 255, cv::ADAPTIVE_THRESH_MEAN_C, cv::THRESH_BINARY, 35, 7);
  search.read(out, Threshold::fixed);
}

void inverted(Search& search) {
  cv::Mat out;
  cv::resize(search.gray(), out, cv::Size(), 0.5, 0.5, cv::INTER_AREA);
  search.read(255 - out);
}

void sharp(Search& search) {
  search.read(sharpened(search.at_most(1280)));
}

void located(Search& search) {
  locate_and_read(search, search.at_most(800));
}

// A camera in a hand: smears that make plain reading fail in pictures of 720 lines.
void unsmeared(Search& search) {
  const cv::Mat& gray = search.at_most(640);
  const auto direction = smear_direction(gray);
  if (!direction) return;
  const Unsmear unsmear(gray);
  for (const double pixels : {8.5, 6.5})
    if (search.read(unsmear(pixels, *direction))) return;
  // What the usual reader still gives up, by its finders: between the two lengths.
  locate_and_read(search, unsmear(7.5, *direction));
}

// Most pictures of a code that can be read at all are read by the first two. All of them share the budget of one frame,
// as the next one comes soon.
constexpr std::array steps = {
    SearchStep{"half", half},           SearchStep{"whole", whole},       SearchStep{"mirrored", mirrored},
    SearchStep{"unsmeared", unsmeared}, SearchStep{"sharp", sharp},       SearchStep{"inverted", inverted},
    SearchStep{"soft", soft},           SearchStep{"adaptive", adaptive}, SearchStep{"located", located}};

cv::Mat seen(const Gray& gray) {
  return {gray.height, gray.width, CV_8UC1, const_cast<std::uint8_t*>(gray.pixels.data())};
}

// The side of a module of the likeliest symbol, pixels; 0 when none is there.
double module_of_likeliest(const cv::Mat& gray) {
  cv::Mat dark;
  const int window = std::max(gray.cols, gray.rows) / 14 | 1;
  cv::adaptiveThreshold(gray, dark, 255, cv::ADAPTIVE_THRESH_MEAN_C, cv::THRESH_BINARY_INV, std::max(3, window), 6);
  const auto triples = likely_triples(find_finders(outlines_of(dark)), 1);
  return triples.empty() ? 0 : triples.front().corner.side / 7;
}

}  // namespace

SearchResult Watch::look(const Gray& gray) {
  if (gray.width < 2 || gray.height < 2) return {};
  SearchOptions options;
  options.budget = budget_;
  options.any = any_;
  Search search(gray, options);
  const auto run = [&](const SearchStep& step) {
    search.begin_step(step.name);
    try {
      step.run(search);
    } catch (const std::exception&) {
      // The next frame may do.
    }
    return !search.done();
  };
  for (const SearchStep& step : steps)
    if (!run(step)) break;
  SearchResult found = std::move(search).result();
  try {
    judge(gray, found);
  } catch (const std::exception&) {
    // The hint stays that of an earlier frame.
  }
  ++number_;
  return found;
}

void Watch::judge(const Gray& gray, const SearchResult& found) {
  if (!found.texts.empty()) {
    hint_ = AimHint::other;
    return;
  }
  // What is dark is outlined again only now and then.
  if (number_ % judged_every != 0) return;
  cv::Scalar mean, deviation;
  cv::meanStdDev(seen(gray), mean, deviation);
  // A symbol is there but was not read: too small, or not held still.
  if (const double module = module_of_likeliest(seen(gray)); module > 0)
    hint_ = module < least_module ? AimHint::far : AimHint::unsteady;
  else if (mean[0] < 30)
    hint_ = AimHint::dark;
  else if (mean[0] > 235)
    hint_ = AimHint::bright;
  else
    hint_ = deviation[0] < 4 ? AimHint::blank : AimHint::none;
}

WatchView small_view(const Gray& gray, AimHint hint) {
  const double scale = std::min(1.0, static_cast<double>(WatchView::most_side) / std::max(gray.width, gray.height));
  WatchView view;
  view.hint = hint;
  view.frame_width = static_cast<std::uint32_t>(gray.width);
  view.frame_height = static_cast<std::uint32_t>(gray.height);
  view.gray = Gray(std::max(1, cvFloor(gray.width * scale)), std::max(1, cvFloor(gray.height * scale)), 0);
  cv::Mat out = seen(view.gray);
  cv::resize(seen(gray), out, out.size(), 0, 0, cv::INTER_AREA);
  return view;
}

}  // namespace qrx::vision
