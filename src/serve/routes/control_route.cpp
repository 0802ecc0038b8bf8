#include "serve/routes/control_route.h"

#include <memory>
#include <utility>

#include "serve/answers.h"
#include "serve/control_lines.h"
#include "serve/problems.h"

namespace qrx::serve {
namespace {

// A check of terabytes may find nothing for hours: without a byte the client would take the server for dead.
constexpr Seconds sign_of_life{10};

class CheckSource : public front::BodySource {
 public:
  CheckSource(SharedCall call, std::shared_ptr<CheckLines> lines)
      : call_(std::move(call)), lines_(std::move(lines)), spoke_(call_->site.clock.steady()) {}
  // Whoever asked has gone: nobody would hear what the check finds.
  ~CheckSource() override { lines_->stop.request_stop(); }
  CheckSource(const CheckSource&) = delete;
  CheckSource& operator=(const CheckSource&) = delete;

  Next next() override {
    const Steady now = call_->site.clock.steady();
    if (auto line = lines_->take()) {
      spoke_ = now;
      return MemoryPiece{std::move(*line)};
    }
    if (lines_->ended()) return End{};
    // The sweeper wakes this topic every few seconds (Sweeper::run), so the line is not late by much.
    if (now - spoke_ < sign_of_life) return Pending{call_->site.check.topic};
    spoke_ = now;
    return MemoryPiece{std::string(alive_line)};
  }

 private:
  SharedCall call_;
  std::shared_ptr<CheckLines> lines_;
  Steady spoke_;
};

front::Reply sweep(const SharedCall& call, const std::stop_token& stop) {
  const auto swept = call->site.spaces.sweep(stop);
  // The operator of this machine may know the true reason, which a problem would keep back.
  if (!swept)
    return answer(status_of(swept.error().kind), "text/plain", swept.error().what + '\n' + swept.error().hint + '\n');
  return answer(200, "text/plain", swept_lines(*swept));
}

}  // namespace

front::Reply sweep_now(const SharedCall& call) {
  // In the work queue: a sweep unlinks many files, and its thread would answer nobody.
  return front::Work{[call](const std::stop_token& stop) { return sweep(call, stop); }};
}

front::Reply check_now(const SharedCall& call) {
  auto lines = call->site.check.start();
  if (lines == nullptr) return call->problem(Error{Kind::locked, "a check is running already", {}});
  return front::Send{answer(200, "text/plain"), std::nullopt, std::make_unique<CheckSource>(call, std::move(lines))};
}

front::Reply list_all_spaces(const SharedCall& call) {
  constexpr std::size_t most = 500;
  const auto from = call->parameter("from");
  if (!from) return call->problem(from.error());
  const auto last = *from ? Guid::parse(**from) : Guid{};
  // Read as none it would be the first page again, and whoever lists would never come to an end.
  if (!last) return call->problem(400, "from is not a GUID");
  const auto spaces = call->site.spaces.list(*last, most);
  if (!spaces) return call->problem(spaces.error());
  std::string lines;
  for (const space::SpaceSummary& space : *spaces) lines += summary_line(space);
  return answer(200, "text/plain", std::move(lines));
}

front::Reply block_any_space(const SharedCall& call) {
  if (const auto done = call->site.spaces.block(call->target.guid); !done) return call->problem(done.error());
  call->site.log.info("space blocked", {{"space", call->target.guid.text()}});
  return answer(204);
}

front::Reply delete_any_space(const SharedCall& call) {
  if (const auto done = call->site.spaces.remove_by_operator(call->target.guid); !done)
    return call->problem(done.error());
  call->site.log.info("space deleted", {{"space", call->target.guid.text()}});
  return answer(204);
}

}  // namespace qrx::serve
