#include "notify/chat_hooks.h"

#include "notify/api.h"
#include "notify/protocol.h"
#include "notify/wording.h"

namespace qrx::notify {
namespace {

// The longest texts, in characters; ours are counted in bytes, of which there are never fewer.
constexpr std::size_t most_for_slack = 4000;       // "chat.postMessage": longer ones should not be sent
constexpr std::size_t most_for_mattermost = 4000;  // of servers before 5.0; newer ones take 16,383
constexpr std::size_t most_for_discord = 2000;     // "Execute Webhook", content

class ChatHook : public Transport {
 public:
  ChatHook(const Settings& settings, const char* table)
      : table_(settings, table), rules_(hook_rules(settings, table_)) {}

  Outcome send(const Notice& notice) final {
    auto answer = ask(json_hook(table_, rules_, notice.to.address, message(notice)));
    if (!answer) return answer.error();
    return outcome_of(*answer, body_of(*answer));
  }

 protected:
  virtual json message(const Notice& notice) const = 0;
  virtual Outcome outcome_of(HttpAnswer& answer, const json& said) const = 0;

  static Outcome not_accepted(const std::string& why) { return failed("the hook did not accept the message: " + why); }

 private:
  Table table_;
  HookRules rules_;
};

class Slack : public ChatHook {
 public:
  explicit Slack(const Settings& settings) : ChatHook(settings, "slack") {}

 private:
  json message(const Notice& notice) const override {
    return {{"text", chat_text(notice, most_for_slack, Markup::slack)},
            // No preview, for which the chat's servers would fetch what is meant for the recipient.
            {"unfurl_links", false},
            {"unfurl_media", false},
            {"link_names", false}};
  }

  Outcome outcome_of(HttpAnswer& answer, const json& said) const override {
    // Some that speak like Slack answer 200 with a text of their own; only "ok" and its like mean that it was taken.
    const std::string begin = answer.body.substr(0, 60);
    const Outcome outcome = judge(answer, false, answer.status < 500 ? begin : "");
    if (outcome.state != Outcome::State::sent) return outcome;
    const auto is_true = [&](const char* member) { return said.contains(member) && said[member] == true; };
    if (answer.body.starts_with("ok") || is_true("ok") || is_true("success")) return sent();
    return not_accepted(one_line(begin));
  }
};

// Its text is Markdown.
class Mattermost : public ChatHook {
 public:
  explicit Mattermost(const Settings& settings) : ChatHook(settings, "mattermost") {}

 private:
  json message(const Notice& notice) const override {
    return {{"text", chat_text(notice, most_for_mattermost, Markup::markdown)}};
  }

  Outcome outcome_of(HttpAnswer& answer, const json& said) const override {
    const Outcome outcome = judge(answer, false, text_in(said, "message"));
    // A proxy in front of it answers 200 and says the error in the body.
    if (outcome.state == Outcome::State::sent && number_in(said, "status_code", 200) >= 400)
      return not_accepted(text_in(said, "message"));
    return outcome;
  }
};

// Its text is Markdown; nobody is mentioned, nothing is previewed.
class Discord : public ChatHook {
 public:
  explicit Discord(const Settings& settings) : ChatHook(settings, "discord") {}

 private:
  json message(const Notice& notice) const override {
    // Discord, "Message Flags"
    constexpr int suppress_embeds = 1 << 2;
    return {{"content", chat_text(notice, most_for_discord, Markup::markdown)},
            {"allowed_mentions", {{"parse", json::array()}}},
            {"flags", suppress_embeds}};
  }

  Outcome outcome_of(HttpAnswer& answer, const json& said) const override {
    // To the millisecond, where the header has whole seconds.
    if (const auto wait = wait_in(said, "retry_after")) answer.retry_after = wait;
    const Outcome outcome = judge(answer, false, text_in(said, "message"));
    if (outcome.state == Outcome::State::sent && number_in(said, "code", 0) != 0)
      return not_accepted(text_in(said, "message"));
    return outcome;
  }
};

}  // namespace

MadeTransport make_slack(const Settings& settings) {
  return std::make_unique<Slack>(settings);
}
MadeTransport make_mattermost(const Settings& settings) {
  return std::make_unique<Mattermost>(settings);
}
MadeTransport make_discord(const Settings& settings) {
  return std::make_unique<Discord>(settings);
}

}  // namespace qrx::notify
