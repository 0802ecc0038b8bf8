#include "http/framing.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"

namespace qrx::http {
namespace {

constexpr std::size_t most_extension_bytes = 4096;  // in a whole body: nobody uses them
constexpr std::size_t most_trailer_bytes = 8192;

constexpr std::array<bool, 256> token_bytes = [] {
  std::array<bool, 256> is{};
  for (unsigned char c = '0'; c <= '9'; ++c) is[c] = true;
  for (unsigned char c = 'a'; c <= 'z'; ++c) is[c] = true;
  for (unsigned char c = 'A'; c <= 'Z'; ++c) is[c] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) is[static_cast<unsigned char>(c)] = true;
  return is;
}();

constexpr bool is_token_byte(char c) {
  return token_bytes[static_cast<unsigned char>(c)];
}
constexpr bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_field_byte(char c) {
  return c == '\t' || !is_control(c);
}

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
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return flaw(400, "a header without a colon");
    const auto name = line.substr(0, colon);
    if (!is_token(name)) return flaw(400, "a header name that is none");
    const auto value = trim(line.substr(colon + 1));
    if (!is_field_value(value)) return flaw(400, "a control byte in a header");
    headers.push_back({std::string(name), std::string(value)});
  }
  return headers;
}

// The headers that decide where a message ends and what becomes of the connection.
struct Control {
  std::optional<std::uint64_t> length;
  bool chunked = false;
  bool says_close = false;
  bool says_keep_alive = false;
};

Framed<Control> read_control(const std::vector<Header>& headers, bool http_1_0) {
  Control control;
  for (const auto& [name, value] : headers) {
    if (equal_ignoring_case(name, "Content-Length")) {
      if (control.length) return flaw(400, "two Content-Length headers");
      control.length = parse_content_length(value);
      if (!control.length) return flaw(400, "a Content-Length that is not a number");
    } else if (equal_ignoring_case(name, "Transfer-Encoding")) {
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
  if (control.says_close) return false;
  return !http_1_0 || control.says_keep_alive;
}

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
  return flaw(400, "a request line that is none");
}

// Brings the target into origin form; sets path and query.
Framed<void> take_target(std::string_view target, Request& request) {
  if (target.find('#') != std::string_view::npos) return flaw(400, "a fragment in the request target");
  if (target == "*") {
    if (request.method != "OPTIONS") return flaw(400, "a request target that is none");
    request.path = "*";
    return {};
  }
  std::string absolute;
  if (!target.starts_with('/')) {
    const auto scheme_end = target.find("://");
    if (scheme_end == std::string_view::npos) return flaw(400, "a request target that is none");
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
    if (!is_host(value)) return flaw(400, "a Host that is none");
    seen = true;
  }
  if (!seen && !http_1_0) return flaw(400, "no Host header");
  return {};
}

std::optional<std::string_view> find_header(const std::vector<Header>& headers, std::string_view name) {
  for (const auto& header : headers)
    if (equal_ignoring_case(header.name, name)) return header.value;
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> Request::header(std::string_view name) const {
  return find_header(headers, name);
}
std::optional<std::string_view> ResponseHead::header(std::string_view name) const {
  return find_header(headers, name);
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_byte);
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), is_field_byte);
}

