#include "api/owner_client.h"

#include <algorithm>

#include "api/space_pages.h"
#include "wire/share_messages.h"
#include "wire/tus.h"

namespace qrx::api {

namespace {

// Enough for any refusal that our server words.
constexpr std::size_t most_refusal_bytes = 64U << 10;

SpaceContents contents_of(wire::SpaceInfo info) {
  return {info.seq, std::move(info.deliveries), std::move(info.uploads), std::move(info.next),
          false,    info.limits.max_files};
}

}  // namespace

OwnerClient::OwnerClient(const SpaceAddress& address, const http::ClientOptions& options)
    : Requests(address.origin, options), address_(address), of_store_(options) {
  of_store_.interrupt = interrupt_;
  of_store_.unix_path.clear();
}

void OwnerClient::close() {
  if (store_) store_->close();
  Requests::close();
}

void OwnerClient::set_deadline(std::optional<Steady> deadline) {
  deadline_ = deadline;
  http_.set_deadline(deadline);
  if (store_) store_->set_deadline(deadline);
}

http::ClientRequest OwnerClient::request(const std::string& method, const std::string& target) const {
  http::ClientRequest out;
  out.method = method;
  out.target = target;
  // None of a share: whoever knows its link may read.
  if (!address_.bearer.empty()) out.headers = {{"Authorization", "Bearer " + address_.bearer}};
  return out;
}

Result<http::ClientAnswer> OwnerClient::checked(Result<http::ClientAnswer> answer, const std::string& doing) {
  const int status = answer ? answer->status : 0;
  auto checked = granted(std::move(answer), doing);
  if (address_.shared && status == 404) checked.error().what = "the link is unknown";
  if (address_.shared && status == 410)
    checked.error().what = "the link was revoked, has expired or has reached its download limit";
  return checked;
}

Result<SpaceContents> OwnerClient::page(const std::string& query) {
  const auto not_understood = [](const Error&) {
    return fail(Kind::other, "the server's answer is malformed", "is this a qrx server?");
  };
  auto look = request("GET", address_.path() + query);
  // Without it the server would answer with the page for browsers.
  if (address_.shared) look.headers = {{"Accept", "application/json"}};
  const auto answer = checked(http_.request(look), address_.shared ? "look at what is shared" : "look at the space");
  if (!answer) return tl::unexpected(answer.error());
  if (address_.shared) {
    auto shared = wire::from_json<wire::SharedSpace>(answer->body);
    if (!shared) return not_understood(shared.error());
    return SpaceContents{
        std::nullopt, std::move(shared->deliveries), {}, std::move(shared->next), shared->downloads_left > 0};
  }
  auto info = wire::from_json<wire::SpaceInfo>(answer->body);
  if (!info) return not_understood(info.error());
  return contents_of(std::move(*info));
}

Result<SpaceContents> OwnerClient::space(std::optional<std::uint64_t> after, Seconds wait) {
  // A share does not say when it changes, so there is nothing to wait for.
  const bool waits = after && !address_.shared;
  return with_all_pages(page(waits ? "?after=" + std::to_string(*after) + "&wait=" + std::to_string(wait.count()) : ""),
                        [this](const std::string& query) { return page(query); });
}

Result<http::ClientAnswer> OwnerClient::patch(const wire::ChangeSpace& change, const std::string& doing) {
  auto wish = request("PATCH", address_.path());
  wish.headers.push_back({"Content-Type", "application/json"});
  wish.has_body = true;
  wish.body = wire::to_json(change);
  return checked(http_.request(wish), doing);
}

Result<wire::SpaceInfo> OwnerClient::change(const wire::ChangeSpace& wish) {
  const auto answer = patch(wish, "change the space");
  if (!answer) return tl::unexpected(answer.error());
  auto info = wire::from_json<wire::SpaceInfo>(answer->body);
  if (!info) return fail(Kind::other, "the server's answer is malformed", "is this a qrx server?");
  return info;
}

Result<SpaceContents> OwnerClient::close_space() {
  wire::ChangeSpace change;
  change.state = wire::SpaceState::closed;
  const auto answer = patch(change, "close the space");
  if (!answer) return tl::unexpected(answer.error());
  // The answer says what the space is now: of thousands of files that is not asked a second time.
  auto info = wire::from_json<wire::SpaceInfo>(answer->body);
  if (!info || info->state != wire::SpaceState::closed) return space();
  return with_all_pages(Result<SpaceContents>(contents_of(std::move(*info))),
                        [this](const std::string& query) { return page(query); });
}

Result<void> OwnerClient::remove(std::optional<std::uint64_t> deliveries) {
  const std::string only = deliveries ? "?deliveries=" + std::to_string(*deliveries) : "";
  const auto answer = checked(http_.request(request("DELETE", address_.path() + only)), "delete the space");
  // Gone already is as good as deleted.
  if (!answer && answer.error().kind != Kind::not_found) return tl::unexpected(answer.error());
  return {};
}

Result<void> OwnerClient::receipt(const Id& delivery, const wire::Receipt& receipt) {
  auto wish = request("POST", wire::path_of({wire::Resource::receipt, address_.name, delivery}));
  wish.headers.push_back({"Content-Type", "application/json"});
  wish.has_body = true;
  wish.body = wire::to_json(receipt);
  const auto answer = granted(http_.request(wish), "tell the sender");
  if (!answer) return tl::unexpected(answer.error());
  return {};
}

Result<void> OwnerClient::clear_delivery(const Id& delivery) {
  const auto wish = request("DELETE", wire::path_of({wire::Resource::contents, address_.name, delivery}));
  const auto answer = granted(http_.request(wish), "remove what is saved from the server");
  if (!answer) return tl::unexpected(answer.error());
  return {};
}

// One step, never from https to http, and no nearer to this machine than the server is: it may be a stranger's, and is
// to have nothing asked of this network for it. What comes is compared with the sum that the server told, as always.
bool OwnerClient::follow(const http::ClientAnswer& redirect) {
  const auto location = redirect.header("Location");
  const auto authority = location ? location->find("://") : std::string_view::npos;
  if (authority == std::string_view::npos) return false;
  const auto path = location->find('/', authority + 3);
  if (path == std::string_view::npos) return false;
  auto origin = wire::Origin::parse(location->substr(0, path));
  if (!origin || (address_.origin.tls && !origin->tls)) return false;
  const auto led_by = http_.server_address();
  if (!led_by) return false;
  if (!store_ || store_->origin() != *origin || of_store_.led_by != led_by) {
    of_store_.led_by = led_by;
    store_.emplace(std::move(*origin), of_store_);
    store_->set_deadline(deadline_);
  }
  http::ClientRequest wish;
  wish.target = std::string(location->substr(path));
  const auto opened = store_->open(wish);
  from_store_ = opened && opened->status == 200;
  if (!from_store_) store_->close();
  return from_store_;
}

Result<OwnerClient::Opened> OwnerClient::open(const Id& file, std::uint64_t start,
                                              const std::optional<Xxh128Sum>& known,
                                              std::optional<std::uint64_t> until) {
  from_store_ = false;
  auto wish = request("GET", address_.path_of_file(file));
  if (start > 0 || until) {
    wish.headers.push_back(
        {"Range", "bytes=" + std::to_string(start) + "-" + (until ? std::to_string(*until - 1) : std::string())});
    // The file may have been replaced since its first bytes came; then the whole is sent, and its sum tells.
    if (known) wish.headers.push_back({"If-Range", "\"xxh128-" + to_hex(*known) + "\""});
  }
  // Not as a recipient: what they take is counted by the server that hands it out.
  const bool may_follow = start == 0 && !until && !address_.shared && of_store_.proxy.empty();
  auto direct = wish;
  if (may_follow) wish.headers.push_back({"Qrx-Follow", "store"});
  auto opened = http_.open(wish);
  if (opened && opened->status == 307 && may_follow) {
    if (follow(*opened)) return Opened{0};
    // The store is out of reach from here, or refuses: the server hands it over itself.
    opened = http_.open(direct);
  }
  if (opened && opened->status >= 400) {
    // Its body, a few words, is not worth waiting for.
    http_.close();
  }
  const auto answer = checked(std::move(opened), "download");
  if (!answer) return tl::unexpected(answer.error());
  if (answer->status == 200) return Opened{0};
  const auto range = answer->header("Content-Range");
  // Bytes of another place than `start`, appended there, would make a file that no sum fits.
  if (answer->status != 206 || !range || !range->starts_with("bytes " + std::to_string(start) + "-")) {
    http_.close();
    return fail(Kind::unavailable, "the server sent a different range than requested");
  }
  return Opened{start};
}

Result<void> OwnerClient::take_last_byte(const Id& file, std::uint64_t size, const Xxh128Sum& known) {
  auto wish = request("GET", address_.path_of_file(file));
  wish.headers.push_back({"Range", "bytes=" + std::to_string(size - 1) + "-"});
  wish.headers.push_back({"If-Range", "\"xxh128-" + to_hex(known) + "\""});
  // Posted, not requested: that would be done a second time on a connection that turns out to be closed.
  if (auto posted = http_.post(wish); !posted) return posted;
  const auto answer = checked(http_.next_answer(most_refusal_bytes), "download");
  if (!answer) return tl::unexpected(answer.error());
  return {};
}

Result<void> OwnerClient::post_get(const Id& file) {
  return http_.post(request("GET", address_.path_of_file(file)));
}

Result<std::string> OwnerClient::content(std::size_t most_bytes) {
  // A refusal may have more bytes than the file.
  auto answer = checked(http_.next_answer(std::max(most_bytes, most_refusal_bytes)), "download");
  if (!answer) return tl::unexpected(answer.error());
  if (answer->status != 200) return fail(Kind::unavailable, "the server did not send the whole file");
  // A server must not fill the memory of its client with what it never announced.
  if (answer->body.size() > most_bytes)
    return fail(Kind::integrity, "the server sent more of a file than it announced");
  return std::move(answer->body);
}

Result<void> OwnerClient::post_get_contents(const Id& delivery, std::span<const wire::AskedFile> files) {
  std::vector<Id> ids;
  for (const auto& file : files) ids.push_back(file.file);
  const std::string path = wire::path_of({wire::Resource::contents, address_.name, delivery});
  return http_.post(request("GET", path + "?" + wire::contents_query(ids)));
}

Result<OwnerClient::Contents> OwnerClient::contents(std::span<const wire::AskedFile> files) {
  const auto most = static_cast<std::size_t>(wire::most_contents_bytes(files));
  auto answer = checked(http_.next_answer(std::max(most, most_refusal_bytes)), "download");
  if (!answer) return tl::unexpected(answer.error());
  if (answer->status != 200) return fail(Kind::other, "the server did not send the files");
  // On the heap: its address stays when it is moved.
  auto body = std::make_unique<const std::string>(std::move(answer->body));
  auto contents = wire::parse_contents(*body, files);
  if (!contents) return tl::unexpected(contents.error());
  return Contents{std::move(*contents), std::move(body)};
}

}  // namespace qrx::api
