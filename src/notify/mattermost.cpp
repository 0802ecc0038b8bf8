// Mattermost's incoming webhooks. Their text is Markdown.
#include "notify/api.h"
#include "notify/wording.h"

namespace qrx::notify {
namespace {

constexpr std::size_t most_text = 4000;

class Mattermost : public Transport {
 public:
  explicit Mattermost(const Settings& settings)
      : table_(settings, "mattermost"), rules_(hook_rules(settings, table_)) {}

  Outcome send(const Notice& notice) override {
    const auto answer =
        ask(json_hook(table_, rules_, notice.to.address, {{"text", chat_text(notice, most_text, Markup::markdown)}}));
    if (!answer) return answer.error();
    const json said = body_of(*answer);
    const Outcome outcome = judge(*answer, false, text_in(said, "message"));
    if (outcome.state == Outcome::State::sent && number_in(said, "status_code", 200) >= 400)
      return failed("the hook took nothing: " + text_in(said, "message"));
    return outcome;
  }

 private:
  Table table_;
  HookRules rules_;
};

}  // namespace

MadeTransport make_mattermost(const Settings& settings) {
  return std::make_unique<Mattermost>(settings);
}

}  // namespace qrx::notify
