// Group robots of DingTalk, signed where the table has a secret. Failures come with HTTP 200 and an errcode.
#include "base/clock.h"
#include "base/text.h"
#include "notify/api.h"
#include "notify/signature.h"
#include "notify/wording.h"

namespace qrx::notify {
namespace {

constexpr std::size_t most_text = 16000;
constexpr std::int64_t busy = -1;
constexpr std::int64_t too_often = 130101;
constexpr std::int64_t too_often_now = 660026;
constexpr Seconds their_pause{600};  // a robot that was too fast is muted for ten minutes

class Dingtalk : public Transport {
 public:
  Dingtalk(Table table, std::string secret) : table_(std::move(table)), secret_(std::move(secret)) {}

  Outcome send(const Notice& notice) override {
    const json body = {
        {"msgtype", "text"}, {"text", {{"content", chat_text(notice, most_text)}}}, {"at", {{"isAtAll", false}}}};
    std::string path = "/robot/send?access_token=" + percent_encode_segment(notice.to.address);
    if (!secret_.empty()) {
      const std::string now = std::to_string(system_clock().wall().time_since_epoch().count());
      path +=
          "&timestamp=" + now + "&sign=" + percent_encode_segment(hmac_sha256_base64(secret_, now + "\n" + secret_));
    }
    const auto answer = ask(json_request(table_, "https://oapi.dingtalk.com", path, body));
    if (!answer) return answer.error();
    const json said = body_of(*answer);
    const Outcome outcome = judge(*answer, false, text_in(said, "errmsg"));
    if (outcome.state != Outcome::State::sent) return outcome;
    if (!said.contains("errcode")) return failed("the robot gave no errcode");
    const std::int64_t code = number_in(said, "errcode", busy);
    const std::string reason = "errcode " + std::to_string(code) + ": " + text_in(said, "errmsg");
    if (code == 0) return sent();
    if (code == too_often || code == too_often_now) return later(reason, their_pause);
    return code == busy ? later(reason) : failed(reason);
  }

 private:
  Table table_;
  std::string secret_;
};

}  // namespace

MadeTransport make_dingtalk(const Settings& settings) {
  Table table(settings, "dingtalk");
  auto secret = table.secret("secret_file");
  if (!secret) return tl::unexpected(secret.error());
  return std::make_unique<Dingtalk>(std::move(table), std::move(*secret));
}

}  // namespace qrx::notify
