#include "receive/file_saver.h"

#include <algorithm>
#include <utility>

#include "api/refusals.h"
#include "base/running_sums.h"
#include "receive/age_decryptor.h"
#include "receive/counted_file.h"
#include "receive/item_names.h"
#include "receive/saved_before.h"
#include "receive/small_contents.h"
#include "seal/item.h"

namespace qrx::receive {
namespace {

Error damaged(const std::string& name) {
  return {Kind::integrity, name + " arrived damaged, twice: its checksum differs", {}};
}

Error cannot_open(const std::string& name, const Error& why) {
  return {why.kind, "cannot open " + name + ": " + why.what,
          why.hint.empty() ? "ask its sender to send it again; with --seal off it is saved as it came" : why.hint};
}

}  // namespace

FileSaver::FileSaver(DeliveryProgress& delivery)
    : delivery_(delivery),
      job_(delivery.job()),
      client_(job_.link, job_.options.client),
      publisher_(delivery),
      packs_(delivery, client_, publisher_) {}

void FileSaver::run() {
  for (;;) {
    const auto task = delivery_.take_task();
    const bool small = !task.empty() && delivery_.is_small(task.front());
    // Before something that takes long, and before the end: small files that wait for their sync must not wait for
    // ever.
    if (!small) publisher_.flush();
    if (task.empty()) return;
    const auto done = small ? save_small(task) : save_large(task.front());
    if (done) continue;
    if (small) {
      publisher_.flush();
      return delivery_.fail_with(done.error());
    }
    const Error error = delivery_.as_known(task.front(), done.error());
    if (!is_at_fault(error.kind)) return delivery_.fail_with(error);
    delivery_.cannot_save(task.front(), error);
    // Bytes of the file that failed may still come on this connection.
    client_.close();
  }
}

// What was sealed to others, or in a way that is not read here.
Result<void> FileSaver::stays_sealed(std::size_t index, seal::Refusal refusal) {
  if (item(index).in_manifest || job_.options.only_sealed) return tl::unexpected(not_sealed(item(index).name));
  why_unopened_ = seal::explain({refusal, ""}).what;
  return {};
}

// The link gives its last byte only so often: all else is done before that is asked for.
Result<void> FileSaver::count(std::size_t index, PartialFile& partial, const Arrived& arrived, bool perhaps_given) {
  if (arrived.opened())
    if (auto admitted = admit_item(job_, delivery_.contents(), item(index), arrived.tag); !admitted) {
      partial.discard();
      return admitted;
    }
  return count_download(job_, client_, file(index), partial,
                        {partial.name(), partial.size(), arrived.sums.xxh128, delivery_.delivery()}, perhaps_given);
}

Result<void> FileSaver::keep_small(std::size_t index, std::string_view bytes) {
  if (item(index).part) return packs_.keep(index, bytes);
  why_unopened_.clear();  // an earlier file's, should it have failed
  const wire::FileInfo& info = file(index);
  const Sums got = sums_of(as_bytes(bytes), job_.options.sha256);
  // Compared before it is opened: damage on the way is not mistaken for tampering.
  if (bytes.size() != info.size || got.xxh128 != info.xxh128) return tl::unexpected(damaged(item(index).name));
  Arrived arrived{bytes.size(), got, got.xxh128, {}};
  std::string plain;
  if (item(index).open) {
    std::optional<seal::Refusal> refusal;
    auto opened = open_whole(*job_.options.identity, as_bytes(bytes), job_.options.sha256, plain, refusal);
    if (opened) {
      // Before anything of it is on the disk. That it is taken is durable before it has its name (publish()), and by
      // one sync for all that wait together.
      if (auto admitted = admit_item(job_, delivery_.contents(), item(index), opened->tag, false); !admitted)
        return admitted;
      arrived = std::move(*opened);
    } else if (refusal && is_foreign(*refusal)) {
      if (auto stays = stays_sealed(index, *refusal); !stays) return stays;
    } else {
      return tl::unexpected(cannot_open(item(index).name, opened.error()));
    }
  }
  // A thread that followed it while it was uploaded ends here, and lets go of its partial, which is locked. That has
  // the name that the server knows; under its own name at once the file needs no second one.
  static_cast<void>(delivery_.followed(index));
  if (arrived.opened())
    if (auto gone = job_.saver->discard_partial(without_age_ending(info.name), info.file, delivery_.delivery()); !gone)
      return gone;
  const std::string_view kept = arrived.opened() ? std::string_view(plain) : bytes;
  return publisher_.keep(index, kept, std::move(arrived), std::exchange(why_unopened_, {}));
}

// Of a limited link: should the run be killed once the file is given, an empty partial and its record are all of it.
Result<void> FileSaver::prepare_empty(std::size_t index) {
  const wire::FileInfo& info = file(index);
  auto partial = job_.saver->begin(info.name, info.file, delivery_.delivery());
  if (!partial) return tl::unexpected(partial.error());
  if (auto emptied = partial->truncate(0); !emptied) return emptied;
  job_.record->add(info.file, {partial->name(), 0, info.xxh128, delivery_.delivery()});
  return {};
}

// False when nothing of it is to be fetched.
Result<bool> FileSaver::begin_small(std::size_t index) {
  if (item(index).part) return packs_.begin(index);
  const auto before = saved_before(delivery_, client_, index);
  if (!before || *before) return before.map([](bool) { return false; });
  if (job_.limited)
    if (auto prepared = prepare_empty(index); !prepared) return tl::unexpected(prepared.error());
  return true;
}

Result<void> FileSaver::save_small(const std::vector<std::size_t>& task) {
  std::vector<std::size_t> left;
  for (const auto index : task) {
    const auto begun = begin_small(index);
    if (begun && *begun) left.push_back(index);
    if (begun) continue;
    const Error error = delivery_.as_known(index, begun.error());
    if (!is_at_fault(error.kind)) return tl::unexpected(error);
    delivery_.cannot_save_item(index, error);
  }
  if (left.empty()) return {};
  return SmallContents(delivery_, client_,
                       [this](std::size_t index, std::string_view bytes) { return keep_small(index, bytes); })
      .fetch(left);
}

Result<void> FileSaver::save_large(std::size_t index) {
  why_unopened_.clear();
  const auto before = saved_before(delivery_, client_, index);
  if (!before || *before) return before.map([](bool) {});
  // First as one that is sealed to us; a file that only looks so is fetched again as it is.
  if (item(index).open) {
    const auto done = save_large(index, true);
    if (!done || *done) return done.map([](bool) {});
  }
  return save_large(index, false).map([](bool) {});
}

// To the end of the file. Of a limited link all but the last byte is asked for: that one follows from the sum, and is
// asked for when the rest is verified and saved (count()).
Result<Arrived> FileSaver::pull(std::size_t index, Incoming& incoming, const std::function<Result<void>()>& each) {
  const Expected expected(file(index));
  const auto until = job_.limited ? std::optional(*expected.size - 1) : std::nullopt;
  if (auto pulled = incoming.pull(client_, expected, buffer_, each, until); !pulled)
    return tl::unexpected(pulled.error());
  if (incoming.taken() < until.value_or(*expected.size))
    return fail(Kind::unavailable,
                incoming.opens() ? "the server sent a different size than it announced" : "the connection was cut");
  if (incoming.taken() < *expected.size) {
    const auto ended = incoming.end_by_sum(*expected.sum);
    if (!ended) return tl::unexpected(ended.error());
    if (!*ended) return tl::unexpected(damaged(incoming.opens() ? item(index).name : file(index).name));
  }
  return incoming.finish();
}

// From what the partial has to the end of the file. Nothing when it is sealed, but not to us.
Result<std::optional<Arrived>> FileSaver::fetch(std::size_t index, PartialFile& partial, bool open,
                                                api::Backoff& backoff) {
  const Expected expected(file(index));
  std::optional<Incoming> incoming;
  std::uint64_t before = 0;
  const auto each = [&]() -> Result<void> {
    // Another thread failed: this one ends within a piece.
    if (delivery_.failed()) return fail(Kind::other, "stopped");
    job_.tally.arrived(expected.file, incoming->shown());
    return {};
  };
  auto arrived = api::retry(
      client_, backoff,
      [&]() -> Result<Arrived> {
        before = incoming ? incoming->taken() : 0;
        if (!incoming) {
          incoming.emplace([&partial](ByteView bytes) { return partial.write(bytes); }, job_.options.sha256,
                           open ? job_.options.identity.get() : nullptr);
          auto taken_up = incoming->take_up(client_, expected, partial, buffer_, job_.interrupt, kept(index, open));
          // It is emptied or read again by the next attempt.
          if (!taken_up && api::is_temporary(taken_up.error().kind)) incoming.reset();  // nothing was taken
          if (!taken_up) return tl::unexpected(taken_up.error());
          before = incoming->taken();
          if (auto shown = each(); !shown) return tl::unexpected(shown.error());
        }
        return pull(index, *incoming, each);
      },
      [&](const Error& error, api::Asked) -> Result<api::Next> {
        // Its own fault: no connection brings it in another form.
        if (incoming && incoming->refusal()) return tl::unexpected(error);
        if (incoming && incoming->taken() > before) backoff.progress();
        return api::Next::pause;
      });
  if (arrived) return std::optional(std::move(*arrived));
  const auto refusal = incoming ? incoming->refusal() : std::nullopt;
  if (!refusal) return tl::unexpected(arrived.error());
  if (!is_foreign(*refusal)) return tl::unexpected(cannot_open(item(index).name, arrived.error()));
  if (auto stays = stays_sealed(index, *refusal); !stays) return tl::unexpected(stays.error());
  return std::nullopt;
}

// False when it is to be opened, but is not sealed to us: it is to be saved as it is.
Result<bool> FileSaver::save_large(std::size_t index, bool open) {
  const wire::FileInfo& info = file(index);
  const auto followed = delivery_.followed(index);
  const auto held = job_.saver->held(delivery_.begun_name(index, open), info.file);
  auto partial = job_.saver->begin(delivery_.begun_name(index, open), info.file, delivery_.delivery());
  if (!partial) return tl::unexpected(partial.error());
  // An earlier run had all but the last byte, of which nothing stands on record: it may have asked for that, too.
  const bool perhaps_given = held && *held + 1 >= (open ? seal::plain_part(info.size) : info.size);
  const auto save = [&](const Arrived& arrived) -> Result<bool> {
    auto done = job_.limited ? count(index, *partial, arrived, perhaps_given) : Result<void>{};
    if (done) done = publisher_.publish(index, *partial, arrived, std::exchange(why_unopened_, {}));
    return done.map([] { return true; });
  };
  // What the follower has is what was committed: its sum says so, and nothing is fetched twice. A sender may have begun
  // the upload anew since.
  if (followed && followed->whole && followed->whole->opened() == open && followed->whole->wire_sum == info.xxh128 &&
      followed->whole->size == partial->size())
    return save(*followed->whole);

  // Only now: most workers never fetch a large file.
  if (buffer_.empty()) buffer_.resize(incoming_buffer_bytes);
  partial->expect_length(open ? seal::plain_part(info.size) : info.size);
  // Under this name it may also be as it came.
  if (open && delivery_.begun_name(index, open) == info.name)
    if (auto emptied = partial->truncate(0); !emptied) return tl::unexpected(emptied.error());
  api::Backoff backoff = job_.backoff();
  for (bool again = false;; again = true) {
    auto arrived = fetch(index, *partial, open, backoff);
    if (arrived && *arrived && (*arrived)->wire_sum == info.xxh128) return save(**arrived);
    if (arrived && *arrived) arrived = tl::unexpected(damaged(open ? item(index).name : info.name));
    if (!arrived && arrived.error().kind != Kind::integrity) return tl::unexpected(arrived.error());
    if (arrived || again) {
      partial->discard();
      return arrived.map([](const auto&) { return false; });
    }
    // Once more from the first byte: an earlier run's partial may be damaged, or the way here.
    client_.close();
    if (auto emptied = partial->truncate(0); !emptied) return tl::unexpected(emptied.error());
  }
}

}  // namespace qrx::receive
