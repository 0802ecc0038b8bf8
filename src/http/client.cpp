#include "http/client.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.h"
#include "http/client_connection.h"
#include "http/framing.h"

namespace qrx::http {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t buffer_bytes = 256U << 10;
constexpr HeadLimits answer_limits{.line_bytes = 8192, .head_bytes = 65536, .headers = 128};
constexpr unsigned most_interim = 16;  // 1xx heads before the final one
constexpr Millis progress_step{200};

bool is_idempotent(const std::string& method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS";
}

bool is_target(std::string_view target) {
  return target.starts_with('/') && target.size() <= 16384 &&
         std::all_of(target.begin(), target.end(), [](char c) { return c > 0x20 && c < 0x7F && c != '#'; });
}

tl::unexpected<Error> malformed(const char* what) {
  return fail(Kind::unavailable, std::string("the server's answer is malformed: ") + what);
}

}  // namespace

std::optional<std::string_view> ClientAnswer::header(std::string_view name) const {
  for (const auto& header : headers)
    if (equal_ignoring_case(header.name, name)) return header.value;
  return std::nullopt;
}

struct Client::Impl {
  Origin origin;
  ClientOptions options;
  std::shared_ptr<Interrupt> interrupt;
  std::optional<ClientConnection> connection;
  std::vector<std::byte> in, out;        // allocated at first use, kept
  std::size_t in_begin = 0, in_end = 0;  // unread input
  std::vector<std::string> posted;       // methods of requests whose answers are due, oldest first
  bool fresh = true;                     // no answer came over this connection yet
  bool answer_began = false;             // bytes of the answer that is due have arrived
  bool write_failed = false;             // a request went out in part: only answers may come now
  std::optional<Steady> last_moment;     // of everything

  // The open body.
  bool body_open = false;
  bool keep_alive = false;
  BodyFraming framing;
  std::uint64_t left = 0;
  ChunkDecoder chunks;

  Impl(Origin where, ClientOptions how)
      : origin(std::move(where)),
        options(std::move(how)),
        interrupt(options.interrupt ? options.interrupt : std::make_shared<Interrupt>()) {}

  void drop() {
    connection.reset();
    in_begin = in_end = 0;
    posted.clear();
    body_open = false;
  }

  // `patience`, as far as the deadline allows. An error once that is over: bytes that keep coming do not put it off.
  Result<Millis> in_time(Millis patience) const {
    if (!last_moment) return patience;
    const auto time = std::chrono::ceil<Millis>(*last_moment - steady_clock::now());
    if (time <= Millis{0}) return fail(Kind::unavailable, origin.authority() + " did not answer in time");
    return std::min(patience, time);
  }

  template <class T>
  Result<T> dropped(tl::unexpected<Error> error) {
    drop();
    return error;
  }

  Result<void> ensure_connection() {
    if (interrupt->raised()) {
      drop();
      return fail(Kind::unavailable, "interrupted");
    }
    if (body_open) drop();  // the rest of an answer that nobody wants
    if (write_failed && posted.empty()) drop();
    if (connection && posted.empty()) {
      // A kept connection that has anything to say was closed, or is out of step.
      std::byte byte{};
      if (in_begin != in_end)
        drop();
      else if (const auto got = connection->try_read({&byte, 1}); !got || *got)
        drop();
    }
    if (connection) return {};
    fresh = true;
    write_failed = false;
    const auto patience = in_time(options.connect_time);
    if (!patience) return tl::unexpected(patience.error());
    ClientOptions how = options;
    how.connect_time = *patience;
    auto made = ClientConnection::open(origin, how, *interrupt);
    if (!made) return tl::unexpected(made.error());
    connection.emplace(std::move(*made));
    if (in.empty()) in.resize(buffer_bytes);
    return {};
  }

  // length: of the body; none: chunked.
  Result<std::string> head_of(const ClientRequest& request, bool has_body, std::optional<std::uint64_t> length) const {
    const std::string target = origin.prefix + request.target;
    if (!is_token(request.method) || !is_target(target)) return fail(Kind::usage, "malformed request for " + target);
    std::string head = request.method + " " + target + " HTTP/1.1\r\nHost: " + origin.authority() + "\r\n";
    if (!is_field_value(options.user_agent)) return fail(Kind::usage, "malformed User-Agent header");
    head += "User-Agent: " + options.user_agent + "\r\n";
    for (const auto& [name, value] : request.headers) {
      if (!is_token(name) || !is_field_value(value)) return fail(Kind::usage, "malformed header " + name);
      head += name + ": " + value + "\r\n";
    }
    if (has_body)
      head += length ? "Content-Length: " + std::to_string(*length) + "\r\n" : "Transfer-Encoding: chunked\r\n";
    return head + "\r\n";
  }

