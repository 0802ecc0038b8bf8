#include "serve/bodies.h"

#include <utility>

namespace qrx::serve {
namespace {

class TextSink : public front::BodySink {
 public:
  TextSink(SharedCall call, std::size_t most, std::function<front::Reply(std::string)> go_on)
      : call_(std::move(call)), most_(most), go_on_(std::move(go_on)) {}

  Result<void> write(ByteView bytes) override {
    if (bytes.size() > most_ - text_.size())
      return fail(Kind::too_large, "the body is over " + std::to_string(most_) + " bytes");
    text_ += as_text(bytes);
    return {};
  }
  front::Reply finish() override { return go_on_(std::move(text_)); }
  std::optional<http::Answer> on_error(const Error& error) override { return call_->problem(error); }
  void abandon() override {}

 private:
  SharedCall call_;
  std::size_t most_;
  std::function<front::Reply(std::string)> go_on_;
  std::string text_;
};

class UploadSink : public front::BodySink {
 public:
  UploadSink(SharedCall call, std::unique_ptr<space::UploadWriter> writer, IntoUpload into)
      : call_(std::move(call)), writer_(std::move(writer)), into_(std::move(into)) {}

  Result<void> write(ByteView bytes) override { return writer_->write(bytes); }

  front::Reply finish() override {
    const auto finished = writer_->finish();
    if (!finished) return stop_at(finished.error());
    writer_.reset();
    // The writer is gone by now: set_length() needs the lock of the upload that it had.
    Taken taken{finished->offset, finished->complete, std::nullopt};
    if (finished->file) taken.file = {finished->file->name, finished->file->size, finished->file->xxh128};
    if (into_.length_unknown)
      if (const auto set = end_here(taken); !set) return stop_at(set.error());
    if (taken.file) ++call_->site.files_received;
    return into_.done(taken);
  }

  std::optional<http::Answer> on_error(const Error& error) override { return stop_at(error); }

  void abandon() override { let_go(); }

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

  http::Answer stop_at(const Error& error) {
    let_go();
    return into_.failed(error);
  }

  void let_go() {
    if (gone_) return;
    gone_ = true;
    writer_.reset();  // keeps what was written
    if (into_.forget_if_cut) (void)call_->site.spaces.remove_upload(call_->target.guid, into_.upload);
  }

  SharedCall call_;
  std::unique_ptr<space::UploadWriter> writer_;
  IntoUpload into_;
  bool gone_ = false;
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

front::Reply receive_into(const SharedCall& call, std::unique_ptr<space::UploadWriter> writer, IntoUpload into) {
  auto sink = std::make_unique<UploadSink>(call, std::move(writer), std::move(into));
  if (!call->request->has_body) return sink->finish();
  return front::Receive{std::move(sink)};
}

}  // namespace qrx::serve
