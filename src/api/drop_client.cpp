#include "api/drop_client.h"

#include "api/refusals.h"
#include "base/text.h"
#include "wire/file_batch.h"
#include "wire/tus.h"

namespace qrx::api {
namespace {

http::Header tus() {
  return {"Tus-Resumable", std::string(wire::tus_version)};
}

tl::unexpected<Error> strange(const std::string& what) {
  return fail(Kind::other, "the server's answer has no " + what, "is this a qrx server?");
}

}  // namespace

DropClient::DropClient(const wire::DropLink& link, const http::ClientOptions& options)
    : Requests(link.origin, options), space_(link.guid) {}

std::string DropClient::path(wire::Resource resource, const Id& item) const {
  return wire::path_of({resource, space_, item});
}

Result<http::ClientAnswer> DropClient::ask(const std::string& method, const std::string& target,
                                           const std::string& doing, std::string json) {
  http::ClientRequest request;
  request.method = method;
  request.target = target;
  request.headers = {{"Accept", "application/json"}};
  if (!json.empty()) request.headers.push_back({"Content-Type", "application/json"});
  // A POST without a body still says so, by Content-Length: 0 (RFC 9110, 8.6).
  request.has_body = method == "POST";
  request.body = std::move(json);
  return granted(http_.request(request), doing);
}

Result<wire::DropInfo> DropClient::look() {
  const auto answer = ask("GET", path(wire::Resource::drop), "use the link");
  if (!answer) return tl::unexpected(answer.error());
  auto drop = wire::from_json<wire::DropInfo>(answer->body);
  if (!drop)
    // Not Kind::not_found: the link may be right, and a captive portal or a router answers.
    return fail(Kind::other, "what answers at " + http_.origin().authority() + " is a web server, but not qrx",
                "check the address in the link");
  return drop;
}

Result<Id> DropClient::open_delivery(const std::string& message) {
  wire::CreateDelivery wish;
  wish.message = message;
  const auto answer = ask("POST", path(wire::Resource::deliveries), "open a delivery", wire::to_json(wish));
  if (!answer) return tl::unexpected(answer.error());
  // The answer to opening is the state of the new delivery.
  const auto state = wire::from_json<wire::DeliveryState>(answer->body);
  if (!state) return strange("delivery");
  return state->delivery;
}

Result<wire::DeliveryState> DropClient::delivery(const Id& delivery) {
  const auto answer = ask("GET", path(wire::Resource::delivery, delivery), "look at the delivery");
  if (!answer) return tl::unexpected(answer.error());
  auto state = wire::from_json<wire::DeliveryState>(answer->body);
  // Another delivery than the one that was asked for: a cache on the way answered.
  if (!state || state->delivery != delivery) return strange("delivery");
  return state;
}

Result<wire::DeliveryStatus> DropClient::status(const Id& delivery, std::uint64_t after, Seconds wait) {
  const std::string query = "?after=" + std::to_string(after) + "&wait=" + std::to_string(wait.count());
  const auto answer = ask("GET", path(wire::Resource::delivery, delivery) + query, "ask what became of the delivery");
  if (!answer) return tl::unexpected(answer.error());
  auto status = wire::delivery_status_from_json(answer->body);
  if (!status || status->delivery != delivery) return strange("delivery");
  return status;
}

Result<wire::DeliveryState> DropClient::commit(const Id& delivery, std::uint64_t files) {
  wire::CommitDelivery wish;
  // The server refuses another number than it has: nothing gets lost unnoticed.
  wish.files = files;
  const auto answer = ask("POST", path(wire::Resource::commit, delivery), "complete the delivery", wire::to_json(wish));
  if (!answer) return tl::unexpected(answer.error());
  auto state = wire::from_json<wire::DeliveryState>(answer->body);
  if (!state || state->delivery != delivery || !state->committed) return strange("committed delivery");
  return state;
}

Result<void> DropClient::cancel(const Id& delivery) {
  const auto answer = ask("DELETE", path(wire::Resource::delivery, delivery), "cancel the delivery");
  if (!answer) return tl::unexpected(answer.error());
  return {};
}

Result<Id> DropClient::create_upload(const Id& delivery, const std::string& name, std::optional<std::uint64_t> length,
                                     const wire::FileProperties& properties) {
  wire::UploadMetadata metadata;
  metadata.entries = {{"filename", name}, {"delivery", delivery.text()}};
  wire::add_properties(metadata, properties);
  http::ClientRequest request;
  request.method = "POST";
  request.target = path(wire::Resource::uploads);
  request.has_body = true;
  request.headers = {tus(), {"Upload-Metadata", wire::format_upload_metadata(metadata)}};
  if (length)
    request.headers.push_back({"Upload-Length", std::to_string(*length)});
  else
    request.headers.push_back({"Upload-Defer-Length", "1"});  // the last PATCH tells it
  const auto answer = granted(http_.request(request), "open an upload");
  if (!answer) return tl::unexpected(answer.error());
  // The address may be absolute or not, with a proxy's prefix or without: only its last part, the upload's id, counts.
  const auto location = answer->header("Location");
  if (!location) return strange("Location");
  const auto slash = location->rfind('/');
  const auto id = Id::parse(slash == std::string_view::npos ? *location : location->substr(slash + 1));
  if (!id) return strange("upload in its Location");
  return *id;
}

Result<DropClient::Standing> DropClient::upload_standing(const Id& upload) {
  http::ClientRequest request;
  request.method = "HEAD";
  request.target = path(wire::Resource::upload, upload);
  request.headers = {tus()};
  const auto answer = granted(http_.request(request), "look at the upload");
  if (!answer) return tl::unexpected(answer.error());
  const auto text = answer->header("Upload-Offset");
  const auto offset = text ? wire::parse_number(*text) : std::nullopt;
  if (!offset) return strange("Upload-Offset");
  // A stream has none until its end.
  const auto length = answer->header("Upload-Length");
  return Standing{*offset, length ? wire::parse_number(*length) : std::nullopt};
}

Result<DropClient::Patched> DropClient::patch(const Id& upload, std::uint64_t offset, std::uint64_t size,
                                              const http::BodyReader& reader,
                                              const std::function<void(std::uint64_t)>& sent,
                                              std::optional<std::uint64_t> final_length) {
  http::ClientRequest request;
  request.method = "PATCH";
  request.target = path(wire::Resource::upload, upload);
  request.headers = {
      tus(), {"Content-Type", std::string(wire::tus_content_type)}, {"Upload-Offset", std::to_string(offset)}};
  // The last piece of a stream tells how long it was (tus, creation-defer-length).
  if (final_length) request.headers.push_back({"Upload-Length", std::to_string(*final_length)});
  const auto answer = granted(http_.send(request, size, reader, sent), "upload");
  if (!answer) return tl::unexpected(answer.error());
  // It may have taken less than was sent.
  const auto text = answer->header("Upload-Offset");
  const auto now = text ? wire::parse_number(*text) : std::nullopt;
  if (!now) return strange("Upload-Offset");
  return Patched{*now, server_sum(*answer)};
}

Result<void> DropClient::post_small(const Id& delivery, const std::string& name, std::string bytes,
                                    const wire::FileProperties& properties) {
  http::ClientRequest request;
  request.method = "PUT";
  request.target = wire::path_of({wire::Resource::delivery_file, space_, delivery, name});
  request.headers = {{"Accept", "application/json"}, {"Content-Type", "application/octet-stream"}};
  if (properties.modified)
    request.headers.push_back({std::string(wire::mtime_header), wire::format_mtime(*properties.modified)});
  if (properties.executable) request.headers.push_back({std::string(wire::executable_header), "true"});
  request.has_body = true;
  request.body = std::move(bytes);
  return http_.post(request);
}

Result<std::optional<Xxh128Sum>> DropClient::small_answer() {
  const auto answer = granted(http_.next_answer(), "send");
  if (!answer) return tl::unexpected(answer.error());
  return server_sum(*answer);
}

Result<void> DropClient::post_batch(const Id& delivery, std::string body) {
  http::ClientRequest request;
  request.method = "POST";
  request.target = path(wire::Resource::delivery_files, delivery);
  request.headers = {{"Accept", "application/json"}, {"Content-Type", std::string(wire::batch_content_type)}};
  request.has_body = true;
  request.body = std::move(body);
  return http_.post(request);
}

Result<std::vector<Xxh128Sum>> DropClient::batch_answer() {
  const auto answer = granted(http_.next_answer(), "send");
  if (!answer) return tl::unexpected(answer.error());
  return wire::parse_batch_answer(answer->body);
}

}  // namespace qrx::api
