#include "serve/operations/daemon.h"

#include <unistd.h>

#include <atomic>
#include <mutex>
#include <system_error>
#include <thread>

#include "base/text.h"
#include "front/operator_port.h"
#include "front/server.h"
#include "serve/operations/agreement.h"
#include "serve/operations/control.h"
#include "serve/operations/create_tokens.h"
#include "serve/operations/metrics.h"
#include "serve/operations/sweeper.h"
#include "serve/operations/systemd.h"
#include "serve/operations/wakes.h"
#include "serve/routes/router.h"
#include "serve/site.h"

namespace qrx::serve {
namespace {

// What was sent is acknowledged when the store has it, which takes longer than a disk: so long a thread waits.
constexpr unsigned most_threads_with_objects = 128;

bool is_unix(const std::string& address) {
  return address.starts_with("unix:");
}

std::string machine_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "?";
}

// "127.0.0.1:8460" or "[::1]:8460" as an origin; all addresses (0.0.0.0, [::]) become one that can be reached.
Result<wire::Origin> origin_of(const std::string& address, bool tls, const std::string& reachable_host) {
  auto origin = wire::Origin::parse((tls ? "https://" : "http://") + address);
  if (!origin) return origin;
  if (origin->host == "0.0.0.0" || origin->host == "::")
    origin->host = reachable_host.empty() ? "127.0.0.1" : reachable_host;
  return origin;
}

}  // namespace

struct Daemon::Impl {
  Impl(const DaemonOptions& the_options, const Log& the_log) : options(the_options), log(the_log) {}
  ~Impl() { leave_nodes(); }

  void leave_nodes() {  // they tell nothing after it
    if (data && data->shared() != nullptr) data->shared()->leave();
  }

  Result<void> open();
  Result<void> open_data();
  void tell_recovered(const space::Spaces::Recovered& recovered) const;
  Result<void> open_shares();
  void make_site();
  Result<void> bind_front();
  Result<wire::Origin> find_base() const;
  std::optional<std::string> trouble() const;
  Result<void> open_operator_port();
  std::uint32_t transports() const;
  std::unique_ptr<Outbox> start_outbox();
  Result<void> start_threads();
  void join_nodes();
  Result<void> introduce(std::vector<Sha256Sum> tokens);
  void log_disagreement(const space::NodeCard& other);

  DaemonOptions options;
  const Log& log;
  Wakes wakes;
  std::unique_ptr<Data> data;
  std::unique_ptr<space::Shares> shares;
  std::unique_ptr<Site> site;
  std::unique_ptr<Router> router;
  std::unique_ptr<front::Server> server;
  ControlPath control;
  std::unique_ptr<Sweeper> sweeper;
  std::unique_ptr<Outbox> notices;
  std::atomic<Outbox*> outbox{nullptr};                // `notices`, while it runs
  std::mutex policy_mutex;                             // nothing is taken under it
  std::string policy;                                  // as the other nodes were told
  std::unique_ptr<front::OperatorPort> operator_port;  // the last: its pages look at all of these
};

Result<void> Daemon::Impl::open() {
  std::vector<Sha256Sum> tokens;
  if (options.create_needs_token) {
    auto read = read_create_tokens(options.token_file);
    if (!read) return tl::unexpected(read.error());
    tokens = std::move(*read);
  }
  if (auto opened = open_data(); !opened) return opened;
  if (auto opened = open_shares(); !opened) return opened;
  make_site();
  site->set_create_tokens(tokens);
  if (auto bound = bind_front(); !bound) return bound;
  wakes.set_front(server.get());

  auto base = find_base();
  if (!base) return tl::unexpected(base.error());
  site->set_base(std::move(*base));
  if (auto introduced = introduce(std::move(tokens)); !introduced) return introduced;
  return start_threads();
}

