#include "serve/content/digests.h"

#include <utility>

namespace qrx::serve {
namespace {

constexpr std::uint64_t small_bytes = 1U << 20;  // read and summed in a millisecond or so
constexpr auto longest_wait = std::chrono::hours(24);

}  // namespace

// All but the topic under the mutex of the digests.
struct Digests::Run {
  const Id topic = Id::random();
  bool ended = false;
  std::optional<Result<Sha256Sum>> sum;  // ended without: whoever computed it went away
};

// Held by the work that computes a sum: when it goes without having told one, others begin anew.
class Digests::Lead {
 public:
  Lead(Digests& digests, const Id& file, std::shared_ptr<Run> run)
      : digests_(digests), file_(file), run_(std::move(run)) {}
  Lead(const Lead&) = delete;
  Lead& operator=(const Lead&) = delete;
  ~Lead() { tell(std::nullopt); }

  void tell(std::optional<Result<Sha256Sum>> sum) {
    if (std::exchange(told_, true)) return;
    digests_.end(file_, run_, std::move(sum));
    // After the end is noted, without the mutex: whoever is woken finds it.
    digests_.wake_(run_->topic);
  }

 private:
  Digests& digests_;
  const Id file_;
  const std::shared_ptr<Run> run_;
  bool told_ = false;
};

void Digests::end(const Id& file, const std::shared_ptr<Run>& run, std::optional<Result<Sha256Sum>> sum) {
  const std::lock_guard lock(mutex_);
  run->sum = std::move(sum);
  run->ended = true;
  runs_.erase(file);
}

front::Reply Digests::follow(const space::FileRow& file, std::shared_ptr<Run> run, GoOn go_on) {
  front::Wait wait;
  wait.topic = run->topic;
  wait.until = clock_.steady() + longest_wait;
  wait.poll = [this, file, run = std::move(run),
               go_on = std::move(go_on)](bool time_over) -> std::optional<front::Reply> {
    std::optional<Result<Sha256Sum>> sum;
    {
      const std::lock_guard lock(mutex_);
      if (!run->ended && !time_over) return std::nullopt;
      sum = run->sum;
    }
    if (sum) return go_on(*sum);
    if (time_over) return go_on(fail(Kind::unavailable, {}));
    // The one who read it went away: this one may be the next to begin.
    return find(file, go_on);
  };
  return wait;
}

front::Reply Digests::find(const space::FileRow& file, GoOn go_on) {
  if (file.sha256) return go_on(*file.sha256);
  if (file.size <= small_bytes) return go_on(spaces_.sha256(file));
  auto run = std::make_shared<Run>();
  {
    const std::lock_guard lock(mutex_);
    const auto [known, is_new] = runs_.try_emplace(file.file, run);
    // Somebody reads this file already: one reading serves all who ask.
    if (!is_new) run = known->second;
    if (!is_new) return follow(file, std::move(run), std::move(go_on));
  }
  // Held by the work. When its client goes away before it runs, the work queue drops the work, and this tells the
  // others.
  const auto lead = std::make_shared<Lead>(*this, file.file, std::move(run));
  return front::Work{[this, file, lead, go_on = std::move(go_on)](const std::stop_token& stop) -> front::Reply {
    const auto sum = spaces_.sha256(file, stop);
    // What was only stopped says nothing about the file, and is not told to others.
    if (sum || !stop.stop_requested()) lead->tell(sum);
    return go_on(sum);
  }};
}

}  // namespace qrx::serve
