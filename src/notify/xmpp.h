// XMPP (RFC 6120, 6121), by libstrophe: TLS is required and the certificate verified.
// Table xmpp: user (the JID that sends), password_file; host, port, ca_file where DNS does not say them.
#pragma once

#include "notify/transport.h"

namespace qrx::notify {

// XMPP does not acknowledge a message. A ping (XEP-0199) to our own server follows it, which answers in order: with the
// pong the message was taken; without it the outcome is unknown.
// One at a time in a process: what libstrophe says of certificates has no context of its own.
MadeTransport make_xmpp(const Settings& settings);

}  // namespace qrx::notify
