// A video file or a stream as gray pictures on a pipe: ffmpeg as a child. Also: is a device a camera.
// Private to src/vision: watch_client.h is for others.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "process/child.h"

namespace qrx::vision {

struct FilmPlan {
  std::string ffmpeg;  // empty: looked for in PATH
  int file = -1;       // ffmpeg never sees its name
  std::string url;     // when there is no file
};

struct Film {
  process::Child ffmpeg;
  UniqueFd pictures;    // PGM, at most 1920 pixels a side, until the end
  UniqueFd complaints;  // what ffmpeg says, in memory
};

// Kind::other with a hint when ffmpeg is not installed.
Result<Film> start_film(const FilmPlan& plan);

// The first line that ffmpeg wrote, escaped, or nothing.
std::string first_complaint(int complaints);

// http, https or rtsp, a host, and no blank or control byte: what may be handed to ffmpeg.
bool is_stream_address(std::string_view text);

// It is a V4L2 device that captures, and streams.
bool takes_pictures(int device);

}  // namespace qrx::vision
