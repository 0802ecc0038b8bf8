#include "http/answer_reader.h"

#include <algorithm>
#include <cstring>

namespace qrx::http {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t buffer_bytes = 256U << 10;
// More than we take as a server: servers and proxies of others add what they like.
constexpr HeadLimits answer_limits{.line_bytes = 8192, .head_bytes = 65536, .headers = 128};
constexpr unsigned most_interim = 16;  // 1xx heads before the final one

tl::unexpected<Error> malformed(const char* what) {
  return fail(Kind::unavailable, std::string("the server's answer is malformed: ") + what);
}

tl::unexpected<Error> cut_short() {
  return fail(Kind::unavailable, "the connection was cut");
}

}  // namespace

Result<Millis> Waits::in_time(Millis patience) const {
  if (!last_moment) return patience;
  const auto time = std::chrono::ceil<Millis>(*last_moment - steady_clock::now());
  if (time <= Millis{0}) return fail(Kind::unavailable, server + " did not answer in time");
  return std::min(patience, time);
}

void AnswerReader::clear() {
  begin_ = end_ = 0;
  in_body_ = false;
}

Result<bool> AnswerReader::look(ClientConnection& connection) {
  if (has_input()) return true;
  begin_ = end_ = 0;
  if (buffer_.empty()) buffer_.resize(buffer_bytes);
  const auto got = connection.try_read(buffer_);
  if (!got) return tl::unexpected(got.error());
  if (!*got) return false;
  end_ = **got;
  began_ = true;
  return true;  // also at the end of the stream: read_head() tells
}

// More input behind what is there; false at the end of the stream.
Result<bool> AnswerReader::fill(ClientConnection& connection, Millis patience) {
  if (buffer_.empty()) buffer_.resize(buffer_bytes);
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ == buffer_.size()) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  const auto time = waits_.in_time(patience);
  if (!time) return tl::unexpected(time.error());
  const auto got = connection.read(std::span(buffer_).subspan(end_), *time);
  if (!got) return tl::unexpected(got.error());
  end_ += *got;
  return *got > 0;
}

Result<ResponseHead> AnswerReader::read_head(ClientConnection& connection, const std::string& method) {
  for (unsigned interim = 0; interim <= most_interim; ++interim) {
    HeadScanner scanner(answer_limits);
    // For the whole head: a server that drips bytes gets no more time with each.
    const auto deadline = steady_clock::now() + waits_.answer_time;
    while (scanner.scan(input()) == HeadScanner::State::more) {
      const auto patience = std::chrono::ceil<Millis>(deadline - steady_clock::now());
      const auto more = fill(connection, std::max(patience, Millis{1}));
      if (!more) return tl::unexpected(more.error());
      if (!*more) return fail(Kind::unavailable, waits_.server + " closed the connection without an answer");
      began_ = true;
    }
    if (scanner.state() == HeadScanner::State::flawed) return malformed(scanner.flaw().what);
    auto head = parse_response_head(input().substr(0, scanner.size()), method);
    if (!head) return malformed(head.error().what);
    begin_ += scanner.size();
    if (head->status == 101) return malformed("an upgrade that nobody asked for");
    // 100 Continue and others may come at any time (RFC 9110, 15.2).
    if (head->status < 200) continue;
    keeps_alive_ = head->keep_alive;
    framing_ = head->body;
    left_ = framing_.length;
    chunks_ = ChunkDecoder();
    using How = BodyFraming::How;
    in_body_ = framing_.how != How::none && (framing_.how != How::length || left_ > 0);
    return std::move(*head);
  }
  return malformed("too many interim answers");
}

// Unread input, or else straight from the socket.
Result<std::size_t> AnswerReader::take(ClientConnection& connection, std::span<std::byte> space) {
  if (!has_input()) {
    const auto patience = waits_.in_time(waits_.stall_time);
    return patience ? connection.read(space, *patience) : tl::unexpected(patience.error());
  }
  const std::size_t size = std::min(space.size(), end_ - begin_);
  std::memcpy(space.data(), buffer_.data() + begin_, size);
  begin_ += size;
  return size;
}

Result<std::size_t> AnswerReader::read_chunked(ClientConnection& connection, std::span<std::byte> space) {
  for (;;) {
    if (!has_input()) {
      const auto more = fill(connection, waits_.stall_time);
      if (!more) return tl::unexpected(more.error());
      if (!*more) return cut_short();
    }
    const ByteView rest = ByteView(buffer_).subspan(begin_, std::min(end_ - begin_, space.size()));
    const auto step = chunks_.next(rest);
    begin_ += step.taken;
    if (step.state == ChunkDecoder::State::broken) return malformed(chunks_.flaw().what);
    if (step.state == ChunkDecoder::State::end) return 0;
    if (step.state == ChunkDecoder::State::data && !step.data.empty()) {
      std::memcpy(space.data(), step.data.data(), step.data.size());
      return step.data.size();
    }
  }
}

Result<std::size_t> AnswerReader::read(ClientConnection& connection, std::span<std::byte> space) {
  Result<std::size_t> got = 0;
  switch (framing_.how) {
    case BodyFraming::How::none:
      break;
    case BodyFraming::How::length:
      got = take(connection, space.first(static_cast<std::size_t>(std::min<std::uint64_t>(space.size(), left_))));
      if (got && *got == 0) got = cut_short();
      if (got) left_ -= *got;
      // The last byte ends the body, so that the connection can be used again without one more read().
      if (got && left_ == 0) in_body_ = false;
      return got;
    case BodyFraming::How::chunked:
      got = read_chunked(connection, space);
      break;
    // A plain connection that breaks looks like an end: nothing in HTTP tells the difference here.
    case BodyFraming::How::until_close:
      got = take(connection, space);
      break;
  }
  if (got && *got == 0) in_body_ = false;
  return got;
}

}  // namespace qrx::http