Result<void> Daemon::Impl::open_data() {
  // Of this node alone: nobody else waits for what it asks of the store.
  options.data.objects.store.wake = [this](const Id& topic) { wakes.wake(topic); };
  options.data.objects.store.failed = [this](const std::string& what) {
    log.error("the S3 store failed", {{"reason", what}});
  };
  auto opened = Data::open(options.data, wakes);
  if (!opened) return tl::unexpected(opened.error());
  data = std::move(*opened);
  // Before recovery: what that changes, other nodes hear.
  wakes.set_nodes(data->shared());
  const auto recovered = data->spaces().recover();
  if (!recovered) return tl::unexpected(recovered.error());
  tell_recovered(*recovered);
  return {};
}

void Daemon::Impl::tell_recovered(const space::Spaces::Recovered& recovered) const {
  if (recovered.damaged > 0)
    log.error("uploads lost bytes that were acknowledged", {{"uploads", std::to_string(recovered.damaged)}});
  if (recovered.incomplete > 0)
    log.error("uploads could not be completed", {{"uploads", std::to_string(recovered.incomplete)}});
  for (const std::string& failure : recovered.failures)
    log.error("not everything could be repaired at the start", {{"reason", failure}});
  if (recovered.truncated + recovered.quarantined > 0)
    log.info("recovered", {{"uploads", std::to_string(recovered.uploads)},
                           {"truncated", std::to_string(recovered.truncated)},
                           {"quarantined", std::to_string(recovered.quarantined)}});
}

Result<void> Daemon::Impl::open_shares() {
  shares = std::make_unique<space::Shares>(data->spaces(), policy_of(options.notices));
  shares->on_notice([this] {
    if (Outbox* const running = outbox) running->wake();
  });
  shares->set_transports(transports());
  join_nodes();
  // Before the outbox starts: the claims that there are belong to processes that have ended.
  const auto unknown = shares->recover();
  if (!unknown) return tl::unexpected(unknown.error());
  if (*unknown > 0) log.error("it is not known whether notices were sent", {{"notices", std::to_string(*unknown)}});
  return {};
}

void Daemon::Impl::make_site() {
  SiteOptions site_options;
  if (options.public_url) {
    site_options.public_authority = options.public_url->authority();
    site_options.prefix = options.public_url->prefix;
  }
  site_options.create_needs_token = options.create_needs_token;
  site_options.create_rate = options.create_rate;
  site_options.redirect = options.redirect;
  site_options.trouble = [this] { return trouble(); };
  site = std::make_unique<Site>(data->spaces(), *shares, data->clock(), log, std::move(site_options),
                                [this](const Id& topic) { wakes.wake(topic); });
  router = std::make_unique<Router>(*site);
}

Result<void> Daemon::Impl::bind_front() {
  auto path = ControlPath::in(options.data.directory);
  if (!path) return tl::unexpected(path.error());
  control = std::move(*path);
  front::ServerOptions front;
  for (const std::string& bind : options.binds)
    front.endpoints.push_back({bind, false, false, options.socket_mode, options.socket_group});
  // No token is asked for there: the mode of the socket (0600, front/listeners.cpp) is the right.
  front.endpoints.push_back({"unix:" + control.path, true, false});
  front.tls_cert = options.tls_cert;
  front.tls_key = options.tls_key;
  front.trusted_proxies = options.trusted_proxies;
  front.most_of_one = options.most_of_one;
  if (!options.data.objects.module.empty()) front.most_threads = most_threads_with_objects;
  front.failed = [this](const std::string& what) { log.error("a request failed", {{"reason", what}}); };
  server = std::make_unique<front::Server>(
      std::move(front),
      [this](std::shared_ptr<const http::Request> request) { return router->handle(std::move(request)); },
      [this](const Error& error, int status) { return router->error_answer(error, status); });
  // After recovery: nobody connects to a server that still repairs its data. Whoever comes now waits in the queue of
  // the socket until run().
  return server->bind();
}

