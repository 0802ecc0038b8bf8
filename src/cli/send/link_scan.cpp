#include "cli/send/link_scan.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "base/bytes.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "cli/send/screenshot.h"
#include "cli/signals.h"
#include "term/live_picture.h"
#include "term/terminal.h"
#include "vision/watch_client.h"

namespace qrx::cli {

void LinkScan::tell(const std::string& name, const vision::ScanReport& report) {
  messages_.detail(name + ": " + std::to_string(report.width) + "x" + std::to_string(report.height) + ", " +
                   std::to_string(report.texts.size()) + " codes" +
                   (report.step == "-" || report.step.empty() ? "" : ", found by: " + report.step));
}

vision::ScanOptions LinkScan::how_to_scan() const {
  vision::ScanOptions options;
  options.any = wish_.any;
  // The time for people and the budget of the search are one: what is not found by then is not waited for.
  if (wish_.timeout) options.timeout = options.budget = *wish_.timeout;
  if (wish_.thorough) {
    options.budget = std::chrono::milliseconds(0);
    if (!wish_.timeout) options.timeout = options.budget;
  }
  return options;
}

Result<std::vector<vision::NamedReport>> LinkScan::read_pictures() {
  std::vector<vision::NamedReport> reports;
  for (const auto& path : wish_.images) {
    UniqueFd opened;
    if (path != "-") {
      opened.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
      if (!opened) return fail_errno("cannot read " + path);
    }
    progress_.status("looking for a QR code in " + escape_untrusted(path) + "…");
    auto report = vision::scan_picture(opened ? opened.get() : STDIN_FILENO, how_to_scan());
    progress_.clear();
    if (!report) return tl::unexpected(report.error());
    tell(path, *report);
    reports.push_back({path == "-" ? "stdin" : path, std::move(*report)});
  }
  return reports;
}

Result<std::vector<vision::NamedReport>> LinkScan::read_screen() {
  progress_.status("looking for a QR code on the screen…");
  const auto shot = take_screenshot(ended_by_fd());
  if (!shot) return tl::unexpected(shot.error());
  auto report = vision::scan_picture(as_bytes(shot->picture), how_to_scan());
  progress_.clear();
  if (!report) return tl::unexpected(report.error());
  tell("the screen, by " + shot->program, *report);
  std::vector<vision::NamedReport> reports;
  reports.push_back({"the screen (by " + shot->program + ")", std::move(*report)});
  return reports;
}

// The camera is ours until a drop link was seen; its picture stands on the terminal meanwhile, so that one can aim.
Result<std::vector<vision::NamedReport>> LinkScan::watch_camera() {
  auto source = wish_.camera.empty() ? vision::open_first_camera() : vision::open_watch_source(wish_.camera);
  if (!source) return tl::unexpected(source.error());
  const std::string name = escape_untrusted(source->name);
  const bool live = source->what == vision::WatchSource::What::camera;
  const std::string looking = "looking for a QR code with " + name + "… (Ctrl-C to stop)";
  term::LivePicture picture(STDERR_FILENO, draws_);
  vision::WatchOptions options;
  options.any = wish_.any;
  options.stop = ended_by_fd();
  if (wish_.timeout) options.timeout = *wish_.timeout;
  if (picture.shown())
    options.view = [&](const vision::WatchView& view) {
      const std::string_view hint = vision::words_of(view.hint);
      picture.show({view.gray.width, view.gray.height, view.gray.pixels},
                   hint.empty() ? looking : std::string(hint) + " · " + looking, live);
    };
  // Of a film there is nothing to show.
  if (source->what != vision::WatchSource::What::film)
    messages_.say("show the QR code to " + name + (picture.shown() ? "" : "; Ctrl-C to stop"));
  auto report = vision::watch(*source, options);
  picture.clear();
  if (!report) return tl::unexpected(report.error());
  tell(name, *report);
  std::vector<vision::NamedReport> reports;
  reports.push_back({source->name, std::move(*report)});
  return reports;
}

Result<std::vector<vision::NamedReport>> LinkScan::look() {
  switch (wish_.where) {
    case ScanWish::Where::pictures:
      return read_pictures();
    case ScanWish::Where::screen:
      return read_screen();
    case ScanWish::Where::camera:
    case ScanWish::Where::link:
      break;
  }
  return watch_camera();
}

Result<wire::DropLink> LinkScan::find() {
  if (wish_.where == ScanWish::Where::link) return wire::parse_drop_link(wish_.link);
  const auto reports = look();
  if (!reports) return tl::unexpected(reports.error());
  const auto found = vision::drop_link_in(*reports);
  if (!found) return tl::unexpected(found.error());
  return wire::parse_drop_link(*found);
}

Result<std::vector<std::string>> LinkScan::texts() {
  const auto reports = look();
  if (!reports) return tl::unexpected(reports.error());
  std::vector<std::string> texts;
  if (!wish_.any) {
    auto link = vision::drop_link_in(*reports);
    if (!link) return tl::unexpected(link.error());
    texts.push_back(std::move(*link));
    return texts;
  }
  std::optional<Error> nothing;
  for (const auto& [name, report] : *reports) {
    const auto found = vision::texts_in(report, name);
    if (found)
      texts.insert(texts.end(), found->begin(), found->end());
    else
      nothing = found.error();
  }
  if (texts.empty()) return tl::unexpected(nothing.value_or(Error{Kind::no_code, "no picture to read", {}}));
  return texts;
}

}  // namespace qrx::cli
