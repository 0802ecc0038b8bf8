// Slack's incoming webhooks, and what speaks like them (Rocket.Chat).
#include "notify/api.h"
#include "notify/protocol.h"
#include "notify/wording.h"

namespace qrx::notify {
namespace {

constexpr std::size_t most_text = 4000;

class Slack : public Transport {
 public:
  explicit Slack(const Settings& settings) : table_(settings, "slack"), rules_(hook_rules(settings, table_)) {}

  Outcome send(const Notice& notice) override {
    const json body = {{"text", chat_text(notice, most_text, Markup::slack)},
                       {"unfurl_links", false},
                       {"unfurl_media", false},
                       {"link_names", false}};
    const auto answer = ask(json_hook(table_, rules_, notice.to.address, body));
    if (!answer) return answer.error();
    const json said = body_of(*answer);
    const Outcome outcome = judge(*answer, false, answer->status < 500 ? answer->body.substr(0, 60) : "");
    if (outcome.state != Outcome::State::sent) return outcome;
    const auto is_true = [&](const char* member) { return said.contains(member) && said[member] == true; };
    if (answer->body.starts_with("ok") || is_true("ok") || is_true("success")) return sent();
    return failed("the hook took nothing: " + one_line(answer->body.substr(0, 60)));
  }

 private:
  Table table_;
  HookRules rules_;
};

}  // namespace

MadeTransport make_slack(const Settings& settings) {
  return std::make_unique<Slack>(settings);
}

}  // namespace qrx::notify
