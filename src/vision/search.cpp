#include "vision/search.h"

#include <ctime>

#include <algorithm>
#include <cmath>

#include <opencv2/imgproc.hpp>

#include "vision/scan_client.h"
#include "vision/scan_report.h"
#include "wire/link.h"

namespace qrx::vision {
namespace {

// Several codes may lie in one picture: the drop link need not be the first one.
constexpr int most_codes = 8;

GrayView view(const cv::Mat& picture) {
  return {picture.data, picture.cols, picture.rows, static_cast<std::ptrdiff_t>(picture.step)};
}

}  // namespace

// Processor time: a busy machine gets as much searching done as an idle one. Wall time is the parent's business.
std::chrono::nanoseconds thread_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

// OpenCV takes a pointer to non-const only; no step writes to the picture itself.
Search::Search(const Gray& gray, const SearchOptions& options)
    : options_(options),
      gray_(gray.height, gray.width, CV_8UC1, const_cast<std::uint8_t*>(gray.pixels.data())),
      start_(thread_time()) {}

const cv::Mat& Search::at_most(int side) {
  const int longest = std::max(gray_.cols, gray_.rows);
  if (longest <= side) return gray_;
  cv::Mat& out = smaller_[side];
  if (out.empty()) {
    const double scale = static_cast<double>(side) / longest;
    // Area averaging: each pixel counts, so that modules of a pixel and a half stay visible.
    const cv::Size size(std::max(1, cvRound(gray_.cols * scale)), std::max(1, cvRound(gray_.rows * scale)));
    cv::resize(gray_, out, size, 0, 0, cv::INTER_AREA);
  }
  return out;
}

const Planes* Search::planes() {
  constexpr int side = 1600;
  if (!asked_for_colours_ && options_.colours) {
    asked_for_colours_ = true;
    if (const auto picture = options_.colours(side)) planes_ = planes_of(*picture, side);
  }
  return planes_ ? &*planes_ : nullptr;
}

void Search::read_at(const cv::Rect2d& share) {
  // A mirrored view has a negative width.
  const double x = view_.x + share.x * view_.width, width = share.width * view_.width;
  read_.emplace_back(std::min(x, x + width), view_.y + share.y * view_.height, std::abs(width),
                     share.height * view_.height);
}

bool Search::read(const cv::Mat& picture, Threshold threshold) {
  const auto codes = read_codes(view(picture), threshold, most_codes);
  for (const auto& code : codes) {
    keep(code.text);
    std::vector<cv::Point> corners;
    for (const auto& [x, y] : code.corners) corners.emplace_back(x, y);
    const cv::Rect box = cv::boundingRect(corners);
    read_at({static_cast<double>(box.x) / picture.cols, static_cast<double>(box.y) / picture.rows,
             static_cast<double>(box.width) / picture.cols, static_cast<double>(box.height) / picture.rows});
  }
  return !codes.empty();
}

bool Search::read_pure(const cv::Mat& picture) {
  const auto codes = read_pure_code(view(picture));
  for (const auto& code : codes) keep(code.text);
  return !codes.empty();
}

void Search::keep(std::string text) {
  auto& texts = result_.texts;
  if (text.empty() || text.size() > ScanReport::most_text_bytes) return;
  const bool link = wire::parse_drop_link(text).has_value();
  if (link || options_.any) found_enough_ = true;
  if (std::ranges::find(texts, text) != texts.end()) return;
  // Full: a link takes the place of the last text that is none.
  if (texts.size() == ScanReport::most_texts) {
    if (!link || links_ == texts.size()) return;
    texts.pop_back();
  }
  if (texts.empty() || (link && links_ == 0)) result_.step = step_;
  texts.insert(link ? texts.begin() + static_cast<std::ptrdiff_t>(links_) : texts.end(), std::move(text));
  if (link) ++links_;
}

void Search::extend_budget(std::chrono::milliseconds time) {
  found_enough_ = false;
  step_end_.reset();
  const auto until = std::chrono::ceil<std::chrono::milliseconds>(thread_time() - start_) + time;
  // Never beyond the budget that was there; what was found does not end the search any more.
  options_.budget = options_.budget.count() > 0 ? std::min(until, options_.budget) : until;
}

void Search::begin_step(std::string_view name, std::chrono::milliseconds most) {
  step_ = name;
  cut_short_ = false;
  step_end_.reset();
  if (most.count() > 0) step_end_ = thread_time() + most;
}

bool Search::done() const {
  if (found_enough_) return true;
  const std::chrono::nanoseconds most = options_.budget.count() > 0 ? options_.budget : most_thorough;
  const std::chrono::nanoseconds now = thread_time();
  if (now - start_ >= most) return true;
  if (!step_end_ || now < *step_end_) return false;
  cut_short_ = true;
  return true;
}

SearchResult Search::result() && {
  return std::move(result_);
}

}  // namespace qrx::vision
