// Where a watching helper gets its pictures from: one after another, the newest when it is late. Runs in the sandbox,
// but for what opens a camera.
#pragma once

#include "vision/gray.h"
#include "vision/scan_report.h"

namespace qrx::vision {

class Frames {
 public:
  virtual ~Frames() = default;
  // Waits for it. Nothing: there will be none any more, and why() says why.
  virtual const Gray* next() = 0;
  virtual ScanStatus why() const = 0;
};

}  // namespace qrx::vision
