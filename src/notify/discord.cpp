// Discord's webhooks. Their text is Markdown; nobody is mentioned, nothing is previewed.
#include "notify/api.h"
#include "notify/wording.h"

namespace qrx::notify {
namespace {

constexpr std::size_t most_text = 2000;
constexpr int suppress_embeds = 1 << 2;

class Discord : public Transport {
 public:
  explicit Discord(const Settings& settings) : table_(settings, "discord"), rules_(hook_rules(settings, table_)) {}

  Outcome send(const Notice& notice) override {
    const json body = {{"content", chat_text(notice, most_text, Markup::markdown)},
                       {"allowed_mentions", {{"parse", json::array()}}},
                       {"flags", suppress_embeds}};
    auto answer = ask(json_hook(table_, rules_, notice.to.address, body));
    if (!answer) return answer.error();
    const json said = body_of(*answer);
    if (const auto wait = wait_in(said, "retry_after")) answer->retry_after = wait;
    const Outcome outcome = judge(*answer, false, text_in(said, "message"));
    if (outcome.state == Outcome::State::sent && number_in(said, "code", 0) != 0)
      return failed("the hook took nothing: " + text_in(said, "message"));
    return outcome;
  }

 private:
  Table table_;
  HookRules rules_;
};

}  // namespace

MadeTransport make_discord(const Settings& settings) {
  return std::make_unique<Discord>(settings);
}

}  // namespace qrx::notify
