// Whom a share goes to: the forms a recipient is written in (qrx-share(1)), to a channel and an address, and back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace qrx::wire {

enum class Channel : std::uint8_t {
  link,        // link:NAME        nobody is notified: the caller delivers the link
  mail,        // alice@example.org, mailto:alice@example.org
  sms,         // +8613800138000, sms:+8613800138000 (E.164; spaces, dots, dashes and brackets are dropped)
  xmpp,        // xmpp:alice@example.org
  matrix,      // matrix:!room:example.org, matrix:@alice:example.org
  telegram,    // tg:CHAT or tg:@channel
  ntfy,        // ntfy:TOPIC
  slack,       // slack:https://HOOK
  mattermost,  // mattermost:https://HOOK
  discord,     // discord:https://HOOK
  wecom,       // wecom:KEY
  dingtalk,    // dingtalk:TOKEN
  feishu,      // feishu:ID
  webhook,     // https://HOOK (http:// too, if the operator allows it)
  exec,        // exec:NAME:ADDRESS    a command that the configuration names
};

std::string_view to_text(Channel channel);  // the name of its table in the configuration: "mail", "sms", ...

struct Recipient {
  Channel channel = Channel::link;
  std::string address;  // without the scheme; checked: no control bytes, no spaces, no second recipient in it
  friend bool operator==(const Recipient&, const Recipient&) = default;
};

// Kind::usage says what is wrong. The domain of a mail address is lowered, so that to_text() is the same for the same
// person.
Result<Recipient> parse_recipient(std::string_view text);
std::string to_text(const Recipient& recipient);  // what people read: "alice@example.org", "+86...", "xmpp:..."

}  // namespace qrx::wire
