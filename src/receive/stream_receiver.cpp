#include "receive/stream_receiver.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "api/refusals.h"
#include "api/retry.h"
#include "base/private_files.h"
#include "base/running_sums.h"
#include "receive/counted_file.h"
#include "receive/fetch_whole.h"
#include "receive/item_names.h"
#include "receive/kept_lists.h"
#include "receive/sealed_pack.h"
#include "receive/text_delivery.h"
#include "seal/item.h"

namespace qrx::receive {
namespace {

// What the server is told of items. It knows a pack only as one: discarded when all that it holds is, and not saved as
// long as some of it is still wanted.
void add_unsaved(const DeliveryContents& contents, const std::vector<Wish>& wishes, SavedDelivery& out) {
  for (std::size_t i = 0; i < wishes.size();) {
    const Item& item = contents.items[i];
    const auto begin = wishes.begin() + static_cast<std::ptrdiff_t>(i);
    i = item.part ? item.part->end : i + 1;
    const auto end = wishes.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::count(begin, end, Wish::discard) == end - begin)
      out.discarded.push_back(item.info.file);
    else if (std::find(begin, end, Wish::later) != end)
      out.unfinished.push_back(item.info.file);
  }
}

}  // namespace

StreamReceiver::StreamReceiver(const ReceiveJob& job, int stream)
    : job_(job), stream_(stream), client_(job.link, job.options.client), buffer_(incoming_buffer_bytes) {}

