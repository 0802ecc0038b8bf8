// Group robots of DingTalk, WeCom (WeChat Work) and Feishu (Lark); the recipient is the robot's key.
// Tables dingtalk, wecom, feishu: url; secret_file (not wecom) when the robot wants signed requests.
#pragma once

#include "notify/transport.h"

namespace qrx::notify {

MadeTransport make_dingtalk(const Settings& settings);
MadeTransport make_wecom(const Settings& settings);
MadeTransport make_feishu(const Settings& settings);

}  // namespace qrx::notify
