#include "cli/recv/poster_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <utility>

#include "base/text.h"
#include "base/unique_fd.h"
#include "base/write_all.h"
#include "cli/addresses.h"
#include "cli/picture_file.h"
#include "cli/signals.h"
#include "poster/poster_page.h"
#include "process/find_program.h"
#include "process/run_program.h"
#include "wire/resource.h"

namespace qrx::cli {
namespace {

// A page is far smaller: more comes from a helper that went wrong.
constexpr std::size_t most_bytes = 16U << 20;
constexpr Millis drawing_time{30'000};  // the first run of fontconfig on a machine reads all fonts

Result<std::string> drawn_by_helper(const poster::PosterPage& page) {
  const auto helper = process::find_own_program("qrx-poster");
  if (!helper) return helper;
  // In memory: no file is left behind when this run is killed.
  const UniqueFd in(::memfd_create("page", MFD_CLOEXEC));
  if (!in || !write_all(in.get(), poster::to_bytes(page)) || ::lseek(in.get(), 0, SEEK_SET) != 0)
    return fail_errno("cannot hold the page in memory");
  process::Program program;
  program.plan.path = *helper;
  program.plan.arguments = {"qrx-poster"};
  program.plan.environment = process::own_environment();  // where the user's fonts are
  program.plan.in = in.get();
  program.most_output = most_bytes;
  program.limit = drawing_time;
  program.stop = ended_by_fd();
  auto ran = process::run_in_time(program);
  if (!ran) return tl::unexpected(ran.error());
  if (!ran->ended.well()) return fail(Kind::other, "the poster could not be drawn");
  return std::move(ran->output);
}

}  // namespace

Result<void> check_poster_name(const std::string& path) {
  if (poster::form_of(path)) return {};
  return fail(Kind::usage, "--poster: '" + path + "' ends neither in .pdf, .svg nor .png");
}

std::string help_with_own_server(const wire::Origin& server) {
  return std::string("Does the page not open? ") +
         (is_private_host(server.host) ? "Join the same Wi-Fi as the receiver. " : "") +
         "The receiver's computer may be off: try again later.";
}

Result<void> write_poster(const std::string& path, const PosterText& text, const wire::DropLink& drop,
                          const qr::Symbol& symbol) {
  if (auto known = check_poster_name(path); !known) return known;
  poster::PosterPage page;
  page.form = *poster::form_of(path);
  page.above = "Scan to send files to";
  page.name = escape_untrusted(text.name.empty() ? drop.origin.authority() : text.name);
  page.side = symbol.side();
  for (int y = 0; y < symbol.side(); ++y)
    for (int x = 0; x < symbol.side(); ++x) page.dark.push_back(symbol.dark(x, y));
  page.words = text.words;
  // The link to type has no key, which is too long for that: what is sent by it is not encrypted.
  page.lines = {"Point your phone's camera at the code, or open",
                drop.origin.url() + wire::path_of({wire::Resource::drop, drop.guid}),
                "If your device shows other words than these four, it is not the right code.",
                "Anyone who sees this page can send, but cannot read anything."};
  if (!text.help.empty()) page.lines.push_back(text.help);
  const auto drawn = drawn_by_helper(page);
  if (!drawn) return tl::unexpected(drawn.error());
  return replace_picture_file(path, *drawn);
}

}  // namespace qrx::cli
