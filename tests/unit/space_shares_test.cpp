#include "unit/catch.h"

#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "space/share_text.h"
#include "unit/space_sharing.h"

using namespace qrx;
using namespace qrx::test;
using space::Shares;
using wire::ShareState;

TEST_CASE("each recipient gets a separate link, and asking again gives the same") {
  Sharing s;
  std::vector<std::string> recipients;
  for (int i = 0; i < 50; ++i) recipients.push_back("r" + std::to_string(i) + "@example.org");
  recipients.push_back("mailto:r0@EXAMPLE.org");
  const auto made = s.shares->create(s.guid(), s.token(), to(recipients));
  REQUIRE(made);
  CHECK(made->made);
  REQUIRE(made->shares.shares.size() == 50);  // one recipient was written in two ways
  std::set<std::string> links;
  for (const auto& share : made->shares.shares) links.insert(share.token);
  CHECK(links.size() == 50);
  CHECK(made->shares.seq == s.world.view(s.created).seq);

  const auto again = s.shares->create(s.guid(), s.token(), to(recipients));
  REQUIRE(again);
  CHECK_FALSE(again->made);
  REQUIRE(again->shares.shares.size() == 50);
  for (std::size_t i = 0; i < 50; ++i) CHECK(again->shares.shares[i].token == made->shares.shares[i].token);
  CHECK(s.shares->list(s.guid(), s.token())->shares.size() == 50);
}

TEST_CASE("links outlive a restart, and nothing at rest opens them") {
  Sharing s;
  const auto share = s.one(to({"a@example.org"}));
  s.restart();
  CHECK(s.now(share).token == share.token);
  CHECK(s.shares->open(share.token));
  for (const auto& entry : std::filesystem::directory_iterator(s.world.directory.path())) {
    if (!entry.is_regular_file()) continue;
    std::string bytes;
    FILE* const in = std::fopen(entry.path().c_str(), "rb");
    REQUIRE(in != nullptr);
    char buffer[65536];
    for (std::size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, in)) > 0;) bytes.append(buffer, got);
    std::fclose(in);
    CHECK(bytes.find(share.token) == std::string::npos);
  }
}

TEST_CASE("nothing at rest has the owner's token") {
  World world;
  wire::CreateSpace wish;
  wish.label = "a label that is at rest";
  const auto space = world.create(wish);
  REQUIRE(world.send(space.space.guid, "a", "bytes that are at rest"));
  REQUIRE(world.view(space).label == wish.label);
  wire::ChangeSpace change;
  change.expire = Seconds(60);
  REQUIRE(world.spaces->extend(space.space.guid, space.token.text(), change));
  const auto at_rest = [&](std::string_view what) {
    unsigned found = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(world.directory.path())) {
      if (!entry.is_regular_file()) continue;
      std::ostringstream bytes;
      bytes << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      found +=
          entry.path().string().find(what) != std::string::npos || bytes.str().find(what) != std::string::npos ? 1 : 0;
    }
    return found;
  };
  const auto check = [&] {
    CHECK(at_rest(wish.label) > 0);  // they are looked into
    CHECK(at_rest("bytes that are at rest") == 1);
    CHECK(at_rest(space.token.text()) == 0);
    CHECK(at_rest(as_text(
              ByteView(reinterpret_cast<const std::byte*>(space.token.bytes.data()), space.token.bytes.size()))) == 0);
  };
  check();
  world.restart();
  REQUIRE(world.view(space).deliveries.size() == 1);
  check();
  world.lose();
  check();
}

TEST_CASE("only the owner shares, and nobody else sees shares") {
  Sharing s;
  const auto share = s.one(to({"a@example.org"}));
  const std::string wrong = Token::random().text();
  CHECK(kind_of(s.shares->create(s.guid(), wrong, to({"b@example.org"}))) == Kind::not_found);
  CHECK(kind_of(s.shares->list(s.guid(), wrong)) == Kind::not_found);
  CHECK(kind_of(s.shares->show(s.guid(), wrong, share.share)) == Kind::not_found);
  CHECK(kind_of(s.shares->report(s.guid(), wrong, share.share, {})) == Kind::not_found);
  CHECK(kind_of(s.shares->revoke(s.guid(), wrong, share.share)) == Kind::not_found);
  CHECK(kind_of(s.shares->revoke_all(s.guid(), wrong)) == Kind::not_found);
  const auto other = s.world.create();
  CHECK(kind_of(s.shares->show(other.space.guid, other.token.text(), share.share)) == Kind::not_found);
  CHECK(kind_of(s.shares->revoke(other.space.guid, other.token.text(), share.share)) == Kind::not_found);
  CHECK(s.shares->open(share.token));
  for (const std::string& link : {wrong, std::string(), std::string("x"), share.share.text(), s.token()})
    CHECK(kind_of(s.shares->open(link)) == Kind::not_found);
}

