// One way to tell a recipient, as the helper qrx-notify has it, made by its function below from its table.
#pragma once

#include <memory>

#include "base/result.h"
#include "notify/notice.h"
#include "notify/settings.h"

namespace qrx::notify {

class Transport {
 public:
  virtual ~Transport() = default;
  // Blocks, less than the two minutes of Courier::send. notice.to is of this transport's channel.
  virtual Outcome send(const Notice& notice) = 0;
};

// An error is about the table (a password file that cannot be read); it becomes the outcome of each notice.
using MadeTransport = Result<std::unique_ptr<Transport>>;
MadeTransport make_mail(const Settings& settings);
MadeTransport make_sms(const Settings& settings);
MadeTransport make_xmpp(const Settings& settings);
MadeTransport make_matrix(const Settings& settings);
MadeTransport make_telegram(const Settings& settings);
MadeTransport make_ntfy(const Settings& settings);
MadeTransport make_slack(const Settings& settings);
MadeTransport make_mattermost(const Settings& settings);
MadeTransport make_discord(const Settings& settings);
MadeTransport make_wecom(const Settings& settings);
MadeTransport make_dingtalk(const Settings& settings);
MadeTransport make_feishu(const Settings& settings);
MadeTransport make_webhook(const Settings& settings);
MadeTransport make_exec(const Settings& settings);
MadeTransport make_transport(wire::Channel channel, const Settings& settings);

inline Outcome sent() {
  return {Outcome::State::sent, {}, {}};
}
inline Outcome failed(std::string reason) {
  return {Outcome::State::failed, std::move(reason), {}};
}
inline Outcome later(std::string reason, std::optional<Seconds> retry_after = {}) {
  return {Outcome::State::later, std::move(reason), retry_after};
}
inline Outcome unknown(std::string reason) {
  return {Outcome::State::unknown, std::move(reason), {}};
}

}  // namespace qrx::notify
