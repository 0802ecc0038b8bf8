#include "vision/scan_client.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "base/text.h"
#include "base/unique_fd.h"
#include "base/write_all.h"
#include "process/find_program.h"
#include "process/run_program.h"
#include "wire/link.h"

namespace qrx::vision {
namespace {

// A hundred megapixels as gray and alpha, twice, and the libraries.
constexpr std::uint64_t most_memory = 1536ull << 20;
// Decoding a hundred megapixels takes three seconds here; the search stops by itself.
constexpr std::uint64_t decode_seconds = 15;
constexpr std::uint64_t thorough_seconds = decode_seconds + 2 * most_thorough.count();

process::Program scan_program(const std::string& helper, int picture, const ScanOptions& options) {
  const bool thorough = options.budget.count() <= 0;
  process::Program program;
  program.plan.path = helper;
  program.plan.arguments = {"qrx-scan", std::to_string(thorough ? 0 : options.budget.count())};
  if (options.any) program.plan.arguments.emplace_back("any");
  program.plan.environment = scan_environment();
  program.plan.in = picture;
  program.plan.in_root = true;
  process::Limits& limits = program.plan.limits.emplace();
  limits.memory_bytes = most_memory;
  limits.cpu_seconds =
      thorough ? thorough_seconds : decode_seconds + static_cast<std::uint64_t>(options.budget.count() / 1000);
  program.most_output = ScanReport::most_bytes;
  program.lingering = helper_lingers;
  if (options.timeout.count() > 0) program.limit = options.timeout;
  return program;
}

ScanReport report_of(ScanStatus status) {
  ScanReport report;
  report.status = status;
  return report;
}

// picture: a descriptor that the helper can read without waiting for anybody.
Result<ScanReport> run_helper(int picture, const ScanOptions& options) {
  std::string helper = options.helper;
  if (helper.empty()) {
    auto found = find_scan_helper();
    if (!found) return tl::unexpected(found.error());
    helper = *found;
  }
  const auto ran = process::run(scan_program(helper, picture, options));
  if (!ran) return tl::unexpected(no_scan_helper(ran.error()));
  using How = process::Ran::How;
  if (ran->how == How::out_of_time) return report_of(ScanStatus::timed_out);
  if (ran->how != How::to_its_end) return report_of(ScanStatus::crashed);
  // Before it wrote a word: it refused to read the picture without a sandbox.
  if (ran->output.empty() && ran->ended.status == scan_exit_no_sandbox) return tl::unexpected(no_sandbox());
  auto report = parse_scan_report(ran->output);
  // A report that is not well-formed, or a helper that died: the picture may have taken it over, so nothing it says
  // counts.
  if (!ran->ended.well() || !report) return report_of(ScanStatus::crashed);
  return std::move(*report);
}

Result<UniqueFd> memory_file() {
  UniqueFd file(memfd_create("picture", MFD_CLOEXEC));
  if (!file) return fail_errno("cannot hold the picture in memory");
  return file;
}

// Reads a pipe to its end, or one byte beyond the limit.
// A helper must not wait for a person who is still drawing: its time would run out.
Result<UniqueFd> slurp(int from, std::size_t& size) {
  auto file = memory_file();
  if (!file) return file;
  std::vector<std::byte> buffer(1 << 18);
  size = 0;
  while (size <= most_picture_bytes) {
    const ssize_t got = read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("cannot read the picture");
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
    if (!write_all(file->get(), as_text(ByteView(buffer).first(static_cast<std::size_t>(got)))))
      return fail_errno("cannot hold the picture in memory");
  }
  if (lseek(file->get(), 0, SEEK_SET) != 0) return fail_errno("cannot hold the picture in memory");
  return file;
}

Error no_code(std::string what, std::string hint = {}) {
  return {Kind::no_code, std::move(what), std::move(hint)};
}

// Why a picture gave no text at all.
Error nothing_in(const ScanReport& report, const std::string& name) {
  const std::string shown = escape_untrusted(name);
  switch (report.status) {
    case ScanStatus::not_a_picture:
      return no_code("cannot read " + shown + ": not a picture",
                     "PNG, JPEG, WebP, GIF, BMP, HEIC and AVIF are read, and SVG as qrx-recv writes it");
    case ScanStatus::not_read_format:
      return no_code(
          "cannot read " + shown + ": it is a HEIC or AVIF picture, and libheif with its decoders is not installed",
          "install libheif1 (Debian, Ubuntu) or libheif, or save the picture as JPEG or PNG (a qrx that was built "
          "without "
          "libheif's headers needs that)");
    case ScanStatus::damaged:
      return no_code("cannot read the picture " + shown + ": it is damaged");
    case ScanStatus::too_large:
      return no_code("cannot read the picture " + shown + ": it is too large");
    case ScanStatus::crashed:
      return no_code("cannot read the picture " + shown + ": the decoder crashed");
    case ScanStatus::timed_out:
      return no_code("no QR code found in " + shown + " within the time");
    case ScanStatus::not_a_camera:
      return {Kind::other, shown + " is not a camera that qrx can read", std::string(other_ways)};
    case ScanStatus::camera_busy:
      return {Kind::other, "cannot use the camera " + shown + ": another program is using it", std::string(other_ways)};
    case ScanStatus::camera_lost:
      return {Kind::other, "the camera " + shown + " has stopped delivering pictures", std::string(other_ways)};
    case ScanStatus::searched:
      break;
  }
  return no_code("no QR code found in " + shown,
                 "a sharp, straight picture with the whole code and its light border reads best");
}

}  // namespace

Result<std::string> find_scan_helper() {
  return process::find_own_program("qrx-scan");
}

std::vector<std::string> scan_environment() {
  return {"LC_ALL=C", "OPENCV_LOG_LEVEL=SILENT", "OPENCV_OPENCL_RUNTIME=disabled"};
}

Error no_scan_helper(const Error& why) {
  return {why.kind, why.what, "is qrx installed completely?"};
}

Error no_sandbox() {
  return {Kind::other, "cannot read pictures safely: this system has no seccomp filters",
          "give the link instead: qrx-send --link LINK"};
}

Result<ScanReport> scan_picture(int picture, const ScanOptions& options) {
  struct stat facts {};
  if (fstat(picture, &facts) != 0) return fail_errno("cannot read the picture");
  if (S_ISDIR(facts.st_mode)) return fail_errno("cannot read the picture", EISDIR);
  if (S_ISREG(facts.st_mode)) {
    const off_t offset = lseek(picture, 0, SEEK_CUR);
    if (offset < 0) return fail_errno("cannot read the picture");
    // By what is left from where the descriptor stands: as cat(1) reads it.
    if (facts.st_size - offset > static_cast<off_t>(most_picture_bytes)) return report_of(ScanStatus::too_large);
    return run_helper(picture, options);
  }
  std::size_t size = 0;
  const auto file = slurp(picture, size);
  if (!file) return tl::unexpected(file.error());
  if (size > most_picture_bytes) return report_of(ScanStatus::too_large);
  return run_helper(file->get(), options);
}

Result<ScanReport> scan_picture(ByteView picture, const ScanOptions& options) {
  if (picture.size() > most_picture_bytes) return report_of(ScanStatus::too_large);
  const auto file = memory_file();
  if (!file) return tl::unexpected(file.error());
  if (!write_all(file->get(), as_text(picture)) || lseek(file->get(), 0, SEEK_SET) != 0)
    return fail_errno("cannot hold the picture in memory");
  return run_helper(file->get(), options);
}

Result<std::string> drop_link_in(const ScanReport& report, const std::string& name) {
  const NamedReport one[] = {{name, report}};
  return drop_link_in(one);
}

Result<std::string> drop_link_in(std::span<const NamedReport> reports) {
  std::optional<wire::DropLink> link;
  std::string text;
  std::size_t others = 0;
  for (const auto& [name, report] : reports) {
    for (const std::string& candidate : report.texts) {
      const auto parsed = wire::parse_drop_link(candidate);
      if (!parsed) {
        ++others;
      } else if (!link) {
        link = *parsed;
        text = candidate;
        // Of two links one may have been planted; who wins must not be decided by the order of pictures.
      } else if (parsed->text() != link->text()) {
        return fail(Kind::usage,
                    "found two different links: " + escape_untrusted(text) + " and " + escape_untrusted(candidate),
                    "pass the right one: qrx-send --link LINK");
      }
    }
  }
  if (link) return text;
  if (reports.empty()) return tl::unexpected(no_code("no picture to read"));
  if (others > 0)
    return tl::unexpected(
        no_code("no link to send to found, only other QR codes", "--scan-only --any prints what they say"));
  return tl::unexpected(nothing_in(reports.front().report, reports.front().name));
}

Result<std::vector<std::string>> texts_in(const ScanReport& report, const std::string& name) {
  if (report.texts.empty()) return tl::unexpected(nothing_in(report, name));
  return report.texts;
}

}  // namespace qrx::vision
