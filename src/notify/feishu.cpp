// Group robots of Feishu (Lark), signed where the table has a secret. Failures come with HTTP 200 and a code.
#include "base/clock.h"
#include "base/text.h"
#include "notify/api.h"
#include "notify/signature.h"
#include "notify/wording.h"

namespace qrx::notify {
namespace {

constexpr std::size_t most_text = 16000;
constexpr std::int64_t none = -1;
constexpr std::int64_t too_often[] = {9499, 11232};
constexpr Seconds a_minute{60};  // 100 messages a minute

class Feishu : public Transport {
 public:
  Feishu(Table table, std::string secret) : table_(std::move(table)), secret_(std::move(secret)) {}

  Outcome send(const Notice& notice) override {
    json body = {{"msg_type", "text"}, {"content", {{"text", chat_text(notice, most_text)}}}};
    if (!secret_.empty()) {
      const std::string now =
          std::to_string(std::chrono::floor<Seconds>(system_clock().wall()).time_since_epoch().count());
      body["timestamp"] = now;
      body["sign"] = hmac_sha256_base64(now + "\n" + secret_, "");
    }
    const auto answer = ask(json_request(table_, "https://open.feishu.cn",
                                         "/open-apis/bot/v2/hook/" + percent_encode_segment(notice.to.address), body));
    if (!answer) return answer.error();
    const json said = body_of(*answer);
    const std::string explanation = text_in(said, "msg");
    const std::int64_t code = number_in(said, "code", number_in(said, "StatusCode", none));
    if (code == too_often[0] || code == too_often[1])
      return later("code " + std::to_string(code) + ": " + explanation, a_minute);
    const Outcome outcome = judge(*answer, false, explanation);
    if (outcome.state != Outcome::State::sent || code == 0) return outcome;
    return code == none ? failed("the robot gave no code")
                        : failed("code " + std::to_string(code) + ": " + explanation);
  }

 private:
  Table table_;
  std::string secret_;
};

}  // namespace

MadeTransport make_feishu(const Settings& settings) {
  Table table(settings, "feishu");
  auto secret = table.secret("secret_file");
  if (!secret) return tl::unexpected(secret.error());
  return std::make_unique<Feishu>(std::move(table), std::move(*secret));
}

}  // namespace qrx::notify
