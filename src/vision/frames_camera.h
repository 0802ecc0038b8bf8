// Pictures from a camera, by Video4Linux: https://docs.kernel.org/userspace-api/media/v4l/ (capture, streaming I/O with
// memory mapping).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "vision/frames.h"

namespace qrx::vision {

// A V4L2 device on a descriptor, opened O_RDWR | O_NONBLOCK: asked for 1280x720 as MJPEG, YUYV, NV12 or GREY, streaming
// when this returns. Nothing, and `why`: not_a_camera, busy. In the sandbox it needs the rights of Sandbox::camera.
std::unique_ptr<Frames> frames_of_camera(int fd, ScanStatus& why);

// One picture of a camera to gray. false: it is broken or cut short. stride: bytes from line to line, of the first
// plane.
enum class CameraFormat : std::uint8_t { mjpeg, yuyv, nv12, grey };
bool gray_of_camera(CameraFormat format, const std::uint8_t* bytes, std::size_t size, int width, int height,
                    std::size_t stride, Gray& out);

}  // namespace qrx::vision
