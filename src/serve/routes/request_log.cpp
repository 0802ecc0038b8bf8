#include "serve/routes/request_log.h"

#include <memory>
#include <utility>

#include "wire/resource.h"

namespace qrx::serve {
namespace {

int status_of(const front::Reply& reply) {
  if (const auto* done = std::get_if<http::Answer>(&reply)) return done->status;
  if (const auto* sent = std::get_if<front::Send>(&reply)) return sent->head.status;
  return 0;
}

// Passes everything on, and tells the log how it ended.
class LoggedSink : public front::BodySink {
 public:
  LoggedSink(std::unique_ptr<front::BodySink> sink, SharedCall call) : sink_(std::move(sink)), call_(std::move(call)) {}
  std::size_t most_at_once() const override { return sink_->most_at_once(); }
  Result<void> write(ByteView bytes) override { return sink_->write(bytes); }
  std::optional<Id> full() override { return sink_->full(); }
  front::Reply finish() override { return logged(sink_->finish(), call_); }
  std::optional<http::Answer> on_error(const Error& error) override {
    auto out = sink_->on_error(error);
    if (out) logged(*out, call_);
    return out;
  }
  void abandon() override { sink_->abandon(); }

 private:
  std::unique_ptr<front::BodySink> sink_;
  SharedCall call_;
};

}  // namespace

// A reply may lead to another one: each step is wrapped until there is an answer with a status.
front::Reply logged(front::Reply reply, const SharedCall& call) {
  if (auto* receive = std::get_if<front::Receive>(&reply)) {
    receive->sink = std::make_unique<LoggedSink>(std::move(receive->sink), call);
  } else if (auto* wait = std::get_if<front::Wait>(&reply)) {
    wait->poll = [poll = std::move(wait->poll), call](bool time_over) -> std::optional<front::Reply> {
      auto out = poll(time_over);
      if (!out) return out;
      return logged(std::move(*out), call);
    };
  } else if (auto* work = std::get_if<front::Work>(&reply)) {
    work->run = [run = std::move(work->run), call](const std::stop_token& stop) { return logged(run(stop), call); };
  } else {
    call->site.log.request("request", {{"peer", call->request->peer},
                                       {"method", call->request->method},
                                       {"path", wire::loggable(call->target)},
                                       {"status", std::to_string(status_of(reply))},
                                       {"id", call->asker.request_id}});
  }
  return reply;
}

}  // namespace qrx::serve
