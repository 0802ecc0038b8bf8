#include "transfer/owner_client.h"

#include "transfer/answers.h"
#include "wire/tus.h"

namespace qrx::transfer {

OwnerClient::OwnerClient(const OwnerLink& link, const http::ClientOptions& options)
    : client_(link.origin, options), base_("/api/v1/spaces/" + link.guid.text()), bearer_("Bearer " + link.token.text()) {}

http::ClientRequest OwnerClient::request(const std::string& method, const std::string& below) const {
  http::ClientRequest out;
  out.method = method;
  out.target = base_ + below;
  out.headers = {{"Authorization", bearer_}};
  return out;
}

Result<http::ClientAnswer> OwnerClient::checked(Result<http::ClientAnswer> answer, const std::string& doing) {
  asked_pause_.reset();
  if (!answer) return answer;
  if (answer->status < 300) return answer;
  if (answer->status < 400) return fail(Kind::other, "cannot " + doing + ": the server points elsewhere");
  asked_pause_ = retry_after(*answer);
  return tl::unexpected(refusal(*answer, doing));
}

Result<wire::SpaceInfo> OwnerClient::space(std::optional<std::uint64_t> after, Seconds wait) {
  std::string query;
  if (after) query = "?after=" + std::to_string(*after) + "&wait=" + std::to_string(wait.count());
  const auto answer = checked(client_.request(request("GET", query)), "look at the space");
  if (!answer) return tl::unexpected(answer.error());
  auto info = wire::from_json<wire::SpaceInfo>(answer->body);
  if (!info) return fail(Kind::other, "the server's answer is not understood: " + info.error().what, "is this a qrx server?");
  return info;
}

Result<void> OwnerClient::remove() {
  const auto answer = checked(client_.request(request("DELETE", "")), "delete the space");
  if (!answer && answer.error().kind != Kind::not_found) return tl::unexpected(answer.error());
  return {};
}

Result<OwnerClient::Opened> OwnerClient::open(const Id& file, std::uint64_t start, const std::optional<Xxh128Sum>& known) {
  auto wish = request("GET", "/files/" + file.text());
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

Result<void> OwnerClient::post_get(const Id& file) { return client_.post(request("GET", "/files/" + file.text())); }

Result<std::string> OwnerClient::content(std::size_t most_bytes) {
  auto answer = checked(client_.next_answer(most_bytes), "download");
  if (!answer) return tl::unexpected(answer.error());
  if (answer->status != 200) return fail(Kind::unavailable, "the server did not send the whole file");
  return std::move(answer->body);
}

}  // namespace qrx::transfer
