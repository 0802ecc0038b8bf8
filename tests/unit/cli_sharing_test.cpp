// The parts of qrx-share: which space, who tells, and notices from this machine.
#include "unit/catch.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cli/share/local_notices.h"
#include "cli/share/notifier_choice.h"
#include "cli/share/send_claims.h"
#include "cli/share/space_source.h"
#include "temp_directory.h"

using namespace qrx;
using namespace qrx::cli;
using wire::ShareState;

namespace {

// What is written into it is all that a SpaceSource reads.
class Input {
 public:
  explicit Input(const std::string& text) {
    REQUIRE(::pipe(ends_) == 0);
    REQUIRE(::write(ends_[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    ::close(ends_[1]);
  }
  ~Input() { ::close(ends_[0]); }
  int fd() const { return ends_[0]; }
  std::string rest() const {
    std::string text(100, '\0');
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(::read(ends_[0], text.data(), text.size()), 0)));
    return text;
  }

 private:
  int ends_[2] = {-1, -1};
};

std::string some_link() {
  return "http://127.0.0.1:8460/s/" + Guid::random().text() + "#" + Token::random().text();
}
std::string space_event(const std::string& owner) {
  return R"({"v":1,"event":"space","owner":")" + owner + "\"}\n";
}

const std::string delivered_event = "{\"v\":1,\"event\":\"delivered\"}\n";

wire::Recipient recipient(const std::string& text) {
  return *wire::parse_recipient(text);
}

RecipientRow row(const std::string& to, ShareState state) {
  RecipientRow out;
  out.to = recipient(to);
  out.share.state = state;
  return out;
}

// How one row is assigned, in a word.
std::string who_tells(const NotifierChoice& choice, const std::string& to, ShareState state,
                      NotifierChoice::Server server) {
  std::vector<RecipientRow> rows = {row(to, state)};
  choice.assign(rows, server);
  return rows[0].undeliverable.empty() ? std::string(to_text(rows[0].notifier))
                                       : "undeliverable: " + rows[0].undeliverable;
}

struct StateDirectory {
  StateDirectory() { ::setenv("XDG_STATE_HOME", directory.text().c_str(), 1); }
  ~StateDirectory() { ::unsetenv("XDG_STATE_HOME"); }
  const test::TempDirectory directory;
};

// A server that keeps what is reported, and a way of sending that does as it is told.
struct World {
  const Guid space = Guid::random();
  std::map<Id, std::vector<ShareState>> reports;
  std::map<Id, Kind> refuses;  // each report on it
  std::atomic<unsigned> sent{0};
  notify::Outcome outcome{notify::Outcome::State::sent, "", {}};
  http::Interrupt interrupt;
  std::mutex mutex;
  std::vector<std::optional<ShareState>> ended;

  ReportNotice report() {
    return [this](const Id& share, const wire::ReportShare& how) -> Result<wire::ShareInfo> {
      if (const auto found = refuses.find(share); found != refuses.end()) return fail(found->second, "refused");
      reports[share].push_back(how.state);
      wire::ShareInfo info;
      info.share = share;
      info.state = how.state;
      info.reason = how.reason;
      return info;
    };
  }
  std::size_t left_claims() const {
    const auto left = qrx::cli::left_claims(space);
    REQUIRE(left);
    return left->size();
  }
  Result<void> send(const std::vector<notify::Notice>& notices) {
    ended.assign(notices.size(), {});
    LocalNotices local(
        space, report(),
        [this] {
          return [this](const notify::Notice&) {
            ++sent;
            return outcome;
          };
        },
        interrupt);
    return local.send(notices, [this](std::size_t at, std::optional<wire::ShareInfo> recorded) -> Result<void> {
      if (recorded) ended[at] = recorded->state;
      return {};
    });
  }
};

std::vector<notify::Notice> some_notices(std::size_t count) {
  std::vector<notify::Notice> notices(count);
  for (auto& notice : notices) notice.id = Id::random();
  return notices;
}

}  // namespace

TEST_CASE("an owner link names its space once, and what follows it stays unread") {
  const std::string link = some_link();
  const Input input("  " + link + " \nmore");
  SpaceSource source(input.fd());
  const auto found = source.next();
  REQUIRE(found);
  REQUIRE(*found);
  CHECK((*found)->text() == link);
  const auto more = source.next();
  REQUIRE(more);
  CHECK_FALSE(*more);
  source.let_run();
  CHECK(input.rest() == "more");
}