TEST_CASE("a wish with one bad recipient makes no share at all") {
  Sharing s;
  CHECK(kind_of(s.shares->create(s.guid(), s.token(), to({"a@example.org", "nobody"}))) == Kind::usage);
  CHECK(kind_of(s.shares->create(s.guid(), s.token(), to({}))) == Kind::usage);
  auto wish = to({"a@example.org"});
  wish.message = "see https://evil.example";
  CHECK(kind_of(s.shares->create(s.guid(), s.token(), wish)) == Kind::usage);
  wish.message.clear();
  wish.key = "AGE-SECRET-KEY-1";
  CHECK(kind_of(s.shares->create(s.guid(), s.token(), wish)) == Kind::usage);
  CHECK(s.shares->list(s.guid(), s.token())->shares.empty());
}

TEST_CASE("a list of very many recipients is read without comparing each with all") {
  Sharing s;
  std::vector<std::string> many;
  for (int i = 0; i < 40'000; ++i) many.push_back("link:" + std::to_string(i % 39'000));
  CHECK(kind_of(s.shares->create(s.guid(), s.token(), to(many))) == Kind::denied);
}

TEST_CASE("a space has so many recipients and no more") {
  space::SharePolicy policy;
  policy.recipients = 3;
  Sharing s(policy);
  const auto first = s.one(to({"a@example.org"}));
  CHECK(kind_of(s.shares->create(s.guid(), s.token(), to({"b@example.org", "c@example.org", "d@example.org"}))) ==
        Kind::denied);
  CHECK(s.shares->create(s.guid(), s.token(), to({"b@example.org", "c@example.org", "a@example.org"})));
  CHECK(s.shares->revoke(s.guid(), s.token(), first.share));
  CHECK(s.shares->create(s.guid(), s.token(), to({"d@example.org"})));
  for (int i = 0; i < 8; ++i) {
    CHECK(s.shares->revoke_all(s.guid(), s.token()));
    CHECK(s.shares->create(s.guid(), s.token(), to({"x@example.org"})));
  }
  CHECK(s.shares->revoke_all(s.guid(), s.token()));
  CHECK(kind_of(s.shares->create(s.guid(), s.token(), to({"y@example.org"}))) == Kind::denied);
}

TEST_CASE("looking at a link changes nothing") {
  Sharing s;
  s.file("a", 10);
  const auto share = s.one(to({"a@example.org"}, 1));
  const auto seq = s.world.view(s.created).seq;
  for (int i = 0; i < 100; ++i) {
    const auto opened = s.shares->open(share.token);
    REQUIRE(opened);
    CHECK(opened->files.size() == 1);
    CHECK(opened->downloads_left == 1);
  }
  CHECK(s.world.view(s.created).seq == seq);
  CHECK(s.now(share).state == ShareState::queued);
  CHECK(s.shares->opened(share.token));
  CHECK(s.now(share).state == ShareState::opened);
  CHECK(s.world.view(s.created).seq > seq);
}

TEST_CASE("what is not delivered yet, or is another space's, is not shared") {
  Sharing s;
  const auto a = s.file("a", 10);
  const auto share = s.one(to({"a@example.org"}));
  const auto delivery = s.world.spaces->open_delivery(s.guid(), {});
  const auto upload = s.world.spaces->create_upload(s.guid(), new_upload("b", 3, delivery->delivery));
  auto writer = s.world.spaces->write(s.guid(), upload->upload, 0, std::nullopt);
  CHECK(kind_of(s.shares->content(share.token, upload->upload)) == Kind::not_found);
  REQUIRE((*writer)->write(as_bytes("abc")));
  REQUIRE((*writer)->finish());
  CHECK(kind_of(s.shares->content(share.token, upload->upload)) == Kind::not_found);
  CHECK(s.shares->open(share.token)->files.size() == 1);
  const auto other = s.world.create();
  const auto foreign = s.world.send(other.space.guid, "c", "c");
  CHECK(kind_of(s.shares->content(share.token, foreign->file)) == Kind::not_found);
  CHECK(s.shares->content(share.token, a.file));
  REQUIRE(s.world.spaces->commit(s.guid(), delivery->delivery, {}));
  CHECK(s.shares->content(share.token, upload->upload));
}

