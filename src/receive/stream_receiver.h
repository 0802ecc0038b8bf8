// Receiving to a file descriptor: files one after another, each byte once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/owner_client.h"
#include "base/result.h"
#include "receive/incoming.h"
#include "receive/receive_job.h"
#include "receive/received.h"
#include "receive/sealed_contents.h"

namespace qrx::receive {

// One thread at a time.
class StreamReceiver {
 public:
  StreamReceiver(const ReceiveJob& job, int stream);

  // The committed delivery to write next: the one that was begun while it was uploaded, before all others.
  const wire::DeliveryInfo* choose(const std::vector<const wire::DeliveryInfo*>& fresh) const;
  Result<SavedDelivery> write_delivery(const wire::DeliveryInfo& delivery);
  Result<SavedDelivery> write_text(const DeliveryContents& contents);  // REQUIRES: it is one
  // Follows the first upload. Kind::gone when it was withdrawn after bytes of it were written.
  Result<void> update(const std::vector<wire::UploadInfo>& uploads);

 private:
  struct Current {
    Id delivery, file;
    std::string name;
    std::unique_ptr<Incoming> incoming;
    bool complete = false;   // the server ended it in order
    bool must_open = false;  // it belongs to a sealed delivery: nothing of it is written as it is
  };
  void begin(const Id& delivery, const Id& file, const std::string& name, bool open, bool must_open = false);
  Result<void> write(ByteView bytes);
  Result<void> make_durable();
  Result<void> pull(const Expected& expected);
  Result<void> pull_all(const Expected& expected, const std::string& name);
  Result<void> follow(const wire::UploadInfo& upload);
  Result<void> write_text(const DeliveryContents& contents, SavedDelivery& out);
  Result<SavedFile> write_file(const DeliveryContents& contents, const Item& item);
  Result<SavedFile> write_part(const DeliveryContents& contents, std::size_t index);
  Result<void> count_pack(const PackPart& part, std::size_t index, const wire::FileInfo& info);
  Result<SavedFile> check_file(const DeliveryContents& contents, const Item& item, Incoming& incoming);

  const ReceiveJob& job_;
  int stream_;
  api::OwnerClient client_;
  std::vector<std::byte> buffer_;
  std::optional<Current> current_;
  struct Pack {
    Id file;            // as the server has it
    std::string plain;  // what it holds
  };
  std::optional<Pack> pack_;  // of the file that was written last
  Millis next_pause_{0};
};

}  // namespace qrx::receive
