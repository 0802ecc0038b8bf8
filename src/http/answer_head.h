// The head of an answer as bytes for the wire: status line, fields, framing, date.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace qrx::http {

// What the Connection header says.
enum class Persistence : std::uint8_t { keep_alive, keep_alive_1_0, close };

// How the body of an answer is delimited when it comes from a source.
struct SourceBody {
  std::optional<std::uint64_t> length;
  bool chunked = false;  // neither: the body ends with the connection
};

// A whole answer. Its length is told to HEAD as well; 204 and 304 have neither length nor body (RFC 9110, 8.6).
// A malformed field (its name no token, a control byte in its value) and the fields that are decided here are left
// out.
std::string render_answer(std::string_view method, const Answer& answer, Persistence persistence);

// The head of an answer whose body comes from a source, up to and with the empty line.
std::string render_head(const Answer& head, const SourceBody& body, Persistence persistence);

// "Not Found": the reason phrase of a status; "Unknown" where none is registered.
std::string_view reason_phrase(int status);

}  // namespace qrx::http
