#include "notify/matrix.h"

#include "base/text.h"
#include "notify/api.h"
#include "notify/wording.h"

namespace qrx::notify {
namespace {

constexpr std::size_t most_text = 4096;  // ours; an event may have 64 KiB
constexpr std::string_view root = "/_matrix/client/v3";

using Room = tl::expected<std::string, Outcome>;

class Matrix : public Transport {
 public:
  Matrix(Table table, std::string token) : table_(std::move(table)), token_(std::move(token)) {}

  Outcome send(const Notice& notice) override {
    Room room = notice.to.address;
    if (room->starts_with('@')) room = direct_room(notice.to.address);
    if (!room) return room.error();
    // The transaction id is the notice's: the server knows an event again that is sent twice.
    const auto answer =
        call("PUT", "/rooms/" + percent_encode_segment(*room) + "/send/m.room.message/" + notice.id.text(),
             {{"msgtype", "m.text"}, {"body", chat_text(notice, most_text)}}, true);
    if (!answer) return answer.error();
    if (text_in(*answer, "event_id").empty()) return failed("the Matrix server's answer names no event");
    return sent();
  }

 private:
  tl::expected<json, Outcome> call(const char* method, const std::string& path, const json& body, bool repeatable) {
    HttpRequest request = json_request(table_, "", std::string(root) + path, body);
    request.method = method;
    request.headers.push_back("Authorization: Bearer " + token_);
    request.repeatable = repeatable;
    auto answer = ask(request);
    if (!answer) return tl::unexpected(answer.error());
    json said = body_of(*answer);
    if (const auto milliseconds = number_in(said, "retry_after_ms", 0); milliseconds > 0 && !answer->retry_after)
      answer->retry_after = Seconds(std::min<std::int64_t>(milliseconds / 1000 + 1, 86400));
    Outcome outcome = judge(*answer, repeatable, text_in(said, "errcode") + " " + text_in(said, "error"));
    if (outcome.state != Outcome::State::sent) return tl::unexpected(outcome);
    return said;
  }

  Room direct_room(const std::string& user) {
    // Its own name, for the list of direct rooms, which the account keeps (m.direct).
    const auto me = call("GET", "/account/whoami", nullptr, true);
    if (!me) return tl::unexpected(me.error());
    const std::string account = "/user/" + percent_encode_segment(text_in(*me, "user_id")) + "/account_data/m.direct";
    json rooms = json::object();
    if (auto known = call("GET", account, nullptr, true))
      rooms = std::move(*known);
    else if (known.error().state != Outcome::State::failed)
      return tl::unexpected(known.error());  // failed: there are none yet
    // The newest: an old one may have been left by either side.
    if (const auto found = rooms.find(user);
        found != rooms.end() && found->is_array() && !found->empty() && found->back().is_string())
      return found->back().get<std::string>();
    // Not repeatable: a lost answer may have made a room.
    const auto made = call("POST", "/createRoom",
                           {{"invite", {user}}, {"is_direct", true}, {"preset", "trusted_private_chat"}}, false);
    if (!made) return tl::unexpected(made.error());
    const std::string room = text_in(*made, "room_id");
    if (room.empty()) return tl::unexpected(failed("the Matrix server's answer names no room"));
    // The list is replaced as a whole: what stood in it stays.
    if (!rooms[user].is_array()) rooms[user] = json::array();
    rooms[user].push_back(room);
    // When this is lost the next notice makes another room: no reason to fail.
    (void)call("PUT", account, rooms, true);
    return room;
  }

  Table table_;
  std::string token_;
};

}  // namespace

MadeTransport make_matrix(const Settings& settings) {
  Table table(settings, "matrix");
  auto token = table.secret("token_file");
  if (!token) return tl::unexpected(token.error());
  return std::make_unique<Matrix>(std::move(table), std::move(*token));
}

}  // namespace qrx::notify
