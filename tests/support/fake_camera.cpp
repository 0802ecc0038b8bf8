// A camera for machines without one: preloaded into qrx-scan, it answers the V4L2 calls on descriptor 0 with pictures
// from a file, and does what a driver does at its worst. The program itself, its system call filter included, is the
// real one.
//
// FAKE_CAMERA_FRAMES   PGM pictures of one size, one after another; the last one stays
// FAKE_CAMERA_FORMAT   MJPG YUYV NV12 GREY: all that it can
// FAKE_CAMERA_BURST    pictures that are there each time somebody waits (default 1)
// FAKE_CAMERA_TROUBLE  deaf (no capture device), busy, unplugged (after the last picture), silent (no picture ever
// comes),
//                      damaged (the first twenty are marked or cut), liar (says that buffers hold more than they do)
#include <dlfcn.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include <jpeglib.h>

namespace {

constexpr std::size_t buffer_bytes = 4u << 20;
constexpr std::uint32_t buffer_step = 1u << 24;  // between the offsets of buffers, to tell them apart

struct Camera {
  int width = 0, height = 0;
  std::string format, trouble;
  std::vector<std::vector<std::uint8_t>> frames;  // encoded
  std::vector<void*> buffers;
  std::deque<std::uint32_t> given;  // by the program, to be filled
  std::size_t next = 0, ready = 0, burst = 1, taken = 0;
  bool streams = false;
};
Camera* camera = nullptr;

std::uint32_t fourcc_of(const std::string& name) {
  return v4l2_fourcc(static_cast<std::uint32_t>(name[0]), static_cast<std::uint32_t>(name[1]),
                     static_cast<std::uint32_t>(name[2]), static_cast<std::uint32_t>(name[3]));
}

std::vector<std::uint8_t> jpeg_of(const std::vector<std::uint8_t>& gray, int width, int height) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &memory, &size);
  jpeg.image_width = static_cast<JDIMENSION>(width);
  jpeg.image_height = static_cast<JDIMENSION>(height);
  jpeg.input_components = 1;
  jpeg.in_color_space = JCS_GRAYSCALE;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, 80, TRUE);
  jpeg_start_compress(&jpeg, TRUE);
  for (int y = 0; y < height; ++y) {
    auto* row = const_cast<JSAMPLE*>(gray.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width));
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  std::vector<std::uint8_t> out(memory, memory + size);
  jpeg_destroy_compress(&jpeg);
  std::free(memory);
  return out;
}

std::vector<std::uint8_t> encoded(const std::vector<std::uint8_t>& gray) {
  if (camera->format == "MJPG") return jpeg_of(gray, camera->width, camera->height);
  if (camera->format == "GREY") return gray;
  std::vector<std::uint8_t> out;
  if (camera->format == "YUYV") {
    for (const std::uint8_t light : gray) out.insert(out.end(), {light, 128});
  } else {
    out = gray;
    out.resize(gray.size() + gray.size() / 2, 128);
  }
  return out;
}

__attribute__((constructor)) void load() {
  const char* path = std::getenv("FAKE_CAMERA_FRAMES");
  std::FILE* file = path ? std::fopen(path, "rb") : nullptr;
  if (!file) return;
  camera = new Camera;
  const auto word = [](const char* name, const char* usual) {
    return std::string(std::getenv(name) ? std::getenv(name) : usual);
  };
  camera->format = word("FAKE_CAMERA_FORMAT", "MJPG");
  camera->trouble = word("FAKE_CAMERA_TROUBLE", "");
  camera->burst = static_cast<std::size_t>(std::atoi(word("FAKE_CAMERA_BURST", "1").c_str()));
  while (std::fscanf(file, "P5 %d %d 255", &camera->width, &camera->height) == 2 && std::fgetc(file) >= 0) {
    std::vector<std::uint8_t> gray(static_cast<std::size_t>(camera->width) * static_cast<std::size_t>(camera->height));
    if (std::fread(gray.data(), 1, gray.size(), file) != gray.size()) break;
    camera->frames.push_back(encoded(gray));
  }
  std::fclose(file);
}

int refused(int error) {
  errno = error;
  return -1;
}

int query_capability(v4l2_capability& ability) {
  ability.capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING | V4L2_CAP_DEVICE_CAPS;
  ability.device_caps = camera->trouble == "deaf" ? V4L2_CAP_META_CAPTURE : V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
  return 0;
}

