#include "http/responder.h"

#include <httplib.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "base/text.h"
#include "http/framing.h"

namespace qrx::http {
namespace {

constexpr std::size_t most_heads = 64;         // remembered by each thread; then it starts afresh
constexpr std::size_t most_head_bytes = 2048;  // longer ones are rare

// What the library's callback answers with; it knows nothing but the request.
thread_local const Answer* running_answer = nullptr;

class CallStream final : public httplib::Stream {
 public:
  explicit CallStream(const std::string& method) : head_(method + " / HTTP/1.1\r\nHost: qrx\r\n\r\n") {}
  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* out, std::size_t size) override {
    size = std::min(size, head_.size() - at_);
    std::memcpy(out, head_.data() + at_, size);
    at_ += size;
    return static_cast<ssize_t>(size);
  }
  ssize_t write(const char* bytes, std::size_t size) override {
    response_.append(bytes, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return INVALID_SOCKET; }
  std::string take() { return std::move(response_); }

 private:
  std::string head_;
  std::size_t at_ = 0;
  std::string response_;
};

// The headers that belong to the front.
bool is_ours(std::string_view name) {
  for (const std::string_view own :
       {"Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Date", "Content-Type"})
    if (equal_ignoring_case(name, own)) return true;
  return false;
}

bool has_no_body(int status) {
  return status == 204 || status == 304;
}

// Statuses that are not in the library's table (RFC 9110 has 422; 460 is of tus).
const char* own_reason(int status) {
  switch (status) {
    case 460:
      return "Checksum Mismatch";
    default:
      return nullptr;
  }
}

// The Date header, made once a second.
const std::string& date_line() {
  thread_local std::int64_t second = -1;
  thread_local std::string line;
  const auto now = system_clock().wall();
  const auto this_second = std::chrono::duration_cast<Seconds>(now.time_since_epoch()).count();
  if (this_second != second) {
    line = "Date: " + to_http_date(now) + "\r\n";
    second = this_second;
  }
  return line;
}

// What the library puts before a body of ours, as lines; without what the front decides (length, connection, date).
std::string corrected(std::string_view response, const Answer& answer) {
  auto head = response.substr(0, response.find("\r\n\r\n") + 2);
  const auto take_line = [&head] {
    const auto line = head.substr(0, head.find("\r\n") + 2);
    head.remove_prefix(line.size());
    return line;
  };
  const auto says = [&answer](std::string_view name) {
    return std::any_of(answer.headers.begin(), answer.headers.end(),
                       [name](const Header& header) { return equal_ignoring_case(header.name, name); });
  };

  std::string out;
  const auto status_line = take_line();
  if (const char* reason = own_reason(answer.status))
    out.append("HTTP/1.1 ").append(std::to_string(answer.status)).append(" ").append(reason).append("\r\n");
  else
    out += status_line;

  bool ranges_told = false;
  while (!head.empty()) {
    const auto line = take_line();
    const auto name = line.substr(0, line.find(':'));
    // For HEAD the library promises ranges, whether the handler does or not.
    if (equal_ignoring_case(name, "Accept-Ranges") && (std::exchange(ranges_told, true) || !says(name))) continue;
    if (name == "Content-Type" ? !answer.type.empty() : !is_ours(name)) out += line;
  }
  return out;
}

void end_head(std::string& out, Persistence persistence) {
  out += date_line();
  if (persistence == Persistence::close) out += "Connection: close\r\n";
  if (persistence == Persistence::keep_alive_1_0) out += "Connection: keep-alive\r\n";
  out += "\r\n";
}

void add_length(std::string& out, std::uint64_t length) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, length).ptr;
  out.append("Content-Length: ").append(digits, end).append("\r\n");
}

// Everything that the lines of a head depend on.
void describe(const Answer& answer, bool is_head, std::string& key) {
  key.clear();
  key += static_cast<char>(is_head);
  key += static_cast<char>(answer.status & 0xFF);
  key += static_cast<char>(answer.status >> 8);
  key += answer.type;
  for (const auto& [name, value] : answer.headers) key.append(1, '\n').append(name).append(1, ':').append(value);
}

}  // namespace

struct Responder::Library : httplib::Server {
  Library() {
    set_pre_routing_handler([](const httplib::Request&, httplib::Response& response) {
      const Answer& answer = *running_answer;
      response.status = answer.status;
      for (const auto& [name, value] : answer.headers)
        if (is_token(name) && is_field_value(value) && !is_ours(name)) response.set_header(name, value);
      if (!answer.type.empty() && is_field_value(answer.type)) response.set_header("Content-Type", answer.type);
      return HandlerResponse::Handled;
    });
    set_exception_handler(
        [](const httplib::Request&, httplib::Response& response, std::exception_ptr) { response.status = 500; });
  }

  std::string run(const std::string& method, const Answer& answer) {
    CallStream stream(method);
    bool closed = false;
    running_answer = &answer;
    process_request(stream, false, closed, [](httplib::Request&) {});
    running_answer = nullptr;
    return stream.take();
  }
};

Responder::Responder() : library_(std::make_unique<Library>()) {}
Responder::~Responder() = default;

const std::string& Responder::head_lines(const std::string& method, const Answer& answer) const {
  thread_local std::unordered_map<std::string, std::string> heads;
  thread_local std::string key, unusual;
  describe(answer, method == "HEAD", key);
  if (const auto known = heads.find(key); known != heads.end()) return known->second;
  unusual = library_->run(method, answer);
  if (!unusual.empty()) unusual = corrected(unusual, answer);
  if (unusual.empty() || key.size() > most_head_bytes) return unusual;
  if (heads.size() >= most_heads) heads.clear();
  return heads.emplace(key, unusual).first->second;
}

std::string Responder::respond(const std::string& method, const Answer& answer, Persistence persistence) const {
  const std::string& lines = head_lines(method, answer);
  std::string out;
  if (lines.empty()) return out;
  const bool bodiless = has_no_body(answer.status);
  out.reserve(lines.size() + (bodiless ? 0 : answer.body.size()) + 128);
  out += lines;
  if (!bodiless) add_length(out, answer.body.size());
  end_head(out, persistence);
  if (!bodiless && method != "HEAD") out += answer.body;
  return out;
}

std::string Responder::respond_with_head(const std::string& method, const Answer& head, const SourceBody& body,
                                         Persistence persistence) const {
  std::string out = head_lines(method, head);
  if (out.empty()) return out;
  if (!has_no_body(head.status)) {
    if (body.length)
      add_length(out, *body.length);
    else if (body.chunked)
      out += "Transfer-Encoding: chunked\r\n";
  }
  end_head(out, persistence);
  return out;
}

}  // namespace qrx::http
