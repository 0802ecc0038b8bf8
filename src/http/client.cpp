#include "http/client.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "http/answer_reader.h"
#include "http/chunked.h"
#include "http/client_connection.h"
#include "http/syntax.h"

namespace qrx::http {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t piece_bytes = 256U << 10;  // of a body, asked from its reader
constexpr Millis progress_step{200};

// What may be sent again when it is not known whether it arrived (RFC 9110, 9.2.2).
bool is_idempotent(const std::string& method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS";
}

// Nothing that could end the request line: a name from a link must not write a second request.
bool is_target(std::string_view target) {
  return target.starts_with('/') && target.size() <= 16384 &&
         std::all_of(target.begin(), target.end(), [](char c) { return c > 0x20 && c < 0x7F && c != '#'; });
}

// Before the data of a chunk: at most 5 hex digits and CR LF; the last chunk fits, too.
constexpr std::size_t chunk_head_room = 16;
constexpr std::string_view chunk_end = "\r\n";

// The chunk of `size` bytes that stand behind the room for its head: head and end are written around them. Of no bytes:
// the last chunk.
ByteView framed_chunk(std::span<std::byte> buffer, std::size_t size) {
  if (size == 0) {
    std::memcpy(buffer.data(), last_chunk.data(), last_chunk.size());
    return buffer.first(last_chunk.size());
  }
  const std::string head = chunk_head(size);
  const std::size_t start = chunk_head_room - head.size();
  std::memcpy(buffer.data() + start, head.data(), head.size());
  std::memcpy(buffer.data() + chunk_head_room + size, chunk_end.data(), chunk_end.size());
  return buffer.subspan(start, head.size() + size + chunk_end.size());
}

// Another try would bring the same.
tl::unexpected<Error> too_long(std::size_t most_bytes) {
  return fail(Kind::integrity, "the server's answer is longer than " + std::to_string(most_bytes) + " bytes");
}

}  // namespace

std::optional<std::string_view> ClientAnswer::header(std::string_view name) const {
  return find_header(headers, name);
}

struct Client::Impl {
  wire::Origin origin;
  ClientOptions options;
  std::shared_ptr<Interrupt> interrupt;
  Waits waits;
  std::optional<ClientConnection> connection;
  std::optional<Address16> address;  // of the last connection
  AnswerReader answers{waits};
  std::vector<std::byte> out;       // allocated at first use, kept
  std::vector<std::string> posted;  // methods of requests whose answers are due, oldest first
  bool fresh = true;                // no answer came over this connection yet
  bool write_failed = false;        // a request went out in part: only answers may come now

  Impl(wire::Origin where, ClientOptions how)
      : origin(std::move(where)),
        options(std::move(how)),
        interrupt(options.interrupt ? options.interrupt : std::make_shared<Interrupt>()),
        waits{origin.authority(), options.answer_time, options.stall_time, std::nullopt} {}

  void drop() {
    connection.reset();
    answers.clear();
    posted.clear();
  }

  template <class T>
  Result<T> dropped(tl::unexpected<Error> error) {
    drop();
    return error;
  }

  Result<void> ensure_connection();
  Result<std::string> head_of(const ClientRequest& request, bool has_body, std::optional<std::uint64_t> length) const;
  Result<void> post(const ClientRequest& request);
  Result<ClientAnswer> next_head();
  Result<std::size_t> read(std::span<std::byte> space);
  Result<ClientAnswer> with_body(Result<ClientAnswer> answer, std::size_t most_bytes);
  Result<ClientAnswer> exchange(const ClientRequest& request);
  Result<ClientAnswer> send(const ClientRequest& request, std::optional<std::uint64_t> length, const BodyReader& reader,
                            const std::function<void(std::uint64_t)>& sent);
  enum class Sent : std::uint8_t { all, early };  // early: an answer came before the body was through
  Result<Sent> send_body(std::optional<std::uint64_t> length, const BodyReader& reader,
                         const std::function<void(std::uint64_t)>& sent, std::uint64_t& total);
  Result<Sent> push(ByteView bytes, std::uint64_t& total);
  Result<void> await_answer(const std::function<void(std::uint64_t)>& sent, std::uint64_t total);
};

