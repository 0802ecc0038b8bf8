#include "unit/catch.h"

#include <atomic>
#include <set>
#include <stdexcept>

#include "serve/operations/outbox.h"
#include "unit/space_world.h"

using namespace qrx;
using namespace qrx::test;
using notify::Notice;
using notify::Outcome;
using serve::Outbox;
using wire::ShareState;

namespace {

constexpr std::uint32_t mail = 1U << static_cast<unsigned>(wire::Channel::mail);
constexpr std::uint32_t sms = 1U << static_cast<unsigned>(wire::Channel::sms);

space::Policy relaxed() {
  space::Policy policy;
  policy.relaxed = true;
  return policy;
}

// Shares with an outbox whose transports are a function of the test.
struct Post {
  explicit Post(std::function<Outcome(const Notice&)> send, serve::OutboxOptions options = {},
                std::function<void()> interrupt = {})
      : log(serve::LogForm::text, 1, [this](const std::string& line) {
          const std::lock_guard lock(mutex);
          logged += line;
        }) {
    shares.set_transports(mail | sms);
    created = world.create();
    outbox = std::make_unique<Outbox>(
        shares, wire::Origin{true, "qrx.example.org", 443, ""}, world.clock, log,
        [this, send, interrupt] {
          return Outbox::Sender{[this, send](const Notice& notice) {
                                  Outcome outcome = send(notice);
                                  const std::lock_guard lock(mutex);
                                  sent.push_back(notice);
                                  return outcome;
                                },
                                interrupt};
        },
        options);
    shares.on_notice([this] { outbox->wake(); });
  }
  std::vector<space::ShareView> share(std::vector<std::string> recipients) {
    wire::CreateShares wish;
    wish.recipients = std::move(recipients);
    wish.message = "words";
    wish.notify = true;
    auto made = shares.create(created.space.guid, created.token.text(), wish);
    REQUIRE(made);
    return made->shares.shares;
  }
  space::ShareView now(const space::ShareView& share) {
    return *shares.show(created.space.guid, created.token.text(), share.share);
  }
  // Until then, ten seconds at most.
  bool becomes(const space::ShareView& share, ShareState state) {
    for (int i = 0; i < 5000; ++i) {
      if (now(share).state == state) return true;
      std::this_thread::sleep_for(Millis(2));
    }
    return false;
  }

  std::mutex mutex;
  std::string logged;
  World world{relaxed()};
  space::Shares shares{*world.spaces, {}};
  serve::Log log;
  space::Created created;
  std::vector<Notice> sent;
  std::unique_ptr<Outbox> outbox;
};

}  // namespace

TEST_CASE("each recipient is notified once, with their own link and what there is") {
  Post post([](const Notice&) { return Outcome{Outcome::State::sent, "250 ok", {}}; });
  REQUIRE(post.world.send(post.created.space.guid, "a", "12345"));
  const auto shares = post.share({"a@example.org", "b@example.org", "+8613800138000"});
  for (const auto& share : shares) CHECK(post.becomes(share, ShareState::sent));
  post.share({"a@example.org", "b@example.org", "+8613800138000"});
  post.outbox.reset();
  REQUIRE(post.sent.size() == 3);
  std::set<std::string> links;
  for (const Notice& notice : post.sent) {
    links.insert(notice.link);
    CHECK(notice.link.starts_with("https://qrx.example.org/d/"));
    CHECK(notice.message == "words");
    CHECK(notice.summary == "1 file, 5 B");
    CHECK(notice.expires);
  }
  CHECK(links.size() == 3);
}

TEST_CASE("a notice that found its transport busy is tried again in time") {
  std::atomic<int> attempts{0};
  Post post([&](const Notice&) {
    return ++attempts == 1 ? Outcome{Outcome::State::later, "451 busy", Seconds(100)}
                           : Outcome{Outcome::State::sent, "", {}};
  });
  const auto share = post.share({"a@example.org"}).at(0);
  while (attempts == 0 || post.now(share).reason != "451 busy") std::this_thread::sleep_for(Millis(1));
  CHECK(post.now(share).state == ShareState::queued);
  post.world.clock.pass(Seconds(99));
  post.outbox->wake();
  post.outbox->wake();
  CHECK(attempts == 1);
  post.world.clock.pass(Seconds(3));
  post.outbox->wake();
  CHECK(post.becomes(share, ShareState::sent));
  CHECK(attempts == 2);
  CHECK(post.sent[0].id == post.sent[1].id);
}

