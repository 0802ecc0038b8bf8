// SMS: into the spool of gammu-smsd or smstools, or to an HTTP API in the manner of Twilio.
// Table sms: spool and directory; or url with user, password_file, from. One SMS a notice; a link that does not fit in
// one has failed.
#pragma once

#include "notify/transport.h"

namespace qrx::notify {

MadeTransport make_sms(const Settings& settings);

}  // namespace qrx::notify