Result<void> StreamReceiver::write(ByteView bytes) {
  while (!bytes.empty()) {
    // A reader that does not read holds the run up as long as it likes, but not against an interrupt.
    std::array<pollfd, 2> waits{{{stream_, POLLOUT, 0}, {job_.interrupt.fd(), POLLIN, 0}}};
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) return fail_errno("cannot wait for the output");
    if (job_.interrupt.raised()) return fail(Kind::unavailable, "interrupted");
    if (waits[0].revents == 0) continue;
    const ssize_t put = ::write(stream_, bytes.data(), bytes.size());
    // EAGAIN: somebody made the descriptor non-blocking; poll(2) waits for it.
    if (put < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (put < 0) return fail_errno("cannot write to the output");
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

// stdout may be a file: a disk may be found full only now, and what the space held is gone after this.
Result<void> StreamReceiver::make_durable() {
  struct stat status {};
  if (::fstat(stream_, &status) != 0 || !S_ISREG(status.st_mode)) return {};
  if (::fdatasync(stream_) != 0 && !cannot_sync(errno)) return fail_errno("cannot make the output durable");
  return {};
}

void StreamReceiver::begin(const Id& delivery, const Id& file, const std::string& name, bool open, bool must_open) {
  current_.emplace(Current{delivery, file, name, nullptr, false, must_open});
  // What is written cannot be taken back: what was taken in another delivery is refused before.
  const auto admit = [this, delivery, name](const std::string& tag) -> Result<void> {
    if (job_.seals->take(delivery, tag, false)) return {};
    return tl::unexpected(shown_again(is_item_name(name) ? "an encrypted file" : without_age_ending(name)));
  };
  current_->incoming = std::make_unique<Incoming>([this](ByteView bytes) { return write(bytes); }, job_.options.sha256,
                                                  open ? job_.options.identity.get() : nullptr, admit);
}

// From where the output stands to the end of the file, or to trouble.
Result<void> StreamReceiver::pull(const Expected& expected) {
  Incoming& incoming = *current_->incoming;
  auto done = incoming.pull(client_, expected, buffer_, [&]() -> Result<void> {
    job_.tally.arrived(expected.file, incoming.shown());
    return {};
  });
  if (done) current_->complete = true;
  if (done || !incoming.refusal() || !is_foreign(*incoming.refusal())) return done;
  // Not for us: nothing was written of it yet.
  client_.close();
  // What belongs to a sealed delivery must not be written as it came, or the server could put plain bytes in its place.
  if (job_.options.only_sealed || current_->must_open || is_item_name(current_->name))
    return tl::unexpected(not_sealed(current_->name));
  const Current as_it_is = std::move(*current_);
  begin(as_it_is.delivery, as_it_is.file, as_it_is.name, false);
  return pull(expected);
}

Result<void> StreamReceiver::follow(const wire::UploadInfo& upload) {
  if (!current_) {
    // By its name only: nothing else is known of an upload before its bytes.
    begin(upload.delivery, upload.upload, upload.name, job_.options.identity && has_age_ending(upload.name));
    next_pause_ = job_.options.retry.first;
  }
  const bool opens = current_->incoming->opens();
  const auto length = opens && upload.length ? std::optional(seal::plain_part(*upload.length)) : upload.length;
  job_.tally.expect(upload.upload, opens ? known_name(upload.name) : upload.name, length, true);
  if (current_->complete) return {};
  const std::uint64_t before = current_->incoming->taken();
  const auto pulled = pull(Expected(upload));
  if (pulled) return {};
  client_.close();
  // Whether the upload is over, or only this connection, stands in the next state of the space.
  const Kind kind = pulled.error().kind;
  if ((!api::is_temporary(kind) && kind != Kind::not_found) || job_.interrupt.raised()) return pulled;
  if (current_->incoming->taken() > before) next_pause_ = job_.options.retry.first;
  if (!api::sleep_interruptible(job_.interrupt, next_pause_)) return pulled;
  next_pause_ = std::min(next_pause_ * 2, job_.options.retry.most);
  return {};
}

// Until all of a committed file was written, or trouble lasts.
Result<void> StreamReceiver::pull_all(const Expected& expected, const std::string& name) {
  api::Backoff backoff = job_.backoff();
  std::uint64_t before = 0;
  return api::retry(
      client_, backoff,
      [&]() -> Result<void> {
        before = current_->incoming->taken();
        return before < *expected.size ? pull(expected) : Result<void>{};
      },
      [&](const Error& error, api::Asked) -> Result<api::Next> {
        if (current_->incoming->refusal()) return fail(error.kind, "cannot open " + name + ": " + error.what);
        if (current_->incoming->taken() > before) backoff.progress();
        return api::Next::pause;
      });
}

// Only at its end is a file known to be whole, and the one that was sent.
Result<SavedFile> StreamReceiver::check_file(const DeliveryContents& contents, const Item& item, Incoming& incoming) {
  const bool opens = incoming.opens();
  // It was followed as a plain file, before its manifest could be read: what is written is not what was sealed.
  if (!opens && (item.in_manifest || job_.options.only_sealed)) return tl::unexpected(not_sealed(item.name));
  const auto whole = incoming.finish();
  if (!whole)
    return fail(whole.error().kind, "what was written of " + item.name + " is not all of it: " + whole.error().what);
  // Of what was opened the size on the wire is not ours to compare; its sum is.
  if (whole->wire_sum != item.info.xxh128 || (!opens && whole->size != item.info.size))
    return fail(Kind::integrity, "what was written of " + item.name + " is damaged: its checksum differs");
  SavedFile saved{{}, item.info, whole->sums.sha256, contents.shown.delivery};
  saved.info.sealed = false;
  if (!opens) return saved;
  if (auto admitted = admit_item(job_, contents, item, whole->tag); !admitted) return tl::unexpected(admitted.error());
  saved.info = opened_info(item, whole->size, whole->sums.xxh128);
  return saved;
}

Result<SavedFile> StreamReceiver::write_file(const DeliveryContents& contents, const Item& item) {
  const wire::FileInfo& info = item.info;
  if (!current_ || current_->file != info.file)
    begin(contents.shown.delivery, info.file, info.name, item.open, item.in_manifest);
  job_.tally.expect(info.file, item.name, item.open ? seal::plain_part(info.size) : info.size, false);
  if (auto pulled = pull_all(Expected(info), item.name); !pulled) return tl::unexpected(pulled.error());
  auto saved = check_file(contents, item, *current_->incoming);
  current_.reset();
  return saved;
}

// The pack is at hand until one file of another is written: they stand together.
Result<SavedFile> StreamReceiver::write_part(const DeliveryContents& contents, std::size_t index) {
  const Item& item = contents.items[index];
  // Followed before its list told that it holds several files: what is written of it cannot be taken back.
  if (current_ && current_->file == item.info.file) {
    if (current_->incoming->taken() > 0)
      return fail(Kind::integrity, item.name +
                                       " was sent in one piece with other files, and some of that was written " +
                                       "before their list was there");
    current_.reset();
  }
  if (!pack_ || pack_->file != item.info.file) {
    const auto sealed = fetch_whole(job_, item.info, item.name);
    if (!sealed) return tl::unexpected(sealed.error());
    auto plain = open_pack(job_, contents, index, *sealed);
    if (!plain) return tl::unexpected(plain.error());
    pack_.emplace(Pack{item.info.file, std::move(*plain)});
  }
  const std::string_view bytes = part_of(item, pack_->plain);
  job_.tally.expect(item.id(), item.name, bytes.size(), false);
  if (auto written = write(as_bytes(bytes)); !written) return tl::unexpected(written.error());
  job_.tally.arrived(item.id(), bytes.size());
  if (auto counted = count_pack(*item.part, index, item.info); !counted) return tl::unexpected(counted.error());
  const Sums sums = sums_of(as_bytes(bytes), job_.options.sha256);
  return SavedFile{{}, opened_info(item, bytes.size(), sums.xxh128), sums.sha256, contents.shown.delivery};
}

// Of a limited link: with the last file of a pack, wanted or not, its download counts, if any of it was written.
Result<void> StreamReceiver::count_pack(const PackPart& part, std::size_t index, const wire::FileInfo& info) {
  if (!job_.limited || index + 1 != part.end || !pack_ || pack_->file != info.file) return {};
  return ask_for_last_byte(job_, client_, info, false);
}

Result<void> StreamReceiver::write_text(const DeliveryContents& contents, SavedDelivery& out) {
  SavedFile file{{}, file_of_text(contents), std::nullopt, out.info.delivery};
  out.sealed_text = file.info.sealed;
  if (const Wish wish = job_.tally.accept(contents.shown, file.info); wish != Wish::save) {
    if (wish == Wish::later) ++out.later;
    out.declined.push_back(file.info.name);
    return {};
  }
  if (auto counted = count_list(job_, contents); !counted) return counted;
  if (auto written = write(as_bytes(out.info.message)); !written) return written;
  if (job_.options.sha256) file.sha256 = sha256(as_bytes(out.info.message));
  job_.tally.saved(file);
  out.files.push_back(std::move(file));
  return {};
}

Result<SavedDelivery> StreamReceiver::write_text(const DeliveryContents& contents) {
  SavedDelivery out;
  out.info = contents.shown;
  if (auto written = write_text(contents, out); !written) return tl::unexpected(written.error());
  if (auto durable = make_durable(); !durable) return tl::unexpected(durable.error());
  return out;
}

Result<SavedDelivery> StreamReceiver::write_delivery(const wire::DeliveryInfo& delivery) {
  const auto contents = read_contents(job_, delivery);
  if (!contents) return tl::unexpected(contents.error());
  if (contents->locked) return tl::unexpected(no_key());
  if (auto admitted = admit(job_, *contents); !admitted) return tl::unexpected(admitted.error());
  if (is_text(contents->shown)) return write_text(*contents);
  if (auto counted = count_list(job_, *contents); !counted) return tl::unexpected(counted.error());
  SavedDelivery out;
  out.info = contents->shown;
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < contents->items.size(); ++i) order.push_back(i);
  // The one that was begun while it was uploaded comes first.
  if (current_)
    std::stable_partition(order.begin(), order.end(),
                          [&](std::size_t i) { return contents->items[i].info.file == current_->file; });
  std::vector<Wish> wishes(order.size());
  for (const std::size_t i : order) {
    const wire::FileInfo& shown = contents->shown.files[i];
    const Wish wish = wishes[i] = job_.tally.accept(contents->shown, shown);
    if (wish != Wish::save) {
      if (wish == Wish::later) ++out.later;
      out.declined.push_back(shown.name);
      if (const auto& part = contents->items[i].part)
        if (auto counted = count_pack(*part, i, contents->items[i].info); !counted)
          return tl::unexpected(counted.error());
      continue;
    }
    auto saved = contents->items[i].part ? write_part(*contents, i) : write_file(*contents, contents->items[i]);
    if (!saved) return tl::unexpected(saved.error());
    job_.tally.saved(*saved);
    job_.tally.forget(shown.file);
    out.files.push_back(std::move(*saved));
  }
  add_unsaved(*contents, wishes, out);
  if (auto durable = make_durable(); !durable) return tl::unexpected(durable.error());
  return out;
}

const wire::DeliveryInfo* StreamReceiver::choose(const std::vector<const wire::DeliveryInfo*>& fresh) const {
  if (!current_) return fresh.empty() ? nullptr : fresh.front();
  for (const auto* delivery : fresh)
    for (const auto& file : delivery->files)
      if (file.file == current_->file) return delivery;
  // Not committed yet: the others wait, since the output holds a part of this one.
  return nullptr;
}

Result<void> StreamReceiver::update(const std::vector<wire::UploadInfo>& uploads) {
  if (!current_) {
    const auto first = std::find_if(uploads.begin(), uploads.end(), [this](const auto& upload) {
      // The manifest comes before the files, and is not one of them. An item that is small may be a pack: what it holds
      // stands in the manifest only.
      const bool perhaps_pack = is_item_name(upload.name) && upload.length.value_or(~0ULL) <= wire::most_small_bytes;
      return !job_.options.identity || (upload.name != wire::manifest_name && !perhaps_pack);
    });
    return first == uploads.end() ? Result<void>{} : follow(*first);
  }
  const auto it =
      std::find_if(uploads.begin(), uploads.end(), [this](const auto& u) { return u.upload == current_->file; });
  if (it != uploads.end()) return follow(*it);
  if (current_->complete) return {};  // its delivery is not committed yet
  // It cannot be taken back from a pipe: the reader is told by the failure of the run.
  if (current_->incoming->taken() > 0)
    return fail(Kind::gone, "the sender took " + current_->name + " back after " +
                                std::to_string(current_->incoming->taken()) + " bytes of it were written");
  job_.tally.forget(current_->file);
  current_.reset();
  return {};
}

}  // namespace qrx::receive
