// The files that pages load, as the build made them.
#include <algorithm>

#include "base/text.h"
#include "serve/answers.h"
#include "serve/assets.h"
#include "serve/routes.h"
#include "serve/web_data.h"
#include "wire/range.h"

namespace qrx::serve {
namespace {

constexpr std::string_view folder = "/assets/";

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

}  // namespace

std::string asset_url(std::string_view root, std::string_view name) {
  for (const WebFile& file : web_files())
    if (file.name == name) return std::string(root) + std::string(folder) + std::string(file.file);
  return std::string(root) + std::string(folder) + std::string(name);
}

bool has_asset(std::string_view name) {
  const auto files = web_files();
  return std::any_of(files.begin(), files.end(), [name](const WebFile& file) { return file.name == name; });
}

http::Reply show_asset(const SharedCall& call) {
  const WebFile* found = nullptr;
  for (const WebFile& file : web_files())
    if (file.file == call->target.name) found = &file;
  if (found == nullptr) return call->problem(404, "there is nothing at this address");

  const std::string_view accepted = call->header("accept-encoding");
  const bool brotli = accepts_coding(accepted, "br");
  const bool gzip = !brotli && accepts_coding(accepted, "gzip");
  http::Answer out;
  out.headers = {{"X-Content-Type-Options", "nosniff"},
                 {"Referrer-Policy", "no-referrer"},
                 {"Cross-Origin-Resource-Policy", "same-origin"},
                 // For a worker, its own answer's policy holds.
                 {"Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src 'self'"},
                 {"Cache-Control", "public, max-age=31536000, immutable"},
                 {"Vary", "Accept-Encoding"}};
  const std::string etag = "\"" + std::string(found->file) + (brotli ? "-br" : gzip ? "-gzip" : "") + "\"";
  out.headers.push_back({"ETag", etag});
  if (const auto match = call->request->header("if-none-match"); match && wire::etag_list_holds(*match, etag, true)) {
    out.status = 304;
    return out;
  }
  out.type = found->type;
  if (brotli || gzip) out.headers.push_back({"Content-Encoding", brotli ? "br" : "gzip"});
  out.body = web_bytes(brotli ? found->brotli : gzip ? found->gzip : found->plain);
  return out;
}

}  // namespace qrx::serve
