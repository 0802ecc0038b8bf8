#include "serve/routes/assets_route.h"

#include <algorithm>

#include "base/text.h"
#include "serve/answers.h"
#include "serve/pages/web_data.h"
#include "wire/range.h"

namespace qrx::serve {
namespace {

// Is the coding named, and not with weight 0?
bool accepts_coding(std::string_view accept_encoding, std::string_view coding) {
  while (!accept_encoding.empty()) {
    const auto comma = accept_encoding.find(',');
    const std::string item = to_lower_ascii(trim(accept_encoding.substr(0, comma)));
    accept_encoding = comma == std::string_view::npos ? std::string_view() : accept_encoding.substr(comma + 1);
    const auto semicolon = item.find(';');
    if (trim(std::string_view(item).substr(0, semicolon)) != coding) continue;
    const auto q = item.find("q=");
    return q == std::string::npos || item.find_first_of("123456789", q) != std::string::npos;
  }
  return false;
}

// `caching`: for how long a browser may keep it unasked.
http::Answer send_asset(const Call& call, const WebFile& file, std::string_view caching) {
  const std::string_view accepted = call.header("accept-encoding");
  const bool brotli = accepts_coding(accepted, "br");
  const bool gzip = !brotli && accepts_coding(accepted, "gzip");
  http::Answer out;
  out.headers = {{"X-Content-Type-Options", "nosniff"},
                 {"Referrer-Policy", "no-referrer"},
                 {"Cross-Origin-Resource-Policy", "same-origin"},
                 // For a worker, its own answer's policy holds.
                 {"Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src 'self'"},
                 {"Cache-Control", std::string(caching)},
                 {"Vary", "Accept-Encoding"}};
  // The name has the hash of the content in it; each coding is a representation of its own (RFC 9110, 8.8.3.3).
  const std::string etag = "\"" + std::string(file.file) + (brotli ? "-br" : gzip ? "-gzip" : "") + "\"";
  out.headers.push_back({"ETag", etag});
  if (const auto match = call.request->header("if-none-match"); match && wire::etag_list_holds(*match, etag, true)) {
    out.status = 304;
    return out;
  }
  out.type = file.type;
  if (brotli || gzip) out.headers.push_back({"Content-Encoding", brotli ? "br" : "gzip"});
  out.body = web_bytes(brotli ? file.brotli : gzip ? file.gzip : file.plain);
  return out;
}

// What has one name for ever: a browser asks for it again each time.
front::Reply send_named(const SharedCall& call, std::string_view name) {
  for (const WebFile& file : web_files())
    if (file.name == name) return send_asset(*call, file, "no-cache");
  return call->problem(404, "there is nothing at this address");
}

}  // namespace

front::Reply show_asset(const SharedCall& call) {
  for (const WebFile& file : web_files())
    // What changes gets another name, so that this may be kept as long as caches keep anything.
    if (file.file == call->target.name) return send_asset(*call, file, "public, max-age=31536000, immutable");
  return call->problem(404, "there is nothing at this address");
}

front::Reply show_app_manifest(const SharedCall& call) {
  return send_named(call, "app.webmanifest");
}

front::Reply show_app_worker(const SharedCall& call) {
  return send_named(call, "app_worker.js");
}

}  // namespace qrx::serve
