// AWS Signature Version 4: a request signed with a key that never crosses the wire. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

namespace qrx::s3 {

struct Keys {
  std::string access, secret;
  std::string session;  // of temporary ones; else empty
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct ToSign {
  std::string method;
  std::string path;     // percent-encoded
  Pairs query;          // not encoded yet
  Pairs headers;        // names in lower case, "host" among them; all are signed
  std::string payload;  // SHA-256 in hex, or unsigned_payload
};
inline constexpr std::string_view unsigned_payload = "UNSIGNED-PAYLOAD";

struct SigningScope {
  std::string region;
  WallTime now;
};

std::string encode_query(const Pairs& query);  // sorted and escaped as both the signature and the URL have it
std::string signing_time(WallTime time);       // 20130524T000000Z, the value of x-amz-date
std::string hex_sha256(ByteView bytes);        // of a payload
// The value of the header Authorization.
std::string authorization(const ToSign& request, const Keys& keys, const SigningScope& scope);
// The query of a link that is good for `seconds` without any header; `request.query` is in it.
std::string presigned_query(ToSign request, const Keys& keys, const SigningScope& scope, unsigned seconds);

}  // namespace qrx::s3
