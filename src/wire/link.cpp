#include "wire/link.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/text.h"
#include "wire/age_text.h"
#include "wire/limits.h"
#include "wire/pasted_link.h"
#include "wire/resource.h"

namespace qrx::wire {
namespace {

bool is_plain(char c) {
  return c > 0x20 && c < 0x7F && c != '"' && c != '<' && c != '>' && c != '\\' && c != '`';
}

// For messages: what was given may be a secret, or a book.
std::string shortened(std::string_view text) {
  constexpr std::size_t most_shown = 12;
  if (text.size() <= most_shown) return std::string(text);
  std::size_t end = most_shown;
  // Not within a character: what is cut there is no UTF-8.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end)) + "…";
}

// No more than could be a host name: what it is exactly is for the resolver to say. '_' is no letter of host names, but
// stands in the names of containers.
bool is_host(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  return std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

bool is_ipv6(std::string_view host) {
  return host.size() >= 2 && host.size() <= 45 && std::all_of(host.begin(), host.end(), [](char c) {
           return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9') || c == ':' || c == '.';
         });
}

// A URL cut into its origin (prefix holds the whole path) and its fragment.
struct Cut {
  Origin origin;
  std::string_view fragment;
};

// Host and port of "host", "host:8443" or "[::1]:8460". REQUIRES: the scheme is known.
Result<void> take_authority(Origin& origin, std::string_view authority) {
  // "http://qrx.example.org@evil.example/": what people take for the host is a user name.
  if (authority.find('@') != std::string_view::npos) return fail(Kind::usage, "the link has a user name in it");
  std::string host = to_lower_ascii(authority);
  std::string_view port;  // with its colon
  if (host.starts_with('[')) {
    const auto bracket = host.find(']');
    if (bracket == std::string::npos) return fail(Kind::usage, "the link's address has no closing bracket");
    port = authority.substr(bracket + 1);
    host = host.substr(1, bracket - 1);
    if (!is_ipv6(host)) return fail(Kind::usage, "the link's IPv6 address is malformed");
  } else {
    const auto colon = host.find(':');
    if (colon != std::string::npos) port = authority.substr(colon);
    host = host.substr(0, colon);
    if (!is_host(host)) return fail(Kind::usage, "the link's host name is malformed");
  }
  origin.host = host;
  origin.port = origin.tls ? 443 : 80;
  if (port.empty()) return {};
  unsigned number = 0;
  const char* end = port.data() + port.size();
  const auto [stop, error] = std::from_chars(port.data() + 1, end, number);
  if (port.front() != ':' || error != std::errc() || stop != end || number == 0 || number > 65535)
    return fail(Kind::usage, "the link's port is malformed");
  origin.port = static_cast<std::uint16_t>(number);
  return {};
}

Result<Cut> cut(std::string_view text) {
  if (text.size() > most_link_bytes) return fail(Kind::usage, "the link is longer than 1,000 characters");
  if (!std::all_of(text.begin(), text.end(), is_plain))
    return fail(Kind::usage, "'" + shortened(text) + "' is not a link: it has blanks or characters that no link has",
                "copy the link alone, all of it");
  Cut out;
  const auto scheme_end = text.find("://");
  const std::string scheme = to_lower_ascii(text.substr(0, scheme_end == std::string_view::npos ? 0 : scheme_end));
  if (scheme != "http" && scheme != "https")
    return fail(Kind::usage, "'" + shortened(text) + "' is not a link (http://… or https://…)");
  out.origin.tls = scheme == "https";
  text.remove_prefix(scheme_end + 3);

  if (const auto hash = text.find('#'); hash != std::string_view::npos) {
    out.fragment = text.substr(hash + 1);
    text = text.substr(0, hash);
  }
  if (text.find('?') != std::string_view::npos)
    return fail(Kind::usage, "the link has a query, which no link of qrx has",
                "copy the link as it was shown, without what follows '?'");
  const auto slash = text.find('/');
  if (slash != std::string_view::npos) out.origin.prefix = std::string(text.substr(slash));
  if (auto taken = take_authority(out.origin, text.substr(0, slash)); !taken) return tl::unexpected(taken.error());
  return out;
}

// Takes "/<word>/<rest>" off the end of the path: what stays is the prefix, what comes back is the rest.
std::optional<std::string> take_tail(Origin& origin, char word) {
  std::string& path = origin.prefix;
  // "https://host/qrx/u/ID/" is the same link as without the slash at its end.
  if (path.ends_with('/')) path.pop_back();
  const auto last = path.rfind('/');
  if (last == std::string::npos || last < 2) return std::nullopt;
  // Links from QR codes are in upper case.
  const bool is_word = (path[last - 1] | 0x20) == word && path[last - 2] == '/';
  if (!is_word) return std::nullopt;
  std::string tail = path.substr(last + 1);
  path.erase(last - 2);
  return tail;
}

tl::unexpected<Error> bad_key(std::size_t size, std::size_t whole) {
  if (size < whole)
    return fail(
        Kind::usage,
        "the key in the link is cut short: " + std::to_string(size) + " of " + std::to_string(whole) + " characters",
        "copy the whole link");
  return fail(Kind::usage, "the key in the link is malformed", "copy the whole link, and nothing else");
}

// Upper case, which takes fewer modules (alphanumeric mode, ISO/IEC 18004): but a proxy may tell its prefix by case.
std::string for_code(const Origin& origin, char kind, const std::string& name, const std::string& key) {
  const std::string root = to_upper_ascii((origin.tls ? "https://" : "http://") + origin.authority());
  std::string place = std::string("/") + kind + "/";
  place = origin.prefix.empty() ? to_upper_ascii(place) : origin.prefix + place;
  return root + place + to_upper_ascii(name) + (key.empty() ? "" : "#" + to_upper_ascii(key));
}

}  // namespace

Result<Origin> Origin::parse(std::string_view url) {
  std::string text(trim(url));
  put_host_in_ascii(text);
  auto parts = cut(text);
  if (!parts) return tl::unexpected(parts.error());
  // Someone gave --server a link: the address of the server is in it, and is named.
  for (const char word : {'u', 's', 'd'}) {
    Origin server = parts->origin;
    const auto name = take_tail(server, word);
    if (name && (Id::parse(*name) || Token::parse(*name)))
      return fail(Kind::usage, "this is a link, not the address of a server",
                  "the server's address is " + server.url());
  }
  if (!parts->fragment.empty()) return fail(Kind::usage, "a server's address has no fragment");
  while (parts->origin.prefix.ends_with('/')) parts->origin.prefix.pop_back();
  return parts->origin;
}

std::string Origin::authority() const {
  std::string out = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != (tls ? 443 : 80)) out += ":" + std::to_string(port);
  return out;
}

std::string Origin::url() const {
  return (tls ? "https://" : "http://") + authority() + prefix;
}

std::string DropLink::text() const {
  return for_code(origin, 'u', guid.text(), key);
}

std::string OwnerLink::text() const {
  return origin.url() + path_of({Resource::owner_page, guid}) + "#" + token.text();
}

std::string ShareLink::text() const {
  return origin.url() + path_of({.resource = Resource::link, .token = token}) +
         (identity.empty() ? "" : "#" + identity);
}

std::string ShareLink::code_text() const {
  return for_code(origin, 'd', token, identity);
}

Result<DropLink> parse_drop_link(std::string_view given) {
  const std::string text = as_meant(given);
  auto parts = cut(text);
  if (!parts) return tl::unexpected(parts.error());
  DropLink link;
  link.origin = parts->origin;
  const auto tail = take_tail(link.origin, 'u');
  const auto guid = tail ? Id::parse(*tail) : std::nullopt;
  if (!guid)
    return fail(Kind::usage, "this is not a link to send to",
                "such a link looks like https://HOST/u/<26 letters and digits>");
  link.guid = *guid;
  // Without its key nothing would be encrypted, and nobody asked for that.
  if (parts->fragment.empty() && text.ends_with('#')) return bad_key(0, age_recipient_size);
  if (!parts->fragment.empty()) {
    link.key = to_lower_ascii(parts->fragment);
    if (!is_age_recipient(link.key)) return bad_key(parts->fragment.size(), age_recipient_size);
  }
  return link;
}

Result<OwnerLink> parse_owner_link(std::string_view given) {
  const std::string text = as_meant(given);
  auto parts = cut(text);
  if (!parts) return tl::unexpected(parts.error());
  OwnerLink link;
  link.origin = parts->origin;
  const auto tail = take_tail(link.origin, 's');
  const auto guid = tail ? Id::parse(*tail) : std::nullopt;
  const auto dot = parts->fragment.find('.');
  const auto token = Token::parse(parts->fragment.substr(0, dot));
  if (dot != std::string_view::npos) link.identity = to_upper_ascii(parts->fragment.substr(dot + 1));
  if (dot != std::string_view::npos && !is_age_identity(link.identity))
    return bad_key(parts->fragment.size() - dot - 1, age_identity_size);
  if (!guid || !token)
    return fail(Kind::usage, "this is not an owner link", "an owner link looks like https://HOST/s/<space>#<token>");
  link.guid = *guid;
  link.token = *token;
  return link;
}

Result<ShareLink> parse_share_link(std::string_view given) {
  const std::string text = as_meant(given);
  auto parts = cut(text);
  if (!parts) return tl::unexpected(parts.error());
  ShareLink link;
  link.origin = parts->origin;
  auto tail = take_tail(link.origin, 'd');
  if (!tail || !Token::parse(*tail))
    return fail(Kind::usage, "this is not a share link", "a share link looks like https://HOST/d/<token>");
  link.token = to_lower_ascii(*tail);
  if (parts->fragment.empty() && text.ends_with('#')) return bad_key(0, age_identity_size);
  if (!parts->fragment.empty()) {
    link.identity = to_upper_ascii(parts->fragment);
    if (!is_age_identity(link.identity)) return bad_key(parts->fragment.size(), age_identity_size);
  }
  return link;
}

}  // namespace qrx::wire
