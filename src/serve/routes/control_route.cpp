// What the operator of this machine asks for by the control socket: sweep, check, look at spaces.
#include <deque>
#include <mutex>
#include <thread>

#include "serve/answers.h"
#include "serve/operations/check_run.h"
#include "serve/operations/operate.h"
#include "serve/problems.h"
#include "serve/routes/routes.h"

namespace qrx::serve {
namespace {

constexpr Seconds sign_of_life{10};

// Lines from the thread that checks to the answer that takes them.
struct Lines {
  std::mutex mutex;
  std::deque<std::string> queue;
  bool ended = false;
};

class CheckSource : public front::BodySource {
 public:
  CheckSource(SharedCall call, std::shared_ptr<Lines> lines)
      : call_(std::move(call)), lines_(std::move(lines)), spoke_(call_->site.clock.steady()) {}

  Next next() override {
    const Steady now = call_->site.clock.steady();
    const std::lock_guard lock(lines_->mutex);
    if (lines_->queue.empty()) {
      if (lines_->ended) return End{};
      if (now - spoke_ < sign_of_life) return Pending{call_->site.check_topic};
      spoke_ = now;
      return MemoryPiece{std::string(alive_line)};
    }
    std::string line = std::move(lines_->queue.front());
    lines_->queue.pop_front();
    spoke_ = now;
    return MemoryPiece{std::move(line)};
  }

 private:
  SharedCall call_;
  std::shared_ptr<Lines> lines_;
  Steady spoke_;
};

}  // namespace

front::Reply sweep_now(const SharedCall& call) {
  const auto swept = call->site.spaces.sweep();
  // The operator of this machine may know the true reason, which a problem would keep back.
  if (!swept)
    return answer(status_of(swept.error().kind), "text/plain", swept.error().what + '\n' + swept.error().hint + '\n');
  return answer(200, "text/plain", swept_lines(*swept));
}

front::Reply check_now(const SharedCall& call) {
  auto lines = std::make_shared<Lines>();
  Site& site = call->site;
  const bool started = site.run_check([&site, lines] {
    const auto say = [&site, &lines](std::string line, bool last) {
      {
        const std::lock_guard lock(lines->mutex);
        lines->queue.push_back(std::move(line));
        lines->ended = last;
      }
      site.wake(site.check_topic);
    };
    const auto result = site.spaces.check([&say](const std::string& finding) { say(finding_line(finding), false); });
    say(result_line(result), true);
  });
  if (!started) return call->problem(Error{Kind::locked, "a check is running already", {}});
  return front::Send{answer(200, "text/plain"), std::nullopt, std::make_unique<CheckSource>(call, std::move(lines))};
}

front::Reply list_all_spaces(const SharedCall& call) {
  constexpr std::size_t most = 500;
  std::string_view from = call->request->query;
  Guid last;
  if (from.starts_with("from=")) last = Guid::parse(from.substr(5)).value_or(Guid{});
  const auto spaces = call->site.spaces.list(last, most);
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
