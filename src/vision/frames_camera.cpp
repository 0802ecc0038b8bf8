#include "vision/frames_camera.h"

#include <linux/videodev2.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "vision/picture_jpeg.h"

namespace qrx::vision {
namespace {

constexpr std::uint32_t wanted_width = 1280;
constexpr std::uint32_t wanted_height = 720;
constexpr std::uint32_t longest_side = 4096;
constexpr std::uint32_t wanted_buffers = 4;
constexpr int patience_ms = 5000;  // cameras that wake up take a second or two
constexpr int most_broken = 100;   // pictures in a row

struct Format {
  std::uint32_t fourcc;
  CameraFormat format;
};
// MJPEG first: raw pictures of this size come at five a second over USB 2.
constexpr std::array formats = {
    Format{V4L2_PIX_FMT_MJPEG, CameraFormat::mjpeg}, Format{V4L2_PIX_FMT_JPEG, CameraFormat::mjpeg},
    Format{V4L2_PIX_FMT_YUYV, CameraFormat::yuyv}, Format{V4L2_PIX_FMT_NV12, CameraFormat::nv12},
    Format{V4L2_PIX_FMT_GREY, CameraFormat::grey}};

class Camera : public Frames {
 public:
  explicit Camera(int fd) : fd_(fd) {}
  ~Camera() override {
    for (const auto& buffer : buffers_)
      if (buffer.bytes) munmap(buffer.bytes, buffer.size);
  }

  ScanStatus open() {
    v4l2_capability ability{};
    if (!control(VIDIOC_QUERYCAP, &ability)) return ScanStatus::not_a_camera;
    const std::uint32_t can =
        (ability.capabilities & V4L2_CAP_DEVICE_CAPS) ? ability.device_caps : ability.capabilities;
    if (!(can & V4L2_CAP_VIDEO_CAPTURE) || !(can & V4L2_CAP_STREAMING)) return ScanStatus::not_a_camera;
    for (const Format& format : formats)
      if (const auto set = choose(format)) {
        if (*set != ScanStatus::searched) return *set;
        // A wish: whatever it gives is taken.
        ask_for_rate();
        return start();
      }
    return ScanStatus::not_a_camera;
  }

  const Gray* next() override {
    for (int broken = 0; broken < most_broken; ++broken) {
      const auto buffer = newest();
      if (!buffer) return nullptr;
      // A camera may deliver broken pictures while it settles; size and index come from the driver and are checked all
      // the same.
      const bool good =
          !(buffer->flags & V4L2_BUF_FLAG_ERROR) && buffer->index < buffers_.size() &&
          buffer->bytesused <= buffers_[buffer->index].size &&
          gray_of_camera(format_, static_cast<const std::uint8_t*>(buffers_[buffer->index].bytes), buffer->bytesused,
                         static_cast<int>(width_), static_cast<int>(height_), stride_, gray_);
      if (!give_back(*buffer)) return nullptr;
      if (good) return &gray_;
    }
    return nullptr;
  }
  ScanStatus why() const override { return ScanStatus::camera_lost; }

 private:
  bool control(unsigned long request, void* argument) {
    int done = 0;
    while ((done = ioctl(fd_, request, argument)) < 0 && errno == EINTR) {
    }
    return done >= 0;
  }

  // Nothing: the camera has no such format.
  std::optional<ScanStatus> choose(const Format& wish) {
    v4l2_format format{};
    format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    format.fmt.pix.width = wanted_width;
    format.fmt.pix.height = wanted_height;
    format.fmt.pix.pixelformat = wish.fourcc;
    format.fmt.pix.field = V4L2_FIELD_ANY;
    if (!control(VIDIOC_S_FMT, &format)) {
      // Only one program at a time may stream.
      if (errno == EBUSY) return ScanStatus::camera_busy;
      return std::nullopt;
    }
    const v4l2_pix_format& got = format.fmt.pix;
    if (got.pixelformat != wish.fourcc) return std::nullopt;
    // A driver answers with what it has.
    if (got.width < 16 || got.height < 16 || got.width > longest_side || got.height > longest_side) return std::nullopt;
    format_ = wish.format;
    width_ = got.width;
    height_ = got.height;
    const std::uint32_t least = width_ * (format_ == CameraFormat::yuyv ? 2 : 1);
    stride_ = std::max(got.bytesperline, least);
    return ScanStatus::searched;
  }

  // Some cameras start with five pictures a second. Those that cannot be asked go on as they like.
  void ask_for_rate() {
    v4l2_streamparm rate{};
    rate.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    rate.parm.capture.timeperframe = {1, 30};
    (void)control(VIDIOC_S_PARM, &rate);
  }

