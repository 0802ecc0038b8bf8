#include "unit/catch.h"

#include "wire/share_messages.h"

using namespace qrx;
using namespace qrx::wire;

namespace {

ShareInfo some_share() {
  ShareInfo share;
  share.share = Id::random();
  share.to = "alice@example.org";
  share.link = "https://host/d/" + Token::random().text();
  share.state = ShareState::failed;
  share.reason = "550 no such user";
  share.history = {{ShareState::queued, WallTime(Seconds(1'795'000'000)), ""},
                   {ShareState::failed, WallTime(Seconds(1'795'000'007)), "550 no such user"}};
  share.downloads = 2;
  share.limit = 3;
  share.expires = WallTime(Seconds(1'796'000'000));
  return share;
}

}  // namespace

TEST_CASE("the states of a share are words, and nothing else is one") {
  for (const char* word : {"queued", "sending", "sent", "failed", "unknown", "opened", "downloaded", "revoked"}) {
    const auto state = share_state_from_text(word);
    REQUIRE(state);
    CHECK(to_text(*state) == word);
  }
  for (const char* word : {"", "Sent", "sent ", "lost"}) CHECK_FALSE(share_state_from_text(word));
}

TEST_CASE("a wish for shares comes back as it was") {
  CreateShares wish;
  wish.recipients = {"alice@example.org", "+8613800138000", "https://hook.example/x"};
  wish.message = "the minutes \u4F60";
  wish.expire = Seconds(3600);
  wish.downloads = 1;
  wish.notify = wish.again = true;
  wish.key = "AGE-SECRET-KEY-1QQ";
  const auto back = from_json<CreateShares>(to_json(wish));
  REQUIRE(back);
  CHECK(back->recipients == wish.recipients);
  CHECK(back->message == wish.message);
  CHECK(back->expire == wish.expire);
  CHECK(back->downloads == 1);
  CHECK(back->notify);
  CHECK(back->again);
  CHECK(back->key == wish.key);
}

TEST_CASE("a wish for shares tells nobody and limits nothing unless it says so") {
  const auto wish = from_json<CreateShares>(R"({"recipients":["a@b.example"],"other":1})");
  REQUIRE(wish);
  CHECK_FALSE(wish->notify);
  CHECK_FALSE(wish->again);
  CHECK(wish->downloads == 0);
  CHECK_FALSE(wish->expire);
  CHECK(wish->key.empty());
}

TEST_CASE("a malformed wish for shares is refused with a sentence") {
  for (const std::string& text :
       {std::string("{}"), std::string(R"({"recipients":"a@b"})"), std::string(R"({"recipients":[1]})"),
        std::string(R"({"recipients":[["a@b"]]})"), std::string(R"({"recipients":[],"downloads":-1})"),
        std::string(R"({"recipients":[],"downloads":1.5})"), std::string(R"({"recipients":[],"notify":"yes"})"),
        std::string(R"({"recipients":[],"again":1})"), std::string(R"({"recipients":[],"expire":"1h"})"),
        R"({"recipients":[],"message":")" + std::string(501, 'x') + "\"}",
        R"({"recipients":[")" + std::string(2049, 'x') + "\"]}",
        R"({"recipients":[],"key":")" + std::string(201, 'x') + "\"}"}) {
    const auto wish = from_json<CreateShares>(text);
    REQUIRE_FALSE(wish);
    CHECK(wish.error().kind == Kind::usage);
  }
  CHECK(from_json<CreateShares>(R"({"recipients":[],"message":")" + std::string(500, 'x') + "\"}"));
}

TEST_CASE("shares come back with their whole history") {
  Shares shares{17, {some_share(), some_share()}};
  shares.shares[1].reason.clear();
  shares.shares[1].history.clear();
  const auto back = from_json<Shares>(to_json(shares));
  REQUIRE(back);
  CHECK(back->seq == 17);
  REQUIRE(back->shares.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(back->shares[i].share == shares.shares[i].share);
    CHECK(back->shares[i].to == shares.shares[i].to);
    CHECK(back->shares[i].link == shares.shares[i].link);
    CHECK(back->shares[i].state == shares.shares[i].state);
    CHECK(back->shares[i].reason == shares.shares[i].reason);
    CHECK(back->shares[i].history == shares.shares[i].history);
    CHECK(back->shares[i].downloads == 2);
    CHECK(back->shares[i].limit == 3);
    CHECK(back->shares[i].expires == shares.shares[i].expires);
  }
  CHECK(from_json<ShareInfo>(to_json(some_share()))->reason == "550 no such user");
  CHECK_FALSE(from_json<Shares>(R"({"seq":1,"shares":[{}]})"));
  CHECK_FALSE(from_json<Shares>(R"({"seq":1,"shares":[1]})"));
}

TEST_CASE("a report tells of the sending only") {
  for (const char* word : {"sending", "sent", "failed", "unknown"}) {
    const auto report = from_json<ReportShare>(R"({"state":")" + std::string(word) + R"(","reason":"why"})");
    REQUIRE(report);
    CHECK(to_text(report->state) == word);
    CHECK(from_json<ReportShare>(to_json(*report))->reason == "why");
  }
  for (const char* text : {"{}", R"({"state":"queued"})", R"({"state":"downloaded"})", R"({"state":"revoked"})",
                           R"({"state":"opened"})", R"({"state":7})", R"({"state":"sent","reason":[]})",
                           R"({"state":"sent","untried":true})", R"({"state":"failed","untried":"yes"})"})
    CHECK(from_json<ReportShare>(text).error().kind == Kind::usage);
  CHECK_FALSE(from_json<ReportShare>(R"({"state":"failed"})")->untried);
  CHECK(from_json<ReportShare>(to_json({ShareState::failed, "nobody to send it", true}))->untried);
}

TEST_CASE("a recipient sees files and a message, and reads them back") {
  SharedSpace space;
  space.label = "Ann";
  space.message = "for you";
  space.expires = WallTime(Seconds(1'795'000'000));
  space.downloads_left = 1;
  space.deliveries.push_back({Id::random(),
                              WallTime(Seconds(1'794'000'000)),
                              "hello",
                              {{Id::random(), "a/\u4F60.jpg", 12345, "image/jpeg", {1, 2, 3}, true}}});
  const auto back = from_json<SharedSpace>(to_json(space, [](const Id& file) { return "/" + file.text(); }));
  REQUIRE(back);
  CHECK(back->label == "Ann");
  CHECK(back->message == "for you");
  CHECK(back->expires == space.expires);
  CHECK(back->downloads_left == 1);
  CHECK(back->deliveries == space.deliveries);
  CHECK_FALSE(from_json<SharedSpace>("{}"));
}
