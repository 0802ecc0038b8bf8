// The three links: drop (upload only, on the QR code), owner (the receiver's) and share (one recipient's).
// Parsing is the gate for hostile text from QR codes and arguments: nothing is connected to before it passed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/id.h"

namespace qrx::wire {

// Where a server answers: scheme, host, port and, behind a proxy, a path prefix.
struct Origin {
  bool tls = false;
  std::string host;  // lower case; an IPv6 address without brackets
  std::uint16_t port = 80;
  std::string prefix;  // "" or "/prefix", no slash at the end

  // http:// or https:// only; no user, no query, no fragment; at most 1,000 bytes; printable ASCII.
  static Result<Origin> parse(std::string_view url);
  std::string url() const;        // "https://host:8443/prefix": default ports left out
  std::string authority() const;  // for the Host header: "host", "host:8443", "[::1]:8460"
  friend bool operator==(const Origin&, const Origin&) = default;
};

struct DropLink {
  Origin origin;
  Guid guid;
  std::string key;  // "age1…" in lower case, or empty

  // Upper case (alphanumeric QR mode, ISO/IEC 18004) but for a prefix, which a proxy may tell apart by case.
  std::string text() const;
};

struct OwnerLink {
  Origin origin;
  Guid guid;
  Token token;
  std::string identity = {};  // "AGE-SECRET-KEY-1…", which the receiver's page puts behind the token; or empty
  std::string text() const;   // without it
};

struct ShareLink {
  Origin origin;
  std::string token;     // lower case
  std::string identity;  // "AGE-SECRET-KEY-1…" or empty
  std::string text() const;
  std::string code_text() const;  // the same for a QR code: upper case but for a prefix, as DropLink::text()
};

// Kind::usage with a sentence for people when it is not such a link. Any case is accepted for all but a prefix.
// What messengers, mails and documents make of a link is taken back where there is no doubt: blanks, line breaks and
// invisible characters, brackets and quotes around it, a full stop behind it, "%23" for '#', "&amp;" for '&', queries
// that count clicks.
Result<DropLink> parse_drop_link(std::string_view text);
Result<OwnerLink> parse_owner_link(std::string_view text);
Result<ShareLink> parse_share_link(std::string_view text);

}  // namespace qrx::wire
