#include "vision/search.h"

#include <exception>

#include <opencv2/core/ocl.hpp>
#include <opencv2/core/utility.hpp>
#include <opencv2/imgproc.hpp>

#include "vision/hunt.h"
#include "vision/locate.h"

namespace qrx {

SearchResult search_codes(const Gray& gray, const SearchOptions& options) {
  if (gray.width <= 0 || gray.height <= 0) return {};
  Hunt hunt(gray, options);
  const auto run = [&hunt](std::span<const Step> steps) {
    for (const Step& step : steps) {
      if (hunt.over()) return;
      hunt.begin_step(step.name);
      try {
        step.run(hunt);
      } catch (const std::exception&) {
        // cv::Exception, std::bad_alloc, or what the reader may throw: the next step may do.
      }
    }
  };
  run(options.screenshot ? screenshot_chain() : chain());
  if (options.budget.count() == 0) run(thorough_chain());
  try {
    if (hunt.has_link() || hunt.found_late()) look_beside(hunt);
  } catch (const std::exception&) {
  }
  return std::move(hunt).result();
}

void warm_up_search() {
  cv::setNumThreads(1);
  cv::ocl::setUseOpenCL(false);
  // What divides work among threads asks how many processors there are, each kind of library in its own way.
  cv::getNumberOfCPUs();
  const Gray gray(48, 48, 200);
  SearchOptions options;
  Hunt hunt(gray, options);
  for (const Step& step : chain().first(2)) step.run(hunt);
  cv::Mat dark;
  cv::adaptiveThreshold(hunt.gray(), dark, 255, cv::ADAPTIVE_THRESH_MEAN_C, cv::THRESH_BINARY_INV, 5, 6);
}

}  // namespace qrx
