// Mail, one message a recipient: over SMTP by libcurl (RFC 5321, with STARTTLS or TLS), or through a local sendmail.
// Table mail: url with user, password_file, tls, ca_file; or sendmail; always from, and unsubscribe.
#pragma once

#include "notify/transport.h"

namespace qrx::notify {

// SMTP: failed for a reply of 5xx, later for 4xx, unknown when the connection broke after the last byte of the message
// and before the reply. sendmail: as run_command() has it.
MadeTransport make_mail(const Settings& settings);

}  // namespace qrx::notify
