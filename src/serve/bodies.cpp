#include "serve/bodies.h"

#include <utility>

namespace qrx::serve {
namespace {

constexpr auto longest_wait = Seconds(60);  // for the store, whose own patience is shorter

class TextSink : public front::BodySink {
 public:
  TextSink(SharedCall call, std::size_t most, std::function<front::Reply(std::string)> go_on)
      : call_(std::move(call)),
        most_(most),
        go_on_(std::move(go_on)),
        memory_(std::make_shared<BodyMemory::Hold>(call_->site.body_memory, call_->request->peer)) {}

  Result<void> write(ByteView bytes) override {
    if (bytes.size() > most_ - text_.size())
      return fail(Kind::too_large, "the body is over " + std::to_string(most_) + " bytes");
    if (auto kept = memory_->keep(text_.size() + bytes.size()); !kept) return kept;
    text_ += as_text(bytes);
    return {};
  }
  front::Reply finish() override {
    front::Reply reply = go_on_(std::move(text_));
    // Work that is queued holds what was read from the body, longer than this sink lives.
    if (auto* work = std::get_if<front::Work>(&reply))
      work->run = [memory = std::move(memory_), run = std::move(work->run)](const std::stop_token& stop) {
        return run(stop);
      };
    return reply;
  }
  std::optional<http::Answer> on_error(const Error& error) override { return call_->problem(error); }
  void abandon() override {}

 private:
  SharedCall call_;
  std::size_t most_;
  std::function<front::Reply(std::string)> go_on_;
  std::shared_ptr<BodyMemory::Hold> memory_;
  std::string text_;
};

// The body of an upload, its writer, and what its answer needs. It may outlive the sink: what goes on when the body is
// complete may have to wait. Destroyed before that, it was cut off.
class UploadBody {
 public:
  UploadBody(SharedCall call, std::unique_ptr<space::UploadWriter> writer, IntoUpload into)
      : call_(std::move(call)), writer_(std::move(writer)), into_(std::move(into)) {}
  UploadBody(const UploadBody&) = delete;
  UploadBody& operator=(const UploadBody&) = delete;
  ~UploadBody() { let_go(); }

  space::UploadWriter& writer() { return *writer_; }
  Steady now() const { return call_->site.clock.steady(); }

  front::Reply finish() {
    const auto finished = writer_->finish();
    if (!finished) return stop_at(finished.error());
    writer_.reset();
    // The writer is gone by now: set_length() needs the lock of the upload that it had.
    Taken taken{finished->offset, finished->complete, std::nullopt};
    if (finished->file) taken.file = {finished->file->name, finished->file->size, finished->file->xxh128};
    if (into_.length_unknown)
      if (const auto set = end_here(taken); !set) return stop_at(set.error());
    gone_ = true;
    if (taken.file) ++call_->site.files_received;
    return into_.done(taken);
  }

  http::Answer stop_at(const Error& error) {
    let_go();
    return into_.failed(into_.forget_if_cut ? of_begun(error) : error);
  }

  void let_go() {
    if (gone_) return;
    gone_ = true;
    writer_.reset();  // keeps what was written
    forget();
  }

 private:
  // The length is what came: with it the upload becomes a file.
  Result<void> end_here(Taken& taken) {
    space::Spaces& spaces = call_->site.spaces;
    if (const auto set = spaces.set_length(call_->target.guid, into_.upload, taken.offset); !set) return set;
    const auto delivery = spaces.delivery(call_->target.guid, into_.delivery);
    if (!delivery) return tl::unexpected(delivery.error());
    taken.complete = true;
    if (!delivery->files.empty()) taken.file = delivery->files.front();
    return {};
  }

  void forget() {
    if (into_.forget_if_cut) (void)call_->site.spaces.remove_upload(call_->target.guid, into_.upload);
  }

  SharedCall call_;
  std::unique_ptr<space::UploadWriter> writer_;
  IntoUpload into_;
  bool gone_ = false;
};

class UploadSink : public front::BodySink {
 public:
  explicit UploadSink(std::shared_ptr<UploadBody> body) : body_(std::move(body)) {}

  Result<void> write(ByteView bytes) override { return body_->writer().write(bytes); }
  std::optional<Id> full() override { return body_->writer().full(); }
  front::Reply finish() override {
    const auto topic = body_->writer().begin_finish();
    if (!topic) return body_->finish();
    front::Wait wait;
    wait.topic = *topic;
    wait.until = body_->now() + longest_wait;
    wait.poll = [body = body_](bool time_over) -> std::optional<front::Reply> {
      if (!time_over && body->writer().begin_finish()) return std::nullopt;
      return body->finish();
    };
    return wait;
  }
  std::optional<http::Answer> on_error(const Error& error) override { return body_->stop_at(error); }
  void abandon() override { body_->let_go(); }

 private:
  const std::shared_ptr<UploadBody> body_;
};

}  // namespace

front::Reply collect(const SharedCall& call, std::size_t most, std::function<front::Reply(std::string)> go_on) {
  const http::Request& request = *call->request;
  // Refused by its head, before a byte of it is read; one without a length is stopped by the sink.
  if (request.content_length.value_or(0) > most)
    return call->problem(413, "the body is over " + std::to_string(most) + " bytes");
  if (!request.has_body) return go_on({});
  return front::Receive{std::make_unique<TextSink>(call, most, std::move(go_on))};
}

Error of_begun(const Error& error) {
  if (error.kind != Kind::not_found && error.kind != Kind::conflict) return error;
  return {Kind::unavailable, "what this request began is gone: " + error.what, {}};
}

front::Reply receive_into(const SharedCall& call, std::unique_ptr<space::UploadWriter> writer, IntoUpload into) {
  auto sink = std::make_unique<UploadSink>(std::make_shared<UploadBody>(call, std::move(writer), std::move(into)));
  if (!call->request->has_body) return sink->finish();
  return front::Receive{std::move(sink)};
}

}  // namespace qrx::serve
