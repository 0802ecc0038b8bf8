#include "s3/signing.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>

#include "base/checksum.h"
#include "base/text.h"

namespace qrx::s3 {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

std::string hmac(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  if (::HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes, text.size(), sum.data(), &size) == nullptr)
    size = 0;  // the store refuses the signature, and says so
  return {reinterpret_cast<const char*>(sum.data()), size};
}

std::string scope_text(const SigningScope& scope, std::string_view date) {
  return std::string(date) + "/" + scope.region + "/s3/aws4_request";
}

std::string signed_names(const Pairs& headers) {
  std::string names;
  for (const auto& [name, value] : headers) names += (names.empty() ? "" : ";") + name;
  return names;
}

// The steps of "Create a signed AWS API request": the canonical request, its hash in the string to sign, and a key that
// is derived from the secret by date, region and service, so that it is worth little elsewhere.
// REQUIRES: headers sorted by name.
std::string signature(const ToSign& request, const Keys& keys, const SigningScope& scope) {
  std::string canonical = request.method + "\n" + request.path + "\n" + encode_query(request.query) + "\n";
  for (const auto& [name, value] : request.headers) canonical += name + ":" + std::string(trim(value)) + "\n";
  canonical += "\n" + signed_names(request.headers) + "\n" + request.payload;
  const std::string time = signing_time(scope.now);
  const std::string date = time.substr(0, 8);
  const std::string text =
      std::string(algorithm) + "\n" + time + "\n" + scope_text(scope, date) + "\n" + hex_sha256(as_bytes(canonical));
  std::string key = hmac("AWS4" + keys.secret, date);
  for (const std::string_view part :
       {std::string_view(scope.region), std::string_view("s3"), std::string_view("aws4_request")})
    key = hmac(key, part);
  return to_hex(as_bytes(std::string_view(hmac(key, text))));
}

}  // namespace

std::string encode_query(const Pairs& query) {
  Pairs encoded;
  for (const auto& [name, value] : query)
    encoded.emplace_back(percent_encode_segment(name), percent_encode_segment(value));
  // By the encoded names, as the canonical request wants it; the URL has the same order.
  std::sort(encoded.begin(), encoded.end());
  std::string out;
  for (const auto& [name, value] : encoded) out += (out.empty() ? "" : "&") + name + "=" + value;
  return out;
}

std::string signing_time(WallTime time) {
  std::string out;
  // "2013-05-24T00:00:00Z" without its dashes and colons.
  for (const char c : to_rfc3339(time))
    if (c != '-' && c != ':') out += c;
  return out;
}

std::string hex_sha256(ByteView bytes) {
  return to_hex(sha256(bytes));
}

std::string authorization(const ToSign& request, const Keys& keys, const SigningScope& scope) {
  ToSign sorted = request;
  std::sort(sorted.headers.begin(), sorted.headers.end());
  const std::string date = signing_time(scope.now).substr(0, 8);
  return std::string(algorithm) + " Credential=" + keys.access + "/" + scope_text(scope, date) +
         ",SignedHeaders=" + signed_names(sorted.headers) + ",Signature=" + signature(sorted, keys, scope);
}

std::string presigned_query(ToSign request, const Keys& keys, const SigningScope& scope, unsigned seconds) {
  std::sort(request.headers.begin(), request.headers.end());
  const std::string time = signing_time(scope.now);
  request.query.emplace_back("X-Amz-Algorithm", algorithm);
  request.query.emplace_back("X-Amz-Credential", keys.access + "/" + scope_text(scope, time.substr(0, 8)));
  request.query.emplace_back("X-Amz-Date", time);
  request.query.emplace_back("X-Amz-Expires", std::to_string(seconds));
  if (!keys.session.empty()) request.query.emplace_back("X-Amz-Security-Token", keys.session);
  request.query.emplace_back("X-Amz-SignedHeaders", signed_names(request.headers));
  // Whoever uses the link may send anything, or nothing.
  request.payload = unsigned_payload;
  return encode_query(request.query) + "&X-Amz-Signature=" + signature(request, keys, scope);
}

}  // namespace qrx::s3
