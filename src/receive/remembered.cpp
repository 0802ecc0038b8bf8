#include "receive/remembered.h"

#include "api/owner_client.h"
#include "receive/seen_seals.h"
#include "receive/sender_news.h"
#include "seal/item.h"
#include "wire/messages.h"

namespace qrx::receive {

Result<Unsaved> find_unsaved(const wire::OwnerLink& link, const http::ClientOptions& options, const Finished& finished,
                             bool close) {
  api::OwnerClient client(link, options);
  // Closed before it is looked at: what comes after the look would be in no count.
  const auto info = close ? client.close_space() : client.space();
  if (!info) return tl::unexpected(info.error());
  Unsaved unsaved;
  unsaved.held = info->deliveries.size();
  for (const auto& delivery : info->deliveries) {
    if (finished.deliveries.contains(delivery.delivery)) continue;
    ++unsaved.deliveries;
    for (const auto& file : delivery.files) {
      // The manifest is no file of the sender's.
      if (finished.files.contains(file.file) || (file.sealed && file.name == wire::manifest_name)) continue;
      ++unsaved.files;
      unsaved.bytes += file.sealed ? seal::plain_part(file.size) : file.size;
    }
  }
  return unsaved;
}

Finished what_is_finished(const std::string& state_dir, const Guid& guid) {
  return SavedRecord(state_dir, guid).finished();
}

void tell_senders(const std::string& state_dir, const wire::OwnerLink& link, const http::ClientOptions& client) {
  SavedRecord record(state_dir, link.guid);
  SenderNews(link, client).tell(record);
}

void forget_finished(const std::string& state_dir, const Guid& guid) {
  SavedRecord::remove(state_dir, guid);
}

void forget_received(const std::string& state_dir, const Guid& guid) {
  forget_finished(state_dir, guid);
  SeenSeals(state_dir, guid, {}).remove();
}

}  // namespace qrx::receive
