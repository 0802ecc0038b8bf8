#include "wire/pasted_link.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "wire/domain.h"
#include "wire/limits.h"

namespace qrx::wire {
namespace {

bool starts_ignoring_case(std::string_view text, std::string_view front) {
  return text.size() >= front.size() && equal_ignoring_case(text.substr(0, front.size()), front);
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

// What can stand around a link and never ends or begins one. None of it is in a GUID, a token or a key.
bool take_wrapping(std::string& text) {
  static constexpr std::array<std::string_view, 45> marks = {
      "<",      ">",      "(",      ")",      "[",      "]",      "{",      "}",      "\"",
      "'",      "`",      ",",      ".",      ";",      "!",      "|",      "*",      "\u201C",
      "\u201D", "\u201E", "\u2018", "\u2019", "\u201A", "\u00AB", "\u00BB", "\u2039", "\u203A",
      "\u3002", "\uFF0C", "\u300C", "\u300D", "_",      "~",      ":",      "\u300A", "\u300B",
      "\u300E", "\u300F", "\u3010", "\u3011", "\uFF01", "\uFF08", "\uFF09", "\uFF1A", "\uFF1B"};
  for (const std::string_view mark : marks) {
    // One is left: a link that consists of marks is reported, not emptied.
    if (text.size() <= mark.size()) continue;
    // An address like [::1]:8460 has its bracket within the link.
    if (text.starts_with(mark)) return text.erase(0, mark.size()), true;
    if (text.ends_with(mark)) return text.erase(text.size() - mark.size()), true;
  }
  return false;
}

// Blanks at the ends, line breaks with the blanks around them, and what prints nothing.
std::string without_blanks(std::string text) {
  static constexpr std::array<std::string_view, 13> nothing = {"\u200B", "\u200C", "\u200D", "\u2060", "\uFEFF",
                                                               "\u00AD", "\u200E", "\u200F", "\u202A", "\u202C",
                                                               "\u2066", "\u2068", "\u2069"};
  for (const std::string_view mark : nothing) replace_all(text, mark, "");
  replace_all(text, "\uFF03", "#");
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

// "see https://host/u/ID#KEY thanks": the one word that is a link. Not when another word may be the rest of it, for
// what is sent by a link that lost its key is not encrypted.
std::string without_sentence(const std::string& text) {
  std::string link;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find_first_of(" \t", at), text.size());
    std::string word = text.substr(at, end - at);
    at = end + 1;
    if (word.find("://") != std::string::npos || word.find("%3") != std::string::npos) {
      if (!link.empty() || word.ends_with('#')) return text;
      link = std::move(word);
    } else if (const std::string lower = to_lower_ascii(word); lower.find_first_of("#%") != std::string::npos ||
                                                               lower.find("age1") != std::string::npos ||
                                                               lower.find("age-secret") != std::string::npos) {
      return text;
    }
  }
  const auto scheme = to_lower_ascii(link).find("http");
  if (scheme == std::string::npos) return text;
  // "Link:https://…"
  const bool named = scheme > 0 && (link[scheme - 1] == ':' || link[scheme - 1] == '=');
  return named ? link.substr(scheme) : link;
}

}  // namespace

// "bücher.example" and full-width digits, as they stand in the bar of some browsers.
void put_host_in_ascii(std::string& url) {
  const auto begin = url.find("://");
  if (begin == std::string::npos) return;
  const auto end = std::min(url.find_first_of("/#?:@", begin + 3), url.size());
  const std::string host = url.substr(begin + 3, end - begin - 3);
  const bool is_ascii =
      std::all_of(host.begin(), host.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (is_ascii) return;
  if (const std::string known = domain_in_ascii(host); !known.empty()) url.replace(begin + 3, host.size(), known);
}

std::string as_meant(std::string_view given) {
  // What is too long is refused later; all that follows here goes through the text several times.
  if (given.size() > most_given_link_bytes) return std::string(given);
  std::string text = without_blanks(std::string(given));
  for (const auto& [from, to] : {std::pair("&amp;", "&"), std::pair("&#35;", "#"), std::pair("&lt;", "<"),
                                 std::pair("&gt;", ">"), std::pair("&quot;", "\"")})
    replace_all(text, from, to);
  while (take_wrapping(text)) {
  }
  text = without_sentence(text);
  while (take_wrapping(text)) {
  }
  // Markdown: [words](link
  // The bracket that closed it is gone: take_wrapping() took it.
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
  put_host_in_ascii(text);
  return text;
}

}  // namespace qrx::wire
