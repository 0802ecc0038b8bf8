// Receiving to a file descriptor: files one after another, each byte once.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "api/refusals.h"
#include "receive/receive_stream.h"
#include "receive/text_delivery.h"
#include "seal/item.h"

namespace qrx::receive {

namespace {
constexpr std::size_t buffer_bytes = 256U << 10;
}

StreamReceiver::StreamReceiver(const ReceiveJob& job, int stream)
    : job_(job), stream_(stream), client_(job.link, job.options.client), buffer_(buffer_bytes) {}

Result<void> StreamReceiver::write(ByteView bytes) {
  while (!bytes.empty()) {
    std::array<pollfd, 2> waits{{{stream_, POLLOUT, 0}, {job_.interrupt.fd(), POLLIN, 0}}};
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) return fail_errno("cannot wait for the output");
    if (job_.interrupt.raised()) return fail(Kind::unavailable, "interrupted");
    if (waits[0].revents == 0) continue;
    const ssize_t put = ::write(stream_, bytes.data(), bytes.size());
    if (put < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (put < 0) return fail_errno("cannot write to the output");
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

// From where the output stands to the end of the file, or to trouble.
Result<void> StreamReceiver::pull(Current& current, const std::optional<Xxh128Sum>& known,
                                  const std::optional<std::uint64_t>& total) {
  if (current.intake) return pull_sealed(current, known, total);
  // What was written cannot be taken back: when the server sends the whole, its front is passed over.
  const auto whole = client_.fetch(current.file, current.written, known, buffer_, [&](ByteView bytes) -> Result<void> {
    current.sums.update(bytes);
    if (auto written = write(bytes); !written) return written;
    current.written += bytes.size();
    job_.tally.arrived(current.file, current.written);
    return {};
  });
  if (!whole) return tl::unexpected(whole.error());
  if (!*whole) return fail(Kind::integrity, "the file became shorter while it was streamed");
  current.complete = true;
  return {};
}

void StreamReceiver::begin(const Id& delivery, const Id& file, const std::string& name, bool open, bool must_open) {
  current_.emplace(Current{delivery, file, name, 0, RunningSums(job_.options.sha256), false, must_open, nullptr});
  if (!open) return;
  // What is written cannot be taken back: what was taken in another delivery is refused before.
  const auto admit = [this, delivery, name](const std::string& tag) -> Result<void> {
    if (job_.seals->claim(delivery, tag, false)) return {};
    return tl::unexpected(shown_again(is_item_name(name) ? "an encrypted file" : without_age_ending(name)));
  };
  current_->intake = std::make_unique<SealedIntake>(
      *job_.options.identity, [this](ByteView bytes) { return write(bytes); }, job_.options.sha256, admit);
}

Result<void> StreamReceiver::pull_sealed(Current& current, const std::optional<Xxh128Sum>& known,
                                         const std::optional<std::uint64_t>& total) {
  auto done = fetch_sealed(client_, current.file, known, total, *current.intake, buffer_, [&]() -> Result<void> {
    current.written = current.intake->taken();
    job_.tally.arrived(current.file, seal::plain_part(current.written));
    return {};
  });
  current.written = current.intake->taken();
  if (done) current.complete = true;
  if (done || !current.intake->refusal() || !is_foreign(*current.intake->refusal())) return done;
  // Not for us: nothing was written of it yet.
  client_.close();
  if (job_.options.only_sealed || current.must_open || is_item_name(current.name))
    return tl::unexpected(not_sealed(current.name));
  begin(current.delivery, current.file, current.name, false);
  return pull(*current_, known, total);
}

Result<void> StreamReceiver::follow(const wire::UploadInfo& upload) {
  if (!current_) {
    begin(upload.delivery, upload.upload, upload.name, job_.options.identity && has_age_ending(upload.name));
    next_pause_ = job_.options.first_retry;
  }
  const auto length =
      current_->intake && upload.length ? std::optional(seal::plain_part(*upload.length)) : upload.length;
  job_.tally.expect(upload.upload, current_->intake ? known_name(upload.name) : upload.name, length, true);
  if (current_->complete) return {};
  const std::uint64_t before = current_->written;
  const auto pulled = pull(*current_, std::nullopt, upload.length);
  if (pulled) return {};
  client_.close();
  // Whether the upload is over, or only this connection, stands in the next state of the space.
  const Kind kind = pulled.error().kind;
  if ((!api::is_temporary(kind) && kind != Kind::not_found) || job_.interrupt.raised()) return pulled;
  if (current_->written > before) next_pause_ = job_.options.first_retry;
  if (!api::pause(job_.interrupt, next_pause_)) return pulled;
  next_pause_ = std::min(next_pause_ * 2, job_.options.most_retry);
  return {};
}

// The end of a sealed file: only now is it known to be whole, and the one that was sent.
Result<void> StreamReceiver::opened(const DeliveryContents& contents, const Item& item, SavedFile& saved) {
  const auto whole = current_->intake->finish();
  if (!whole)
    return fail(whole.error().kind, "what was written of " + item.name + " is not all of it: " + whole.error().what);
  if (whole->wire_sum != item.info.xxh128)
    return fail(Kind::integrity, "what was written of " + item.name + " is damaged: its checksum differs");
  if (auto admitted = admit_item(job_, contents, item, whole->tag); !admitted) return admitted;
  saved.info = opened_info(item, whole->plain_size, whole->plain.xxh128);
  saved.sha256 = whole->plain.sha256;
  return {};
}

Result<SavedFile> StreamReceiver::write_file(const DeliveryContents& contents, const Item& item) {
  const wire::FileInfo& info = item.info;
  const Id& delivery = contents.shown.delivery;
  if (!current_ || current_->file != info.file) begin(delivery, info.file, info.name, item.open, item.in_manifest);
  job_.tally.expect(info.file, item.name, item.open ? seal::plain_part(info.size) : info.size, false);
  api::Patience patience = job_.patience();
  while (current_->written < info.size) {
    const std::uint64_t before = current_->written;
    const auto pulled = pull(*current_, info.xxh128, info.size);
    if (pulled) break;
    if (current_->intake && current_->intake->refusal())
      return fail(pulled.error().kind, "cannot open " + item.name + ": " + pulled.error().what);
    const auto asked = client_.asked_pause();
    client_.close();
    if (current_->written > before) patience.progress();
    if (auto go_on = patience.wait(pulled.error(), asked); !go_on) return tl::unexpected(go_on.error());
  }
  if (current_->intake) {
    SavedFile saved{{}, info, std::nullopt, delivery};
    const auto whole = opened(contents, item, saved);
    current_.reset();
    if (!whole) return tl::unexpected(whole.error());
    return saved;
  }
  if (item.in_manifest || job_.options.only_sealed) return tl::unexpected(not_sealed(item.name));
  const Sums sums = current_->sums.sums();
  const bool right = current_->written == info.size && sums.xxh128 == info.xxh128;
  current_.reset();
  if (!right) return fail(Kind::integrity, "what was written of " + info.name + " is damaged: its checksum differs");
  SavedFile saved{{}, info, sums.sha256, delivery};
  saved.info.sealed = false;
  return saved;
}

Result<void> StreamReceiver::write_text(const DeliveryContents& contents, SavedDelivery& out) {
  SavedFile file{{}, file_of_text(contents), std::nullopt, out.info.delivery};
  out.sealed_text = file.info.sealed;
  if (const Wish wish = job_.tally.accept(contents.shown, file.info); wish != Wish::save) {
    if (wish == Wish::later) ++out.later;
    out.declined.push_back(file.info.name);
    return {};
  }
  if (auto written = write(as_bytes(out.info.message)); !written) return written;
  if (job_.options.sha256) file.sha256 = sha256(as_bytes(out.info.message));
  job_.tally.saved(file);
  out.files.push_back(std::move(file));
  return {};
}

Result<SavedDelivery> StreamReceiver::write_delivery(const wire::DeliveryInfo& delivery) {
  const auto contents = read_contents(job_, delivery);
  if (!contents) return tl::unexpected(contents.error());
  if (contents->locked) return tl::unexpected(no_key());
  if (auto admitted = admit(job_, *contents); !admitted) return tl::unexpected(admitted.error());
  SavedDelivery out;
  out.info = contents->shown;
  if (is_text(out.info)) {
    if (auto written = write_text(*contents, out); !written) return tl::unexpected(written.error());
    return out;
  }
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < contents->items.size(); ++i) order.push_back(i);
  // The one that was begun while it was uploaded comes first.
  if (current_)
    std::stable_partition(order.begin(), order.end(),
                          [&](std::size_t i) { return contents->items[i].info.file == current_->file; });
  for (const std::size_t i : order) {
    const wire::FileInfo& shown = contents->shown.files[i];
    if (const Wish wish = job_.tally.accept(contents->shown, shown); wish != Wish::save) {
      if (wish == Wish::later) ++out.later;
      out.declined.push_back(shown.name);
      continue;
    }
    auto saved = write_file(*contents, contents->items[i]);
    if (!saved) return tl::unexpected(saved.error());
    job_.tally.saved(*saved);
    job_.tally.forget(shown.file);
    out.files.push_back(std::move(*saved));
  }
  return out;
}

const wire::DeliveryInfo* StreamReceiver::choose(const std::vector<const wire::DeliveryInfo*>& fresh) const {
  if (!current_) return fresh.empty() ? nullptr : fresh.front();
  for (const auto* delivery : fresh)
    for (const auto& file : delivery->files)
      if (file.file == current_->file) return delivery;
  return nullptr;
}

Result<void> StreamReceiver::update(const std::vector<wire::UploadInfo>& uploads) {
  if (!current_) {
    const auto first = std::find_if(uploads.begin(), uploads.end(), [this](const auto& upload) {
      return !job_.options.identity || upload.name != wire::manifest_name;
    });
    return first == uploads.end() ? Result<void>{} : follow(*first);
  }
  const auto it =
      std::find_if(uploads.begin(), uploads.end(), [this](const auto& u) { return u.upload == current_->file; });
  if (it != uploads.end()) return follow(*it);
  if (current_->complete) return {};  // its delivery is not committed yet
  if (current_->written > 0)
    return fail(Kind::gone, "the sender took " + current_->name + " back after " + std::to_string(current_->written) +
                                " bytes of it were written");
  job_.tally.forget(current_->file);
  current_.reset();
  return {};
}

}  // namespace qrx::receive
