#include "http/responder.h"

#include <httplib.h>

#include <algorithm>
#include <cstring>

#include "base/clock.h"
#include "base/text.h"
#include "http/framing.h"

namespace qrx::http {
namespace {

// What one call of process_request() works on; the library's callbacks know only the request.
struct Call {
  const std::function<const Answer*()>* route = nullptr;
  const Answer* head = nullptr;
  const Responder::SourceBody* body = nullptr;
  bool answered = false;
};
thread_local Call* running_call = nullptr;

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

bool is_ours(std::string_view name) {
  for (const std::string_view own : {"Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Date", "Content-Type"})
    if (equal_ignoring_case(name, own)) return true;
  return false;
}

void fill_head(const Answer& answer, httplib::Response& response) {
  response.status = answer.status;
  for (const auto& [name, value] : answer.headers)
    if (is_token(name) && is_field_value(value) && !is_ours(name)) response.set_header(name, value);
}

bool has_no_body(int status) { return status == 204 || status == 304; }

// Statuses that are not in the library's table (RFC 9110 has 422; 460 is of tus).
const char* own_reason(int status) {
  switch (status) {
    case 460: return "Checksum Mismatch";
    default: return nullptr;
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

}  // namespace

struct Responder::Library : httplib::Server {
  Library() {
    set_pre_routing_handler([](const httplib::Request&, httplib::Response& response) {
      answer(response);
      return HandlerResponse::Handled;
    });
    set_exception_handler([](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
      response.status = 500;
    });
  }

  static void answer(httplib::Response& response) {
    auto& call = *running_call;
    const Answer* given = call.route != nullptr ? (*call.route)() : call.head;
    response.status = 500;
    if (given == nullptr) return;
    call.answered = true;
    fill_head(*given, response);
    if (call.body == nullptr) {
      if (has_no_body(given->status)) return;
      response.body = given->body;
      if (is_field_value(given->type) && !given->type.empty()) response.set_header("Content-Type", given->type);
      return;
    }
    // The library calls a provider only while it listens, which it never does here: only the head is written.
    const auto never = [](std::size_t, std::size_t, httplib::DataSink&) { return false; };
    if (call.body->length.value_or(0) > 0)
      response.set_content_provider(*call.body->length, given->type, never);
    else if (!call.body->length)
      response.set_chunked_content_provider(given->type, [](std::size_t, httplib::DataSink&) { return false; });
    else if (is_field_value(given->type) && !given->type.empty())
      response.set_header("Content-Type", given->type);
  }

  std::string run(const std::string& method, Call& call) {
    CallStream stream(method);
    bool closed = false;
    Call* const outer = std::exchange(running_call, &call);
    process_request(stream, false, closed, [](httplib::Request&) {});
    running_call = outer;
    return stream.take();
  }
};

Responder::Responder() : library_(std::make_unique<Library>()) {}
Responder::~Responder() = default;

std::optional<std::string> Responder::respond(const std::string& method,
                                              const std::function<const Answer*()>& route) const {
  Call call;
  call.route = &route;
  auto response = library_->run(method, call);
  if (!call.answered) return std::nullopt;
  return response;
}

std::string Responder::respond_with_head(const std::string& method, const Answer& head, const SourceBody& body) const {
  Call call;
  call.head = &head;
  call.body = &body;
  auto response = library_->run(method, call);
  if (!body.length && !body.chunked) {
    constexpr std::string_view coding = "Transfer-Encoding: chunked\r\n";
    if (const auto at = response.find(coding); at != std::string::npos) response.erase(at, coding.size());
  }
  return response;
}

std::string Responder::finish(const std::string& response, const Answer& answer, Persistence persistence) {
  const std::string_view all = response;
  const auto head_end = all.find("\r\n\r\n");
  auto head = all.substr(0, head_end + 2);
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
  out.reserve(all.size() + 80);
  const auto status_line = take_line();
  if (const char* reason = own_reason(answer.status))
    out.append("HTTP/1.1 ").append(std::to_string(answer.status)).append(" ").append(reason).append("\r\n");
  else
    out += status_line;

  bool ranges_told = false;
  while (!head.empty()) {
    const auto line = take_line();
    const auto name = line.substr(0, line.find(':'));
    if (name == "Keep-Alive" || name == "Connection") continue;
    // For HEAD the library promises ranges, whether the handler does or not.
    if (equal_ignoring_case(name, "Accept-Ranges") && (std::exchange(ranges_told, true) || !says(name))) continue;
    if (name == "Content-Length" && has_no_body(answer.status)) continue;
    if (name == "Content-Type" && answer.type.empty()) continue;
    out += line;
  }
  out += date_line();
  if (persistence == Persistence::close) out += "Connection: close\r\n";
  if (persistence == Persistence::keep_alive_1_0) out += "Connection: keep-alive\r\n";
  out += "\r\n";
  out += all.substr(head_end + 4);
  return out;
}

}  // namespace qrx::http