TEST_CASE("revoking is effective at once, for transfers too") {
  Sharing s;
  const auto row = s.file("a", 10);
  const auto share = s.one(to({"a@example.org"}));
  auto transfer = s.shares->begin(share.token, row, 0, 10);
  REQUIRE(transfer);
  CHECK_FALSE((*transfer)->is_cut());
  const auto seq = s.world.view(s.created).seq;
  CHECK(s.shares->revoke(s.guid(), s.token(), share.share));
  CHECK((*transfer)->is_cut());
  CHECK(s.world.view(s.created).seq > seq);
  CHECK(s.now(share).state == ShareState::revoked);
  CHECK(kind_of(s.shares->open(share.token)) == Kind::gone);
  CHECK(kind_of(s.shares->begin(share.token, row, 0, 10)) == Kind::gone);
  CHECK(kind_of(s.shares->content(share.token, row.file)) == Kind::gone);
  CHECK(s.shares->revoke(s.guid(), s.token(), share.share));
  CHECK(kind_of(s.shares->revoke(s.guid(), s.token(), Id::random())) == Kind::not_found);
  const auto again = s.one(to({"a@example.org"}));
  CHECK(again.share != share.share);
  CHECK(again.token != share.token);
  CHECK(s.shares->revoke_all(s.guid(), s.token()));
  const auto all = s.shares->list(s.guid(), s.token());
  REQUIRE(all);
  for (const auto& one : all->shares) CHECK(one.state == ShareState::revoked);
}

TEST_CASE("blocking a space cuts who takes something from it, its owner and recipients") {
  Sharing s;
  const auto row = s.file("a", 10);
  const auto other = s.world.create();
  const auto other_row = s.world.send(other.space.guid, "b", "b");
  REQUIRE(other_row);
  const auto share = s.one(to({"a@example.org"}));
  auto transfer = s.shares->begin(share.token, row, 0, 10);
  auto content = s.world.spaces->content(s.guid(), s.token(), row.file);
  const auto upload = s.world.spaces->create_upload(s.guid(), new_upload("up", 10));
  REQUIRE(upload);
  auto growing = s.world.spaces->content(s.guid(), s.token(), upload->upload);
  auto elsewhere = s.world.spaces->content(other.space.guid, other.token.text(), other_row->file);
  REQUIRE((transfer && content && growing && elsewhere));
  CHECK_FALSE(((*transfer)->is_cut() || (*content)->is_cut() || (*growing)->is_cut()));
  const auto woken = s.world.events.of_upload(upload->upload);
  REQUIRE(s.world.spaces->block(s.guid()));
  CHECK((*transfer)->is_cut());
  CHECK((*content)->is_cut());
  CHECK((*growing)->is_cut());
  CHECK(s.world.events.of_upload(upload->upload) > woken);
  CHECK_FALSE((*elsewhere)->is_cut());
}

TEST_CASE("a long list of shares comes in pages, oldest first, each once") {
  Sharing s;
  std::vector<std::string> wanted;
  for (int i = 0; i < 10; ++i) wanted.push_back("a" + std::to_string(i) + "@example.org");
  REQUIRE(s.shares->create(s.guid(), s.token(), to(wanted)));
  std::vector<std::string> listed;
  std::uint64_t next = 0;
  std::size_t pages = 0;
  do {
    const auto page = s.shares->list(s.guid(), s.token(), next, {4, 1U << 20});
    REQUIRE(page);
    for (const auto& one : page->shares) listed.push_back(one.to);
    next = page->next.empty() ? 0 : std::stoull(page->next);
    ++pages;
  } while (next != 0);
  CHECK(pages == 3);
  REQUIRE(listed.size() == wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) CHECK(listed[i].ends_with(wanted[i]));
  // Long histories end a page early, but never an empty one.
  const auto narrow = s.shares->list(s.guid(), s.token(), 0, {100, 0});
  REQUIRE(narrow);
  CHECK(narrow->shares.size() == 1);
  CHECK(s.shares->revoke_all(s.guid(), s.token()));
  const auto revoked = s.shares->list(s.guid(), s.token());
  REQUIRE(revoked);
  for (const auto& one : revoked->shares) CHECK(one.state == ShareState::revoked);
}