void Daemon::Impl::join_nodes() {
  if (data->shared() == nullptr) return;
  wakes.on_cut_off([this] {
    log.error("the catalog was out of reach for too long: limited downloads are cut off");
    shares->cut_limited();
  });
  wakes.on_disagreement([this](const space::NodeCard& other) { log_disagreement(other); });
  data->shared()->join(wakes);
}

// Again whenever the tokens have changed.
Result<void> Daemon::Impl::introduce(std::vector<Sha256Sum> tokens) {
  if (data->shared() == nullptr) return {};
  const auto catalog = data->catalog().remembered("catalog id");
  if (!catalog) return tl::unexpected(catalog.error());
  Agreed agreed{options.data.policy, options.create_needs_token, options.create_rate,
                site->base().url(),  options.redirect,           {},
                std::move(tokens)};
  const std::uint32_t channels = transports();
  for (unsigned channel = 0; channel <= static_cast<unsigned>(wire::Channel::exec); ++channel)
    if ((channels >> channel & 1U) != 0)
      agreed.transports +=
          (agreed.transports.empty() ? "" : ",") + std::string(wire::to_text(static_cast<wire::Channel>(channel)));
  space::NodeCard card{machine_name() + " " + server->addresses().front(), policy_text(agreed, catalog->value_or(""))};
  {
    const std::lock_guard lock(policy_mutex);
    policy = card.policy;
  }
  data->shared()->introduce(std::move(card));
  return {};
}

// From the thread of the catalog that writes the beats.
void Daemon::Impl::log_disagreement(const space::NodeCard& other) {
  std::string ours;
  {
    const std::lock_guard lock(policy_mutex);
    ours = policy;
  }
  const std::string what = differences(ours, other.policy);
  if (what.empty()) return;
  log.error("another node has other settings: what clients meet depends on the node they come to",
            {{"node", other.name}, {"settings", what}});
}

// All that there will be at first, before anybody is told that this server is ready.
Result<void> Daemon::Impl::start_threads() {
  try {
    if (auto started = server->start(); !started) return started;
    sweeper = std::make_unique<Sweeper>(*site);
    notices = start_outbox();
    outbox = notices.get();
    return options.metrics_bind.empty() ? Result<void>{} : open_operator_port();
  } catch (const std::system_error& error) {
    return fail(Kind::unavailable, std::string("cannot start a thread: ") + error.what());
  }
}

std::uint32_t Daemon::Impl::transports() const {
  const notify::Courier courier(options.notify_helper, options.notices);
  std::uint32_t channels = 0;
  for (unsigned channel = 0; channel <= static_cast<unsigned>(wire::Channel::exec); ++channel)
    if (static_cast<wire::Channel>(channel) != wire::Channel::link && courier.has(static_cast<wire::Channel>(channel)))
      channels |= 1U << channel;
  return channels;
}

// What was queued before goes out even if every transport is off now: as failed, so that it does not wait for ever.
std::unique_ptr<Outbox> Daemon::Impl::start_outbox() {
  const auto make = [this] {
    auto courier = std::make_shared<notify::Courier>(options.notify_helper, options.notices);
    return Outbox::Sender{[courier](const notify::Notice& notice) { return courier->send(notice); },
                          [courier] { courier->interrupt(); }};
  };
  OutboxOptions how = options.outbox;
  if (transports() == 0) how.threads = 1;
  return std::make_unique<Outbox>(*shares, site->base(), data->clock(), log, make, how);
}

Result<wire::Origin> Daemon::Impl::find_base() const {
  if (options.public_url) return *options.public_url;
  for (const std::string& address : server->addresses())
    if (!is_unix(address)) return origin_of(address, !options.tls_cert.empty(), options.reachable_host);
  // Only Unix sockets: a proxy stands before us and should have named its address.
  return wire::Origin{false, "localhost", 80, ""};
}

