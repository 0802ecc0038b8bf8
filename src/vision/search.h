// The state of one search: what was found so far, when to stop, and the copies of the picture that steps share.
// Private to src/vision. One thread.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "vision/gray.h"
#include "vision/planes.h"
#include "vision/qr_reader.h"
#include "vision/search_options.h"

namespace qrx::vision {

class Search {
 public:
  Search(const Gray& gray, const SearchOptions& options);

  const cv::Mat& gray() const { return gray_; }
  const cv::Mat& at_most(int side);  // shrunk so that neither side is longer; the picture itself when it is small

  const Planes* planes();  // at most 1600 pixels a side; none when there are no colours

  bool screenshot() const { return options_.screenshot; }
  // Reads the codes in a picture (8 bit gray) and keeps their texts under the name of the running step. True when there
  // was one.
  bool read(const cv::Mat& picture, Threshold threshold = Threshold::local);
  // A picture that is nothing but an upright symbol of whole modules with a quiet zone: cheap, and blind to all else.
  // True when it held a code.
  bool read_pure(const cv::Mat& picture);

  // While one lives, what is read stands in a part of the picture, in shares of its sides. A negative width: mirrored,
  // and the part ends at x.
  class View {
   public:
    View(Search& search, const cv::Rect2d& part) : search_(search) { search_.view_ = part; }
    ~View() { search_.view_ = {0, 0, 1, 1}; }
    View(const View&) = delete;
    View& operator=(const View&) = delete;

   private:
    Search& search_;
  };

  // Where a symbol lies that was read, in shares of the sides of what was looked at.
  void read_at(const cv::Rect2d& share);
  const std::vector<cv::Rect2d>& read_places() const { return read_; }
  // Another drop link may be there: what was found is not enough, for so much longer.
  void extend_budget(std::chrono::milliseconds time);

  bool done() const;  // found enough, out of budget, or the step has had its time
  // most: time that the step may take; 0: all that is left.
  void begin_step(std::string_view name, std::chrono::milliseconds most = {});
  // It asked done() after its time, and may have left something untried.
  bool cut_short() const { return cut_short_; }
  bool has_link() const { return links_ > 0; }
  bool found_enough() const { return found_enough_; }
  const std::string& first_step() const { return result_.step; }  // that read the first of the texts
  SearchResult result() &&;

 private:
  void keep(std::string text);

  SearchOptions options_;
  cv::Mat gray_;
  std::map<int, cv::Mat> smaller_;
  std::optional<Planes> planes_;
  bool asked_for_colours_ = false;
  std::chrono::nanoseconds start_;
  std::string_view step_;
  std::optional<std::chrono::nanoseconds> step_end_;  // as thread_time()
  mutable bool cut_short_ = false;
  bool found_enough_ = false;
  cv::Rect2d view_{0, 0, 1, 1};
  std::vector<cv::Rect2d> read_;
  std::size_t links_ = 0;
  SearchResult result_;
};

// Processor time of this thread.
std::chrono::nanoseconds thread_time();

}  // namespace qrx::vision
