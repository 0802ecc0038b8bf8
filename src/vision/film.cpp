#include "vision/film.h"

#include <fcntl.h>
#include <linux/videodev2.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/text.h"
#include "process/find_program.h"
#include "process/pipe.h"

namespace qrx::vision {
namespace {

// Address space, most of it never touched: decoders of 4K video and their threads.
constexpr std::uint64_t most_memory = 3ull << 30;
constexpr std::uint64_t most_complaints = 64 * 1024;

// Containers and pictures; not playlists and scripts, which name other files.
constexpr const char* demuxers =
    "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,avi,mpegts,mpeg,mpegvideo,flv,ogg,gif,apng,mjpeg,h264,hevc,av1,ivf,m4v,nut,"
    "asf,"
    "yuv4mpegpipe,jpeg_pipe,png_pipe,webp_pipe,bmp_pipe,pgm_pipe,ppm_pipe";
// 1920 pixels a side at most: larger frames cost time and show no more of a code that was held up to be read.
constexpr const char* filter =
    "scale=w='if(gte(iw,ih),min(1920,iw),-2)':h='if(gte(iw,ih),-2,min(1920,ih))':flags=area,format=gray";

std::vector<std::string> input_of(const FilmPlan& plan) {
  if (plan.file < 0) {
    // No "file": an address must not lead ffmpeg to files of this machine.
    std::vector<std::string> words = {"-protocol_whitelist", "http,https,httpproxy,tcp,tls,rtp,rtsp,udp,crypto",
                                      // One second (microseconds) to find out what a stream holds; five are usual.
                                      "-analyzeduration", "1000000"};
    // UDP loses packets, and broken pictures read badly.
    if (plan.url.starts_with("rtsp")) words.insert(words.end(), {"-rtsp_transport", "tcp"});
    words.insert(words.end(), {"-i", plan.url});
    return words;
  }
  struct stat facts {};
  // A file is opened anew, as formats with their index at the end need to seek.
  const bool regular = fstat(plan.file, &facts) == 0 && S_ISREG(facts.st_mode);
  // By its descriptor: the name of a hostile file is never parsed by ffmpeg.
  return {"-protocol_whitelist",
          regular ? "file" : "pipe",
          "-format_whitelist",
          demuxers,
          "-i",
          regular ? "file:/proc/self/fd/0" : "pipe:0"};
}

std::vector<std::string> environment() {
  std::vector<std::string> out = {"LC_ALL=C"};
  for (const char* name : {"http_proxy", "no_proxy"})
    if (const char* value = std::getenv(name)) out.push_back(std::string(name) + "=" + value);
  return out;
}

}  // namespace

Result<Film> start_film(const FilmPlan& plan) {
  const auto ffmpeg = plan.ffmpeg.empty() ? process::find_in_path("ffmpeg") : plan.ffmpeg;
  if (!ffmpeg)
    return fail(Kind::other, "cannot read video: ffmpeg is not installed",
                "install it, or give a picture of the code with -i, or its link in text with -l");
  UniqueFd complaints(memfd_create("ffmpeg", MFD_CLOEXEC));
  if (!complaints) return fail_errno("cannot start ffmpeg");
  auto pictures = process::make_pipe();
  if (!pictures) return tl::unexpected(pictures.error());
  // A megabyte, so that a frame of usual size fits: both sides work at the same time. A hint.
  (void)fcntl(pictures->write.get(), F_SETPIPE_SZ, 1 << 20);

  process::ChildPlan child;
  child.path = *ffmpeg;
  child.arguments = {"ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error"};
  const auto input = input_of(plan);
  child.arguments.insert(child.arguments.end(), input.begin(), input.end());
  for (const char* word :
       // "passthrough": frames as they come, none doubled or dropped for a rate.
       {"-map", "0:v:0", "-vf", filter, "-fps_mode", "passthrough", "-f", "image2pipe", "-c:v", "pgm", "pipe:1"})
    child.arguments.emplace_back(word);
  child.environment = environment();
  child.in = plan.file;
  child.out = pictures->write.get();
  child.err = complaints.get();
  child.in_root = true;
  process::Limits& limits = child.limits.emplace();
  limits.memory_bytes = most_memory;
  // Its complaints go to a file in memory, and no further.
  limits.file_bytes = most_complaints;
  limits.descriptors = 256;
  limits.starts_others = true;
  auto started = process::Child::start(child);
  if (!started) return tl::unexpected(started.error());
  return Film{std::move(*started), std::move(pictures->read), std::move(complaints)};
}

// The first line is nearest to the cause.
std::string first_complaint(int complaints) {
  std::string text(400, '\0');
  const ssize_t got = pread(complaints, text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  text = text.substr(0, text.find('\n'));
  // "[tcp @ 0x5581] Connection refused": which part of it says so is of no use to people.
  if (text.starts_with('['))
    if (const auto end = text.find("] "); end != std::string::npos) text = text.substr(end + 2);
  return text.empty() ? text : "ffmpeg says: " + escape_untrusted(text);
}

bool is_stream_address(std::string_view text) {
  const auto colon = text.find("://");
  if (colon == std::string_view::npos || text.size() == colon + 3 || text.size() > 4096) return false;
  const std::string scheme = to_lower_ascii(text.substr(0, colon));
  if (scheme != "http" && scheme != "https" && scheme != "rtsp") return false;
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

bool takes_pictures(int device) {
  v4l2_capability ability{};
  if (ioctl(device, VIDIOC_QUERYCAP, &ability) != 0) return false;
  // Of the device node at hand: one card may have several, and the one for metadata takes no pictures.
  const std::uint32_t can = (ability.capabilities & V4L2_CAP_DEVICE_CAPS) ? ability.device_caps : ability.capabilities;
  return (can & V4L2_CAP_VIDEO_CAPTURE) && (can & V4L2_CAP_STREAMING);
}

}  // namespace qrx::vision
