#include "receive/sender_news.h"

#include <algorithm>
#include <utility>

#include "api/refusals.h"
#include "api/retry.h"

namespace qrx::receive {
namespace {

using wire::Receipt;
using wire::ReceiptState;

constexpr Millis answer_time{5'000};
constexpr int most_tries = 3;
constexpr Millis between_tries{300};

http::ClientOptions hurried(http::ClientOptions options) {
  options.connect_time = std::min(options.connect_time, answer_time);
  options.answer_time = std::min(options.answer_time, answer_time);
  options.stall_time = std::min(options.stall_time, answer_time);
  return options;
}

// So many at once as one request may name.
void add(std::vector<Receipt>& receipts, ReceiptState state, const std::vector<Id>& files) {
  for (std::size_t at = 0; at < files.size(); at += wire::most_receipt_files) {
    const auto end = std::min(files.size(), at + wire::most_receipt_files);
    receipts.push_back(
        {state, {files.begin() + static_cast<std::ptrdiff_t>(at), files.begin() + static_cast<std::ptrdiff_t>(end)}});
  }
}

}  // namespace

std::vector<Receipt> receipts_of(const SavedDelivery& delivery) {
  const std::size_t files = delivery.info.files.size();
  if (files == 0) {  // a text
    if (delivery.later > 0) return {};
    return {{delivery.declined.empty() ? ReceiptState::saved : ReceiptState::declined, {}}};
  }
  if (delivery.files.size() == files) return {{ReceiptState::saved, {}}};
  if (delivery.discarded.size() == files) return {{ReceiptState::declined, {}}};
  std::vector<Receipt> receipts;
  std::vector<Id> saved;
  for (const auto& file : delivery.files) saved.push_back(file.info.file);
  add(receipts, ReceiptState::saved, saved);
  add(receipts, ReceiptState::declined, delivery.discarded);
  return receipts;
}

SenderNews::SenderNews(const api::SpaceAddress& address, const http::ClientOptions& options)
    : wanted_(!address.shared), interrupt_(options.interrupt.get()), client_(address, hurried(options)) {}

void SenderNews::tell(const SavedDelivery& delivery) {
  for (const auto& receipt : receipts_of(delivery))
    if (!post(delivery.info.delivery, receipt)) return;
}

void SenderNews::tell_kept(const Id& delivery, const std::vector<Id>& saved) {
  std::vector<Receipt> receipts;
  add(receipts, ReceiptState::saved, saved);
  receipts.push_back({ReceiptState::kept, {}});
  for (const auto& receipt : receipts)
    if (!post(delivery, receipt)) return;
}

bool SenderNews::post(const Id& delivery, const Receipt& receipt) {
  if (!wanted_) return false;
  for (int tries = 1;; ++tries) {
    if (interrupt_ != nullptr && interrupt_->raised()) return false;
    const auto done = client_.receipt(delivery, receipt);
    if (done) return true;
    client_.close();
    // A server that knows no receipts answers 404.
    if (!api::is_temporary(done.error().kind) || tries == most_tries) return false;
    if (interrupt_ != nullptr && !api::sleep_interruptible(*interrupt_, between_tries)) return false;
  }
}

}  // namespace qrx::receive
