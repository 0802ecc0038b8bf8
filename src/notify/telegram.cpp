#include "notify/telegram.h"

#include "notify/api.h"
#include "notify/wording.h"

namespace qrx::notify {
namespace {

constexpr std::size_t most_text = 4096;  // "sendMessage"

class Telegram : public Transport {
 public:
  Telegram(Table table, std::string token) : table_(std::move(table)), token_(std::move(token)) {}

  Outcome send(const Notice& notice) override {
    const json body = {
        {"chat_id", notice.to.address}, {"text", chat_text(notice, most_text)}, {"disable_web_page_preview", true}};
    auto answer = ask(json_request(table_, "https://api.telegram.org", "/bot" + token_ + "/sendMessage", body));
    if (!answer) return answer.error();
    const json said = body_of(*answer);
    if (said.contains("parameters") && said["parameters"].is_object())
      if (const auto wait = wait_in(said["parameters"], "retry_after")) answer->retry_after = wait;
    const Outcome outcome = judge(*answer, false, text_in(said, "description"));
    if (outcome.state != Outcome::State::sent) return outcome;
    if (const auto ok = said.find("ok"); ok == said.end() || !ok->is_boolean() || !ok->get<bool>())
      return failed("Telegram did not accept the message: " + text_in(said, "description"));
    return sent();
  }

 private:
  Table table_;
  std::string token_;
};

}  // namespace

MadeTransport make_telegram(const Settings& settings) {
  Table table(settings, "telegram");
  auto token = table.secret("token_file");
  if (!token) return tl::unexpected(token.error());
  // The token becomes a part of the URL's path.
  if (token->find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:_-") !=
      std::string::npos)
    return fail(Kind::usage, "notify.telegram: token_file holds no bot token");
  return std::make_unique<Telegram>(std::move(table), std::move(*token));
}

}  // namespace qrx::notify
