#include "unit/catch.h"

#include "unit/space_sharing.h"

using namespace qrx;
using namespace qrx::test;
using space::Shares;
using wire::ShareState;

TEST_CASE("whoever notifies recipients without the server claims each notice, and only one does") {
  Sharing s;
  const auto share = s.one(to({"a@example.org"}));
  const auto report = [&](ShareState state, const char* why = "") {
    return s.shares->report(s.guid(), s.token(), share.share, {state, why});
  };
  CHECK(report(ShareState::sending)->state == ShareState::sending);
  CHECK(kind_of(report(ShareState::sending)) == Kind::conflict);
  CHECK(report(ShareState::failed, "550 no\r\nsuch user")->reason == "550 no  such user");
  CHECK(s.one(to({"a@example.org"})).state == ShareState::queued);  // is tried again
  CHECK(report(ShareState::sending)->state == ShareState::sending);
  CHECK(report(ShareState::unknown)->state == ShareState::unknown);
  CHECK(kind_of(report(ShareState::sending)) == Kind::conflict);
  CHECK(s.one(to({"a@example.org"})).state == ShareState::unknown);
  auto wish = to({"a@example.org"});
  wish.again = true;
  CHECK(s.one(wish).state == ShareState::queued);
  CHECK(report(ShareState::sending)->state == ShareState::sending);
  CHECK(report(ShareState::sent)->state == ShareState::sent);
  CHECK(report(ShareState::sent)->state == ShareState::sent);
  CHECK(kind_of(report(ShareState::sending)) == Kind::conflict);
  CHECK(kind_of(report(ShareState::failed)) == Kind::conflict);
  CHECK(s.one(wish).state == ShareState::sent);
  const auto history = s.now(share).history;
  REQUIRE(history.size() == 9);
  CHECK(history.front().state == ShareState::queued);
  CHECK(history.back().state == ShareState::sent);
}

TEST_CASE("that nobody can tell a recipient is recorded unless somebody can") {
  Sharing s;
  const auto nobody_can = [&](const space::ShareView& share) {
    return s.shares->report(s.guid(), s.token(), share.share, {ShareState::failed, "no transport", true});
  };
  const auto share = s.one(to({"a@example.org"}));
  REQUIRE(nobody_can(share));
  CHECK(s.now(share).state == ShareState::failed);
  CHECK(s.now(share).reason == "no transport");
  REQUIRE(nobody_can(share));

  // a later run that can notify them
  REQUIRE(s.shares->report(s.guid(), s.token(), share.share, {ShareState::sending, ""}));
  CHECK(kind_of(nobody_can(share)) == Kind::conflict);
  CHECK(s.now(share).state == ShareState::sending);
  REQUIRE(s.shares->report(s.guid(), s.token(), share.share, {ShareState::unknown, ""}));
  CHECK(kind_of(nobody_can(share)) == Kind::conflict);
  REQUIRE(s.shares->report(s.guid(), s.token(), share.share, {ShareState::sent, ""}));
  CHECK(kind_of(nobody_can(share)) == Kind::conflict);

  // a server that can
  const auto queued = s.one(to({"b@example.org"}, 0, true));
  CHECK(kind_of(nobody_can(queued)) == Kind::conflict);
  CHECK(s.now(queued).state == ShareState::queued);
  const auto claimed = s.shares->claim();
  REQUIRE(claimed->claim);
  CHECK(claimed->claim->to == "b@example.org");
}

TEST_CASE("a caller that never says how it went leaves an unknown notice") {
  Sharing s;
  const auto share = s.one(to({"a@example.org"}));
  REQUIRE(s.shares->report(s.guid(), s.token(), share.share, {ShareState::sending, ""}));
  REQUIRE(s.shares->end_stale_claims());
  CHECK(s.now(share).state == ShareState::sending);
  s.world.clock.pass(Seconds(601));
  REQUIRE(s.shares->end_stale_claims());
  CHECK(s.now(share).state == ShareState::unknown);
}

