// The requests of a space's owner, and of a recipient who reads it by a share link, one call each: no retries, no state
// but the connection.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "api/requests.h"
#include "api/space_address.h"
#include "base/checksum.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/client.h"
#include "wire/file_contents.h"
#include "wire/id.h"
#include "wire/messages.h"
#include "wire/receipt.h"

namespace qrx::api {

// What there is to receive.
struct SpaceContents {
  std::optional<std::uint64_t> seq;            // of a share: none, it does not say when it changes
  std::vector<wire::DeliveryInfo> deliveries;  // committed ones, oldest first
  std::vector<wire::UploadInfo> uploads;       // of a share: none are shown
  std::string next;                            // of one page: there is more
  bool limited = false;         // of a share: its files can be taken a number of times only, and their last byte counts
  std::uint64_t max_files = 0;  // of an owner's: so many it may hold; 0: no limit
};

class OwnerClient : public Requests {
 public:
  OwnerClient(const SpaceAddress& address, const http::ClientOptions& options);

  // With `wait`: answers when the space's seq is another than `after`, or after that time (60 s at most). Of a share:
  // at once.
  Result<SpaceContents> space(std::optional<std::uint64_t> after = {}, Seconds wait = Seconds{0});
  // The owner's: what the space is then. A server may grant less time than was asked for.
  Result<wire::SpaceInfo> change(const wire::ChangeSpace& wish);
  // The owner's: no new deliveries from now on; those that were begun may still be committed. The space as it is then.
  Result<SpaceContents> close_space();
  // The owner's. Only while the space holds so many deliveries: else Kind::conflict.
  Result<void> remove(std::optional<std::uint64_t> deliveries = {});

  // The owner's: what became of a delivery, for its sender.
  Result<void> receipt(const Id& delivery, const wire::Receipt& receipt);
  // The owner's: what it holds goes from the server. Kind::conflict while a link shares it, Kind::not_found also from a
  // server that cannot do it.
  Result<void> clear_delivery(const Id& delivery);

  // The content of a file, or of an upload while it grows, from `start` on; `known` is the sum of a committed file.
  struct Opened {
    std::uint64_t start = 0;  // where the bytes begin: `start` as asked, or 0 when the server sends the whole
  };
  // `until`: no further than that; a server that knows no ranges goes on.
  Result<Opened> open(const Id& file, std::uint64_t start, const std::optional<Xxh128Sum>& known,
                      std::optional<std::uint64_t> until = {});
  // Of the open content; 0 at its end.
  Result<std::size_t> read(std::span<std::byte> space) { return from_store_ ? store_->read(space) : http_.read(space); }
  void close();
  // The last byte of a file of so many, thrown away. Once, whatever happens to a connection that was kept: where this
  // byte counts, the caller must know whether the server may have given it. Kind::integrity from a server that knows no
  // ranges, for a larger file.
  Result<void> take_last_byte(const Id& file, std::uint64_t size, const Xxh128Sum& known);

  // Small files, pipelined: answers come in the order of the posts, each the whole content.
  Result<void> post_get(const Id& file);
  Result<std::string> content(std::size_t most_bytes);

  // Likewise, several small files of a delivery by one request (wire/file_contents.h), in their order; those that the
  // server does not give are missing. The owner's. Kind::not_found or Kind::other also from a server that cannot do it,
  // Kind::usage for an answer that is malformed, or has what was not asked for.
  struct Contents {
    std::vector<wire::FileContents> files;  // of `body`
    std::unique_ptr<const std::string> body;
  };
  Result<void> post_get_contents(const Id& delivery, std::span<const wire::AskedFile> files);
  Result<Contents> contents(std::span<const wire::AskedFile> files);

  void set_deadline(std::optional<Steady> deadline);  // as http::Client has it

 private:
  Result<SpaceContents> page(const std::string& query);
  Result<http::ClientAnswer> patch(const wire::ChangeSpace& change, const std::string& doing);
  http::ClientRequest request(const std::string& method, const std::string& target) const;
  Result<http::ClientAnswer> checked(Result<http::ClientAnswer> answer, const std::string& doing);

  bool follow(const http::ClientAnswer& redirect);

  const SpaceAddress address_;
  // A server with its contents elsewhere may name another place for the bytes of a file, which is no nearer to this
  // machine than the server itself (may_lead() of base/networks.h; by a proxy nobody would know). Only they come from
  // there, and nothing goes there but the address that it gave: no token. From anywhere else the server's own bytes are
  // taken.
  http::ClientOptions of_store_;
  std::optional<http::Client> store_;
  bool from_store_ = false;  // the open content
  std::optional<Steady> deadline_;
};

}  // namespace qrx::api
