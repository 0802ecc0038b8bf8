// The state of one search: what was found so far, when to stop, and the copies of the picture that steps share.
// Private to src/vision: the only header here that shows OpenCV.
#pragma once

#include <chrono>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "vision/search.h"

namespace qrx {

// How gray becomes black and white. fixed: at 127, for pictures that a step thresholded itself.
enum class Threshold : std::uint8_t { local, global, fixed };

class Hunt {
 public:
  Hunt(const Gray& gray, const SearchOptions& options);

  const cv::Mat& gray() const { return gray_; }
  const cv::Mat& at_most(int side);  // shrunk so that neither side is longer; the picture itself when it is small

  bool screenshot() const { return options_.screenshot; }
  // Reads the codes in a picture (8 bit gray) and keeps their texts under the name of the running step. True when there
  // was one.
  bool read(const cv::Mat& picture, Threshold threshold = Threshold::local);
  // A picture that is nothing but an upright symbol of whole modules with a quiet zone: cheap, and blind to all else.
  // True when it held a code.
  bool read_pure(const cv::Mat& picture);

  // Where a symbol lies that was read, in shares of the picture's sides.
  void read_at(const cv::Rect2d& share) { read_.push_back(share); }
  const std::vector<cv::Rect2d>& read_places() const { return read_; }
  // Another drop link may be there: what was found is not enough, for so much longer.
  void go_on_for(std::chrono::milliseconds time);

  bool over() const;  // found enough, or out of budget
  void begin_step(std::string_view name) { step_ = name; }
  bool has_link() const { return links_ > 0; }
  SearchResult result() &&;

 private:
  void keep(std::string text);

  SearchOptions options_;
  cv::Mat gray_;
  std::map<int, cv::Mat> smaller_;
  std::chrono::nanoseconds start_;
  std::string_view step_;
  bool found_enough_ = false;
  std::vector<cv::Rect2d> read_;
  std::size_t links_ = 0;
  SearchResult result_;
};

// Processor time of this thread.
std::chrono::nanoseconds thread_time();

struct Step {
  std::string_view name;  // as scan_report.h allows it
  void (*run)(Hunt&);
};

std::span<const Step> chain();             // photographs
std::span<const Step> screenshot_chain();  // pictures without loss

}  // namespace qrx
