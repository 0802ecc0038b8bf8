// A notice as an Internet message (RFC 5322, 2045-2047, 2046): lines that end in CRLF, ready for SMTP's DATA before
// dot-stuffing. Pure.
#pragma once

#include <string>

#include "base/clock.h"
#include "notify/notice.h"

namespace qrx::notify {

struct MailSender {
  std::string name;         // display name, or empty
  std::string address;      // of From, of the envelope, and of the answer to List-Unsubscribe
  std::string unsubscribe;  // https: or mailto: address instead of the one made of `address`; or empty
};

// "qrx@example.org" or "Name <qrx@example.org>", as check_settings() has accepted it.
MailSender parse_sender(std::string_view text);

std::string mail_message(const MailSender& sender, const Notice& notice, WallTime now);

// RFC 2047: as it is when it is printable ASCII that looks like no encoded word, else encoded words of at most 75
// characters, folded; `used` characters stand on the first line already.
std::string encoded_header(std::string_view text, std::size_t used);
std::string quoted_printable(std::string_view lines);  // takes '\n', gives CRLF

}  // namespace qrx::notify