  Result<void> post(const ClientRequest& request) {
    const bool has_body = request.has_body || !request.body.empty();
    auto message = head_of(request, has_body, request.body.size());
    if (!message) return tl::unexpected(message.error());
    if (auto ready = ensure_connection(); !ready) return ready;
    if (write_failed) return fail(Kind::unavailable, "the connection was lost");
    *message += request.body;
    const auto patience = in_time(options.stall_time);
    if (!patience) return dropped<void>(tl::unexpected(patience.error()));
    if (auto done = connection->write_all(as_bytes(*message), *patience); !done) {
      // An early answer (413, 503 …) may have come before the reset.
      if (!has_body) return dropped<void>(tl::unexpected(done.error()));
      write_failed = true;
    }
    posted.push_back(request.method);
    answer_began = false;
    return {};
  }

  // More input behind what is there; false at the end of the stream.
  Result<bool> fill(Millis patience) {
    if (in_begin == in_end) in_begin = in_end = 0;
    if (in_end == in.size()) {
      std::memmove(in.data(), in.data() + in_begin, in_end - in_begin);
      in_end -= in_begin;
      in_begin = 0;
    }
    const auto time = in_time(patience);
    if (!time) return tl::unexpected(time.error());
    const auto got = connection->read(std::span(in).subspan(in_end), *time);
    if (!got) return tl::unexpected(got.error());
    in_end += *got;
    return *got > 0;
  }

  std::string_view input() const { return {reinterpret_cast<const char*>(in.data()) + in_begin, in_end - in_begin}; }

  Result<ResponseHead> read_head(const std::string& method) {
    for (unsigned interim = 0; interim <= most_interim; ++interim) {
      HeadScanner scanner(answer_limits);
      const auto deadline = steady_clock::now() + options.answer_time;
      while (scanner.scan(input()) == HeadScanner::State::more) {
        const auto patience = std::chrono::ceil<Millis>(deadline - steady_clock::now());
        const auto more = fill(std::max(patience, Millis{1}));
        if (!more) return tl::unexpected(more.error());
        if (!*more) return fail(Kind::unavailable, origin.authority() + " closed the connection without an answer");
        answer_began = true;
      }
      if (scanner.state() == HeadScanner::State::flawed) return malformed(scanner.flaw().what);
      auto head = parse_response_head(input().substr(0, scanner.size()), method);
      if (!head) return malformed(head.error().what);
      in_begin += scanner.size();
      if (head->status == 101) return malformed("an upgrade that nobody asked for");
      if (head->status >= 200) return std::move(*head);
    }
    return malformed("too many interim answers");
  }

  // The head of the oldest answer that is due; opens its body. REQUIRES: something was posted.
  Result<ClientAnswer> next_head() {
    const std::string method = posted.front();
    auto head = read_head(method);
    if (!head) return dropped<ClientAnswer>(tl::unexpected(head.error()));
    posted.erase(posted.begin());
    fresh = false;
    keep_alive = head->keep_alive;
    framing = head->body;
    left = framing.length;
    chunks = ChunkDecoder();
    body_open = true;
    if (framing.how == BodyFraming::How::none || (framing.how == BodyFraming::How::length && left == 0)) end_body();
    ClientAnswer answer;
    answer.status = head->status;
    answer.headers = std::move(head->headers);
    return answer;
  }

  void end_body() {
    body_open = false;
    if (!keep_alive) drop();
  }

  // Unread input, or else straight from the socket.
  Result<std::size_t> take(std::span<std::byte> space) {
    if (in_begin == in_end) {
      const auto patience = in_time(options.stall_time);
      return patience ? connection->read(space, *patience) : tl::unexpected(patience.error());
    }
    const std::size_t size = std::min(space.size(), in_end - in_begin);
    std::memcpy(space.data(), in.data() + in_begin, size);
    in_begin += size;
    return size;
  }

  Result<std::size_t> read_chunked(std::span<std::byte> space) {
    for (;;) {
      if (in_begin == in_end) {
        const auto more = fill(options.stall_time);
        if (!more) return tl::unexpected(more.error());
        if (!*more) return cut_short();
      }
      const ByteView rest = ByteView(in).subspan(in_begin, std::min(in_end - in_begin, space.size()));
      const auto step = chunks.next(rest);
      in_begin += step.taken;
      if (step.state == ChunkDecoder::State::broken) return malformed(chunks.flaw().what);
      if (step.state == ChunkDecoder::State::end) return 0;
      if (step.state == ChunkDecoder::State::data && !step.data.empty()) {
        std::memcpy(space.data(), step.data.data(), step.data.size());
        return step.data.size();
      }
    }
  }

