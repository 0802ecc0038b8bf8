#include "http/framing.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "http/syntax.h"

namespace qrx::http {
namespace {

constexpr std::array<std::string_view, 7> methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

tl::unexpected<Flaw> flaw(int status, const char* what) {
  return tl::unexpected<Flaw>(Flaw{status, what});
}

// Takes the next line off the front, without its CR LF. The scanner has seen that every line has one.
std::string_view take_line(std::string_view& head) {
  const auto end = head.find("\r\n");
  if (end == std::string_view::npos) return std::exchange(head, {});
  const auto line = head.substr(0, end);
  head.remove_prefix(end + 2);
  return line;
}

Framed<std::vector<Header>> parse_headers(std::string_view rest) {
  std::vector<Header> headers;
  headers.reserve(8);
  for (;;) {
    const auto line = take_line(rest);
    if (line.empty()) break;
    // No blank may stand before the colon (RFC 9112, 5.1): is_token() refuses it.
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return flaw(400, "a header without a colon");
    const auto name = line.substr(0, colon);
    if (!is_token(name)) return flaw(400, "a malformed header name");
    const auto value = trim(line.substr(colon + 1));
    if (!is_field_value(value)) return flaw(400, "a control byte in a header");
    headers.push_back({std::string(name), std::string(value)});
  }
  return headers;
}

// They say what is written where, by what right, and as what. If one is there twice, it would be a guess which counts,
// and a proxy before us may have looked at the other. Two alike are refused, too, as with Content-Length.
bool has_one_value(std::string_view name) {
  static constexpr std::array<std::string_view, 11> ours = {
      "Authorization",   "Content-Range", "Content-Type",          "Origin",
      "Range",           "Upload-Concat", "Upload-Checksum",       "Upload-Length",
      "Upload-Metadata", "Upload-Offset", "X-HTTP-Method-Override"};
  return std::any_of(ours.begin(), ours.end(), [name](std::string_view own) { return equal_ignoring_case(name, own); });
}

bool has_a_second(const std::vector<Header>& headers) {
  for (auto at = headers.begin(); at != headers.end(); ++at)
    if (has_one_value(at->name) && std::any_of(headers.begin(), at, [&](const Header& other) {
          return equal_ignoring_case(other.name, at->name);
        }))
      return true;
  return false;
}

// The headers that decide where a message ends and what becomes of the connection.
struct Control {
  std::optional<std::uint64_t> length;
  bool chunked = false;
  bool says_close = false;
  bool says_keep_alive = false;
};

// Two lengths, even equal ones, or both codings are refused rather than decided (RFC 9112, 6.3, allows either): whoever
// stands before us may have decided otherwise.
Framed<Control> read_control(const std::vector<Header>& headers, bool http_1_0) {
  Control control;
  for (const auto& [name, value] : headers) {
    if (equal_ignoring_case(name, "Content-Length")) {
      if (control.length) return flaw(400, "two Content-Length headers");
      control.length = parse_content_length(value);
      if (!control.length) return flaw(400, "a Content-Length that is not a number");
    } else if (equal_ignoring_case(name, "Transfer-Encoding")) {
      // RFC 9112, 6.1: its framing is to be treated as faulty.
      if (http_1_0) return flaw(400, "Transfer-Encoding in HTTP/1.0");
      if (control.chunked) return flaw(400, "two Transfer-Encoding headers");
      if (!equal_ignoring_case(value, "chunked")) return flaw(400, "a Transfer-Encoding other than chunked");
      control.chunked = true;
    } else if (equal_ignoring_case(name, "Connection")) {
      if (lists_token(value, "close")) control.says_close = true;
      if (lists_token(value, "keep-alive")) control.says_keep_alive = true;
    }
  }
  if (control.chunked && control.length) return flaw(400, "both Content-Length and Transfer-Encoding");
  return control;
}

bool keeps_alive(const Control& control, bool http_1_0) {
  // RFC 9112, 9.3: close wins; 1.1 stays by default, 1.0 only when it asks for it.
  if (control.says_close) return false;
  return !http_1_0 || control.says_keep_alive;
}

// The bytes of RFC 3986, 3.2.2. Only that it cannot break out of where it is repeated; whose host it is, the routes
// decide.
bool is_host(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("-._~!$&'()*+;=:[]%").find(c) != std::string_view::npos;
  });
}

