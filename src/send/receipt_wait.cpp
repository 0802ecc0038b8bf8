#include "send/receipt_wait.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/drop_client.h"
#include "api/refusals.h"
#include "api/retry.h"

namespace qrx::send {
namespace {

using std::chrono::steady_clock;

constexpr Seconds longest_wait{50};  // the server waits 60 s at most; proxies often end silent requests after 60 s
constexpr Millis give_up{60'000};
constexpr Millis first_pause{250};
constexpr Millis most_pause{5'000};

tl::unexpected<Error> not_in_time() {
  return fail(Kind::timed_out, "it was sent, but not received in time",
              "it stays on the server until the receiver has saved it, or the link expires");
}

// Of a sealed delivery the server knows, and counts, only items: what they are called, and how many files a pack holds,
// is known on this side.
ReceiptResult in_the_end(const wire::DeliveryStatus& status, const SentDelivery& delivery) {
  std::unordered_map<std::string, std::vector<std::string>> items;
  for (const SentFile& file : delivery.files) items[file.item].push_back(file.name);
  ReceiptResult out;
  out.counts = *status.receipt;
  out.counts.saved += delivery.files.size() - items.size();
  for (const auto& [file, receipt] : status.files) {
    const auto known = items.find(file.name);
    const std::vector<std::string> names = known == items.end() ? std::vector{file.name} : known->second;
    if (receipt != wire::ReceiptState::declined && receipt != wire::ReceiptState::kept) continue;
    const bool is_declined = receipt == wire::ReceiptState::declined;
    auto& list = is_declined ? out.declined : out.kept;
    list.insert(list.end(), names.begin(), names.end());
    (is_declined ? out.counts.declined : out.counts.kept) += names.size() - 1;
    out.counts.saved -= names.size() - 1;
  }
  return out;
}

}  // namespace

Result<ReceiptResult> await_receipt(const wire::DropLink& link, const http::ClientOptions& options,
                                    const SentDelivery& delivery, std::optional<Seconds> most) {
  api::DropClient client(link, options);
  http::Interrupt never;
  const http::Interrupt& interrupt = options.interrupt ? *options.interrupt : never;
  std::optional<Steady> deadline;
  if (most) deadline = steady_clock::now() + *most;
  std::uint64_t seen = 0;
  Millis next = first_pause;
  Steady heard = steady_clock::now();
  for (;;) {
    Seconds wait = longest_wait;
    // Rounded up: the last request would otherwise end before the deadline, and the loop ask again without a pause.
    if (deadline) wait = std::clamp(std::chrono::ceil<Seconds>(*deadline - steady_clock::now()), Seconds{0}, wait);
    const auto status = client.status(delivery.delivery, seen, wait);
    if (status) {
      // An older server: waiting would never end.
      if (!status->receipt) return fail(Kind::unsupported, "this server does not tell what was received");
      if (status->receipt->missing == 0) return in_the_end(*status, delivery);
      seen = status->seq;
      next = first_pause;
      heard = steady_clock::now();
      if (deadline && heard >= *deadline) return not_in_time();
      continue;
    }
    const Error& error = status.error();
    // The answer to this request may still come, and would be taken for that of the next.
    client.close();
    if (interrupt.raised()) return tl::unexpected(error);
    // An owner who ends a run deletes the space; receipts that were said go with it.
    if (error.kind == Kind::not_found)
      return fail(Kind::gone, "it was sent, but the receiver ended before it said whether it was saved");
    if (!api::is_temporary(error.kind)) return tl::unexpected(error);
    const Steady now = steady_clock::now();
    if (deadline && now >= *deadline) return not_in_time();
    if (now - heard >= give_up)
      return fail(Kind::unavailable, "it was sent, but the server cannot be reached: " + error.what);
    if (!api::sleep_interruptible(interrupt, next)) return tl::unexpected(error);
    next = std::min(next * 2, most_pause);
  }
}

}  // namespace qrx::send