  ScanStatus start() {
    v4l2_requestbuffers request{};
    request.count = wanted_buffers;
    request.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    request.memory = V4L2_MEMORY_MMAP;
    if (!control(VIDIOC_REQBUFS, &request)) return errno == EBUSY ? ScanStatus::camera_busy : ScanStatus::not_a_camera;
    // Two at least, or the camera waits for this side; the upper bound is for drivers that invent numbers.
    if (request.count < 2 || request.count > 32) return ScanStatus::not_a_camera;
    buffers_.resize(request.count);
    for (std::uint32_t i = 0; i < request.count; ++i) {
      v4l2_buffer buffer = empty_buffer(i);
      if (!control(VIDIOC_QUERYBUF, &buffer)) return ScanStatus::not_a_camera;
      void* bytes = mmap(nullptr, buffer.length, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, buffer.m.offset);
      if (bytes == MAP_FAILED) return ScanStatus::not_a_camera;
      buffers_[i] = {bytes, buffer.length};
      // Before streaming begins: the camera fills what it was given.
      if (!give_back(buffer)) return ScanStatus::not_a_camera;
    }
    int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    if (!control(VIDIOC_STREAMON, &type)) return errno == EBUSY ? ScanStatus::camera_busy : ScanStatus::not_a_camera;
    return ScanStatus::searched;
  }

  static v4l2_buffer empty_buffer(std::uint32_t index) {
    v4l2_buffer buffer{};
    buffer.index = index;
    buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    buffer.memory = V4L2_MEMORY_MMAP;
    return buffer;
  }

  bool give_back(const v4l2_buffer& taken) {
    v4l2_buffer buffer = empty_buffer(taken.index);
    return control(VIDIOC_QBUF, &buffer);
  }

  // The last one that is ready: what a late reader finds first is old.
  std::optional<v4l2_buffer> newest() {
    std::optional<v4l2_buffer> last;
    for (;;) {
      v4l2_buffer buffer = empty_buffer(0);
      if (control(VIDIOC_DQBUF, &buffer)) {
        if (last && !give_back(*last)) return std::nullopt;
        last = buffer;
        continue;
      }
      if (last) return last;
      // EIO: a picture was lost, which is no reason to end (V4L2, VIDIOC_DQBUF).
      if (errno != EAGAIN && errno != EIO) return std::nullopt;
      pollfd waiting{fd_, POLLIN, 0};
      const int ready = poll(&waiting, 1, patience_ms);
      if (ready == 0 || (ready < 0 && errno != EINTR) || (ready > 0 && !(waiting.revents & POLLIN)))
        return std::nullopt;
    }
  }

  struct Buffer {
    void* bytes = nullptr;
    std::size_t size = 0;
  };
  int fd_;
  CameraFormat format_ = CameraFormat::grey;
  std::uint32_t width_ = 0;
  std::uint32_t height_ = 0;
  std::size_t stride_ = 0;
  std::vector<Buffer> buffers_;
  Gray gray_;
};

}  // namespace

bool gray_of_camera(CameraFormat format, const std::uint8_t* bytes, std::size_t size, int width, int height,
                    std::size_t stride, Gray& out) {
  if (format == CameraFormat::mjpeg) {
    Picture picture = decode_jpeg(std::as_bytes(std::span(bytes, size)), std::uint64_t{longest_side} * longest_side);
    if (picture.fault != PictureFault::none) return false;
    out = std::move(picture.gray);
    return true;
  }
  const std::size_t step = format == CameraFormat::yuyv ? 2 : 1;
  const auto columns = static_cast<std::size_t>(width);
  const auto lines = static_cast<std::size_t>(height);
  // Of the two planes of NV12 the first is the picture in gray.
  if (stride < columns * step || size < stride * (lines - 1) + columns * step) return false;
  if (out.width != width || out.height != height) out = Gray(width, height, 0);
  for (std::size_t y = 0; y < lines; ++y) {
    const std::uint8_t* from = bytes + y * stride;
    std::uint8_t* to = out.row(static_cast<int>(y));
    for (std::size_t x = 0; x < columns; ++x) to[x] = from[x * step];
  }
  return true;
}

std::unique_ptr<Frames> frames_of_camera(int fd, ScanStatus& why) {
  auto camera = std::make_unique<Camera>(fd);
  why = camera->open();
  if (why != ScanStatus::searched) return nullptr;
  return camera;
}

}  // namespace qrx::vision