// 505 for a well-formed version that is not ours, 400 for anything else.
Framed<bool> is_http_1_0(std::string_view version) {
  if (version == "HTTP/1.1") return false;
  if (version == "HTTP/1.0") return true;
  if (version.size() == 8 && version.starts_with("HTTP/") && is_digit(version[5]) && version[6] == '.' &&
      is_digit(version[7]))
    return flaw(505, "a version of HTTP other than 1.0 and 1.1");
  return flaw(400, "a malformed request line");
}

// Brings the target into origin form; sets path and query.
Framed<void> take_target(std::string_view target, Request& request) {
  if (target.find('#') != std::string_view::npos) return flaw(400, "a fragment in the request target");
  // Asterisk form (RFC 9112, 3.2.4): the server as a whole.
  if (target == "*") {
    if (request.method != "OPTIONS") return flaw(400, "a malformed request target");
    request.path = "*";
    return {};
  }
  // Absolute form (RFC 9112, 3.2.2) is what proxies get; its host is dropped.
  std::string absolute;
  if (!target.starts_with('/')) {
    const auto scheme_end = target.find("://");
    if (scheme_end == std::string_view::npos) return flaw(400, "a malformed request target");
    const auto scheme = target.substr(0, scheme_end);
    if (!equal_ignoring_case(scheme, "http") && !equal_ignoring_case(scheme, "https"))
      return flaw(400, "a request target of another scheme");
    auto rest = target.substr(scheme_end + 3);
    const auto authority = rest.substr(0, rest.find_first_of("/?"));
    if (authority.empty() || !is_host(authority)) return flaw(400, "a request target without a sound host");
    rest.remove_prefix(authority.size());
    if (!rest.starts_with('/')) absolute = "/";
    absolute += rest;
    target = absolute;
  }
  const auto mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
  return {};
}

Framed<void> check_host(const std::vector<Header>& headers, bool http_1_0) {
  bool seen = false;
  for (const auto& [name, value] : headers) {
    if (!equal_ignoring_case(name, "Host")) continue;
    if (seen) return flaw(400, "two Host headers");
    if (!is_host(value)) return flaw(400, "a malformed Host");
    seen = true;
  }
  // RFC 9112, 3.2: missing, twice or malformed is answered 400.
  if (!seen && !http_1_0) return flaw(400, "no Host header");
  return {};
}

}  // namespace

HeadScanner::State HeadScanner::stop(int status, const char* what) {
  flaw_ = {status, what};
  return state_ = State::flawed;
}

void HeadScanner::reset() {
  at_ = line_start_ = lines_ = 0;
  after_cr_ = false;
  state_ = State::more;
}

HeadScanner::State HeadScanner::scan(std::string_view buffer) {
  if (state_ != State::more) return state_;
  for (; at_ < buffer.size(); ++at_) {
    const char c = buffer[at_];
    // Checked at each byte, so that the answer does not depend on how the bytes were split.
    if (lines_ == 0 && !after_cr_ && c != '\r' && at_ - line_start_ >= limits_.line_bytes)
      return stop(414, "a first line that is too long");
    if (at_ >= limits_.head_bytes) return stop(431, "a head that is too long");
    if (after_cr_) {
      if (c != '\n') return stop(400, "a carriage return without line feed");
      after_cr_ = false;
      const bool blank = at_ == line_start_ + 1;
      line_start_ = at_ + 1;
      // RFC 9112, 2.2: one empty line before the first is forgiven.
      if (blank && lines_ == 0) {
        if (at_ > 1) return stop(400, "empty lines before the head");
        continue;
      }
      if (blank) {
        ++at_;
        return state_ = State::complete;
      }
      if (++lines_ > limits_.headers + 1) return stop(431, "too many headers");
    } else if (c == '\r') {
      after_cr_ = true;
    } else if (c == '\n') {
      return stop(400, "a line feed without carriage return");
    } else if (at_ == line_start_ && (c == ' ' || c == '\t')) {
      return stop(400, "a folded header line");
    } else if (is_control(c) && (c != '\t' || lines_ == 0)) {
      return stop(400, "a control byte in the head");
    }
  }
  return state_;
}

