// What a server allows of shares and their notices.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"

namespace qrx::space {

struct SharePolicy {
  std::uint64_t recipients = 1000;  // of one space; 0 in any of these: no limit
  // Notices by this server's transports, each within one day (UTC). Transports by the names of their tables in the
  // configuration: "mail", "sms", "exec.NAME".
  std::uint64_t notices_a_space = 2000;
  std::uint64_t notices_a_day = 10'000;    // in all
  std::uint64_t notices_a_recipient = 20;  // of all spaces
  std::map<std::string, std::uint64_t> notices_a_transport{{"mail", 5000}, {"sms", 200}};
  std::map<std::string, std::uint64_t> notices_a_recipient_by;  // a transport, where it is another number
  std::uint64_t notices_a_country = 100;                        // SMS to one country code
  std::vector<std::string> countries;                           // how numbers may begin, without '+'; empty: in any way
  Seconds give_up{24 * 3600};                                   // how long a notice is tried
  Seconds claim_lives{600};  // a caller that says nothing for so long after `sending` has ended: unknown
};

}  // namespace qrx::space
