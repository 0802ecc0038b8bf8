// Incoming webhooks of chats, whose address is the recipient: Slack (and what speaks like it: Rocket.Chat), Mattermost,
// Discord. Tables slack, mattermost, discord: hosts, allow_http; they go where hook_rules() lets them.
#pragma once

#include "notify/transport.h"

namespace qrx::notify {

MadeTransport make_slack(const Settings& settings);
MadeTransport make_mattermost(const Settings& settings);
MadeTransport make_discord(const Settings& settings);

}  // namespace qrx::notify
