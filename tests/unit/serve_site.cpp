#include "unit/serve_site.h"

#include <unistd.h>

namespace qrx::test {
namespace {

void take_head(Got& got, const http::Answer& answer) {
  got.status = answer.status;
  got.type = answer.type;
  got.body = answer.body;
  for (const http::Header& header : answer.headers) got.headers[header.name] = header.value;
}

// Up to the first moment where nothing is there yet. At the end the client has taken it all.
std::string read_all(front::BodySource& source, const std::function<void()>& piece_out) {
  std::string out;
  for (;;) {
    auto next = source.next();
    if (const auto* memory = std::get_if<front::BodySource::MemoryPiece>(&next)) {
      out += memory->bytes;
    } else if (const auto* file = std::get_if<front::BodySource::FilePiece>(&next)) {
      std::string piece(file->size, '\0');
      const auto got = ::pread(file->fd, piece.data(), piece.size(), static_cast<off_t>(file->offset));
      out += piece.substr(0, got < 0 ? 0 : static_cast<std::size_t>(got));
    } else {
      if (std::holds_alternative<front::BodySource::End>(next) && source.wants_acknowledgement()) source.completed();
      return out;
    }
    if (piece_out) piece_out();
  }
}

}  // namespace

std::string bearer(const Token& token) {
  return "Bearer " + token.text();
}

namespace {

space::SharePolicy any_number_of_recipients() {
  space::SharePolicy policy;
  policy.recipients = 0;
  return policy;
}

}  // namespace

SiteWorld::SiteWorld(serve::SiteOptions options, space::Policy policy)
    : world(policy),
      log(serve::LogForm::text, 1, [this](const std::string& line) { lines.push_back(line); }),
      shares(*world.spaces, any_number_of_recipients()),
      site(*world.spaces, shares, world.clock, log, std::move(options),
           [this](const Id& topic) { woken.push_back(topic); }) {
  site.set_base(wire::Origin{true, "qrx.example.org", 443, site.options().prefix});
}

Got SiteWorld::ask(const Asked& asked, bool time_over) {
  auto request = std::make_shared<http::Request>();
  request->method = asked.method;
  request->path = asked.path;
  request->query = asked.query;
  request->headers = asked.headers;
  request->headers.push_back({"Host", "qrx.example.org"});
  request->peer = asked.peer;
  request->control = asked.control;
  request->has_body = asked.has_body || !asked.body.empty();
  // As clients do: an empty body is announced where one is expected.
  if ((request->has_body || asked.method == "PUT") && !asked.chunked) request->content_length = asked.body.size();
  return finish(router.handle(std::move(request)), asked, time_over);
}

Got SiteWorld::finish(front::Reply reply, const Asked& asked, bool time_over) {
  Got got;
  for (;;) {
    if (auto* answer = std::get_if<http::Answer>(&reply)) {
      take_head(got, *answer);
      return got;
    }
    if (auto* send = std::get_if<front::Send>(&reply)) {
      take_head(got, send->head);
      if (send->source && asked.method != "HEAD") got.body = read_all(*send->source, asked.piece_out);
      return got;
    }
    if (auto* wait = std::get_if<front::Wait>(&reply)) {
      got.waited = true;
      auto next = wait->poll(time_over);
      if (!next) return got;
      front::Reply later = std::move(*next);
      reply = std::move(later);
      continue;
    }
    if (auto* work = std::get_if<front::Work>(&reply)) {
      got.worked = true;
      front::Reply later = work->run({});
      reply = std::move(later);
      continue;
    }
    got.took_body = true;
    const auto sink = std::move(std::get<front::Receive>(reply).sink);
    Result<void> written;
    for (std::string_view left = asked.body; written && !left.empty();) {
      const std::string_view piece = left.substr(0, asked.chunked ? chunk_bytes : left.size());
      left.remove_prefix(piece.size());
      got.body_read += piece.size();
      written = sink->write(as_bytes(piece));
    }
    if (!written) {
      const auto answer = sink->on_error(written.error());
      sink->abandon();
      take_head(got, answer ? *answer : router.error_answer(written.error(), 0));
      return got;
    }
    front::Reply later = sink->finish();
    reply = std::move(later);
  }
}

Got SiteWorld::put(const Guid& guid, const std::string& name, const std::string& bytes) {
  Asked asked;
  asked.method = "PUT";
  asked.path = "/u/" + guid.text() + "/" + name;
  asked.body = bytes;
  asked.has_body = true;
  return ask(asked);
}

}  // namespace qrx::test