  static tl::unexpected<Error> cut_short() { return fail(Kind::unavailable, "the connection was cut"); }

  Result<std::size_t> read(std::span<std::byte> space) {
    if (!body_open || space.empty()) return 0;
    Result<std::size_t> got = 0;
    switch (framing.how) {
      case BodyFraming::How::none:
        break;
      case BodyFraming::How::length:
        got = take(space.first(static_cast<std::size_t>(std::min<std::uint64_t>(space.size(), left))));
        if (got && *got == 0) got = cut_short();
        if (got) left -= *got;
        // The last byte ends the body, so that the connection can be used again without one more read().
        if (got && left == 0) {
          const std::size_t last = *got;
          end_body();
          return last;
        }
        break;
      case BodyFraming::How::chunked:
        got = read_chunked(space);
        break;
      case BodyFraming::How::until_close:
        got = take(space);
        break;
    }
    if (!got) return dropped<std::size_t>(tl::unexpected(got.error()));
    if (*got == 0) end_body();
    return got;
  }

  // The body of the answer whose head was read.
  Result<ClientAnswer> with_body(Result<ClientAnswer> answer, std::size_t most_bytes) {
    if (!answer) return answer;
    if (body_open && framing.how == BodyFraming::How::length) {
      if (left > most_bytes) return dropped<ClientAnswer>(too_long(most_bytes));
      answer->body.reserve(static_cast<std::size_t>(left));
    }
    std::array<std::byte, 16384> space;
    while (body_open) {
      const auto got = read(space);
      if (!got) return tl::unexpected(got.error());
      if (answer->body.size() + *got > most_bytes) return dropped<ClientAnswer>(too_long(most_bytes));
      answer->body.append(as_text({space.data(), *got}));
    }
    return answer;
  }

  static tl::unexpected<Error> too_long(std::size_t most_bytes) {
    return fail(Kind::unavailable, "the server's answer is longer than " + std::to_string(most_bytes) + " bytes");
  }

  // One request and the head of its answer; once more when a kept connection turns out to be closed.
  Result<ClientAnswer> exchange(const ClientRequest& request) {
    if (!posted.empty()) drop();
    for (bool again = false;; again = true) {
      if (auto done = post(request); !done) {
        if (again || fresh || done.error().kind != Kind::unavailable || interrupt->raised() ||
            !is_idempotent(request.method))
          return tl::unexpected(done.error());
        continue;
      }
      const bool kept = !fresh;
      auto answer = next_head();
      if (answer || again || !kept || answer_began || interrupt->raised() || !is_idempotent(request.method))
        return answer;
    }
  }

  Result<ClientAnswer> send(const ClientRequest& request, std::optional<std::uint64_t> length, const BodyReader& reader,
                            const std::function<void(std::uint64_t)>& sent);
  enum class Sent : std::uint8_t { all, early };  // early: an answer came before the body was through
  Result<Sent> send_body(std::optional<std::uint64_t> length, const BodyReader& reader,
                         const std::function<void(std::uint64_t)>& sent, std::uint64_t& total);
  Result<Sent> push(ByteView bytes, std::uint64_t& total);
  Result<bool> early_answer();
};

// True when bytes of an answer are there.
Result<bool> Client::Impl::early_answer() {
  if (in_begin != in_end) return true;
  in_begin = in_end = 0;
  const auto got = connection->try_read(in);
  if (!got) return tl::unexpected(got.error());
  if (!*got) return false;
  in_end = **got;
  answer_began = true;
  return true;  // also at the end of the stream: read_head() tells
}

Result<Client::Impl::Sent> Client::Impl::push(ByteView bytes, std::uint64_t& total) {
  while (!bytes.empty()) {
    const auto put = connection->write(bytes, options.stall_time);
    if (!put) {
      // The server may have answered and closed: what it said is worth more than the reset.
      if (const auto early = early_answer(); early && *early && in_begin != in_end) return Sent::early;
      return tl::unexpected(put.error());
    }
    if (*put == 0) {
      const auto early = early_answer();
      if (!early) return tl::unexpected(early.error());
      if (*early) return Sent::early;
    }
    total += *put;
    bytes = bytes.subspan(*put);
  }
  return Sent::all;
}

