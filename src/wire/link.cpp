#include "wire/link.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "wire/resource.h"

namespace qrx {
namespace {

constexpr std::size_t most_bytes = 1000;

bool is_plain(char c) {
  return c > 0x20 && c < 0x7F && c != '"' && c != '<' && c != '>' && c != '\\' && c != '`';
}

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

Result<Cut> cut(std::string_view text) {
  if (text.size() > most_bytes) return fail(Kind::usage, "the link is longer than 1,000 characters");
  if (!std::all_of(text.begin(), text.end(), is_plain)) return fail(Kind::usage, "the link holds forbidden characters");
  Cut out;
  const auto scheme_end = text.find("://");
  const std::string scheme = to_lower_ascii(text.substr(0, scheme_end == std::string_view::npos ? 0 : scheme_end));
  if (scheme != "http" && scheme != "https") return fail(Kind::usage, "the link is not http or https");
  out.origin.tls = scheme == "https";
  text.remove_prefix(scheme_end + 3);

  if (const auto hash = text.find('#'); hash != std::string_view::npos) {
    out.fragment = text.substr(hash + 1);
    text = text.substr(0, hash);
  }
  if (text.find('?') != std::string_view::npos) return fail(Kind::usage, "the link holds a query");
  const auto slash = text.find('/');
  const std::string_view authority = text.substr(0, slash);
  if (slash != std::string_view::npos) out.origin.prefix = std::string(text.substr(slash));
  if (authority.find('@') != std::string_view::npos) return fail(Kind::usage, "the link holds a user name");

  std::string host = to_lower_ascii(authority);
  std::string_view port;
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
  out.origin.host = host;
  out.origin.port = out.origin.tls ? 443 : 80;
  if (!port.empty()) {
    unsigned number = 0;
    const char* end = port.data() + port.size();
    const auto [stop, error] = std::from_chars(port.data() + 1, end, number);
    if (port.front() != ':' || error != std::errc() || stop != end || number == 0 || number > 65535)
      return fail(Kind::usage, "the link's port is malformed");
    out.origin.port = static_cast<std::uint16_t>(number);
  }
  return out;
}

// Takes "/<word>/<rest>" off the end of the path: what stays is the prefix, what comes back is the rest.
std::optional<std::string> take_tail(Origin& origin, char word) {
  std::string& path = origin.prefix;
  if (path.ends_with('/')) path.pop_back();
  const auto last = path.rfind('/');
  if (last == std::string::npos || last < 2) return std::nullopt;
  const bool is_word = (path[last - 1] | 0x20) == word && path[last - 2] == '/';
  if (!is_word) return std::nullopt;
  std::string tail = path.substr(last + 1);
  path.erase(last - 2);
  return tail;
}

bool is_bech32_tail(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

bool is_identity(std::string_view text) {
  return text.starts_with("AGE-SECRET-KEY-1") && text.size() == 74;
}

}  // namespace

Result<Origin> Origin::parse(std::string_view url) {
  auto parts = cut(url);
  if (!parts) return tl::unexpected(parts.error());
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
  const std::string root = to_upper_ascii((origin.tls ? "https://" : "http://") + origin.authority());
  const std::string place = (origin.prefix.empty() ? "/U/" : origin.prefix + "/u/") + to_upper_ascii(guid.text());
  return root + place + (key.empty() ? "" : "#" + to_upper_ascii(key));
}

std::string OwnerLink::text() const {
  return origin.url() + wire::path_of({wire::Resource::owner_page, guid}) + "#" + token.text();
}

std::string ShareLink::text() const {
  return origin.url() + wire::path_of({.resource = wire::Resource::link, .token = token}) +
         (identity.empty() ? "" : "#" + identity);
}

Result<DropLink> parse_drop_link(std::string_view text) {
  auto parts = cut(text);
  if (!parts) return tl::unexpected(parts.error());
  DropLink link;
  link.origin = parts->origin;
  const auto tail = take_tail(link.origin, 'u');
  const auto guid = tail ? Id::parse(*tail) : std::nullopt;
  if (!guid)
    return fail(Kind::usage, "this is not a drop link",
                "a drop link looks like https://HOST/u/<26 letters and digits>");
  link.guid = *guid;
  if (!parts->fragment.empty()) {
    link.key = to_lower_ascii(parts->fragment);
    if (!link.key.starts_with("age1") || link.key.size() != 62 || !is_bech32_tail(link.key))
      return fail(Kind::usage, "the key in the drop link is malformed");
  }
  return link;
}

Result<OwnerLink> parse_owner_link(std::string_view text) {
  auto parts = cut(text);
  if (!parts) return tl::unexpected(parts.error());
  OwnerLink link;
  link.origin = parts->origin;
  const auto tail = take_tail(link.origin, 's');
  const auto guid = tail ? Id::parse(*tail) : std::nullopt;
  const auto dot = parts->fragment.find('.');
  const auto token = Token::parse(parts->fragment.substr(0, dot));
  if (dot != std::string_view::npos) link.identity = to_upper_ascii(parts->fragment.substr(dot + 1));
  if (dot != std::string_view::npos && !is_identity(link.identity))
    return fail(Kind::usage, "the key in the owner link is malformed");
  if (!guid || !token)
    return fail(Kind::usage, "this is not an owner link", "an owner link looks like https://HOST/s/<space>#<token>");
  link.guid = *guid;
  link.token = *token;
  return link;
}

Result<ShareLink> parse_share_link(std::string_view text) {
  auto parts = cut(text);
  if (!parts) return tl::unexpected(parts.error());
  ShareLink link;
  link.origin = parts->origin;
  auto tail = take_tail(link.origin, 'd');
  if (!tail || !Token::parse(*tail))
    return fail(Kind::usage, "this is not a share link", "a share link looks like https://HOST/d/<token>");
  link.token = std::move(*tail);
  if (!parts->fragment.empty()) {
    link.identity = to_upper_ascii(parts->fragment);
    if (!is_identity(link.identity)) return fail(Kind::usage, "the key in the share link is malformed");
  }
  return link;
}

}  // namespace qrx
