#include "vision/heif_library.h"

#if QRX_HEIF

#include <dlfcn.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>

#include "vision/picture.h"

// libheif asks the decoder of HEIC for a thread beside it, which the sandbox forbids. The loader takes the program's
// function before the library's (CMakeLists.txt exports it), and with none that decoder works in the thread that calls.
extern "C" __attribute__((used, visibility("default"))) int de265_start_worker_threads(void* /*decoder*/,
                                                                                       int /*threads*/) {
  return 0;
}

namespace qrx::vision {
namespace {

std::optional<HeifLibrary> load() {
  // Never unloaded: the process ends without looking back.
  void* const library = dlopen("libheif.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) return std::nullopt;
  HeifLibrary out;
#define QRX_HEIF_LOOK_UP(name)                                            \
  out.name = reinterpret_cast<decltype(out.name)>(dlsym(library, #name)); \
  if (!out.name) return std::nullopt;
  QRX_HEIF_FUNCTIONS(QRX_HEIF_LOOK_UP)
#undef QRX_HEIF_LOOK_UP
  // Loads its plug-ins, where it has its codecs as such.
  if (out.heif_init(nullptr).code != heif_error_Ok) return std::nullopt;
  return out;
}

std::optional<HeifLibrary> loaded;

void stay_on_one_processor() {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<unsigned>(std::max(0, sched_getcpu())), &one);
  // Where it fails a codec may start threads: then the sandbox ends the process, and nothing is read.
  (void)sched_setaffinity(0, sizeof one, &one);
}

}  // namespace

const HeifLibrary* heif_library() {
  return loaded ? &*loaded : nullptr;
}

void prepare_for_heif() {
  std::array<std::byte, 12> head{};
  const off_t start = lseek(STDIN_FILENO, 0, SEEK_CUR);
  if (start < 0 || pread(STDIN_FILENO, head.data(), head.size(), start) != static_cast<ssize_t>(head.size())) return;
  if (picture_format(head) != PictureFormat::heif) return;
  loaded = load();
  if (loaded) stay_on_one_processor();
}

}  // namespace qrx::vision

#else

namespace qrx::vision {
void prepare_for_heif() {}
}  // namespace qrx::vision

#endif
