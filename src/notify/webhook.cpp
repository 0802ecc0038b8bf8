#include "notify/webhook.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "notify/api.h"
#include "notify/signature.h"
#include "notify/wording.h"
#include "wire/limits.h"
#include "wire/share_messages.h"

namespace qrx::notify {
namespace {

// The signature is webhook-signature: v1,<base64 of HMAC-SHA256 over "id.timestamp.body">.
class Webhook : public Transport {
 public:
  Webhook(const Settings& settings, Table table, std::string key)
      : table_(std::move(table)), rules_(hook_rules(settings, table_)), key_(std::move(key)) {}

  Outcome send(const Notice& notice) override {
    json body = {{"v", 1},
                 {"type", "qrx.ready"},
                 {"id", notice.id.text()},
                 {"from", plain_words(notice.from, most_label_bytes)},
                 {"message", plain_lines(notice.message, wire::most_share_message_bytes)},
                 {"summary", plain_words(notice.summary, most_summary_bytes)},
                 {"link", notice.link},
                 {"text", chat_text(notice, usual_chat_bytes)}};
    if (notice.expires) body["expires"] = to_rfc3339(*notice.expires);
    HttpRequest request = json_hook(table_, rules_, notice.to.address, body);
    const std::string id = notice.id.text();
    const std::string now =
        std::to_string(std::chrono::floor<Seconds>(system_clock().wall()).time_since_epoch().count());
    // The same at each attempt, so that the receiver knows what it has seen.
    request.headers.push_back("webhook-id: " + id);
    request.headers.push_back("webhook-timestamp: " + now);
    // Over the very bytes that are sent.
    if (!key_.empty())
      request.headers.push_back("webhook-signature: v1," +
                                hmac_sha256_base64(key_, id + "." + now + "." + request.body));
    const auto answer = ask(request);
    if (!answer) return answer.error();
    return judge(*answer, false);
  }

 private:
  Table table_;
  HookRules rules_;
  std::string key_;
};

}  // namespace

MadeTransport make_webhook(const Settings& settings) {
  Table table(settings, "webhook");
  auto secret = table.secret("secret_file");
  if (!secret) return tl::unexpected(secret.error());
  // Standard Webhooks: "whsec_" and the key in base64; anything else is the key itself.
  std::string key = *secret;
  if (constexpr std::string_view prefix = "whsec_"; key.starts_with(prefix)) {
    const auto bytes = from_base64(std::string_view(key).substr(prefix.size()));
    if (!bytes) return fail(Kind::usage, "notify.webhook: secret_file: what follows whsec_ is not base64");
    key.assign(bytes->begin(), bytes->end());
  }
  return std::make_unique<Webhook>(settings, std::move(table), std::move(key));
}

}  // namespace qrx::notify
