// The requests of a space's owner about its shares: hand out links, see what became of them, report, take back.
#pragma once

#include <cstdint>
#include <optional>

#include "api/requests.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/client.h"
#include "wire/link.h"
#include "wire/messages.h"
#include "wire/share_messages.h"

namespace qrx::api {

// Trouble of network and server is ridden out for `patience`, but for claims, which nobody may make twice.
class ShareClient : public Requests {
 public:
  ShareClient(const wire::OwnerLink& link, const http::ClientOptions& options, Millis patience = Millis{15'000});

  Result<wire::SpaceInfo> space();
  Result<wire::Shares> create(const wire::CreateShares& wish);
  // All of them, whatever pages they come in. With `after`: when the space's seq is another, or after `wait` (60 s at
  // most).
  Result<wire::Shares> list(std::optional<std::uint64_t> after = {}, Seconds wait = Seconds{0});
  // `sending` claims the notice: tried once. Kind::conflict: somebody else has claimed or sent it.
  Result<wire::ShareInfo> report(const Id& share, const wire::ReportShare& report);
  Result<void> revoke(const Id& share);
  Result<void> revoke_all();

  void interrupt() { http_.interrupt(); }  // as Client::interrupt

 private:
  std::string shares() const;              // their path,
  std::string one(const Id& share) const;  // and that of one of them
  Result<http::ClientAnswer> ask(const char* method, const std::string& path, const std::string& body,
                                 const std::string& doing, bool once = false);

  Guid space_;
  std::string bearer_;
  Millis patience_;
};

}  // namespace qrx::api
