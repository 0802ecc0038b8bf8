// Group robots of WeCom (WeChat Work). Failures come with HTTP 200 and an errcode.
#include "base/text.h"
#include "notify/api.h"
#include "notify/wording.h"

namespace qrx::notify {
namespace {

constexpr std::size_t most_text = 2048;
constexpr std::int64_t busy = -1;
constexpr std::int64_t too_often = 45009;
constexpr Seconds a_minute{60};  // 20 messages a minute

class Wecom : public Transport {
 public:
  explicit Wecom(const Settings& settings) : table_(settings, "wecom") {}

  Outcome send(const Notice& notice) override {
    const json body = {{"msgtype", "text"}, {"text", {{"content", chat_text(notice, most_text)}}}};
    const auto answer =
        ask(json_request(table_, "https://qyapi.weixin.qq.com",
                         "/cgi-bin/webhook/send?key=" + percent_encode_segment(notice.to.address), body));
    if (!answer) return answer.error();
    const json said = body_of(*answer);
    const Outcome outcome = judge(*answer, false, text_in(said, "errmsg"));
    if (outcome.state != Outcome::State::sent) return outcome;
    if (!said.contains("errcode")) return failed("the robot gave no errcode");
    const std::int64_t code = number_in(said, "errcode", busy);
    const std::string reason = "errcode " + std::to_string(code) + ": " + text_in(said, "errmsg");
    if (code == 0) return sent();
    return code == too_often ? later(reason, a_minute) : code == busy ? later(reason) : failed(reason);
  }

 private:
  Table table_;
};

}  // namespace

MadeTransport make_wecom(const Settings& settings) {
  return std::make_unique<Wecom>(settings);
}

}  // namespace qrx::notify
