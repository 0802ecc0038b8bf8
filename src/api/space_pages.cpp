#include "api/space_pages.h"

#include "base/text.h"

namespace qrx::api {
namespace {

constexpr std::size_t most_pages = 10'000;  // of a thousand files or so: a server that names more means harm

}  // namespace

Result<void> check_pages(std::size_t pages) {
  if (pages >= most_pages) return fail(Kind::other, "the server's list of files has no end");
  return {};
}

std::string query_of_page(const std::string& next) {
  return "?from=" + percent_encode_segment(next);
}

}  // namespace qrx::api
