// Where to send: the drop link, given in text, or looked for in pictures, before a camera or on this machine's screen.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "cli/user_messages.h"
#include "term/progress.h"
#include "vision/scan_client.h"
#include "wire/link.h"

namespace qrx::cli {

struct ScanWish {
  enum class Where : std::uint8_t { link, pictures, camera, screen };
  Where where = Where::camera;
  std::string link;
  std::vector<std::string> images;  // "-": standard input
  std::string camera;               // empty: the first one
  bool thorough = false;
  bool any = false;  // any code will do
  std::optional<Seconds> timeout;
};

class LinkScan {
 public:
  // Messages and ProgressLine stay the caller's. `draws`: the camera's picture may be drawn in the terminal.
  LinkScan(const ScanWish& wish, Messages& messages, term::ProgressLine& progress, bool draws)
      : wish_(wish), messages_(messages), progress_(progress), draws_(draws) {}

  bool looks() const { return wish_.where != ScanWish::Where::link; }  // it was not given

  // Kind::no_code when there is none, Kind::usage when there are two.
  Result<wire::DropLink> find();
  // For --scan-only: the drop link as it stands in the code, or with `any` all texts; at least one.
  Result<std::vector<std::string>> texts();

 private:
  Result<std::vector<vision::NamedReport>> look();
  Result<std::vector<vision::NamedReport>> read_pictures();
  Result<std::vector<vision::NamedReport>> watch_camera();
  Result<std::vector<vision::NamedReport>> read_screen();
  vision::ScanOptions how_to_scan() const;
  void tell(const std::string& name, const vision::ScanReport& report);

  const ScanWish& wish_;
  Messages& messages_;
  term::ProgressLine& progress_;
  bool draws_;
};

}  // namespace qrx::cli
