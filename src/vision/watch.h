// Looks for QR codes in the pictures of a camera, one after another: few milliseconds each, as the next one comes soon.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "vision/gray.h"
#include "vision/search_options.h"
#include "vision/watch_report.h"

namespace qrx::vision {

class Watch {
 public:
  // any: any code is wanted, not only drop links. budget: no way is begun later than this after the first, of this
  // thread's processor time; with the usual one 60 pictures a second are looked at, as most are read early.
  static constexpr std::chrono::milliseconds usual_budget{14};
  explicit Watch(bool any, std::chrono::milliseconds budget = usual_budget) : any_(any), budget_(budget) {}

  // What this picture says: at half its size, then whole, then by as many more ways as there is time for.
  // Never throws.
  SearchResult look(const Gray& gray);

  // What a person could do so that the next pictures read; of what was seen lately.
  AimHint hint() const { return hint_; }

 private:
  void judge(const Gray& gray, const SearchResult& found);

  bool any_;
  std::chrono::milliseconds budget_;
  unsigned number_ = 0;
  AimHint hint_ = AimHint::none;
};

// A small copy for people to aim by: at most WatchView::most_side a side.
WatchView small_view(const Gray& gray, AimHint hint);

}  // namespace qrx::vision
