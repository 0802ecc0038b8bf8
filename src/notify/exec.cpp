#include "notify/exec.h"

#include "notify/api.h"
#include "notify/command.h"
#include "notify/transport_table.h"
#include "notify/wording.h"
#include "wire/limits.h"
#include "wire/share_messages.h"

namespace qrx::notify {
namespace {

constexpr Seconds usual_limit{30};

class Exec : public Transport {
 public:
  explicit Exec(const Settings& settings) : settings_(settings) {}

  Outcome send(const Notice& notice) override {
    const auto colon = notice.to.address.find(':');
    const std::string name = notice.to.address.substr(0, colon);
    const auto command = settings_.commands.find(name);
    const Table table(settings_, "exec." + name);
    // A recipient is as hostile as any: a name that is not in the configuration runs nothing.
    if (command == settings_.commands.end() || !table.truth("enabled", true))
      return failed("the command " + name + " is not configured");
    json words = {{"v", 1},
                  {"id", notice.id.text()},
                  {"to", notice.to.address.substr(colon + 1)},
                  {"from", plain_words(notice.from, most_label_bytes)},
                  {"message", plain_lines(notice.message, wire::most_share_message_bytes)},
                  {"summary", plain_words(notice.summary, most_summary_bytes)},
                  {"link", notice.link},
                  {"subject", subject(notice)},
                  {"text", chat_text(notice, usual_chat_bytes)}};
    if (notice.expires) words["expires"] = to_rfc3339(*notice.expires);
    return run_command(command->second, wire::dump(words) + "\n", table.seconds("timeout", usual_limit));
  }

 private:
  Settings settings_;
};

}  // namespace

MadeTransport make_exec(const Settings& settings) {
  return std::make_unique<Exec>(settings);
}

}  // namespace qrx::notify
