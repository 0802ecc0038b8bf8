#include "serve/routes/stored_content.h"

#include "base/text.h"
#include "serve/answers.h"
#include "wire/digest.h"

namespace qrx::serve {
namespace {

// The name for clients that do not know filename* (curl -OJ).
std::string plain_name(std::string name) {
  for (char& c : name)
    if (c < ' ' || c > '~' || c == '"' || c == '\\' || c == '%' || c == '/') c = '_';
  return name;
}

using SendRange = std::function<front::Reply(http::Answer head, wire::ByteRange range)>;

front::Reply send_range(const Call& call, std::uint64_t size, const std::string& etag, http::Answer head,
                        const SendRange& go_on) {
  const wire::ChosenRange chosen =
      wire::choose_range(call.request->method == "GET" ? call.request->header("range") : std::nullopt,
                         call.request->header("if-range"), etag, size);
  if (chosen.choice == wire::RangeChoice::unsatisfiable) {
    http::Answer out = call.problem(416, "the file has " + std::to_string(size) + " bytes");
    out.headers.push_back({"Content-Range", wire::content_range_unsatisfied(size)});
    return out;
  }
  if (chosen.choice == wire::RangeChoice::part) {
    head.status = 206;
    head.headers.push_back({"Content-Range", wire::content_range(chosen.range, size)});
  }
  if (call.request->method == "HEAD") return front::Send{std::move(head), chosen.range.size, nullptr};
  return go_on(std::move(head), chosen.range);
}

}  // namespace

http::Answer content_head(int status, std::string type, const std::string& name) {
  const auto slash = name.rfind('/');
  const std::string base = slash == std::string::npos ? name : name.substr(slash + 1);
  http::Answer out = answer(status, type.empty() ? "application/octet-stream" : std::move(type));
  // Never shown in the page's origin: a file of a stranger that ran there could read the owner's token. filename* as in
  // RFC 6266.
  out.headers.push_back({"Content-Disposition", "attachment; filename=\"" + plain_name(base) + "\"; filename*=UTF-8''" +
                                                    percent_encode_segment(base)});
  out.headers.push_back({"Content-Security-Policy", "sandbox; default-src 'none'"});
  return out;
}

TakenPiece take_piece(space::Content& content, std::uint64_t offset, std::uint64_t most) {
  using Source = front::BodySource;
  auto piece = content.take(offset, most);
  if (!piece) return {Source::Broken{}, 0};
  if (const auto* run = std::get_if<space::FileRun>(&*piece))
    return {Source::FilePiece{run->fd, run->offset, run->size}, run->size};
  if (auto* bytes = std::get_if<std::string>(&*piece)) {
    const std::uint64_t size = bytes->size();
    return {Source::MemoryPiece{std::move(*bytes)}, size};
  }
  return {Source::Pending{std::get<space::NotYet>(*piece).topic}, 0};
}

front::Reply send_stored(const SharedCall& call, const space::FileRow& file, SendRange go_on) {
  const http::Request& request = *call->request;
  const std::string sum = to_hex(file.xxh128);
  // A strong tag: the sum of the very bytes, so that If-Range never joins parts of two files.
  const std::string etag = "\"xxh128-" + sum + "\"";

  if (const auto match = request.header("if-match"); match && !wire::etag_list_holds(*match, etag, false))
    return call->problem(412, "the file does not match If-Match");
  http::Answer head = content_head(200, file.type, file.name);
  head.headers.push_back({"ETag", etag});
  // For clients that keep it (curl -R). It is the sender's word: conditions by date are not answered, the tag decides.
  if (file.properties.modified) head.headers.push_back({"Last-Modified", to_http_date(*file.properties.modified)});
  head.headers.push_back({"Accept-Ranges", "bytes"});
  head.headers.push_back({"Qrx-Xxh128", sum});
  if (const auto match = request.header("if-none-match"); match && wire::etag_list_holds(*match, etag, true)) {
    head.status = 304;
    head.type.clear();
    return head;
  }
  // RFC 9530. Computed when it is asked for, and remembered: of a large file it takes seconds.
  if (const auto want = request.header("want-repr-digest"); want && wire::wants_sha256(*want)) {
    return call->site.digests.find(file,
                                   [call, size = file.size, etag, head = std::move(head),
                                    go_on = std::move(go_on)](const Result<Sha256Sum>& sha256) -> front::Reply {
                                     if (!sha256) return call->problem(sha256.error());
                                     http::Answer with_sum = head;
                                     with_sum.headers.push_back({"Repr-Digest", wire::format_repr_digest(*sha256)});
                                     return send_range(*call, size, etag, std::move(with_sum), go_on);
                                   });
  }
  return send_range(*call, file.size, etag, std::move(head), go_on);
}

namespace {

// Only for clients that ask for it: they follow a redirect, and do not take the owner's token along to the store. The
// scripts and forms of our pages cannot follow, for the policy of a page lets them talk to this server alone.
bool follows(const Call& call) {
  return call.header("qrx-follow") == "store";
}

std::string value_of(const http::Answer& head, std::string_view name) {
  for (const auto& [key, value] : head.headers)
    if (equal_ignoring_case(key, name)) return value;
  return {};
}

}  // namespace

std::optional<http::Answer> redirect_to_store(const Call& call, const space::Content& content, const http::Answer& head,
                                              const wire::ByteRange& range) {
  // A part is mostly the rest of what was cut off: the store has other tags, and If-Range would begin anew. A sum that
  // was asked for stands in our head.
  if (!call.site.options().redirect || call.request->method != "GET" || head.status != 200 ||
      range.size != content.file()->size || call.request->header("want-repr-digest") || !follows(call))
    return std::nullopt;
  auto address = content.address({head.type, value_of(head, "Content-Disposition")});
  if (!address) return std::nullopt;
  call.site.count_redirect();
  // 307, and no-store as every answer has it: the next time the right is looked at again.
  http::Answer out = answer(307);
  out.headers.push_back({"Location", std::move(*address)});
  return out;
}

}  // namespace qrx::serve
