#include "api/space_pages.h"

#include "base/text.h"

namespace qrx::api {
namespace {

constexpr std::size_t most_pages = 10'000;  // of a thousand files or so: a server that names more means harm

}  // namespace

// What is committed between two pages stands on a later one, and moves the seq beyond that of the first.
Result<wire::SpaceInfo> with_all_pages(Result<wire::SpaceInfo> first,
                                       const std::function<Result<wire::SpaceInfo>(const std::string& query)>& ask) {
  for (std::size_t pages = 1; first && !first->next.empty(); ++pages) {
    if (pages == most_pages) return fail(Kind::other, "the server's list of files has no end");
    auto more = ask("?from=" + percent_encode_segment(first->next));
    if (!more) return more;
    wire::append_page(first->deliveries, std::move(more->deliveries));
    first->next = std::move(more->next);
  }
  return first;
}

}  // namespace qrx::api