Framed<RequestHead> parse_request_head(std::string_view head) {
  if (head.starts_with("\r\n")) head.remove_prefix(2);
  const auto line = take_line(head);
  const auto first = line.find(' ');
  // From both ends: what is between must be free of blanks, or two readers might take different targets.
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return flaw(400, "a malformed request line");
  const auto method = line.substr(0, first);
  const auto target = line.substr(first + 1, last - first - 1);
  if (!is_token(method) || target.empty() || target.find_first_of(" \t") != std::string_view::npos)
    return flaw(400, "a malformed request line");
  const auto old = is_http_1_0(line.substr(last + 1));
  if (!old) return tl::unexpected(old.error());

  RequestHead result;
  result.http_1_0 = *old;
  auto headers = parse_headers(head);
  if (!headers) return tl::unexpected(headers.error());
  if (const auto host = check_host(*headers, *old); !host) return tl::unexpected(host.error());
  const auto control = read_control(*headers, *old);
  if (!control) return tl::unexpected(control.error());
  if (has_a_second(*headers)) return flaw(400, "a header twice that may be there once");

  // After the framing: a message that is not sound is told so first.
  if (std::find(methods.begin(), methods.end(), method) == methods.end())
    return method == "CONNECT" || method == "TRACE" ? flaw(405, "a method that is not allowed")
                                                    : flaw(501, "a method that is not known");
  auto& request = result.request;
  request.method = method;
  if (const auto taken = take_target(target, request); !taken) return tl::unexpected(taken.error());
  request.content_length = control->length;
  request.has_body = control->chunked || control->length.value_or(0) > 0;
  // A body of GET has no meaning (RFC 9110, 9.3.1), and some servers in between do not see it.
  if (request.has_body && (method == "GET" || method == "HEAD")) return flaw(400, "a body where none belongs");
  request.headers = std::move(*headers);

  for (const auto& [name, value] : request.headers) {
    if (equal_ignoring_case(name, "Content-Encoding")) {
      if (request.has_body && !value.empty() && !equal_ignoring_case(value, "identity"))
        return flaw(415, "a coding of the body: send it as it is");
    } else if (equal_ignoring_case(name, "Expect")) {
      if (!equal_ignoring_case(value, "100-continue")) return flaw(417, "an expectation that is not known");
      result.expects_continue = request.has_body && !*old;
    }
  }
  result.keep_alive = keeps_alive(*control, *old);
  return result;
}

Framed<ResponseHead> parse_response_head(std::string_view head, std::string_view request_method) {
  if (head.starts_with("\r\n")) head.remove_prefix(2);
  const auto line = take_line(head);
  const auto old = is_http_1_0(line.substr(0, 8));
  if (!old) return flaw(0, "a malformed status line");
  const auto code = line.substr(std::min<std::size_t>(line.size(), 8));
  // " 200 OK" (RFC 9112, 4). The reason phrase may be absent, and some servers leave out the blank before it, too.
  if (code.size() < 4 || code[0] != ' ' || code[1] < '1' || code[1] > '5' || !is_digit(code[2]) || !is_digit(code[3]) ||
      (code.size() > 4 && code[4] != ' '))
    return flaw(0, "a malformed status line");

  ResponseHead result;
  result.status = (code[1] - '0') * 100 + (code[2] - '0') * 10 + (code[3] - '0');
  auto headers = parse_headers(head);
  if (!headers) return tl::unexpected(headers.error());
  const auto control = read_control(*headers, *old);
  if (!control) return tl::unexpected(control.error());
  result.headers = std::move(*headers);
  result.keep_alive = keeps_alive(*control, *old);

  using How = BodyFraming::How;
  // RFC 9112, 6.3, in this order.
  const bool bodiless = result.status < 200 || result.status == 204 || result.status == 304 || request_method == "HEAD";
  if (bodiless) {
    result.body.how = How::none;
  } else if (control->chunked) {
    result.body.how = How::chunked;
  } else if (control->length) {
    result.body = {How::length, *control->length};
  } else {
    result.body.how = How::until_close;
    result.keep_alive = false;
  }
  return result;
}

}  // namespace qrx::http
