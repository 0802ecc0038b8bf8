#include "serve/content/read_piece.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <variant>

namespace qrx::serve {
namespace {

Result<void> read_run(const space::FileRun& run, std::string& out) {
  const std::size_t before = out.size();
  out.resize(before + static_cast<std::size_t>(run.size));
  for (;;) {
    const ssize_t got = ::pread(run.fd, out.data() + before, run.size, static_cast<off_t>(run.offset));
    if (got < 0 && errno == EINTR) continue;
    out.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0) return fail_errno("cannot read a stored file");
    if (got == 0) return fail(Kind::integrity, "the server has lost bytes of this file");
    return {};
  }
}

}  // namespace

Result<std::optional<Id>> read_piece(space::Content& content, std::uint64_t offset, std::uint64_t most,
                                     std::string& out) {
  auto piece = content.take(offset, most);
  if (!piece) return tl::unexpected(piece.error());
  if (const auto* pending = std::get_if<space::NotYet>(&*piece)) return std::optional(pending->topic);
  if (const auto* bytes = std::get_if<std::string>(&*piece))
    out += *bytes;
  else if (auto read = read_run(std::get<space::FileRun>(*piece), out); !read)
    return tl::unexpected(read.error());
  return std::optional<Id>();
}

}  // namespace qrx::serve