TEST_CASE("a link ends at its own time, or with its space") {
  Sharing s;
  s.file("a", 10);
  auto wish = to({"a@example.org"});
  wish.expire = Seconds(60);
  const auto brief = s.one(wish);
  wish.recipients = {"b@example.org"};
  wish.expire = Seconds(365 * 86400);
  const auto lasting = s.one(wish);
  CHECK(lasting.expires == s.created.space.expires);
  const auto plain = s.one(to({"c@example.org"}));
  s.world.clock.pass(Seconds(61));
  CHECK(kind_of(s.shares->open(brief.token)) == Kind::gone);
  wish.recipients = {"a@example.org"};
  CHECK(s.one(wish).share != brief.share);  // they can be given a new one
  CHECK(s.shares->open(plain.token));
  REQUIRE(s.world.spaces->extend(s.guid(), s.token(), {Seconds(2 * 86400), std::nullopt}));
  CHECK(s.now(plain).expires > s.created.space.expires);  // with its space
  s.world.clock.pass(Seconds(2 * 86400));
  CHECK(kind_of(s.shares->open(plain.token)) == Kind::gone);
  CHECK(kind_of(s.shares->open(lasting.token)) == Kind::gone);
}

TEST_CASE("what was asked for anew of a link is kept") {
  Sharing s;
  auto wish = to({"a@example.org"});
  wish.expire = Seconds(60);
  const auto first = s.one(wish);
  wish.expire = Seconds(3600);
  wish.message = "in the evening";
  wish.notify = true;
  CHECK(s.one(wish).share == first.share);
  s.restart();
  const auto kept = s.now(first);
  CHECK(kept.expires == s.world.clock.wall() + Seconds(3600));
  CHECK(s.world.catalog->share(first.share).value()->message == "in the evening");
}

TEST_CASE("shares go with their space") {
  Sharing s;
  const auto row = s.file("a", 10);
  const auto share = s.one(to({"a@example.org"}, 0, true));
  auto transfer = s.shares->begin(share.token, row, 0, 10);
  REQUIRE(s.world.spaces->remove(s.guid(), s.token()));
  CHECK(kind_of(s.shares->open(share.token)) == Kind::not_found);
  (*transfer)->completed();  // leaves nothing behind
  CHECK(s.world.catalog->share_files(share.share)->empty());
  CHECK_FALSE(s.world.catalog->share(share.share)->has_value());
  CHECK_FALSE(s.shares->claim()->claim);
}

TEST_CASE("messages are plain words") {
  for (const char* fine : {"", "the minutes, see you at 10.30", "minutes.pdf and notes.md", "line\nline",
                           "\u4F60\u597D\u3002", "\U0001F468\u200D\U0001F469\u200D\U0001F467 e.g. v1.2.3",
                           "3.14.15 and 10.0", "mail anna.b@example.org, or me@example.com."})
    CHECK(space::check_share_message(fine));
  for (const char* bad :
       {"http://x", "HTTPS://X.example", "www.x", "see evil.com", "evil.example/x", "evil.example:80", "1.2.3.4",
        "a\x1b[0m", "a\rb", "a\u202Eb", "a\u200Bb", "\xFF", "mail me@evil.org/x", "me@ evil.org"})
    CHECK_FALSE(space::check_share_message(bad));
  CHECK_FALSE(space::check_share_message(std::string(501, 'x')));
}

TEST_CASE("numbers begin with their country") {
  CHECK(space::country_of("+8613800138000") == "86");
  CHECK(space::country_of("+12025550100") == "1");
  CHECK(space::country_of("+79161234567") == "7");
  CHECK(space::country_of("+35312345678") == "353");
  CHECK(space::country_of("+99512345678") == "995");
}

TEST_CASE("the token of a link is the same wherever it is written") {
  const auto share = Id::parse("k3wq7ab2c4d5e6f7k3wq7ab2cy");
  REQUIRE(share);
  // printf %s 'qrx share k3wq7ab2c4d5e6f7k3wq7ab2cy' | openssl dgst -sha256 -hmac TOKEN -binary | head -c 20 | base32
  CHECK(space::link_token("mfrggzdfmztwq2lknnwg23tpobyxe43u", *share) == "5atxidozdtzbcqptyol4bkli4r7xdquf");
}