TEST_CASE("a notice is claimed once, and tells what it needs to") {
  Sharing s;
  s.file("a", 10);
  s.file(std::string(wire::manifest_name), 10);
  auto wish = to({"a@example.org", "b@example.org", "link:hand"}, 0, true);
  wish.message = "the minutes";
  unsigned told = 0;
  s.shares->on_notice([&] { ++told; });
  const auto made = s.shares->create(s.guid(), s.token(), wish);
  REQUIRE(made);
  CHECK(told == 1);
  CHECK(made->shares.shares[2].state == ShareState::sent);
  const auto first = s.shares->claim();
  REQUIRE(first);
  REQUIRE(first->claim);
  CHECK(first->claim->to == "a@example.org");
  CHECK(first->claim->notice.token == made->shares.shares[0].token);
  CHECK(first->claim->notice.attempts == 1);
  CHECK(first->claim->message == "the minutes");
  CHECK(first->claim->files == 1);
  CHECK(first->claim->bytes == 10);
  CHECK(s.now(made->shares.shares[0]).state == ShareState::sending);
  CHECK(kind_of(s.shares->report(s.guid(), s.token(), first->claim->notice.share, {ShareState::sending, ""})) ==
        Kind::conflict);
  CHECK_FALSE(s.shares->claim(" mail ")->claim);  // its transport is busy
  const auto second = s.shares->claim(" sms ");
  REQUIRE(second->claim);
  CHECK(second->claim->to == "b@example.org");
  CHECK_FALSE(s.shares->claim()->claim);
  REQUIRE(s.shares->conclude(first->claim->notice.share, {ShareState::sent, "250 ok", {}}));
  CHECK(s.now(made->shares.shares[0]).state == ShareState::sent);
  CHECK(s.now(made->shares.shares[0]).reason == "250 ok");
  CHECK(s.shares->create(s.guid(), s.token(), wish));
  CHECK_FALSE(s.shares->claim()->claim);  // nothing twice
}

TEST_CASE("a notice waits, is tried again, and is given up in the end") {
  Sharing s;
  const auto share = s.one(to({"a@example.org"}, 0, true));
  for (int i = 1; i <= 3; ++i) {
    const auto next = s.shares->claim();
    REQUIRE(next->claim);
    CHECK(next->claim->notice.attempts == static_cast<std::uint64_t>(i));
    const WallTime due = s.world.clock.wall() + Seconds(30);
    REQUIRE(s.shares->conclude(share.share, {ShareState::queued, "451 later", due}));
    CHECK(s.now(share).state == ShareState::queued);
    CHECK(s.now(share).reason == "451 later");
    CHECK(s.shares->claim()->due == due);
    CHECK_FALSE(s.shares->claim()->claim);
    s.world.clock.pass(Seconds(30));
  }
  REQUIRE(s.shares->claim()->claim);
  REQUIRE(s.shares->conclude(share.share, {ShareState::queued, "451 later", s.world.clock.wall() + Seconds(86400)}));
  CHECK(s.now(share).state == ShareState::failed);
  CHECK(s.now(share).reason == "given up after 4 tries: 451 later");
  CHECK_FALSE(s.shares->claim()->claim);
  CHECK(s.one(to({"a@example.org"}, 0, true)).state == ShareState::queued);  // asked for again
  CHECK(s.shares->claim()->claim);
}

TEST_CASE("what was being sent when the server ended is unknown, and is not sent again by itself") {
  Sharing s;
  const auto share = s.one(to({"a@example.org"}, 0, true));
  const auto waiting = s.one(to({"b@example.org"}, 0, true));
  REQUIRE(s.shares->claim()->claim);
  s.restart();
  CHECK(s.shares->recover() == 1U);
  CHECK(s.now(share).state == ShareState::unknown);
  CHECK(s.now(waiting).state == ShareState::queued);
  CHECK(s.shares->claim()->claim->to == "b@example.org");
  CHECK_FALSE(s.shares->claim()->claim);
  CHECK(s.one(to({"a@example.org"}, 0, true)).state == ShareState::unknown);
  auto wish = to({"a@example.org"}, 0, true);
  wish.again = true;
  CHECK(s.one(wish).state == ShareState::queued);
  CHECK(s.shares->claim()->claim->to == "a@example.org");
}

TEST_CASE("the secrets of a notice leave the catalog's files once it is known what became of it") {
  const std::string key = "AGE-SECRET-KEY-1" + std::string(58, 'Q');
  Sharing s;
  auto wish = to({"a@example.org"}, 0, true);
  wish.key = key;
  const auto share = s.one(wish);
  const auto kept = [&](const std::string& what) {
    for (const char* name : {"catalog.db", "catalog.db-wal"}) {
      FILE* const in = std::fopen((s.world.directory / name).c_str(), "rb");
      if (in == nullptr) continue;
      std::string bytes;
      char buffer[65536];
      for (std::size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, in)) > 0;) bytes.append(buffer, got);
      std::fclose(in);
      if (bytes.find(what) != std::string::npos) return true;
    }
    return false;
  };
  CHECK(kept(share.token));
  CHECK(kept(key));
  REQUIRE(s.shares->claim()->claim);
  REQUIRE(s.shares->conclude(share.share, {ShareState::sent, "", {}}));
  REQUIRE(s.shares->purge());
  CHECK_FALSE(kept(share.token));
  CHECK_FALSE(kept(key));
}

