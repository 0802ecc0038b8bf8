#include "notify/make_transport.h"

#include "notify/chat_hooks.h"
#include "notify/exec.h"
#include "notify/mail.h"
#include "notify/matrix.h"
#include "notify/ntfy.h"
#include "notify/robots.h"
#include "notify/sms.h"
#include "notify/telegram.h"
#include "notify/webhook.h"
#include "notify/xmpp.h"

namespace qrx::notify {

MadeTransport make_transport(wire::Channel channel, const Settings& settings) {
  using wire::Channel;
  switch (channel) {
    case Channel::mail:
      return make_mail(settings);
    case Channel::sms:
      return make_sms(settings);
    case Channel::xmpp:
      return make_xmpp(settings);
    case Channel::matrix:
      return make_matrix(settings);
    case Channel::telegram:
      return make_telegram(settings);
    case Channel::ntfy:
      return make_ntfy(settings);
    case Channel::slack:
      return make_slack(settings);
    case Channel::mattermost:
      return make_mattermost(settings);
    case Channel::discord:
      return make_discord(settings);
    case Channel::wecom:
      return make_wecom(settings);
    case Channel::dingtalk:
      return make_dingtalk(settings);
    case Channel::feishu:
      return make_feishu(settings);
    case Channel::webhook:
      return make_webhook(settings);
    case Channel::exec:
      return make_exec(settings);
    case Channel::link:
      break;
  }
  return fail(Kind::usage, "there is nobody to notify");
}

}  // namespace qrx::notify
