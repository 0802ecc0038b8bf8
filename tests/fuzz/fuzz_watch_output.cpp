// What the scan helper says while it watches, in pieces: views that are taken are small and whole.
#include <cstdlib>

#include "vision/small_picture.h"
#include "vision/watch_report.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  qrx::vision::WatchReader reader;
  reader.view = [](const qrx::vision::WatchView& view) {
    if (view.gray.width < 1 || view.gray.width > qrx::vision::WatchView::most_side ||
        view.gray.height > qrx::vision::WatchView::most_side)
      std::abort();
    if (view.gray.pixels.size() !=
        static_cast<std::size_t>(view.gray.width) * static_cast<std::size_t>(view.gray.height))
      std::abort();
  };
  for (std::size_t at = 0; at < text.size(); at += 13)
    if (!reader.take(text.substr(at, 13))) return 0;
  (void)reader.report();
  (void)qrx::vision::parse_small_picture(text);
  return 0;
}