// Of use is a node whose catalog answers, and whose contents are to be had.
std::optional<std::string> Daemon::Impl::trouble() const {
  constexpr const char* no_catalog = "the catalog does not answer";
  if (data->shared() != nullptr && !data->shared()->health()) return no_catalog;
  if (data->blobs().trouble()) return "the store of file contents does not answer";
  // Others have room: clients are to be sent to them.
  if (!data->blobs().has_room()) return "the disk for uploads is full";
  // Any look into the catalog will do; no such note exists, and that is an answer, too.
  if (!data->catalog().remembered("ready")) return no_catalog;
  return std::nullopt;
}

Result<void> Daemon::Impl::open_operator_port() {
  using Text = front::OperatorPage::Text;
  constexpr const char* plain = "text/plain; charset=utf-8";
  std::vector<front::OperatorPage> pages;
  pages.push_back(
      {"/metrics", [this] {
         return Text{200, "text/plain; version=0.0.4", text_of(measures_of(server->counts(), *site, *data))};
       }});
  pages.push_back({"/healthz", [] { return Text{200, plain, "qrx is well\n"}; }});
  pages.push_back({"/readyz", [this] {
                     const auto bad = trouble();
                     return bad ? Text{503, plain, *bad + "\n"} : Text{200, plain, "ready\n"};
                   }});
  auto opened = front::OperatorPort::open(options.metrics_bind, std::move(pages), [this](const std::string& what) {
    log.error("a page for monitoring failed", {{"reason", what}});
  });
  if (!opened) return tl::unexpected(opened.error());
  operator_port = std::move(*opened);
  return {};
}

Daemon::Daemon(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Daemon::~Daemon() {
  // Callers go before what they call: first pages, nodes and threads.
  impl_->operator_port.reset();
  impl_->leave_nodes();
  if (impl_->data) impl_->data->spaces().stop();
  impl_->outbox = nullptr;
  impl_->notices.reset();
  impl_->sweeper.reset();
  // A check that still runs wakes the front; and so do bodies that the front lets go of when it goes.
  if (impl_->site) impl_->site->check.end();
  impl_->wakes.set_front(nullptr);
  impl_->wakes.set_nodes(nullptr);
}

Result<std::unique_ptr<Daemon>> Daemon::open(const DaemonOptions& options, const Log& log) {
  auto impl = std::make_unique<Impl>(options, log);
  if (const auto opened = impl->open(); !opened) return tl::unexpected(opened.error());
  return std::unique_ptr<Daemon>(new Daemon(std::move(impl)));
}

const wire::Origin& Daemon::base() const {
  return impl_->site->base();
}

Result<void> Daemon::run() {
  tell_systemd("READY=1\nSTATUS=serving at " + base().url());
  auto result = impl_->server->run();
  tell_systemd("STOPPING=1");
  return result;
}

void Daemon::stop() {
  impl_->data->spaces().stop();
  // Its stop_time runs beside that of the front: the end takes as long as the longer of the two.
  impl_->notices->begin_stop();
  impl_->server->stop();
}

// What cannot be read leaves the server as it was: a broken file must not take it down.
void Daemon::reload() {
  tell_systemd("RELOADING=1");
  if (!impl_->options.tls_cert.empty()) {
    const auto done = impl_->server->reload_tls();
    if (done)
      impl_->log.info("certificate reloaded");
    else
      impl_->log.error("keeping the old certificate", {{"reason", done.error().what}});
  }
  if (impl_->options.create_needs_token) {
    auto tokens = read_create_tokens(impl_->options.token_file);
    if (tokens) {
      impl_->site->set_create_tokens(*tokens);
      (void)impl_->introduce(std::move(*tokens));  // a catalog that does not answer now leaves the old ones told
    } else {
      impl_->log.error("keeping the old create tokens", {{"reason", tokens.error().what}});
    }
  }
  tell_systemd("READY=1");
}

}  // namespace qrx::serve
