// Receiving to a file descriptor: files one after another, each byte once.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "transfer/answers.h"
#include "transfer/receive_stream.h"

namespace qrx::transfer {

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
Result<void> StreamReceiver::pull(Current& current, const std::optional<Xxh128Sum>& known) {
  const auto opened = client_.open(current.file, current.written, known);
  if (!opened) return tl::unexpected(opened.error());
  // What was written cannot be taken back: when the server sends the whole, its front is passed over.
  std::uint64_t skip = current.written - opened->start;
  for (;;) {
    const auto got = client_.read(buffer_);
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) break;
    const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(skip, *got));
    skip -= skipped;
    const ByteView bytes = ByteView(buffer_).subspan(skipped, *got - skipped);
    current.sums.update(bytes);
    if (auto written = write(bytes); !written) return written;
    current.written += bytes.size();
    job_.tally.arrived(current.file, current.written);
  }
  if (skip > 0) return fail(Kind::integrity, "the file became shorter while it was streamed");
  current.complete = true;
  return {};
}

Result<void> StreamReceiver::follow(const wire::UploadInfo& upload) {
  if (!current_) {
    current_.emplace(Current{upload.upload, upload.name, 0, RunningSums(job_.options.sha256), false});
    next_pause_ = job_.options.first_retry;
  }
  job_.tally.expect(upload.upload, upload.name, upload.length, true);
  if (current_->complete) return {};
  const std::uint64_t before = current_->written;
  const auto pulled = pull(*current_, std::nullopt);
  if (pulled) return {};
  client_.close();
  // Whether the upload is over, or only this connection, stands in the next state of the space.
  const Kind kind = pulled.error().kind;
  if ((!is_temporary(kind) && kind != Kind::not_found) || job_.interrupt.raised()) return pulled;
  if (current_->written > before) next_pause_ = job_.options.first_retry;
  if (!pause(job_.interrupt, next_pause_)) return pulled;
  next_pause_ = std::min(next_pause_ * 2, job_.options.most_retry);
  return {};
}

Result<SavedFile> StreamReceiver::write_file(const wire::DeliveryInfo& delivery, const wire::FileInfo& info) {
  if (!current_ || current_->file != info.file)
    current_.emplace(Current{info.file, info.name, 0, RunningSums(job_.options.sha256), false});
  job_.tally.expect(info.file, info.name, info.size, false);
  Patience patience = job_.patience();
  while (current_->written < info.size) {
    const std::uint64_t before = current_->written;
    const auto pulled = pull(*current_, info.xxh128);
    if (pulled) break;
    const auto asked = client_.asked_pause();
    client_.close();
    if (current_->written > before) patience.progress();
    if (auto go_on = patience.wait(pulled.error(), asked); !go_on) return tl::unexpected(go_on.error());
  }
  const Sums sums = current_->sums.sums();
  const bool right = current_->written == info.size && sums.xxh128 == info.xxh128;
  current_.reset();
  if (!right) return fail(Kind::integrity, "what was written of " + info.name + " is damaged: its checksum differs");
  return SavedFile{{}, info, sums.sha256, delivery.delivery};
}

Result<SavedDelivery> StreamReceiver::write_delivery(const wire::DeliveryInfo& delivery) {
  SavedDelivery out;
  out.info = delivery;
  std::vector<const wire::FileInfo*> files;
  for (const auto& file : delivery.files) files.push_back(&file);
  // The one that was begun while it was uploaded comes first.
  if (current_)
    std::stable_partition(files.begin(), files.end(), [this](const auto* file) { return file->file == current_->file; });
  for (const auto* file : files) {
    if (!job_.tally.accept(delivery, *file)) {
      out.declined.push_back(file->name);
      continue;
    }
    auto saved = write_file(delivery, *file);
    if (!saved) return tl::unexpected(saved.error());
    job_.tally.saved(*saved);
    job_.tally.forget(file->file);
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
    if (uploads.empty()) return {};
    return follow(uploads.front());
  }
  const auto it = std::find_if(uploads.begin(), uploads.end(), [this](const auto& u) { return u.upload == current_->file; });
  if (it != uploads.end()) return follow(*it);
  if (current_->complete) return {};  // its delivery is not committed yet
  if (current_->written > 0)
    return fail(Kind::gone, "the sender took " + current_->name + " back after " + std::to_string(current_->written) +
                                " bytes of it were written");
  job_.tally.forget(current_->file);
  current_.reset();
  return {};
}

}  // namespace qrx::transfer
