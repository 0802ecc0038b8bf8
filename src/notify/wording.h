// What a notice says, in the forms that transports need. The caller's words (label, message) are hostile: plain text
// comes out, short, without control, bidi and invisible characters, and without anything that a program makes a link
// of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "notify/notice.h"

namespace qrx::notify {

// What a notice shows of what others wrote: enough to know it by, too little for a page of it.
inline constexpr std::size_t most_label_bytes = 80;
inline constexpr std::size_t most_summary_bytes = 100;
// Of chat_text(), for commands and hooks, which have no limit of their own: what most chats take.
inline constexpr std::size_t usual_chat_bytes = 4096;

// One line: "https://evil.example" becomes "https[:]//evil[.]example". Cut after `most` bytes at a character.
std::string plain_words(std::string_view hostile, std::size_t most);
// The same over several lines ('\n'), ten at most.
std::string plain_lines(std::string_view hostile, std::size_t most);

std::string subject(const Notice& notice);    // "Alice sent you 3 files, 12 MB"
std::string mail_text(const Notice& notice);  // lines that end in '\n'
std::string mail_html(const Notice& notice);

// For messengers: a few lines, the link alone on one of them. At most `most` bytes: the caller's words are dropped
// first; the link stays whole, and what is empty does not fit. Nothing in it mentions anybody: @ is written as the
// full-width one. The caller's words are escaped as the messenger's markup wants it.
enum class Markup : std::uint8_t { none, slack, markdown };
std::string chat_text(const Notice& notice, std::size_t most, Markup markup = Markup::none);

// One SMS: at most 160 characters of GSM 03.38 (those of its extension count twice), or 70 UTF-16 units when a word
// needs them. What does not fit is dropped, the sharer's own words first; the link stays whole. Empty when it alone is
// too long.
std::string sms_text(const Notice& notice);
// Septets that the text takes in GSM 03.38; 0 when it holds a character that is not in it.
std::size_t gsm_septets(std::string_view text);
std::u16string to_utf16(std::string_view utf8);

std::string moment(WallTime time);  // "2026-11-24 23:00 UTC"

}  // namespace qrx::notify
