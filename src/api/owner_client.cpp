#include "api/owner_client.h"

#include <algorithm>

#include "api/refusals.h"
#include "base/text.h"
#include "wire/share_messages.h"
#include "wire/tus.h"

namespace qrx::api {

namespace {

constexpr std::size_t most_pages = 10'000;  // of a thousand files or so
constexpr std::size_t most_refusal_bytes = 64U << 10;

wire::SpaceInfo as_space(wire::SharedSpace shared) {
  wire::SpaceInfo info;
  info.label = std::move(shared.label);
  info.expires = shared.expires;
  info.deliveries = std::move(shared.deliveries);
  info.next = std::move(shared.next);
  return info;
}

}  // namespace

OwnerClient::OwnerClient(const SpaceAddress& address, const http::ClientOptions& options)
    : address_(address), client_(address.origin, options) {}

http::ClientRequest OwnerClient::request(const std::string& method, const std::string& target) const {
  http::ClientRequest out;
  out.method = method;
  out.target = target;
  if (!address_.bearer.empty()) out.headers = {{"Authorization", "Bearer " + address_.bearer}};
  return out;
}

Result<http::ClientAnswer> OwnerClient::checked(Result<http::ClientAnswer> answer, const std::string& doing) {
  const int status = answer ? answer->status : 0;
  auto granted = api::checked(std::move(answer), doing, asked_pause_);
  if (address_.shared && status == 404) granted.error().what = "the link is unknown";
  if (address_.shared && status == 410) granted.error().what = "the link was revoked, has expired or is used up";
  return granted;
}

Result<wire::SpaceInfo> OwnerClient::page(const std::string& query) {
  const auto not_understood = [](const Error&) {
    return fail(Kind::other, "the server's answer is not understood", "is this a qrx server?");
  };
  auto look = request("GET", address_.path() + query);
  if (address_.shared) look.headers = {{"Accept", "application/json"}};
  const auto answer = checked(client_.request(look), address_.shared ? "look at what is shared" : "look at the space");
  if (!answer) return tl::unexpected(answer.error());
  if (address_.shared) {
    auto shared = wire::from_json<wire::SharedSpace>(answer->body);
    if (!shared) return not_understood(shared.error());
    return as_space(std::move(*shared));
  }
  auto info = wire::from_json<wire::SpaceInfo>(answer->body);
  if (!info) return not_understood(info.error());
  return info;
}

// What is committed between two pages stands on a later one, and moves the seq beyond that of the first.
Result<wire::SpaceInfo> OwnerClient::space(std::optional<std::uint64_t> after, Seconds wait) {
  const bool waits = after && !address_.shared;
  auto info = page(waits ? "?after=" + std::to_string(*after) + "&wait=" + std::to_string(wait.count()) : "");
  for (std::size_t pages = 1; info && !info->next.empty(); ++pages) {
    if (pages == most_pages) return fail(Kind::other, "the server names files without end");
    auto more = page("?from=" + percent_encode_segment(info->next));
    if (!more) return more;
    wire::append_page(info->deliveries, std::move(more->deliveries));
    info->next = std::move(more->next);
  }
  return info;
}

Result<void> OwnerClient::close_space() {
  auto wish = request("PATCH", address_.path());
  wish.headers.push_back({"Content-Type", "application/json"});
  wish.has_body = true;
  wire::ChangeSpace change;
  change.state = wire::SpaceState::closed;
  wish.body = wire::to_json(change);
  const auto answer = checked(client_.request(wish), "close the space");
  if (!answer) return tl::unexpected(answer.error());
  return {};
}

Result<void> OwnerClient::remove(std::optional<std::uint64_t> deliveries) {
  const std::string only = deliveries ? "?deliveries=" + std::to_string(*deliveries) : "";
  const auto answer = checked(client_.request(request("DELETE", address_.path() + only)), "delete the space");
  if (!answer && answer.error().kind != Kind::not_found) return tl::unexpected(answer.error());
  return {};
}

Result<OwnerClient::Opened> OwnerClient::open(const Id& file, std::uint64_t start,
                                              const std::optional<Xxh128Sum>& known) {
  auto wish = request("GET", address_.path_of_file(file));
  if (start > 0) {
    wish.headers.push_back({"Range", "bytes=" + std::to_string(start) + "-"});
    if (known) wish.headers.push_back({"If-Range", "\"xxh128-" + to_hex(*known) + "\""});
  }
  auto opened = client_.open(wish);
  if (opened && opened->status >= 400) {
    // Its body, a few words, is not worth waiting for.
    client_.close();
  }
  const auto answer = checked(std::move(opened), "download");
  if (!answer) return tl::unexpected(answer.error());
  if (answer->status == 200) return Opened{0};
  const auto range = answer->header("Content-Range");
  if (answer->status != 206 || !range || !range->starts_with("bytes " + std::to_string(start) + "-")) {
    client_.close();
    return fail(Kind::unavailable, "the server sent another range than was asked for");
  }
  return Opened{start};
}

Result<bool> OwnerClient::fetch(const Id& file, std::uint64_t start, const std::optional<Xxh128Sum>& known,
                                std::span<std::byte> buffer, const std::function<Result<void>(ByteView)>& take) {
  const auto opened = open(file, start, known);
  if (!opened) return tl::unexpected(opened.error());
  std::uint64_t skip = start - opened->start;
  for (;;) {
    const auto got = read(buffer);
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) return skip == 0;
    const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(skip, *got));
    skip -= skipped;
    if (auto taken = take(ByteView(buffer).subspan(skipped, *got - skipped)); !taken)
      return tl::unexpected(taken.error());
  }
}

Result<void> OwnerClient::post_get(const Id& file) {
  return client_.post(request("GET", address_.path_of_file(file)));
}

Result<std::string> OwnerClient::content(std::size_t most_bytes) {
  // A refusal may have more bytes than the file.
  auto answer = checked(client_.next_answer(std::max(most_bytes, most_refusal_bytes)), "download");
  if (!answer) return tl::unexpected(answer.error());
  if (answer->status != 200) return fail(Kind::unavailable, "the server did not send the whole file");
  if (answer->body.size() > most_bytes)
    return fail(Kind::unavailable, "the server's answer is longer than " + std::to_string(most_bytes) + " bytes");
  return std::move(answer->body);
}

}  // namespace qrx::api