TEST_CASE("events name their space at each delivery") {
  const std::string one = some_link();
  const std::string two = some_link();
  const Input input(space_event(one) + "\n{\"v\":1,\"event\":\"saved\",\"path\":\"x\"}\n" + delivered_event +
                    delivered_event + space_event(two) + delivered_event);
  SpaceSource source(input.fd());
  for (const std::string& link : {one, one, two}) {
    const auto found = source.next();
    REQUIRE(found);
    REQUIRE(*found);
    CHECK((*found)->text() == link);
  }
  const auto end = source.next();
  REQUIRE(end);
  CHECK_FALSE(*end);
}

TEST_CASE("input that names no space is refused") {
  const std::vector<std::pair<std::string, Kind>> cases = {{"", Kind::usage},
                                                           {"\n" + some_link(), Kind::usage},
                                                           {"http://evil.example/", Kind::usage},
                                                           {"{broken\n", Kind::usage},
                                                           {delivered_event, Kind::usage},
                                                           {space_event("http://evil.example/"), Kind::usage},
                                                           {space_event(some_link()), Kind::other}};
  for (const auto& [text, kind] : cases) {
    const Input input(text);
    const auto found = SpaceSource(input.fd()).next();
    REQUIRE_FALSE(found);
    CHECK(found.error().kind == kind);
  }
}

TEST_CASE("the server tells, and this machine those whom it cannot") {
  using Server = NotifierChoice::Server;
  notify::Settings here;
  here.transports["sms"]["spool"] = "/x";
  here.commands["post"] = {"/x"};
  const NotifierChoice either("", here);
  CHECK(who_tells(either, "a@example.org", ShareState::queued, Server::tells) == "server");
  CHECK(who_tells(either, "+8613800138000", ShareState::queued, Server::tells) == "server");
  CHECK(who_tells(either, "+8613800138000", ShareState::failed, Server::tells) == "local");
  CHECK(who_tells(either, "a@example.org", ShareState::failed, Server::tells) == "server");
  CHECK(who_tells(either, "+8613800138000", ShareState::queued, Server::refuses) == "local");
  CHECK(who_tells(either, "a@example.org", ShareState::queued, Server::refuses) ==
        "undeliverable: the server sends no notices");
  CHECK(who_tells(either, "a@example.org", ShareState::queued, Server::not_asked) ==
        "undeliverable: sending mail is not configured");
  CHECK(who_tells(either, "link:Bob", ShareState::sent, Server::refuses).empty());
  for (const ShareState told :
       {ShareState::sending, ShareState::sent, ShareState::unknown, ShareState::opened, ShareState::downloaded})
    CHECK(who_tells(either, "+8613800138000", told, Server::refuses).empty());

  const NotifierChoice server("server", here);
  CHECK(who_tells(server, "+8613800138000", ShareState::failed, Server::tells) == "server");
  CHECK(who_tells(server, "+8613800138000", ShareState::queued, Server::refuses) ==
        "undeliverable: the server sends no notices");
  const NotifierChoice local("local", here);
  CHECK(who_tells(local, "+8613800138000", ShareState::queued, Server::not_asked) == "local");
}

TEST_CASE("the server is not asked to tell of links with a key unless it may have that") {
  const notify::Settings here;
  CHECK(NotifierChoice("", here).ask_server(false, false));
  CHECK_FALSE(NotifierChoice("", here).ask_server(true, false));
  CHECK(NotifierChoice("", here).ask_server(true, true));
  CHECK(NotifierChoice("server", here).ask_server(true, false));
  CHECK_FALSE(NotifierChoice("local", here).ask_server(false, true));
}

TEST_CASE("a command that failed on the server is run here when this machine has it") {
  notify::Settings here;
  here.commands["post"] = {"/x"};
  std::vector<RecipientRow> rows = {row("exec:post:a", ShareState::failed), row("exec:other:b", ShareState::failed),
                                    row("exec:post:c", ShareState::sent), row("a@example.org", ShareState::failed)};
  for (RecipientRow& each : rows) each.notifier = Notifier::server;
  CHECK(NotifierChoice("server", here).take_over(rows).empty());
  CHECK(NotifierChoice("", here).take_over(rows) == std::vector<std::size_t>{0});
  CHECK(rows[0].notifier == Notifier::local);
  CHECK(NotifierChoice("", here).take_over(rows).empty());
}

