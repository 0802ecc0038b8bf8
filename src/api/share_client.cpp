#include "api/share_client.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "api/retry.h"
#include "api/space_pages.h"
#include "base/text.h"
#include "wire/resource.h"

namespace qrx::api {
namespace {

constexpr std::size_t most_pages = 10'000;  // of some hundred shares: a server that names more means harm

template <class T>
Result<T> read(const Result<http::ClientAnswer>& answer) {
  if (!answer) return tl::unexpected(answer.error());
  auto message = wire::from_json<T>(answer->body);
  if (!message) return fail(Kind::other, "the server's answer is malformed", "is this a qrx server that shares?");
  return message;
}

}  // namespace

ShareClient::ShareClient(const wire::OwnerLink& link, const http::ClientOptions& options, Millis patience)
    : Requests(link.origin, options), space_(link.guid), bearer_("Bearer " + link.token.text()), patience_(patience) {}

Result<http::ClientAnswer> ShareClient::ask(const char* method, const std::string& path, const std::string& body,
                                            const std::string& doing, bool once) {
  http::ClientRequest request;
  request.method = method;
  request.target = path;
  request.headers = {{"Authorization", bearer_}, {"Accept", "application/json"}};
  if (!body.empty()) {
    request.headers.push_back({"Content-Type", "application/json"});
    request.body = body;
    request.has_body = true;
  }
  const auto attempt = [&] {
    auto answer = http_.request(request);
    const bool malformed = answer && answer->status == 400;  // a message with links, and the like
    auto checked = granted(std::move(answer), doing);
    if (malformed) checked.error().kind = Kind::usage;
    return checked;
  };
  if (once) return attempt();
  // Shorter pauses than for transfers: somebody watches.
  return retry(*this, Backoff(*interrupt_, {Millis{100}, Millis{4'000}, patience_}, nullptr), attempt);
}

std::string ShareClient::shares() const {
  return wire::path_of({wire::Resource::shares, space_});
}

std::string ShareClient::one(const Id& share) const {
  return wire::path_of({wire::Resource::share, space_, share});
}

Result<wire::SpaceInfo> ShareClient::space() {
  const auto page = [this](const std::string& query) {
    return read<wire::SpaceInfo>(
        ask("GET", wire::path_of({wire::Resource::space, space_}) + query, {}, "look at the space"));
  };
  return with_all_pages(page(""), page);
}

Result<wire::Shares> ShareClient::create(const wire::CreateShares& wish) {
  return read<wire::Shares>(ask("POST", shares(), wire::to_json(wish), "share"));
}

Result<wire::Shares> ShareClient::list(std::optional<std::uint64_t> after, Seconds wait) {
  std::string query;
  if (after) query = "?after=" + std::to_string(*after) + "&wait=" + std::to_string(wait.count());
  auto list = read<wire::Shares>(ask("GET", shares() + query, {}, "look at the shares"));
  for (std::size_t pages = 1; list && !list->next.empty(); ++pages) {
    if (pages == most_pages) return fail(Kind::other, "the server's list of shares has no end");
    const std::string from = "?from=" + percent_encode_segment(list->next);
    auto more = read<wire::Shares>(ask("GET", shares() + from, {}, "look at the shares"));
    if (!more) return more;
    std::move(more->shares.begin(), more->shares.end(), std::back_inserter(list->shares));
    list->next = std::move(more->next);
  }
  return list;
}

Result<wire::ShareInfo> ShareClient::report(const Id& share, const wire::ReportShare& report) {
  // A claim whose answer was lost may have been granted: claiming it again would be refused as somebody else's (409),
  // and nobody would send the notice.
  const bool claims = report.state == wire::ShareState::sending;
  return read<wire::ShareInfo>(ask("PATCH", one(share), wire::to_json(report), "report", claims));
}

Result<void> ShareClient::revoke(const Id& share) {
  const auto answer = ask("DELETE", one(share), {}, "revoke");
  if (!answer) return tl::unexpected(answer.error());
  return {};
}

Result<void> ShareClient::revoke_all() {
  const auto answer = ask("DELETE", shares(), {}, "revoke");
  if (!answer) return tl::unexpected(answer.error());
  return {};
}

}  // namespace qrx::api
