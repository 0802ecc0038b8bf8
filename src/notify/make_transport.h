// The transport of a channel.
#pragma once

#include "notify/transport.h"

namespace qrx::notify {

// Kind::usage for Channel::link, whose links nobody sends; an error about the table as the transport's own function.
MadeTransport make_transport(wire::Channel channel, const Settings& settings);

}  // namespace qrx::notify
