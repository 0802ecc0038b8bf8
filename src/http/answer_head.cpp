#include "http/answer_head.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/text.h"
#include "http/syntax.h"

namespace qrx::http {
namespace {

// The registry of IANA as far as a server of ours or of a test may answer with it; 460 is of tus.
constexpr std::array<std::pair<int, std::string_view>, 42> reasons = {{
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Payload Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Entity"},
    {423, "Locked"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {460, "Checksum Mismatch"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
}};
static_assert(std::ranges::is_sorted(reasons));

bool has_no_body(int status) {
  return status == 204 || status == 304;
}

void add_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

// Two fields of these, one by a route and one by the front, would let two readers disagree about where the answer ends.
bool is_decided_here(std::string_view name) {
  static constexpr std::array<std::string_view, 6> ours = {
      "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Date", "Content-Type"};
  return std::ranges::any_of(ours, [name](std::string_view own) { return equal_ignoring_case(name, own); });
}

bool before_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  return std::ranges::lexicographical_compare(a, b, {}, lower, lower);
}

// The fields that the handler chose, in the order of their names; those of one name in the order given.
void add_chosen_fields(std::string& out, const Answer& answer) {
  std::vector<std::pair<std::string_view, std::string_view>> fields;
  fields.reserve(answer.headers.size() + 1);
  for (const auto& [name, value] : answer.headers)
    // A value may come from a file name or a label: with a line end in it, it could add fields, or a whole answer.
    if (is_token(name) && is_field_value(value) && !is_decided_here(name)) fields.emplace_back(name, value);
  if (!answer.type.empty() && is_field_value(answer.type)) fields.emplace_back("Content-Type", answer.type);
  // A fixed order, so that the same answer is the same bytes.
  std::ranges::stable_sort(fields, before_ignoring_case, [](const auto& field) { return field.first; });
  for (const auto& [name, value] : fields) add_field(out, name, value);
}

// The time as a Date field has it, made once a second.
const std::string& date_now() {
  // Each thread of the pool has its own: no lock for a text that all could share.
  thread_local std::int64_t second = -1;
  thread_local std::string text;
  const auto now = system_clock().wall();
  const auto this_second = std::chrono::duration_cast<Seconds>(now.time_since_epoch()).count();
  if (std::exchange(second, this_second) != this_second) text = to_http_date(now);
  return text;
}

}  // namespace

std::string_view reason_phrase(int status) {
  const auto found = std::ranges::lower_bound(reasons, status, {}, [](const auto& reason) { return reason.first; });
  return found != reasons.end() && found->first == status ? found->second : "Unknown";
}

std::string render_head(const Answer& head, const SourceBody& body, Persistence persistence) {
  std::string out = "HTTP/1.1 " + std::to_string(head.status);
  out.append(" ").append(reason_phrase(head.status)).append("\r\n");
  add_chosen_fields(out, head);
  if (!has_no_body(head.status)) {
    if (body.length)
      add_field(out, "Content-Length", std::to_string(*body.length));
    else if (body.chunked)
      add_field(out, "Transfer-Encoding", "chunked");
  }
  add_field(out, "Date", date_now());
  if (persistence == Persistence::close) add_field(out, "Connection", "close");
  if (persistence == Persistence::keep_alive_1_0) add_field(out, "Connection", "keep-alive");
  return out += "\r\n";
}

std::string render_answer(std::string_view method, const Answer& answer, Persistence persistence) {
  std::string out = render_head(answer, {answer.body.size()}, persistence);
  if (method != "HEAD" && !has_no_body(answer.status)) out += answer.body;
  return out;
}

}  // namespace qrx::http