int set_format(v4l2_format& format) {
  if (camera->trouble == "busy") return refused(EBUSY);
  // As drivers do: no error, but the format that there is.
  auto& pixels = format.fmt.pix;
  pixels.pixelformat = fourcc_of(camera->format);
  pixels.width = static_cast<std::uint32_t>(camera->width);
  pixels.height = static_cast<std::uint32_t>(camera->height);
  pixels.bytesperline = camera->format == "MJPG" ? 0 : pixels.width * (camera->format == "YUYV" ? 2 : 1);
  return 0;
}

int take_buffer(v4l2_buffer& buffer) {
  if (!camera->streams) return refused(EINVAL);
  if (camera->ready == 0 || camera->given.empty()) return refused(EAGAIN);
  if (camera->next == camera->frames.size()) {
    if (camera->trouble == "unplugged") return refused(ENODEV);
    --camera->next;
  }
  const auto& frame = camera->frames[camera->next++];
  buffer.index = camera->given.front();
  camera->given.pop_front();
  --camera->ready;
  buffer.bytesused = static_cast<std::uint32_t>(frame.size());
  std::memcpy(camera->buffers[buffer.index], frame.data(), frame.size());
  ++camera->taken;
  if (camera->trouble == "damaged" && camera->taken <= 20) {
    if (camera->taken % 2 == 0)
      buffer.flags |= V4L2_BUF_FLAG_ERROR;
    else
      buffer.bytesused = 10;
  }
  if (camera->trouble == "liar") buffer.bytesused = 0xFFFFFFF0u;
  return 0;
}

int answer(unsigned long request, void* argument) {
  switch (request) {
    case VIDIOC_QUERYCAP:
      return query_capability(*static_cast<v4l2_capability*>(argument));
    case VIDIOC_S_FMT:
      return set_format(*static_cast<v4l2_format*>(argument));
    case VIDIOC_REQBUFS:
      camera->buffers.assign(static_cast<v4l2_requestbuffers*>(argument)->count, nullptr);
      return 0;
    case VIDIOC_QUERYBUF: {
      auto& buffer = *static_cast<v4l2_buffer*>(argument);
      buffer.length = buffer_bytes;
      buffer.m.offset = buffer.index * buffer_step;
      return 0;
    }
    case VIDIOC_QBUF:
      camera->given.push_back(static_cast<v4l2_buffer*>(argument)->index);
      return 0;
    case VIDIOC_DQBUF:
      return take_buffer(*static_cast<v4l2_buffer*>(argument));
    case VIDIOC_STREAMON:
      camera->streams = true;
      return 0;
    default:
      return refused(ENOTTY);
  }
}

}  // namespace

extern "C" {

int ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  static const auto real = reinterpret_cast<int (*)(int, unsigned long, ...)>(dlsym(RTLD_NEXT, "ioctl"));
  return camera && fd == 0 ? answer(request, argument) : real(fd, request, argument);
}

void* mmap(void* where, std::size_t size, int protection, int flags, int fd, off_t offset) {
  static const auto real =
      reinterpret_cast<void* (*)(void*, std::size_t, int, int, int, off_t)>(dlsym(RTLD_NEXT, "mmap"));
  if (!camera || fd != 0) return real(where, size, protection, flags, fd, offset);
  void* memory = real(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  camera->buffers[static_cast<std::size_t>(offset) / buffer_step] = memory;
  return memory;
}

void* mmap64(void* where, std::size_t size, int protection, int flags, int fd, off_t offset)
    __attribute__((alias("mmap")));

int poll(pollfd* waits, nfds_t count, int timeout) {
  static const auto real = reinterpret_cast<int (*)(pollfd*, nfds_t, int)>(dlsym(RTLD_NEXT, "poll"));
  if (!camera || count != 1 || waits[0].fd != 0) return real(waits, count, timeout);
  if (camera->trouble == "silent") return real(nullptr, 0, std::min(timeout, 300)), 0;
  real(nullptr, 0, 10);  // a hundred a second
  camera->ready = camera->burst;
  waits[0].revents = POLLIN;
  return 1;
}

// With _FORTIFY_SOURCE.
int __poll_chk(pollfd* waits, nfds_t count, int timeout, std::size_t) {
  return poll(waits, count, timeout);
}
}
