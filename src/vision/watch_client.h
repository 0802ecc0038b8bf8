// Finds QR codes with a camera, or in a video: starts qrx-scan as a sandboxed child that watches it. Video files and
// streams are decoded by ffmpeg, where it is installed, as a child of its own that hands gray pictures to the other.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "vision/scan_report.h"
#include "vision/watch_report.h"

namespace qrx::vision {

// What is to be watched, open already where it is a device or a file.
struct WatchSource {
  enum class What : std::uint8_t { camera, film, stream };
  What what = What::camera;
  UniqueFd file;     // of a camera or a film
  std::string url;   // of a stream
  std::string name;  // for people: "/dev/video0", "clip.mp4"
};

// text as after --camera: a number, the path of a device or of a video file, "-" (a video on stdin), or an address
// http://, https://, rtsp://. Kind::usage for other addresses; errors of opening say what can be done without a camera.
Result<WatchSource> open_watch_source(const std::string& text);
// The first camera of this machine.
Result<WatchSource> open_first_camera();

struct WatchOptions {
  std::string helper;  // path of qrx-scan; empty: find_scan_helper()
  std::string ffmpeg;  // empty: looked for in PATH
  bool any = false;    // any code ends it, not only a drop link
  std::optional<std::chrono::milliseconds> timeout;
  int stop = -1;                                       // ends when this descriptor becomes readable
  std::function<void(const WatchView&)> view;          // about ten times a second
  std::function<void(const std::string&)> other_code;  // read, but no drop link; untrusted
};

// Until a code was found, the video ends, or the time is up: the report of it all, for drop_link_in and texts_in
// (ScanStatus::timed_out when the time was up). The camera is released whenever this returns, and when this process
// dies. Kind::other when it was stopped, and for errors of this machine: no helper, no ffmpeg. Kind::unavailable for a
// stream that gives nothing, Kind::no_code for a file that is no video. Threads: the children die with the calling one.
// Blocks; a signal does not end it, `stop` does.
Result<ScanReport> watch(const WatchSource& source, const WatchOptions& options);

}  // namespace qrx::vision
