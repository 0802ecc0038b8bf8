#include "receive/small_contents.h"

#include <algorithm>
#include <utility>

#include "api/refusals.h"

namespace qrx::receive {
namespace {

// Requests under way on one connection. More could fill it both ways, with requests that the server does not read
// before its answers are read.
constexpr std::size_t most_posted = 16;
constexpr unsigned most_fruitless = 2;

}  // namespace

SmallContents::SmallContents(DeliveryProgress& delivery, api::OwnerClient& client, Keep keep)
    : delivery_(delivery), job_(delivery.job()), client_(client), keep_(std::move(keep)), backoff_(job_.backoff()) {}

Result<void> SmallContents::fetch(const std::vector<std::size_t>& task) {
  // A recipient's downloads are counted file by file.
  const bool together = !job_.link.shared && job_.gives_many && task.size() > 1;
  (together ? together_ : alone_).assign(task.begin(), task.end());
  return api::retry(
      client_, backoff_, [this] { return get_some(); },
      [this](const Error& error, api::Asked asked) { return after_trouble(error, asked); });
}

Result<void> SmallContents::get_some() {
  left_before_ = left();
  if (delivery_.failed()) return {};
  if (auto got = get_together(); !got) return got;
  return get_alone();
}

std::vector<SmallContents::Group> SmallContents::groups() const {
  std::vector<Group> groups;
  for (const std::size_t index : together_) {
    if (groups.empty() || groups.back().size() == wire::most_contents_files) groups.emplace_back();
    const wire::FileInfo& info = delivery_.item(index).info;
    groups.back().push_back({info.file, info.size});
  }
  return groups;
}

// All requests of the task go out at once: one way to the server and back for all of them.
Result<void> SmallContents::get_together() {
  const std::vector<Group> asked = groups();
  asking_ = true;
  for (const Group& group : asked)
    if (auto posted = client_.post_get_contents(delivery_.delivery(), group); !posted) return posted;
  for (const Group& group : asked) {
    if (delivery_.failed()) return {};
    const auto contents = client_.contents(group);
    if (!contents) return tl::unexpected(contents.error());
    asking_ = false;
    if (auto kept = keep_group(group, *contents); !kept) return kept;
    asking_ = true;
  }
  asking_ = false;
  return {};
}

// The group stands at the front of together_.
Result<void> SmallContents::keep_group(const Group& group, const api::OwnerClient::Contents& contents) {
  auto next = contents.files.begin();
  for (std::size_t i = 0; i < group.size(); ++i) {
    const std::size_t index = together_.front();
    const bool is_here = next != contents.files.end() && next->asked == i;
    // Another sum than the listing's is another file.
    const bool is_right = is_here && next->xxh128 == delivery_.item(index).info.xxh128;
    Result<void> kept = is_right ? keep_(index, as_text(next->bytes)) : Result<void>(fail(Kind::integrity, ""));
    if (is_here) ++next;
    if (!kept && !is_at_fault(kept.error().kind)) return kept;
    together_.pop_front();
    if (kept) continue;
    if (kept.error().kind == Kind::integrity)
      alone_.push_back(index);
    else
      delivery_.cannot_save_item(index, delivery_.as_known(index, kept.error()));
  }
  return {};
}

Result<void> SmallContents::get_alone() {
  std::size_t posted = 0;
  while (!alone_.empty() && !delivery_.failed()) {
    // Pipelined: one way to the server and back for many of them.
    for (; posted < std::min(most_posted, alone_.size()); ++posted)
      if (auto done = client_.post_get(delivery_.item(alone_[posted]).info.file); !done) return done;
    const std::size_t index = alone_.front();
    const auto bytes = client_.content(static_cast<std::size_t>(delivery_.item(index).info.size));
    if (!bytes) return tl::unexpected(bytes.error());
    // A server that gives one alone, and refused to give it with others, cannot do that.
    if (std::exchange(refused_, false)) job_.gives_many = false;
    if (auto kept = keep_(index, *bytes); !kept) return kept;
    alone_.pop_front();
    --posted;
  }
  return {};
}

void SmallContents::ask_for_each() {
  alone_.insert(alone_.begin(), together_.begin(), together_.end());
  together_.clear();
}

Result<api::Next> SmallContents::after_trouble(const Error& raw, api::Asked asked) {
  const bool asking = std::exchange(asking_, false);
  if (left() < left_before_) {
    fruitless_ = 0;
    backoff_.progress();
    // Something went through: a connection that a proxy closes after some answers is just opened again.
    if (api::is_temporary(raw.kind) && !asked && !job_.interrupt.raised()) return api::Next::at_once;
  }
  if (done()) return api::Next::pause;
  if (!asking) return after_trouble_alone(raw, asked);
  if (!api::is_temporary(raw.kind)) {
    // An older server, or a malformed answer: each file is asked for by itself, and verified as ever.
    refused_ = true;
    ask_for_each();
    return api::Next::at_once;
  }
  // Something on the way may not let large answers through, or those of unknown length.
  if (++fruitless_ >= most_fruitless) ask_for_each();
  return api::Next::pause;
}

// Trouble with the file at the front: with fetching it alone, or with saving it.
Result<api::Next> SmallContents::after_trouble_alone(const Error& raw, api::Asked asked) {
  const std::size_t index = together_.empty() ? alone_.front() : together_.front();
  if (raw.kind == Kind::integrity && damaged_once_ != index) {
    damaged_once_ = index;  // the way here may be at fault
    return api::Next::at_once;
  }
  const Error error = delivery_.as_known(index, raw);
  if (!is_at_fault(error.kind)) {
    if (auto go_on = backoff_.wait(error, asked); !go_on) return tl::unexpected(go_on.error());
    return api::Next::at_once;
  }
  // The others of the task go on.
  delivery_.cannot_save_item(index, error);
  (together_.empty() ? alone_ : together_).pop_front();
  return api::Next::at_once;
}

}  // namespace qrx::receive
