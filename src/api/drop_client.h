// The requests of a sender to one space, one call each: no retries, no state but the connection.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/requests.h"
#include "base/checksum.h"
#include "base/result.h"
#include "http/client.h"
#include "wire/id.h"
#include "wire/link.h"
#include "wire/messages.h"
#include "wire/receipt.h"
#include "wire/resource.h"

namespace qrx::api {

class DropClient : public Requests {
 public:
  DropClient(const wire::DropLink& link, const http::ClientOptions& options);

  Result<wire::DropInfo> look();
  Result<Id> open_delivery(const std::string& message);
  Result<wire::DeliveryState> delivery(const Id& delivery);
  // With what its receiver said of it; with `after`: when its seq is another, or after `wait` (60 s at most).
  Result<wire::DeliveryStatus> status(const Id& delivery, std::uint64_t after, Seconds wait);
  Result<wire::DeliveryState> commit(const Id& delivery, std::uint64_t files);
  Result<void> cancel(const Id& delivery);

  Result<Id> create_upload(const Id& delivery, const std::string& name, std::optional<std::uint64_t> length,
                           const wire::FileProperties& properties = {});
  struct Standing {
    std::uint64_t offset = 0;             // durable on the server
    std::optional<std::uint64_t> length;  // absent: the server does not know it yet
  };
  Result<Standing> upload_standing(const Id& upload);
  struct Patched {
    std::uint64_t offset = 0;      // acknowledged
    std::optional<Xxh128Sum> sum;  // of the whole file, when this completed it
  };
  // Sends `size` bytes of `reader` at `offset`. `final_length`: now known, of an upload that was opened without.
  Result<Patched> patch(const Id& upload, std::uint64_t offset, std::uint64_t size, const http::BodyReader& reader,
                        const std::function<void(std::uint64_t)>& sent, std::optional<std::uint64_t> final_length = {});

  // Pipelined: answers come in the order of the posts.
  Result<void> post_small(const Id& delivery, const std::string& name, std::string bytes,
                          const wire::FileProperties& properties = {});
  Result<std::optional<Xxh128Sum>> small_answer();
  // Likewise: many files by one request, a body as wire::add_to_batch() makes it; the sums of all of them. A server
  // that does not know it refuses.
  Result<void> post_batch(const Id& delivery, std::string body);
  Result<std::vector<Xxh128Sum>> batch_answer();

 private:
  std::string path(wire::Resource resource, const Id& item = {}) const;  // of something in the space
  Result<http::ClientAnswer> ask(const std::string& method, const std::string& target, const std::string& doing,
                                 std::string json = {});

  Guid space_;
};

}  // namespace qrx::api