Result<Client::Impl::Sent> Client::Impl::send_body(std::optional<std::uint64_t> length, const BodyReader& reader,
                                                   const std::function<void(std::uint64_t)>& sent,
                                                   std::uint64_t& total) {
  // Room for the head and tail of a chunk around the data.
  constexpr std::size_t before = 16, after = 2;
  if (out.empty()) out.resize(before + buffer_bytes + after);
  std::uint64_t on_wire = 0, framing_bytes = 0;
  for (;;) {
    std::size_t most = buffer_bytes;
    if (length) most = static_cast<std::size_t>(std::min<std::uint64_t>(most, *length - total));
    if (most == 0) return Sent::all;
    const auto got = reader(std::span(out).subspan(before, most));
    if (!got) return tl::unexpected(got.error());
    if (*got == 0 && length) return fail(Kind::integrity, "the data ended before the announced length");
    ByteView bytes = ByteView(out).subspan(before, *got);
    if (!length) {
      const std::string head = *got == 0 ? std::string(last_chunk) : chunk_head(*got);
      const std::size_t tail = *got == 0 ? 0 : after;
      std::memcpy(out.data() + before - (*got == 0 ? 0 : head.size()), head.data(), head.size());
      if (tail > 0) std::memcpy(out.data() + before + *got, "\r\n", tail);
      bytes = *got == 0 ? ByteView(out).subspan(before, head.size())
                        : ByteView(out).subspan(before - head.size(), head.size() + *got + tail);
      framing_bytes += bytes.size() - *got;
    }
    const auto state = push(bytes, on_wire);
    if (!state || *state == Sent::early) return state;
    total += *got;
    if (sent) {
      const std::uint64_t open = connection->unacknowledged() + framing_bytes;
      const std::uint64_t known = on_wire > open ? std::min(on_wire - open, total) : 0;
      if (!length || known < *length) sent(known);
    }
    if (*got == 0) return Sent::all;
    const auto early = early_answer();
    if (!early) return tl::unexpected(early.error());
    if (*early) return Sent::early;
  }
}

Result<ClientAnswer> Client::Impl::send(const ClientRequest& request, std::optional<std::uint64_t> length,
                                        const BodyReader& reader, const std::function<void(std::uint64_t)>& sent) {
  if (!posted.empty()) drop();
  auto head = head_of(request, true, length);
  if (!head) return tl::unexpected(head.error());
  if (auto ready = ensure_connection(); !ready) return tl::unexpected(ready.error());
  answer_began = false;
  if (auto done = connection->write_all(as_bytes(*head), options.stall_time); !done)
    return dropped<ClientAnswer>(tl::unexpected(done.error()));

  std::uint64_t total = 0;
  const auto state = send_body(length, reader, sent, total);
  if (!state) return dropped<ClientAnswer>(tl::unexpected(state.error()));
  posted.push_back(request.method);

  if (*state == Sent::all && sent && in_begin == in_end) {
    const auto deadline = steady_clock::now() + options.answer_time;
    while (steady_clock::now() < deadline) {
      const auto input = connection->wait_for_input(progress_step);
      if (!input) return dropped<ClientAnswer>(tl::unexpected(input.error()));
      if (*input) break;
      const std::uint64_t open = connection->unacknowledged();
      if (open > 0 && open < total) sent(total - open);
    }
  }
  constexpr std::size_t most_bytes = 1U << 20;
  if (*state == Sent::all) return with_body(next_head(), most_bytes);
  auto head_only = next_head();
  if (!head_only) return head_only;
  auto answer = with_body(*head_only, most_bytes);
  drop();
  // An early answer counts even when the connection breaks within its body: the request was refused half-way.
  return answer ? answer : head_only;
}

Client::Client(Origin origin, ClientOptions options)
    : impl_(std::make_unique<Impl>(std::move(origin), std::move(options))) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

const Origin& Client::origin() const {
  return impl_->origin;
}

Result<ClientAnswer> Client::request(const ClientRequest& request, std::size_t most_bytes) {
  return impl_->with_body(impl_->exchange(request), most_bytes);
}

Result<ClientAnswer> Client::send(const ClientRequest& request, std::optional<std::uint64_t> length,
                                  const BodyReader& reader, const std::function<void(std::uint64_t)>& sent) {
  return impl_->send(request, length, reader, sent);
}

Result<ClientAnswer> Client::open(const ClientRequest& request) {
  return impl_->exchange(request);
}

Result<std::size_t> Client::read(std::span<std::byte> space) {
  return impl_->read(space);
}

std::optional<std::uint64_t> Client::body_length() const {
  if (impl_->framing.how != BodyFraming::How::length) return std::nullopt;
  return impl_->framing.length;
}

Result<void> Client::post(const ClientRequest& request) {
  return impl_->post(request);
}

Result<ClientAnswer> Client::next_answer(std::size_t most_bytes) {
  if (impl_->posted.empty()) return fail(Kind::unavailable, "the connection was lost");
  return impl_->with_body(impl_->next_head(), most_bytes);
}

void Client::interrupt() {
  impl_->interrupt->raise();
}

void Client::close() {
  impl_->drop();
}

void Client::set_deadline(std::optional<Steady> deadline) {
  impl_->last_moment = deadline;
}

}  // namespace qrx::http
