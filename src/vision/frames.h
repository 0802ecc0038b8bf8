// Where a watching helper gets its pictures from: one after another, the newest when it is late. Runs in the cage, but
// for what opens a camera.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "vision/gray.h"
#include "vision/scan_report.h"

namespace qrx {

class Frames {
 public:
  virtual ~Frames() = default;
  // Waits for it. Nothing: there will be none any more, and why() says why.
  virtual const Gray* next() = 0;
  virtual ScanStatus why() const = 0;
};

// Binary gray PGM pictures, one after another, on a descriptor; why(): searched at their end, not_a_picture when the
// first one was none already. live: when several are there, only the last is taken.
std::unique_ptr<Frames> frames_of_pgm(int fd, bool live);

// A V4L2 device on a descriptor, opened O_RDWR | O_NONBLOCK: asked for 1280x720 as MJPEG, YUYV, NV12 or GREY, streaming
// when this returns. Nothing, and `why`: not_a_camera, busy. In the cage it needs the rights of Cage::camera.
std::unique_ptr<Frames> frames_of_camera(int fd, ScanStatus& why);

// One picture of a camera to gray. false: it is broken or cut short. stride: bytes from line to line, of the first
// plane.
enum class CameraFormat : std::uint8_t { mjpeg, yuyv, nv12, grey };
bool gray_of_camera(CameraFormat format, const std::uint8_t* bytes, std::size_t size, int width, int height,
                    std::size_t stride, Gray& out);

}  // namespace qrx
