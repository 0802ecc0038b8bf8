#include "notify/mail_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "base/bytes.h"
#include "base/text.h"
#include "notify/wording.h"

namespace qrx::notify {
namespace {

// RFC 2045, 6.7: lines of quoted-printable have 76 characters at most.
constexpr std::size_t most_line = 76;

bool is_printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

// RFC 5322, 3.3; by hand, as strftime(3) writes names of days in the user's language.
std::string date(WallTime time) {
  const std::time_t seconds = std::chrono::floor<Seconds>(time).time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  static constexpr std::array<const char*, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{}, {} {} {} {:02}:{:02}:{:02} +0000", days[static_cast<std::size_t>(parts.tm_wday)],
                     parts.tm_mday, months[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900, parts.tm_hour,
                     parts.tm_min, parts.tm_sec);
}

std::string display_name(const std::string& name, std::size_t used) {
  if (!is_printable_ascii(name)) return encoded_header(name, used);
  std::string out = "\"";
  for (const char c : name) {
    // RFC 5322, 3.2.4.
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string part(const std::string& boundary, std::string_view type, const std::string& text) {
  return "--" + boundary + "\r\nContent-Type: " + std::string(type) +
         "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + quoted_printable(text) + "\r\n";
}

}  // namespace

MailSender parse_sender(std::string_view text) {
  MailSender out;
  const auto open = text.find('<');
  std::string_view address = text;
  if (open != std::string_view::npos && text.back() == '>') {
    out.name = std::string(trim(text.substr(0, open)));
    if (out.name.size() >= 2 && out.name.front() == '"' && out.name.back() == '"')
      out.name = out.name.substr(1, out.name.size() - 2);
    address = text.substr(open + 1, text.size() - open - 2);
  }
  if (const auto recipient = wire::parse_recipient(address)) out.address = recipient->address;
  return out;
}

std::string encoded_header(std::string_view text, std::size_t used) {
  // A text with "=?" would be decoded by the reader; one of over 200 characters needs a fold, which only words of RFC
  // 2047 have here.
  if (is_printable_ascii(text) && text.find("=?") == std::string_view::npos && used + text.size() <= 200)
    return std::string(text);
  // 75 characters a word, "=?UTF-8?B?" and "?=" among them; characters are not cut apart (RFC 2047 5.3).
  constexpr std::size_t most_word = 75 - 12;
  std::string out;
  std::string piece;
  // Base64 makes four characters of three bytes; the first word shares its line with the header's name.
  std::size_t room = (std::min(most_word, most_line - 12 - std::min<std::size_t>(used, 40)) / 4) * 3;
  const auto flush = [&] {
    out += (out.empty() ? "" : "\r\n ") + std::string("=?UTF-8?B?") + to_base64(as_bytes(piece)) + "?=";
    piece.clear();
    room = (most_word / 4) * 3;
  };
  while (!text.empty()) {
    std::size_t length = 1;
    while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) ++length;
    if (piece.size() + length > room) flush();
    piece += text.substr(0, length);
    text.remove_prefix(length);
  }
  if (!piece.empty()) flush();
  return out;
}

std::string quoted_printable(std::string_view lines) {
  std::string out;
  std::size_t column = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const char c = lines[i];
    if (c == '\n') {
      out += "\r\n";
      column = 0;
      continue;
    }
    const bool ends_line = i + 1 == lines.size() || lines[i + 1] == '\n';
    // A blank before the end of a line gets lost on the way; "From " and a dot at its begin are touched by some; a dash
    // there could begin a boundary.
    const bool plain = (c > 0x20 && c < 0x7F && c != '=' && !(column == 0 && (c == '.' || c == 'F' || c == '-'))) ||
                       (c == ' ' && !ends_line);
    const std::size_t width = plain ? 1 : 3;
    if (column + width > most_line - (ends_line ? 0 : 1)) {
      out += "=\r\n";
      column = 0;
    }
    if (plain) {
      out += c;
    } else {
      out += fmt::format("={:02X}", static_cast<unsigned char>(c));
    }
    column += width;
  }
  return out;
}

std::string mail_message(const MailSender& sender, const Notice& notice, WallTime now) {
  const std::string id = notice.id.text();
  const std::string domain = sender.address.substr(sender.address.find('@') + 1);
  // No text of the message can hold it at a line's begin: quoted_printable() encodes a dash there.
  const std::string boundary = "qrx-" + id;
  // Large mail services ask for one.
  std::string unsubscribe = sender.unsubscribe;
  if (unsubscribe.empty()) unsubscribe = "mailto:" + sender.address + "?subject=unsubscribe";
  std::string out;
  out += "Date: " + date(now) + "\r\n";
  out += "From: " +
         (sender.name.empty() ? sender.address : display_name(sender.name, 6) + "\r\n <" + sender.address + ">") +
         "\r\n";
  out += "To: " + notice.to.address + "\r\n";
  out += "Subject: " + encoded_header(subject(notice), 9) + "\r\n";
  // By the notice: a second attempt is the same message, which many servers and readers show once.
  out += "Message-ID: <" + id + "@" + domain + ">\r\n";
  out += "List-Unsubscribe: <" + unsubscribe + ">\r\n";
  // RFC 3834: no vacation notice answers this.
  out += "Auto-Submitted: auto-generated\r\n";
  // Exchange does not know that one.
  out += "X-Auto-Response-Suppress: All\r\n";
  out += "MIME-Version: 1.0\r\n";
  out += "Content-Type: multipart/alternative; boundary=\"" + boundary + "\"\r\n\r\n";
  // RFC 2046, 5.1.4: the last alternative that a reader knows is shown.
  out += part(boundary, "text/plain", mail_text(notice));
  out += part(boundary, "text/html", mail_html(notice));
  return out + "--" + boundary + "--\r\n";
}

}  // namespace qrx::notify
