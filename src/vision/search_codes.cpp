#include "vision/search_codes.h"

#include <exception>
#include <span>
#include <vector>

#include <opencv2/core/ocl.hpp>
#include <opencv2/core/utility.hpp>
#include <opencv2/imgproc.hpp>

#include "vision/locate.h"
#include "vision/search.h"
#include "vision/search_steps.h"
#include "vision/search_thorough.h"

namespace qrx::vision {
namespace {

// Nearly all that a step reads it reads in less. Where much looks like finders the first costly step could take the
// whole budget, and cheap ones behind it would never have a turn.
constexpr std::chrono::milliseconds first_turn{250};

// Runs the steps one after the other, each at most so long, until the search is done. Those that were cut short.
std::vector<SearchStep> run(Search& search, std::span<const SearchStep> steps, std::chrono::milliseconds most) {
  std::vector<SearchStep> out;
  for (const SearchStep& step : steps) {
    search.begin_step(step.name, most);
    if (search.done()) break;
    try {
      step.run(search);
    } catch (const std::exception&) {
      // cv::Exception, std::bad_alloc, or what the reader may throw: the next step may do better.
    }
    if (search.cut_short()) out.push_back(step);
  }
  return out;
}

}  // namespace

SearchResult search_codes(const Gray& gray, const SearchOptions& options) {
  if (gray.width <= 0 || gray.height <= 0) return {};
  Search search(gray, options);
  const auto rest = run(search, options.screenshot ? screenshot_steps() : photograph_steps(), first_turn);
  run(search, rest, {});
  if (options.budget.count() == 0) run(search, thorough_steps(), {});
  try {
    // The first step reads all that it can read; a later one may have stopped at the first of two codes.
    // Two links in one picture must be seen, or the wrong one may be taken by luck.
    const bool found_late = search.found_enough() && search.first_step() != photograph_steps().front().name;
    if (search.has_link() || found_late) look_beside(search);
  } catch (const std::exception&) {
    // What was found before stands.
  }
  return std::move(search).result();
}

void warm_up_search() {
  // 0, not 1: then what divides work among threads is not started either, which asks the system for long.
  cv::setNumThreads(0);
  cv::ocl::setUseOpenCL(false);
  // What divides work among threads asks how many processors there are, each kind of library in its own way.
  cv::getNumberOfCPUs();
  // A small picture through the steps that most are read by: whatever they ask of the system, they ask now.
  const Gray gray(48, 48, 200);
  SearchOptions options;
  Search search(gray, options);
  for (const SearchStep& step : photograph_steps().first(2)) step.run(search);
  cv::Mat dark;
  cv::adaptiveThreshold(search.gray(), dark, 255, cv::ADAPTIVE_THRESH_MEAN_C, cv::THRESH_BINARY_INV, 5, 6);
}

}  // namespace qrx::vision