bool lists_token(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (equal_ignoring_case(trim(list.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return false;
}

std::optional<std::uint64_t> parse_content_length(std::string_view text) {
  if (text.empty() || text.size() > 19 || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) value = value * 10 + static_cast<std::uint64_t>(c - '0');
  if (value > INT64_MAX) return std::nullopt;  // it must fit off_t
  return value;
}

std::string chunk_head(std::uint64_t size) {
  char text[20];
  const auto end = std::to_chars(text, text + 16, size, 16).ptr;
  return std::string(text, end) + "\r\n";
}

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
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return flaw(400, "a request line that is none");
  const auto method = line.substr(0, first);
  const auto target = line.substr(first + 1, last - first - 1);
  if (!is_token(method) || target.empty() || target.find_first_of(" \t") != std::string_view::npos)
    return flaw(400, "a request line that is none");
  const auto old = is_http_1_0(line.substr(last + 1));
  if (!old) return tl::unexpected(old.error());

  RequestHead result;
  result.http_1_0 = *old;
  auto headers = parse_headers(head);
  if (!headers) return tl::unexpected(headers.error());
  if (const auto host = check_host(*headers, *old); !host) return tl::unexpected(host.error());
  const auto control = read_control(*headers, *old);
  if (!control) return tl::unexpected(control.error());

  if (std::find(methods.begin(), methods.end(), method) == methods.end())
    return method == "CONNECT" || method == "TRACE" ? flaw(405, "a method that is not allowed")
                                                    : flaw(501, "a method that is not known");
  auto& request = result.request;
  request.method = method;
  if (const auto taken = take_target(target, request); !taken) return tl::unexpected(taken.error());
  request.content_length = control->length;
  request.has_body = control->chunked || control->length.value_or(0) > 0;
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
  if (!old) return flaw(0, "a status line that is none");
  const auto code = line.substr(std::min<std::size_t>(line.size(), 8));
  if (code.size() < 4 || code[0] != ' ' || code[1] < '1' || code[1] > '5' || !is_digit(code[2]) || !is_digit(code[3]) ||
      (code.size() > 4 && code[4] != ' '))
    return flaw(0, "a status line that is none");

  ResponseHead result;
  result.status = (code[1] - '0') * 100 + (code[2] - '0') * 10 + (code[3] - '0');
  auto headers = parse_headers(head);
  if (!headers) return tl::unexpected(headers.error());
  const auto control = read_control(*headers, *old);
  if (!control) return tl::unexpected(control.error());
  result.headers = std::move(*headers);
  result.keep_alive = keeps_alive(*control, *old);

  using How = BodyFraming::How;
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

// One byte of the coding, not of the data. False: broken.
bool ChunkDecoder::take(char c) {
  const auto broken = [this](const char* what) {
    flaw_ = {400, what};
    place_ = Place::broken;
    return false;
  };
  switch (place_) {
    case Place::size: {
      unsigned value = 16;
      if (is_digit(c))
        value = static_cast<unsigned>(c - '0');
      else if (c >= 'a' && c <= 'f')
        value = static_cast<unsigned>(c - 'a') + 10;
      else if (c >= 'A' && c <= 'F')
        value = static_cast<unsigned>(c - 'A') + 10;
      if (value < 16) {
        if (++digits_ > 16) return broken("a chunk size that is too long");
        left_ = (left_ << 4) | value;
        if (left_ > INT64_MAX) return broken("a chunk size that is too large");
        return true;
      }
      if (digits_ == 0) return broken("a chunk without a size");
      if (c == '\r')
        place_ = Place::size_lf;
      else if (c == ';')
        place_ = Place::extension;
      else
        return broken("a chunk size that is not a number");
      return true;
    }
    case Place::extension:
      if (c == '\r') {
        place_ = Place::size_lf;
        return true;
      }
      if (!is_field_byte(c)) return broken("a control byte in a chunk extension");
      if (++extension_bytes_ > most_extension_bytes) return broken("chunk extensions that are too long");
      return true;
    case Place::size_lf:
      if (c != '\n') return broken("a chunk size without its line end");
      place_ = left_ > 0 ? Place::data : Place::line_start;
      return true;
    case Place::data_cr:
      if (c != '\r') return broken("a chunk that is longer than its size");
      place_ = Place::data_lf;
      return true;
    case Place::data_lf:
      if (c != '\n') return broken("a chunk that is longer than its size");
      place_ = Place::size;
      digits_ = 0;
      left_ = 0;
      return true;
    case Place::line_start:
      if (c == '\r') {
        place_ = Place::end_lf;
        return true;
      }
      if (!is_token_byte(c)) return broken("a trailer that is none");
      place_ = Place::trailer_name;
      break;
    case Place::trailer_name:
      if (c == ':')
        place_ = Place::trailer_value;
      else if (!is_token_byte(c))
        return broken("a trailer that is none");
      break;
    case Place::trailer_value:
      if (c == '\r')
        place_ = Place::trailer_lf;
      else if (!is_field_byte(c))
        return broken("a control byte in a trailer");
      break;
    case Place::trailer_lf:
      if (c != '\n') return broken("a trailer without its line end");
      place_ = Place::line_start;
      break;
    case Place::end_lf:
      if (c != '\n') return broken("a chunked body without its line end");
      place_ = Place::end;
      return true;
    case Place::data:
    case Place::end:
    case Place::broken:
      return false;
  }
  if (++trailer_bytes_ > most_trailer_bytes) return broken("trailers that are too long");
  return true;
}

ChunkDecoder::Step ChunkDecoder::next(ByteView input) {
  std::size_t taken = 0;
  for (;;) {
    if (place_ == Place::end) return {State::end, taken, {}};
    if (place_ == Place::broken) return {State::broken, taken, {}};
    if (taken == input.size()) return {State::more, taken, {}};
    if (place_ == Place::data) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size() - taken));
      left_ -= size;
      if (left_ == 0) place_ = Place::data_cr;
      return {State::data, taken + size, input.subspan(taken, size)};
    }
    if (take(static_cast<char>(input[taken]))) ++taken;
  }
}

}  // namespace qrx::http
