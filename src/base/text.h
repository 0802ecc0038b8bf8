// Text for people: what came from outside is escaped before it reaches a terminal or a page.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace qrx {

// Takes one code point off the front of `text`, which is not empty. Nothing, and one byte taken, when it is not UTF-8.
std::optional<char32_t> take_code_point(std::string_view& text);
bool is_valid_utf8(std::string_view text);  // no surrogates, no overlong forms, at most U+10FFFF

// Control, bidi, zero-width and otherwise invisible characters, and bytes that are not UTF-8, become visible
// escapes (\x1b, \u202e); everything else stays. The result is safe to print to a terminal or a log.
std::string escape_untrusted(std::string_view text);

std::string escape_html(std::string_view text);  // & < > " '
std::string to_lower_ascii(std::string_view text);
std::string to_upper_ascii(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);  // ASCII
std::string_view trim(std::string_view text);                      // blanks and tabs at both ends

// Of what is ASCII in the end, as people copy it: blanks, hyphens and full-width twins of ASCII become ASCII, what
// prints nothing goes.
std::string in_plain_letters(std::string_view text);

// RFC 3986 percent-decoding; '+' stays. False for a broken escape.
bool percent_decode(std::string_view text, std::string& out);
std::string percent_encode_segment(std::string_view text);  // keeps unreserved characters only; '/' is encoded

}  // namespace qrx
