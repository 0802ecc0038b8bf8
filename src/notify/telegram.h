// Telegram's bot API (core.telegram.org/bots/api, sendMessage), to a chat that has let the bot in.
// Table telegram: token_file; url for a server of one's own.
#pragma once

#include "notify/transport.h"

namespace qrx::notify {

// Kind::usage when token_file holds what cannot be a bot token.
MadeTransport make_telegram(const Settings& settings);

}  // namespace qrx::notify
