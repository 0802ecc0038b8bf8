#include "wire/link.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/text.h"
#include "wire/age_text.h"
#include "wire/limits.h"
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

// --- links as they come out of messengers, mails and documents

bool starts_ignoring_case(std::string_view text, std::string_view front) {
  return text.size() >= front.size() && equal_ignoring_case(text.substr(0, front.size()), front);
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

// What can stand around a link and never ends or begins one. None of it is in a GUID, a token or a key.
bool take_wrapping(std::string& text) {
  static constexpr std::array<std::string_view, 31> marks = {
      "<",      ">",      "(",      ")",      "[",      "]",      "{",      "}",      "\"",     "'",      "`",
      ",",      ".",      ";",      "!",      "|",      "*",      "\u201C", "\u201D", "\u201E", "\u2018", "\u2019",
      "\u201A", "\u00AB", "\u00BB", "\u2039", "\u203A", "\u3002", "\uFF0C", "\u300C", "\u300D"};
  for (const std::string_view mark : marks) {
    // One is left: a link that consists of marks is reported, not emptied.
    if (text.size() <= mark.size()) continue;
    // An address like [::1]:8460 has its bracket within the link.
    if (text.starts_with(mark)) {
      text.erase(0, mark.size());
      return true;
    }
    if (text.ends_with(mark)) {
      text.erase(text.size() - mark.size());
      return true;
    }
  }
  return false;
}

// Blanks at the ends, line breaks with the blanks around them, and what prints nothing.
std::string without_blanks(std::string text) {
  static constexpr std::array<std::string_view, 13> nothing = {"\u200B", "\u200C", "\u200D", "\u2060", "\uFEFF",
                                                               "\u00AD", "\u200E", "\u200F", "\u202A", "\u202C",
                                                               "\u2066", "\u2068", "\u2069"};
  for (const std::string_view mark : nothing) replace_all(text, mark, "");
  replace_all(text, "\u00A0", " ");
  replace_all(text, "\u3000", " ");
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && is_blank(text[end])) ++end;
    const std::string_view run = std::string_view(text).substr(at, end - at);
    if (end == at) {
      out += text[at++];
      continue;
    }
    const bool broken_line = run.find_first_of("\r\n") != std::string_view::npos;
    if (broken_line && out.ends_with('=')) out.pop_back();  // a soft line break of quoted-printable
    // A blank within a line stays, and the link is refused by it: two words are no link.
    if (!broken_line && at > 0 && end < text.size()) out += run;
    at = end;
  }
  return out;
}

// What programs that count clicks append: "?utm_source=x&fbclid=y". Nothing of ours has a query.
bool counts_clicks(std::string_view query) {
  static constexpr std::array<std::string_view, 13> keys = {"fbclid", "gclid",  "dclid", "msclkid", "mc_cid",
                                                            "mc_eid", "igshid", "igsh",  "yclid",   "twclid",
                                                            "ref",    "_ga",    "si"};
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const std::string_view key = query.substr(0, query.substr(0, end).find('='));
    // An empty pair ("?", "&&") says nothing.
    const bool known = key.empty() || starts_ignoring_case(key, "utm_") ||
                       std::any_of(keys.begin(), keys.end(), [&](auto one) { return equal_ignoring_case(key, one); });
    if (!known) return false;
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return true;
}

void drop_click_counters(std::string& text) {
  const auto question = text.find('?');
  if (question != std::string::npos) {
    const auto hash = std::min(text.find('#', question), text.size());
    // Any other query stays, and the link is refused for it later: it may be the link of another program.
    if (counts_clicks(std::string_view(text).substr(question + 1, hash - question - 1)))
      text.erase(question, hash - question);
  }
  const auto hash = text.find('#');
  const auto more = hash == std::string::npos ? hash : text.find('&', hash);
  if (more != std::string::npos && counts_clicks(std::string_view(text).substr(more + 1))) text.erase(more);
}

// A link as it was meant, where that is beyond doubt; what is left over is judged by the rules below.
std::string as_meant(std::string_view given) {
  // What is too long is refused later; all that follows here goes through the text several times.
  if (given.size() > most_given_link_bytes) return std::string(given);
  std::string text = without_blanks(std::string(given));
  for (const auto& [from, to] : {std::pair("&amp;", "&"), std::pair("&#35;", "#"), std::pair("&lt;", "<"),
                                 std::pair("&gt;", ">"), std::pair("&quot;", "\"")})
    replace_all(text, from, to);
  while (take_wrapping(text)) {
  }
  // Markdown, [words](link): take_wrapping() has taken the brackets at both ends, "](" is left between the words and
  // the link.
  if (const auto between = text.find("]("); between != std::string::npos) text.erase(0, between + 2);
  if (starts_ignoring_case(text, "url:")) text.erase(0, 4);
  if (std::string decoded; (starts_ignoring_case(text, "http%3a") || starts_ignoring_case(text, "https%3a")) &&
                           percent_decode(text, decoded))
    text = std::move(decoded);
  // Encoded again by each program on the way.
  while (text.find("%2525") != std::string::npos) replace_all(text, "%2525", "%25");
  replace_all(text, "%2523", "%23");
  if (text.find('#') == std::string::npos)
    if (const auto hash = text.find("%23"); hash != std::string::npos) text.replace(hash, 3, "#");
  drop_click_counters(text);
  // As curl wants it, "curl -T FILE LINK/": no key and no token ends so.
  while (text.find('#') != std::string::npos && text.ends_with('/')) text.pop_back();
  return text;
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
  auto parts = cut(trim(url));
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
  if (!parts->fragment.empty()) {
    link.identity = to_upper_ascii(parts->fragment);
    if (!is_age_identity(link.identity)) return bad_key(parts->fragment.size(), age_identity_size);
  }
  return link;
}

}  // namespace qrx::wire
