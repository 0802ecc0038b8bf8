#include "api/share_client.h"

#include "api/refusals.h"
#include "base/text.h"
#include "wire/resource.h"

namespace qrx::api {
namespace {

constexpr std::size_t most_pages = 10'000;  // of a thousand files or so

http::ClientOptions with_interrupt(http::ClientOptions options) {
  if (!options.interrupt) options.interrupt = std::make_shared<http::Interrupt>();
  return options;
}

template <class T>
Result<T> read(const Result<http::ClientAnswer>& answer) {
  if (!answer) return tl::unexpected(answer.error());
  auto message = wire::from_json<T>(answer->body);
  if (!message) return fail(Kind::other, "the server's answer is not understood", "is this a qrx server that shares?");
  return message;
}

}  // namespace

ShareClient::ShareClient(const OwnerLink& link, http::ClientOptions options, Millis patience)
    : options_(with_interrupt(std::move(options))),
      client_(link.origin, options_),
      space_(link.guid),
      bearer_("Bearer " + link.token.text()),
      patience_(patience) {}

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
  Patience patience(*options_.interrupt, {Millis{100}, Millis{4'000}, patience_}, nullptr);
  for (;;) {
    auto answer = client_.request(request);
    if (answer && answer->status < 300) return answer;
    Error error = answer ? refusal(*answer, doing) : answer.error();
    if (answer && answer->status == 400) error.kind = Kind::usage;  // a message with links, and the like
    if (!answer) client_.close();
    if (once || options_.interrupt->raised()) return tl::unexpected(error);
    if (auto go_on = patience.wait(error, answer ? retry_after(*answer) : std::nullopt); !go_on)
      return tl::unexpected(go_on.error());
  }
}

std::string ShareClient::shares() const {
  return wire::path_of({wire::Resource::shares, space_});
}

std::string ShareClient::one(const Id& share) const {
  return wire::path_of({wire::Resource::share, space_, share});
}

Result<wire::SpaceInfo> ShareClient::space() {
  const std::string path = wire::path_of({wire::Resource::space, space_});
  auto info = read<wire::SpaceInfo>(ask("GET", path, {}, "look at the space"));
  for (std::size_t pages = 1; info && !info->next.empty(); ++pages) {
    if (pages == most_pages) return fail(Kind::other, "the server names files without end");
    const std::string from = "?from=" + percent_encode_segment(info->next);
    auto more = read<wire::SpaceInfo>(ask("GET", path + from, {}, "look at the space"));
    if (!more) return more;
    wire::append_page(info->deliveries, std::move(more->deliveries));
    info->next = std::move(more->next);
  }
  return info;
}

Result<wire::Shares> ShareClient::create(const wire::CreateShares& wish) {
  return read<wire::Shares>(ask("POST", shares(), wire::to_json(wish), "share"));
}

Result<wire::Shares> ShareClient::list(std::optional<std::uint64_t> after, Seconds wait) {
  std::string query;
  if (after) query = "?after=" + std::to_string(*after) + "&wait=" + std::to_string(wait.count());
  return read<wire::Shares>(ask("GET", shares() + query, {}, "look at the shares"));
}

Result<wire::ShareInfo> ShareClient::report(const Id& share, const wire::ReportShare& report) {
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