TEST_CASE("each notice from here is claimed, sent and recorded once") {
  const StateDirectory state;
  World world;
  const auto notices = some_notices(20);
  REQUIRE(world.send(notices));
  CHECK(world.sent == 20);
  for (const auto& notice : notices)
    CHECK(world.reports[notice.id] == std::vector<ShareState>{ShareState::sending, ShareState::sent});
  for (const auto& ended : world.ended) CHECK(ended == ShareState::sent);
  CHECK(world.left_claims() == 0);
}

TEST_CASE("a notice that somebody else has claimed is not sent from here") {
  const StateDirectory state;
  World world;
  const auto notices = some_notices(3);
  world.refuses[notices[0].id] = Kind::conflict;              // on another machine
  auto other = SendClaim::begin(world.space, notices[1].id);  // on this one
  REQUIRE(other);
  REQUIRE(world.send(notices));
  CHECK(world.sent == 1);
  CHECK_FALSE(world.ended[0]);
  CHECK_FALSE(world.ended[1]);
  CHECK(world.ended[2] == ShareState::sent);
  other->end();
  CHECK(world.left_claims() == 0);
}

TEST_CASE("trouble that asks for a long wait, and what is not known, end as such") {
  const StateDirectory state;
  World world;
  world.outcome = {notify::Outcome::State::later, "421 later", Seconds{3600}};
  REQUIRE(world.send(some_notices(1)));
  CHECK(world.ended[0] == ShareState::failed);
  CHECK(world.sent == 1);
  world.outcome = {notify::Outcome::State::unknown, "cut", {}};
  REQUIRE(world.send(some_notices(1)));
  CHECK(world.ended[0] == ShareState::unknown);
}

TEST_CASE("after the first trouble with the server no notice is begun, and the next run settles what was left") {
  const StateDirectory state;
  World world;
  const auto notices = some_notices(1);
  world.refuses[notices[0].id] = Kind::unavailable;
  const auto done = world.send(notices);
  REQUIRE_FALSE(done);
  CHECK(done.error().kind == Kind::unavailable);
  CHECK(world.sent == 0);
  REQUIRE(world.left_claims() == 1);

  CHECK_FALSE(settle_left_claims(world.space, world.report()));  // still
  CHECK(world.left_claims() == 1);
  world.refuses.clear();
  REQUIRE(settle_left_claims(world.space, world.report()));
  CHECK(world.reports[notices[0].id] == std::vector<ShareState>{ShareState::failed});
  CHECK(world.left_claims() == 0);

  world.interrupt.raise();
  CHECK_FALSE(world.send(some_notices(8)));
  CHECK(world.sent == 0);
}

TEST_CASE("a claim that says nothing is of a notice whose fate is unknown, unless the server knows better") {
  const StateDirectory state;
  World world;
  for (const bool known : {false, true}) {
    const Id share = Id::random();
    { REQUIRE(SendClaim::begin(world.space, share)); }  // as when its run was killed
    if (known) world.refuses[share] = Kind::conflict;
    REQUIRE(settle_left_claims(world.space, world.report()));
    CHECK(world.reports[share] == (known ? std::vector<ShareState>{} : std::vector<ShareState>{ShareState::unknown}));
    CHECK(world.left_claims() == 0);
  }
}

TEST_CASE("a claim that is just begun is not taken for one that was left, nor does looking for those stop it") {
  const StateDirectory state;
  World world;
  std::atomic<bool> over{false};
  std::atomic<unsigned> begun{0}, refused{0};
  std::thread sharer([&] {
    while (!over) {
      auto claim = SendClaim::begin(world.space, Id::random());
      ++(claim ? begun : refused);
      if (claim) claim->end();
    }
  });
  std::size_t left = 0;
  for (int look = 0; look < 200 || begun < 20; ++look) left += world.left_claims();
  over = true;
  sharer.join();
  CHECK(left == 0);
  CHECK(refused == 0);
}

TEST_CASE("a notice says what the space holds, without what only the tools read") {
  wire::SpaceInfo space;
  space.label = "Alice & Co";
  wire::FileInfo file;
  file.name = "a.bin";
  file.size = 1024;
  wire::FileInfo manifest;
  manifest.name = std::string(wire::manifest_name);
  manifest.size = 500;
  space.deliveries.emplace_back();
  space.deliveries[0].files = {file, manifest};
  RecipientRow to = row("a@example.org", ShareState::queued);
  to.link = "https://host/d/x#KEY";
  const auto notice = notice_of(to, space, "hello");
  CHECK(notice.from == "Alice & Co");
  CHECK(notice.message == "hello");
  CHECK(notice.link == "https://host/d/x#KEY");
  CHECK(notice.summary == "1 file, 1.0 KiB");
}
