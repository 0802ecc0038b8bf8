#include "notify/wording.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"
#include "wire/limits.h"
#include "wire/share_messages.h"

namespace qrx::notify {
namespace {

// A message of more lines buries the link.
constexpr std::size_t most_lines = 10;
constexpr std::size_t most_septets = 160;  // 140 bytes
constexpr std::size_t most_utf16 = 70;

// A code point off the front; text that is not UTF-8 gives U+FFFD for each byte.
char32_t take(std::string_view& text) {
  return take_code_point(text).value_or(0xFFFD);
}

void put(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

bool is_ascii_word(char32_t c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool joins_a_name(char32_t c) {
  return is_ascii_word(c) || c == '-' || c == '_' || c >= 0x80;
}

// Full stops of other scripts that the name system takes for its own (UTS 46).
bool is_dot(char32_t c) {
  return c == '.' || c == 0x3002 || c == 0xFF0E || c == 0xFF61;
}

// Endings of files that no programs take for a host name, for they are no top-level domains.
constexpr std::array<std::u32string_view, 40> file_endings = {
    U"pdf", U"jpg", U"jpeg", U"png",  U"gif", U"heic", U"webp", U"svg",  U"tif", U"tiff",
    U"txt", U"csv", U"doc",  U"docx", U"xls", U"xlsx", U"ppt",  U"pptx", U"odt", U"ods",
    U"odp", U"rtf", U"tar",  U"gz",   U"tgz", U"xz",   U"bz2",  U"zst",  U"rar", U"iso",
    U"mp3", U"mp4", U"wav",  U"mkv",  U"avi", U"flac", U"epub", U"json", U"xml", U"log"};

// "src.tar.gz": is the word around text[at] the name of such a file, with nothing behind it that would make it a link?
bool is_file_name(const std::u32string& text, std::size_t at) {
  const auto in_word = [](char32_t c) { return is_ascii_word(c) || c == '-' || c == '_' || c == '.' || c >= 0x80; };
  std::size_t end = at;
  while (end < text.size() && in_word(text[end]) && (!is_dot(text[end]) || text[end] == '.')) ++end;
  if (end < text.size() && (text[end] == '/' || text[end] == ':' || text[end] == '@' || is_dot(text[end])))
    return false;
  while (end > at && text[end - 1] == '.') --end;
  const auto dot = text.rfind(U'.', end - 1);
  std::u32string ending = text.substr(dot + 1, end - dot - 1);
  for (char32_t& c : ending)
    if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
  std::size_t begin = at;
  while (begin > 0 && in_word(text[begin - 1])) --begin;
  const bool in_address = begin > 0 && (text[begin - 1] == '/' || text[begin - 1] == ':' || text[begin - 1] == '@');
  return !in_address && std::find(file_endings.begin(), file_endings.end(), ending) != file_endings.end();
}

// What programs turn into links: a scheme with "://" or "//" alone, and names with dots in them. The marks are those
// that people who write about attacks use: "evil[.]example".
std::u32string without_links(const std::u32string& text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    const char32_t before = i > 0 ? text[i - 1] : U' ';
    const char32_t after = i + 1 < text.size() ? text[i + 1] : U' ';
    const char32_t second = i + 2 < text.size() ? text[i + 2] : U' ';
    // "3.5 MB": not when there is a slash, as in "1.2.3.4/x".
    const bool in_number = (before >= '0' && before <= '9') && (after >= '0' && after <= '9') &&
                           std::none_of(text.begin(), text.end(), [](char32_t d) { return d == '/'; });
    if (is_dot(c) && joins_a_name(before) && joins_a_name(after) && !in_number && !is_file_name(text, i)) {
      out += U"[.]";
    } else if (c == ':' && ((after == '/' && second == '/') ||
                            (is_ascii_word(before) && joins_a_name(after) && !(after >= '0' && after <= '9')))) {
      out += U"[:]";  // https://, mailto:, tel:+ and the like; not "12:30"
    } else if (c == '/' && after == '/' && before != ':' && before != '/') {
      out += U"/ ";
    } else {
      out += c;
    }
  }
  return out;
}

std::string cleaned(std::string_view hostile, std::size_t most, bool lines) {
  std::u32string text;
  std::size_t line_count = 1;
  for (std::string_view rest = hostile; !rest.empty();) {
    const std::string_view before = rest;
    char32_t c = take(rest);
    const bool newline = c == '\n' || c == 0x2028 || c == 0x2029 || c == 0x85;
    if (newline && lines && line_count < most_lines) {
      while (!text.empty() && text.back() == ' ') text.pop_back();
      if (text.empty()) continue;
      text += U'\n';
      ++line_count;
      continue;
    }
    // All blanks are one kind, and never two together.
    if (newline || c == '\t' || c == '\r' || c == 0xA0 || c == 0x3000 || (c >= 0x2000 && c <= 0x200A)) c = ' ';
    const std::string_view bytes = before.substr(0, before.size() - rest.size());
    if (c != ' ' && (c == 0xFFFD || c == 0xFFFC || escape_untrusted(bytes) != bytes))
      continue;  // prints nothing, or turns text around
    if (c == ' ' && (text.empty() || text.back() == ' ' || text.back() == '\n')) continue;
    text += c;
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n')) text.pop_back();
  std::string out;
  for (const char32_t c : without_links(text)) {
    std::string one;
    put(one, c);
    if (out.size() + one.size() > most) {
      // Room for the dots, and never half a character.
      while (out.size() + 3 > most && !out.empty()) {
        while ((static_cast<unsigned char>(out.back()) & 0xC0U) == 0x80U) out.pop_back();
        out.pop_back();
      }
      return out + "...";
    }
    out += one;
  }
  return out;
}

std::string label_of(const Notice& notice) {
  return plain_words(notice.from, most_label_bytes);
}
std::string what_of(const Notice& notice) {
  const std::string summary = plain_words(notice.summary, most_summary_bytes);
  return summary.empty() ? "files" : summary;
}

// "Alice sent you 3 files, 12 MB", or for somebody without a name "For you: 3 files, 12 MB".
std::string who_sent(const std::string& label, const std::string& what) {
  return (label.empty() ? "For you: " : label + " sent you ") + what;
}

std::string with_prefix(std::string_view prefix, const std::string& text) {
  std::string out(prefix);
  for (const char c : text) {
    out += c;
    if (c == '\n') out += prefix;
  }
  return out;
}

// Full-width twins: they read the same, and mention nobody ("@everyone", "<!channel>").
std::string without_mentions(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '@')
      out += "\uFF20";
    else if (c == '<')
      out += "\uFF1C";
    else
      out += c;
  }
  return out;
}

std::string escaped(const std::string& text, Markup markup) {
  std::string out;
  for (const char c : text) {
    if (markup == Markup::slack && c == '&') {
      out += "&amp;";
      continue;
    }
    if (markup == Markup::slack && c == '>') {
      out += "&gt;";
      continue;
    }
    // Everything that Markdown gives a meaning.
    if (markup == Markup::markdown && std::string_view("\\`*_~|[](){}#>!+-").find(c) != std::string_view::npos)
      out += '\\';
    out += c;
  }
  return out;
}

// GSM 03.38: the basic alphabet by code point; the extension counts two.
bool in_gsm_basic(char32_t c) {
  static constexpr std::u32string_view others =
      U"\u00A3\u00A5\u00E8\u00E9\u00F9\u00EC\u00F2\u00C7\u00D8\u00F8\u00C5\u00E5\u0394\u03A6\u0393\u039B\u03A9\u03A0"
      U"\u03A8\u03A3\u0398"
      U"\u039E\u00C6\u00E6\u00DF\u00C9\u00A4\u00A1\u00C4\u00D6\u00D1\u00DC\u00A7\u00BF\u00E4\u00F6\u00F1\u00FC\u00E0";
  if (is_ascii_word(c) || c == '\n' || c == '\r') return true;
  if (c < 0x80)
    return c >= 0x20 && std::u32string_view(U" !\"#$%&'()*+,-./:;<=>?@_").find(c) != std::u32string_view::npos;
  return others.find(c) != std::u32string_view::npos;
}

bool in_gsm_extension(char32_t c) {
  return std::u32string_view(U"^{}\\[~]|\u20AC\f").find(c) != std::u32string_view::npos;
}

bool fits_one_sms(std::string_view text) {
  // A text of the GSM alphabet has 160 characters, any other 70 (3GPP TS 23.038).
  const std::size_t septets = gsm_septets(text);
  return septets > 0 ? septets <= most_septets : to_utf16(text).size() <= most_utf16;
}

}  // namespace

std::string plain_words(std::string_view hostile, std::size_t most) {
  return cleaned(hostile, most, false);
}
std::string plain_lines(std::string_view hostile, std::size_t most) {
  return cleaned(hostile, most, true);
}

std::string moment(WallTime time) {
  const std::string text = to_rfc3339(time);  // 2026-11-22T23:00:00Z
  return text.substr(0, 10) + " " + text.substr(11, 5) + " UTC";
}

std::string subject(const Notice& notice) {
  return who_sent(label_of(notice), what_of(notice));
}

std::string mail_text(const Notice& notice) {
  const std::string message = plain_lines(notice.message, wire::most_share_message_bytes);
  std::string out = who_sent(label_of(notice), what_of(notice)) + ".\n\n";
  out += notice.link + "\n\n";
  if (!message.empty()) out += "Message:\n" + with_prefix("> ", message) + "\n\n";
  if (notice.expires) out += "The link works until " + moment(*notice.expires) + ". ";
  out += "It is meant for you only: anyone who has it can download the files.\n\n";
  out += "-- \nSent by qrx on behalf of someone who entered your address. Not expecting it? Ignore it.\n";
  return out;
}

std::string mail_html(const Notice& notice) {
  std::string message = escape_html(plain_lines(notice.message, wire::most_share_message_bytes));
  for (std::size_t at = 0; (at = message.find('\n', at)) != std::string::npos; at += 5)
    message.replace(at, 1, "<br>\n");
  const std::string link = escape_html(notice.link);
  std::string out =
      "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head>\n<body style=\"font-family:sans-serif\">\n";
  out += "<p>" + escape_html(who_sent(label_of(notice), what_of(notice))) + ".</p>\n";
  out += "<p><a href=\"" + link + "\">" + link + "</a></p>\n";
  if (!message.empty()) out += "<p>Message:</p>\n<blockquote>" + message + "</blockquote>\n";
  out += "<p>";
  if (notice.expires) out += "The link works until " + moment(*notice.expires) + ". ";
  out += "It is meant for you only: anyone who has it can download the files.</p>\n";
  out +=
      "<p style=\"color:#666\">Sent by qrx on behalf of someone who entered your address. Not expecting it? Ignore "
      "it.</p>\n";
  return out + "</body></html>\n";
}

std::string chat_text(const Notice& notice, std::size_t most, Markup markup) {
  const std::string label = escaped(without_mentions(label_of(notice)), markup);
  const std::string message =
      escaped(without_mentions(plain_lines(notice.message, wire::most_share_message_bytes)), markup);
  const std::string head = who_sent(label, escaped(without_mentions(what_of(notice)), markup));
  const std::string until = notice.expires ? "\nuntil " + moment(*notice.expires) : "";
  const std::string words = message.empty() ? "" : "\n" + with_prefix("> ", message);
  // The most that fits: first the message goes, then the date, then the words around the link; the link is never cut.
  const std::array<std::string, 4> texts = {head + "\n" + notice.link + until + words,
                                            head + "\n" + notice.link + until, head + "\n" + notice.link, notice.link};
  for (const std::string& text : texts)
    if (text.size() <= most) return text;
  return "";
}

std::size_t gsm_septets(std::string_view text) {
  std::size_t out = 0;
  while (!text.empty()) {
    const char32_t c = take(text);
    if (in_gsm_basic(c))
      ++out;
    else if (in_gsm_extension(c))
      out += 2;
    else
      // Nothing: it needs UTF-16.
      return 0;
  }
  return out;
}

std::u16string to_utf16(std::string_view utf8) {
  std::u16string out;
  while (!utf8.empty()) {
    const char32_t c = take(utf8);
    if (c < 0x10000) {
      out += static_cast<char16_t>(c);
    } else {
      out += static_cast<char16_t>(0xD800 + ((c - 0x10000) >> 10));
      out += static_cast<char16_t>(0xDC00 + ((c - 0x10000) & 0x3FF));
    }
  }
  return out;
}

std::string sms_text(const Notice& notice) {
  const std::string label = label_of(notice);
  const std::string message = plain_words(notice.message, wire::most_share_message_bytes);
  const std::string from = label.empty() ? "" : label + ": ";
  const std::string head = who_sent(label, what_of(notice)) + ": ";
  const std::string nameless = who_sent("", what_of(notice)) + ": ";
  const std::string until = notice.expires ? " until " + moment(*notice.expires) : "";
  const std::string words = message.empty() ? "" : " " + message;
  // As in chat_text(). The name goes late: a link from nobody looks like fraud.
  const std::array<std::string, 8> texts = {
      head + notice.link + until + words, head + notice.link + until, head + notice.link,        from + notice.link,
      nameless + notice.link + until,     nameless + notice.link,     "For you: " + notice.link, notice.link};
  for (const std::string& text : texts)
    if (fits_one_sms(text)) return text;
  return "";
}

}  // namespace qrx::notify
