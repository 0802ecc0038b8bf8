#include "notify/robots.h"

#include <algorithm>
#include <initializer_list>

#include "base/clock.h"
#include "base/text.h"
#include "notify/api.h"
#include "notify/signature.h"
#include "notify/wording.h"

namespace qrx::notify {
namespace {

// DingTalk and Feishu take requests of 20,000 bytes: there is room for the rest of the JSON and its escapes.
constexpr std::size_t most_text = 16'000;
constexpr std::size_t most_for_wecom = 2048;  // bytes of content

// They tell failures by a number in the answer, with HTTP 200.
class Robot : public Transport {
 public:
  Robot(Table table, std::string secret, const char* url)
      : table_(std::move(table)), secret_(std::move(secret)), url_(url) {}

  Outcome send(const Notice& notice) final {
    const Call call = call_for(notice, secret_);
    const auto answer = ask(json_request(table_, url_, call.path, call.body));
    if (!answer) return answer.error();
    return outcome_of(*answer, body_of(*answer));
  }

 protected:
  struct Call {
    std::string path;
    json body;
  };
  virtual Call call_for(const Notice& notice, const std::string& secret) const = 0;
  virtual Outcome outcome_of(const HttpAnswer& answer, const json& said) const = 0;

 private:
  Table table_;
  std::string secret_;  // empty: requests are not signed
  const char* url_;
};

// What DingTalk and WeCom answer: {"errcode": 0, "errmsg": "ok"}.
Outcome outcome_of_errcode(const HttpAnswer& answer, const json& said, std::initializer_list<std::int64_t> too_often,
                           Seconds their_pause) {
  // "system busy" in both
  constexpr std::int64_t busy = -1;
  const Outcome outcome = judge(answer, false, text_in(said, "errmsg"));
  if (outcome.state != Outcome::State::sent) return outcome;
  // A 200 without it comes from something on the way.
  if (!said.contains("errcode")) return failed("the robot's answer has no errcode");
  const std::int64_t code = number_in(said, "errcode", busy);
  if (code == 0) return sent();
  const std::string reason = "errcode " + std::to_string(code) + ": " + text_in(said, "errmsg");
  if (std::find(too_often.begin(), too_often.end(), code) != too_often.end()) return later(reason, their_pause);
  return code == busy ? later(reason) : failed(reason);
}

class Dingtalk : public Robot {
 public:
  Dingtalk(Table table, std::string secret) : Robot(std::move(table), std::move(secret), "https://oapi.dingtalk.com") {}

 private:
  Call call_for(const Notice& notice, const std::string& secret) const override {
    std::string path = "/robot/send?access_token=" + percent_encode_segment(notice.to.address);
    if (!secret.empty()) {
      // DingTalk, "Customize robot security settings": HMAC of "timestamp\nsecret" under the secret, milliseconds.
      const std::string now = std::to_string(system_clock().wall().time_since_epoch().count());
      path += "&timestamp=" + now + "&sign=" + percent_encode_segment(hmac_sha256_base64(secret, now + "\n" + secret));
    }
    return {std::move(path),
            {{"msgtype", "text"}, {"text", {{"content", chat_text(notice, most_text)}}}, {"at", {{"isAtAll", false}}}}};
  }

  Outcome outcome_of(const HttpAnswer& answer, const json& said) const override {
    return outcome_of_errcode(answer, said, {130101, 660026}, Seconds{600});  // it is muted for ten minutes then
  }
};

class Wecom : public Robot {
 public:
  explicit Wecom(Table table) : Robot(std::move(table), "", "https://qyapi.weixin.qq.com") {}

 private:
  Call call_for(const Notice& notice, const std::string&) const override {
    return {"/cgi-bin/webhook/send?key=" + percent_encode_segment(notice.to.address),
            {{"msgtype", "text"}, {"text", {{"content", chat_text(notice, most_for_wecom)}}}}};
  }

  Outcome outcome_of(const HttpAnswer& answer, const json& said) const override {
    return outcome_of_errcode(answer, said, {45009}, Seconds{60});  // 20 messages a minute
  }
};

class Feishu : public Robot {
 public:
  Feishu(Table table, std::string secret) : Robot(std::move(table), std::move(secret), "https://open.feishu.cn") {}

 private:
  Call call_for(const Notice& notice, const std::string& secret) const override {
    json body = {{"msg_type", "text"}, {"content", {{"text", chat_text(notice, most_text)}}}};
    if (!secret.empty()) {
      const std::string now =
          std::to_string(std::chrono::floor<Seconds>(system_clock().wall()).time_since_epoch().count());
      body["timestamp"] = now;
      // Feishu signs the other way round: the empty message under "timestamp\nsecret", in seconds.
      body["sign"] = hmac_sha256_base64(now + "\n" + secret, "");
    }
    return {"/open-apis/bot/v2/hook/" + percent_encode_segment(notice.to.address), std::move(body)};
  }

  Outcome outcome_of(const HttpAnswer& answer, const json& said) const override {
    constexpr std::int64_t none = -1;
    constexpr std::int64_t too_often[] = {9499, 11232};  // 100 messages a minute
    const std::string explanation = text_in(said, "msg");
    // Two forms of one answer, by the age of the API.
    const std::int64_t code = number_in(said, "code", number_in(said, "StatusCode", none));
    const std::string reason = "code " + std::to_string(code) + ": " + explanation;
    // Before the status: it comes with 400 as well as with 200.
    if (code == too_often[0] || code == too_often[1]) return later(reason, Seconds{60});
    const Outcome outcome = judge(answer, false, explanation);
    if (outcome.state != Outcome::State::sent || code == 0) return outcome;
    return failed(code == none ? "the robot's answer has no code" : reason);
  }
};

template <class Made>
MadeTransport make_signing(const Settings& settings, const char* name) {
  Table table(settings, name);
  auto secret = table.secret("secret_file");
  if (!secret) return tl::unexpected(secret.error());
  return std::make_unique<Made>(std::move(table), std::move(*secret));
}

}  // namespace

MadeTransport make_dingtalk(const Settings& settings) {
  return make_signing<Dingtalk>(settings, "dingtalk");
}
MadeTransport make_wecom(const Settings& settings) {
  return std::make_unique<Wecom>(Table(settings, "wecom"));
}
MadeTransport make_feishu(const Settings& settings) {
  return make_signing<Feishu>(settings, "feishu");
}

}  // namespace qrx::notify
