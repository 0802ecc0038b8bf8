#include "receive/sender_news.h"

#include <algorithm>
#include <utility>

#include "api/refusals.h"
#include "api/retry.h"
#include "wire/limits.h"

namespace qrx::receive {
namespace {

using wire::Receipt;
using wire::ReceiptState;

// Short: what is to be saved must not wait for news to its sender.
constexpr Millis answer_time{5'000};
constexpr int most_tries = 3;
constexpr Millis between_tries{300};

// So many at once as one request may name.
void add(std::vector<Receipt>& receipts, ReceiptState state, const std::vector<Id>& files) {
  for (std::size_t at = 0; at < files.size(); at += wire::most_receipt_files) {
    const auto end = std::min(files.size(), at + wire::most_receipt_files);
    receipts.push_back(
        {state, {files.begin() + static_cast<std::ptrdiff_t>(at), files.begin() + static_cast<std::ptrdiff_t>(end)}});
  }
}

}  // namespace

http::ClientOptions hurried(http::ClientOptions options) {
  options.connect_time = std::min(options.connect_time, answer_time);
  options.answer_time = std::min(options.answer_time, answer_time);
  options.stall_time = std::min(options.stall_time, answer_time);
  return options;
}

Untold untold_of(const SavedDelivery& delivery) {
  Untold out{delivery.info.delivery, {}, delivery.discarded, delivery.later == 0};
  if (is_text(delivery.info))
    out.declined = out.whole && !delivery.declined.empty();
  else
    for (const auto& file : delivery.files) {
      const Id& id = file.info.file;
      // A pack has one name for all that it holds, and is saved when nothing of it is still wanted.
      if (!out.saved.empty() && out.saved.back() == id) continue;
      const auto& stay = delivery.unfinished;
      if (std::find(stay.begin(), stay.end(), id) == stay.end()) out.saved.push_back(id);
    }
  return out;
}

std::vector<Receipt> receipts_of(const Untold& untold) {
  std::vector<Receipt> receipts;
  const bool files = !untold.saved.empty() || !untold.discarded.empty();
  // A text has no files to name: its delivery is named as a whole.
  if (untold.whole && !files) return {{untold.declined ? ReceiptState::declined : ReceiptState::saved, {}}};
  if (untold.whole && untold.saved.empty()) return {{ReceiptState::declined, {}}};
  // Those first: "all the others" comes after them (wire::Receipt: an empty list is all of which nothing final was
  // said).
  add(receipts, ReceiptState::declined, untold.discarded);
  if (untold.whole)
    receipts.push_back({ReceiptState::saved, {}});
  else
    add(receipts, ReceiptState::saved, untold.saved);
  return receipts;
}

SenderNews::SenderNews(const api::SpaceAddress& address, const http::ClientOptions& options)
    : wanted_(!address.shared), interrupt_(options.interrupt.get()), client_(address, hurried(options)) {}

bool SenderNews::tell(const Untold& untold, SavedRecord& record) {
  for (const auto& receipt : receipts_of(untold)) {
    const Posted posted = post(untold.delivery, receipt);
    if (posted == Posted::not_now) return false;
    // It can never be told: not tried by every run from now on.
    if (posted == Posted::never) break;
  }
  // After the last of them: a run that is killed in between says some twice, which changes nothing.
  record.told(untold.delivery);
  return true;
}

void SenderNews::tell(SavedRecord& record) {
  if (!wanted_) return;
  for (const auto& untold : record.untold())
    if (!tell(untold, record)) return;
}

void SenderNews::tell_kept(const Id& delivery, SavedRecord& record) {
  if (!wanted_) return;
  // First what is final, since "kept" is said of all the rest.
  tell(record);
  static_cast<void>(post(delivery, {ReceiptState::kept, {}}));
}

SenderNews::Posted SenderNews::post(const Id& delivery, const Receipt& receipt) {
  for (int tries = 1;; ++tries) {
    if (interrupt_ != nullptr && interrupt_->raised()) return Posted::not_now;
    const auto done = client_.receipt(delivery, receipt);
    if (done) return Posted::yes;
    client_.close();
    // A server that knows no receipts answers 404, as does one whose space is gone.
    if (!api::is_temporary(done.error().kind)) return Posted::never;
    if (tries == most_tries) return Posted::not_now;
    if (interrupt_ != nullptr && !api::sleep_interruptible(*interrupt_, between_tries)) return Posted::not_now;
  }
}

}  // namespace qrx::receive