TEST_CASE("what was refused has failed, and what is unknown is not sent again") {
  Post post([&](const Notice& notice) {
    return notice.to.address.starts_with("no") ? Outcome{Outcome::State::failed, "550 no", {}}
                                               : Outcome{Outcome::State::unknown, "cut", {}};
  });
  const auto shares = post.share({"no@example.org", "who@example.org"});
  CHECK(post.becomes(shares[0], ShareState::failed));
  CHECK(post.becomes(shares[1], ShareState::unknown));
  CHECK(post.now(shares[0]).reason == "550 no");
  post.outbox.reset();
  CHECK(post.sent.size() == 2);
}

TEST_CASE("a transport that hangs holds up no other") {
  std::mutex gate;
  gate.lock();
  Post post([&](const Notice& notice) {
    if (notice.to.channel == wire::Channel::mail) const std::lock_guard wait(gate);
    return Outcome{Outcome::State::sent, "", {}};
  });
  const auto hanging =
      post.share({"a@example.org", "b@example.org", "c@example.org", "d@example.org", "e@example.org"});
  CHECK(post.becomes(hanging[0], ShareState::sending));
  for (const auto& share : post.share({"+8613800138000", "+8613800138001", "+491711234567"}))
    CHECK(post.becomes(share, ShareState::sent));
  unsigned sending = 0;
  for (const auto& share : hanging) sending += post.now(share).state == ShareState::sending ? 1 : 0;
  CHECK(sending == 2);
  gate.unlock();
  for (const auto& share : hanging) CHECK(post.becomes(share, ShareState::sent));
}

TEST_CASE("what is thrown for one notice is logged and ends that one, and its transport has room again") {
  serve::OutboxOptions options;
  options.threads = 2;
  options.at_once_by_transport = 1;
  Post post(
      [](const Notice& notice) -> Outcome {
        if (notice.to.address.starts_with("a@")) throw std::runtime_error("the transport is upset");
        return {Outcome::State::sent, "250 ok", {}};
      },
      options);
  const auto shares = post.share({"a@example.org", "b@example.org", "c@example.org"});
  CHECK(post.becomes(shares.at(0), ShareState::unknown));
  CHECK(post.becomes(shares.at(1), ShareState::sent));
  CHECK(post.becomes(shares.at(2), ShareState::sent));
  CHECK(post.now(shares.at(0)).reason == "the transport is upset");
  post.outbox.reset();
  CHECK(post.logged.find("the transport is upset") != std::string::npos);
}

TEST_CASE("the end of the server interrupts what is being sent, whose fate is unknown then") {
  std::atomic<bool> interrupted{false};
  serve::OutboxOptions options;
  options.stop_time = Millis(20);
  Post post(
      [&](const Notice&) {
        interrupted.wait(false);
        return Outcome{Outcome::State::unknown, "the server ended", {}};
      },
      options,
      [&] {
        interrupted = true;
        interrupted.notify_all();
      });
  const auto share = post.share({"a@example.org"}).at(0);
  CHECK(post.becomes(share, ShareState::sending));
  post.outbox.reset();
  CHECK(post.now(share).state == ShareState::unknown);
}

TEST_CASE("the pauses between tries grow, by chance, and keep to what was asked") {
  const serve::OutboxOptions options;
  std::set<std::int64_t> seen;
  for (int i = 0; i < 200; ++i) {
    const Millis first = Outbox::pause(1, std::nullopt, options);
    seen.insert(first.count());
    CHECK(first >= Millis(15'000));
    CHECK(first <= Millis(45'000));
    CHECK(Outbox::pause(4, std::nullopt, options) >= Millis(120'000));
    CHECK(Outbox::pause(60, std::nullopt, options) <= Millis(5'400'000));
    const Millis asked = Outbox::pause(1, Seconds(600), options);
    CHECK(asked >= Seconds(600));
    CHECK(asked <= Seconds(603));
    CHECK(Outbox::pause(1, Seconds(10'000'000), options) <= Seconds(24 * 3600 + 3));
  }
  CHECK(seen.size() > 50);
}

TEST_CASE("the limits of a configuration replace those that it names") {
  notify::Settings settings;
  settings.limits = {{"recipients", "7"}, {"per_country", "0"}};
  settings.transports = {
      {"mail", {{"per_day", "11"}}}, {"exec.x", {{"per_recipient", "2"}}}, {"sms", {{"countries", "+86\n49"}}}};
  const auto policy = serve::policy_of(settings);
  CHECK(policy.recipients == 7);
  CHECK(policy.notices_a_country == 0);
  CHECK(policy.notices_a_space == space::SharePolicy().notices_a_space);
  CHECK(policy.notices_a_transport.at("mail") == 11);
  CHECK(policy.notices_a_transport.at("sms") == 200);
  CHECK(policy.notices_a_recipient_by.at("exec.x") == 2);
  CHECK(policy.countries == std::vector<std::string>{"86", "49"});
}