Result<void> Client::Impl::ensure_connection() {
  if (interrupt->raised()) {
    drop();
    return fail(Kind::unavailable, "interrupted");
  }
  if (answers.in_body()) drop();  // the rest of an answer that nobody wants
  if (write_failed && posted.empty()) drop();
  if (connection && posted.empty()) {
    // A kept connection that has anything to say was closed, or is out of step.
    std::byte byte{};
    if (answers.has_input())
      drop();
    else if (const auto got = connection->try_read({&byte, 1}); !got || *got)
      drop();
  }
  if (connection) return {};
  fresh = true;
  write_failed = false;
  const auto patience = waits.in_time(options.connect_time);
  if (!patience) return tl::unexpected(patience.error());
  ClientOptions how = options;
  how.connect_time = *patience;
  auto made = ClientConnection::open(origin, how, *interrupt);
  if (!made) return tl::unexpected(made.error());
  connection.emplace(std::move(*made));
  address = connection->address();
  return {};
}

// length: of the body; none: chunked.
Result<std::string> Client::Impl::head_of(const ClientRequest& request, bool has_body,
                                          std::optional<std::uint64_t> length) const {
  const std::string target = origin.prefix + request.target;
  if (!is_token(request.method) || !is_target(target)) return fail(Kind::usage, "malformed request for " + target);
  std::string head = request.method + " " + target + " HTTP/1.1\r\nHost: " + origin.authority() + "\r\n";
  // Checked like all that comes from outside: a line end in any of them would begin another header.
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

Result<void> Client::Impl::post(const ClientRequest& request) {
  const bool has_body = request.has_body || !request.body.empty();
  auto message = head_of(request, has_body, request.body.size());
  if (!message) return tl::unexpected(message.error());
  if (auto ready = ensure_connection(); !ready) return ready;
  if (write_failed) return fail(Kind::unavailable, "the connection was lost");
  *message += request.body;
  const auto patience = waits.in_time(options.stall_time);
  if (!patience) return dropped<void>(tl::unexpected(patience.error()));
  if (auto done = connection->write_all(as_bytes(*message), *patience); !done) {
    // An early answer (413, 503 …) may have come before the reset.
    if (!has_body) return dropped<void>(tl::unexpected(done.error()));
    write_failed = true;
  }
  posted.push_back(request.method);
  answers.expect();
  return {};
}

// The head of the oldest answer that is due; opens its body. REQUIRES: something was posted.
Result<ClientAnswer> Client::Impl::next_head() {
  const std::string method = posted.front();
  auto head = answers.read_head(*connection, method);
  if (!head) return dropped<ClientAnswer>(tl::unexpected(head.error()));
  posted.erase(posted.begin());
  fresh = false;
  ClientAnswer answer;
  answer.status = head->status;
  answer.headers = std::move(head->headers);
  if (!answers.in_body() && !answers.keeps_alive()) drop();
  return answer;
}

Result<std::size_t> Client::Impl::read(std::span<std::byte> space) {
  if (!answers.in_body() || space.empty()) return 0;
  const auto got = answers.read(*connection, space);
  if (!got) return dropped<std::size_t>(tl::unexpected(got.error()));
  if (!answers.in_body() && !answers.keeps_alive()) drop();
  return got;
}

// The body of the answer whose head was read.
Result<ClientAnswer> Client::Impl::with_body(Result<ClientAnswer> answer, std::size_t most_bytes) {
  if (!answer) return answer;
  if (answers.in_body() && answers.framing().how == BodyFraming::How::length) {
    // By the announced length, before anything of it is held in memory.
    if (answers.left() > most_bytes) return dropped<ClientAnswer>(too_long(most_bytes));
    answer->body.reserve(static_cast<std::size_t>(answers.left()));
  }
  std::array<std::byte, 16384> space;
  while (answers.in_body()) {
    const auto got = read(space);
    if (!got) return tl::unexpected(got.error());
    if (answer->body.size() + *got > most_bytes) return dropped<ClientAnswer>(too_long(most_bytes));
    answer->body.append(as_text({space.data(), *got}));
  }
  return answer;
}

// One request and the head of its answer; once more when a kept connection turns out to be closed.
Result<ClientAnswer> Client::Impl::exchange(const ClientRequest& request) {
  if (!posted.empty()) drop();
  for (bool again = false;; again = true) {
    if (auto done = post(request); !done) {
      if (again || fresh || done.error().kind != Kind::unavailable || interrupt->raised() ||
          !is_idempotent(request.method))
        return tl::unexpected(done.error());
      continue;
    }
    // A server may close a kept connection in the moment in which we use it. Then nothing of an answer comes, and
    // nobody knows whether the request was served: only what may be done twice is sent again.
    const bool kept = !fresh;
    auto answer = next_head();
    if (answer || again || !kept || answers.began() || interrupt->raised() || !is_idempotent(request.method))
      return answer;
  }
}

Result<Client::Impl::Sent> Client::Impl::push(ByteView bytes, std::uint64_t& total) {
  while (!bytes.empty()) {
    const auto put = connection->write(bytes, options.stall_time);
    if (!put) {
      // The server may have answered and closed: what it said is worth more than the reset.
      if (const auto early = answers.look(*connection); early && *early && answers.has_input()) return Sent::early;
      return tl::unexpected(put.error());
    }
    // There is input, or there would be room: a server that refuses a large body says so early, and need not be sent
    // the rest.
    if (*put == 0) {
      const auto early = answers.look(*connection);
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
  if (out.empty()) out.resize(chunk_head_room + piece_bytes + chunk_end.size());
  std::uint64_t on_wire = 0, framing_bytes = 0;
  for (;;) {
    std::size_t most = piece_bytes;
    if (length) most = static_cast<std::size_t>(std::min<std::uint64_t>(most, *length - total));
    if (most == 0) return Sent::all;
    const auto got = reader(std::span(out).subspan(chunk_head_room, most));
    if (!got) return tl::unexpected(got.error());
    // A file that became shorter: what was announced cannot be sent, and the connection is given up.
    if (*got == 0 && length) return fail(Kind::integrity, "the data ended before the announced length");
    const ByteView bytes = length ? ByteView(out).subspan(chunk_head_room, *got) : framed_chunk(out, *got);
    framing_bytes += bytes.size() - *got;
    const auto state = push(bytes, on_wire);
    if (!state || *state == Sent::early) return state;
    total += *got;
    if (sent) {
      // What is still in the socket may be framing or data: counted as data, so that progress is never ahead of the
      // truth.
      const std::uint64_t open = connection->unacknowledged() + framing_bytes;
      const std::uint64_t known = on_wire > open ? std::min(on_wire - open, total) : 0;
      // All of it is told only with the answer: arrived in the kernel is not stored.
      if (!length || known < *length) sent(known);
    }
    if (*got == 0) return Sent::all;
    const auto early = answers.look(*connection);
    if (!early) return tl::unexpected(early.error());
    if (*early) return Sent::early;
  }
}

// Tells `sent` what arrives at the other end, until an answer comes.
Result<void> Client::Impl::await_answer(const std::function<void(std::uint64_t)>& sent, std::uint64_t total) {
  if (answers.has_input()) return {};
  const auto deadline = steady_clock::now() + options.answer_time;
  // In small steps, for the kernel tells nobody when bytes were acknowledged.
  while (steady_clock::now() < deadline) {
    const auto input = connection->wait_for_input(progress_step);
    if (!input) return tl::unexpected(input.error());
    if (*input) break;
    const std::uint64_t open = connection->unacknowledged();
    if (open > 0 && open < total) sent(total - open);
  }
  return {};
}

Result<ClientAnswer> Client::Impl::send(const ClientRequest& request, std::optional<std::uint64_t> length,
                                        const BodyReader& reader, const std::function<void(std::uint64_t)>& sent) {
  if (!posted.empty()) drop();
  auto head = head_of(request, true, length);
  if (!head) return tl::unexpected(head.error());
  // No second try here: the reader of the body cannot be asked for its bytes again.
  if (auto ready = ensure_connection(); !ready) return tl::unexpected(ready.error());
  answers.expect();
  if (auto done = connection->write_all(as_bytes(*head), options.stall_time); !done)
    return dropped<ClientAnswer>(tl::unexpected(done.error()));

  std::uint64_t total = 0;
  const auto state = send_body(length, reader, sent, total);
  if (!state) return dropped<ClientAnswer>(tl::unexpected(state.error()));
  posted.push_back(request.method);

  if (*state == Sent::all && sent)
    if (auto waited = await_answer(sent, total); !waited) return dropped<ClientAnswer>(tl::unexpected(waited.error()));
  constexpr std::size_t most_bytes = 1U << 20;
  if (*state == Sent::all) return with_body(next_head(), most_bytes);
  auto head_only = next_head();
  if (!head_only) return head_only;
  auto answer = with_body(*head_only, most_bytes);
  drop();
  // An early answer counts even when the connection breaks within its body: the request was refused half-way.
  return answer ? answer : head_only;
}

Client::Client(wire::Origin origin, ClientOptions options)
    : impl_(std::make_unique<Impl>(std::move(origin), std::move(options))) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

const wire::Origin& Client::origin() const {
  return impl_->origin;
}

std::optional<Address16> Client::server_address() const {
  return impl_->address;
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
  if (impl_->answers.framing().how != BodyFraming::How::length) return std::nullopt;
  return impl_->answers.framing().length;
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
  impl_->waits.last_moment = deadline;
}

}  // namespace qrx::http