TEST_CASE("without a transport for it a share says so, and without any nothing is made") {
  Sharing s;
  s.shares->set_transports(sms);
  const auto share = s.one(to({"a@example.org"}, 0, true));
  CHECK(share.state == ShareState::failed);
  CHECK(share.reason == "this server sends no e-mail");
  CHECK(s.shares->open(share.token));
  s.shares->set_transports(0);
  CHECK(kind_of(s.shares->create(s.guid(), s.token(), to({"b@example.org"}, 0, true))) == Kind::denied);
  CHECK(s.shares->list(s.guid(), s.token())->shares.size() == 1);
  CHECK(s.shares->create(s.guid(), s.token(), to({"link:hand"}, 0, true)));
  s.shares->set_transports(mail);
  CHECK(s.one(to({"a@example.org"}, 0, true)).state == ShareState::queued);
}

TEST_CASE("notices have budgets by the day, for space, recipient, channel and country") {
  space::SharePolicy policy;
  policy.notices_a_space = 5;
  policy.notices_a_recipient = 2;
  policy.notices_a_transport["mail"] = 4;
  policy.notices_a_country = 1;
  Sharing s(policy);
  const auto state = [&](const std::string& recipient, const space::Created& of) {
    const auto made = s.shares->create(of.space.guid, of.token.text(), to({recipient}, 0, true));
    REQUIRE(made);
    return made->shares.shares[0].state == ShareState::queued ? std::string("queued") : made->shares.shares[0].reason;
  };
  CHECK(state("+8613800138000", s.created) == "queued");
  CHECK(state("+8613800138001", s.created) ==
        "this server sends no more SMS to this country today; try again tomorrow");
  CHECK(state("+491711234567", s.created) == "queued");
  CHECK(state("a@example.org", s.created) == "queued");
  CHECK(state("a@example.org", s.world.create()) == "queued");
  CHECK(state("a@example.org", s.world.create()) ==
        "this server sends no more notices to this recipient today; try again tomorrow");
  CHECK(state("b@example.org", s.world.create()) == "queued");
  CHECK(state("c@example.org", s.world.create()) == "queued");
  CHECK(state("d@example.org", s.world.create()) == "this server sends no more e-mail today; try again tomorrow");
  s.world.clock.pass(Seconds(86400 - 3600));
  const auto next_day = s.world.create();
  CHECK(state("d@example.org", next_day) == "queued");
  CHECK(state("+8613800138001", next_day) == "queued");
  for (const char* number : {"+12025550100", "+33612345678", "+442079460000"})
    CHECK(state(number, next_day) == "queued");
  CHECK(state("+35312345678", next_day) ==
        "this server sends no more notices for this space today; try again tomorrow");
}

TEST_CASE("SMS go to the countries that the operator named") {
  space::SharePolicy policy;
  policy.countries = {"86", "49"};
  Sharing s(policy);
  CHECK(s.one(to({"+8613800138000"}, 0, true)).state == ShareState::queued);
  const auto refused = s.one(to({"+12025550100"}, 0, true));
  CHECK(refused.state == ShareState::failed);
  CHECK(refused.reason == "this server sends no SMS to this country");
}

TEST_CASE("revoking takes a waiting notice back") {
  Sharing s;
  const auto share = s.one(to({"a@example.org"}, 0, true));
  const auto running = s.one(to({"b@example.org"}, 0, true));
  REQUIRE(s.shares->revoke(s.guid(), s.token(), share.share));
  const auto next = s.shares->claim();
  REQUIRE(next->claim);
  CHECK(next->claim->to == "b@example.org");
  REQUIRE(s.shares->revoke(s.guid(), s.token(), running.share));
  REQUIRE(s.shares->conclude(running.share, {ShareState::queued, "later", s.world.clock.wall()}));
  CHECK(s.now(running).state == ShareState::revoked);
  CHECK_FALSE(s.shares->claim()->claim);
}

TEST_CASE("a caller's claim takes a waiting notice out of the server's hands") {
  Sharing s;
  const auto share = s.one(to({"a@example.org"}, 0, true));
  REQUIRE(s.shares->report(s.guid(), s.token(), share.share, {ShareState::sending, ""}));
  CHECK_FALSE(s.shares->claim()->claim);
  CHECK(s.one(to({"a@example.org"}, 0, true)).state == ShareState::sending);
  CHECK_FALSE(s.shares->claim()->claim);
}
