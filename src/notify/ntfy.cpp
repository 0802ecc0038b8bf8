#include "notify/ntfy.h"

#include "notify/api.h"
#include "notify/wording.h"

namespace qrx::notify {
namespace {

constexpr std::size_t most_text = 4096;  // bytes; a longer message becomes an attachment

class Ntfy : public Transport {
 public:
  Ntfy(Table table, std::string token, std::string password)
      : table_(std::move(table)), token_(std::move(token)), password_(std::move(password)) {}

  Outcome send(const Notice& notice) override {
    HttpRequest request = json_request(table_, "https://ntfy.sh", "/",
                                       {{"topic", notice.to.address},
                                        {"title", subject(notice)},
                                        {"message", chat_text(notice, most_text)},
                                        {"click", notice.link}});
    if (!token_.empty()) request.headers.push_back("Authorization: Bearer " + token_);
    if (table_.has("user")) {
      request.user = table_.text("user");
      request.password = password_;
    }
    const auto answer = ask(request);
    if (!answer) return answer.error();
    const json said = body_of(*answer);
    const Outcome outcome = judge(*answer, false, text_in(said, "error"));
    // It answers 200 to what a proxy before it made of the request.
    if (outcome.state == Outcome::State::sent && (said.contains("error") || text_in(said, "id").empty()))
      return failed("ntfy did not accept the message: " + text_in(said, "error"));
    return outcome;
  }

 private:
  Table table_;
  std::string token_;
  std::string password_;
};

}  // namespace

MadeTransport make_ntfy(const Settings& settings) {
  Table table(settings, "ntfy");
  auto token = table.secret("token_file");
  if (!token) return tl::unexpected(token.error());
  auto password = table.secret("password_file");
  if (!password) return tl::unexpected(password.error());
  return std::make_unique<Ntfy>(std::move(table), std::move(*token), std::move(*password));
}

}  // namespace qrx::notify
