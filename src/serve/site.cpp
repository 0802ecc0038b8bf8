#include "serve/site.h"

#include <system_error>

#include "base/bytes.h"
#include "base/ip_address.h"
#include "base/random.h"
#include "base/text.h"
#include "serve/answers.h"
#include "serve/routes/routes.h"

namespace qrx::serve {
namespace {

using wire::Resource;
using Route = front::Reply (*)(const SharedCall&);

front::Reply show_health(const SharedCall&) {
  return answer(200, "text/plain; charset=utf-8", "qrx is well\n");
}

front::Reply show_ready(const SharedCall& call) {
  if (call->site.options().ready()) return answer(200, "text/plain; charset=utf-8", "ready\n");
  return answer(503, "text/plain; charset=utf-8", "the catalog does not answer\n");
}

struct Verb {
  std::string_view method;
  Route route;
};

struct Verbs {
  Resource resource;
  std::initializer_list<Verb> verbs;
};

// Everything that the server answers. HEAD goes where GET goes, unless it stands here itself; OPTIONS tells the verbs.
const Verbs table[] = {
    {Resource::home, {{"GET", show_home}}},
    {Resource::scan_page, {{"GET", show_scan_page}}},
    {Resource::share_target, {{"POST", refuse_shared}}},
    {Resource::app_manifest, {{"GET", show_app_manifest}}},
    {Resource::app_worker, {{"GET", show_app_worker}}},
    {Resource::asset, {{"GET", show_asset}}},
    {Resource::health, {{"GET", show_health}}},
    {Resource::ready, {{"GET", show_ready}}},
    {Resource::spaces, {{"POST", create_space}}},
    {Resource::space, {{"GET", show_space}, {"PATCH", change_space}, {"DELETE", remove_space}}},
    {Resource::open_upload, {{"DELETE", end_upload}}},
    {Resource::open_delivery, {{"DELETE", end_delivery}}},
    {Resource::file, {{"GET", send_file}, {"POST", send_file_to_form}}},
    {Resource::shares, {{"GET", list_shares}, {"POST", create_shares}, {"DELETE", revoke_shares}}},
    {Resource::share, {{"GET", show_share}, {"PATCH", report_share}, {"DELETE", revoke_share}}},
    {Resource::link, {{"GET", show_link}}},
    {Resource::link_opened, {{"POST", mark_link_opened}}},
    {Resource::link_file, {{"GET", send_link_file}, {"POST", send_link_file}}},
    {Resource::link_all, {{"GET", send_link_all}, {"POST", send_link_all}}},
    {Resource::owner_page, {{"GET", show_owner_page}}},
    {Resource::drop, {{"GET", show_drop}, {"PUT", put_file}, {"POST", post_form}}},
    {Resource::drop_file, {{"PUT", put_file}}},
    {Resource::uploads, {{"POST", create_upload}, {"OPTIONS", tus_options}}},
    {Resource::upload,
     {{"HEAD", show_upload}, {"PATCH", append_upload}, {"DELETE", remove_upload}, {"OPTIONS", tus_options}}},
    {Resource::deliveries, {{"POST", create_delivery}}},
    {Resource::delivery, {{"GET", show_delivery}, {"DELETE", cancel_delivery}}},
    {Resource::commit, {{"POST", commit_delivery}}},
    {Resource::delivery_file, {{"PUT", put_delivery_file}}},
    {Resource::control_sweep, {{"POST", sweep_now}}},
    {Resource::control_check, {{"POST", check_now}}},
    {Resource::control_spaces, {{"GET", list_all_spaces}}},
    {Resource::control_space, {{"PATCH", block_any_space}, {"DELETE", delete_any_space}}},
};

const Verbs& verbs_of(Resource resource) {
  for (const Verbs& row : table)
    if (row.resource == resource) return row;
  return table[0];
}

std::string allowed(const Verbs& row) {
  std::string out;
  for (const Verb& verb : row.verbs) {
    out += (out.empty() ? "" : ", ") + std::string(verb.method);
    if (verb.method == "GET") out += ", HEAD";
  }
  return out.find("OPTIONS") == std::string::npos ? out + ", OPTIONS" : out;
}

// tus: for clients that can only send POST.
std::string_view method_of(const http::Request& request, Resource resource) {
  if (request.method != "POST" || resource != Resource::upload) return request.method;
  const auto wanted = request.header("x-http-method-override");
  if (!wanted) return request.method;
  for (const std::string_view method : {"PATCH", "DELETE"})
    if (equal_ignoring_case(*wanted, method)) return method;
  return request.method;
}

constexpr std::uint64_t guesses_a_minute = 30;

// What was not found is named by a secret, and not by one that leads to something else.
bool is_wrong_secret(const Call& call) {
  switch (call.target.resource) {
    case wire::Resource::space:
    case wire::Resource::file:
    case wire::Resource::open_upload:
    case wire::Resource::open_delivery:
    case wire::Resource::shares:
    case wire::Resource::share: {
      const auto token = token_of(*call.request);
      return token && !call.site.spaces.owned(call.target.guid, *token);
    }
    case wire::Resource::link:
    case wire::Resource::link_opened:
    case wire::Resource::link_file:
    case wire::Resource::link_all:
      return !call.site.shares.look(call.target.token, {}, {0, 0});
    default:
      return false;
  }
}

// A name in Host that is not ours: the page of a foreign site that had its name point here. An address cannot be had
// so.
bool is_foreign_host(const http::Request& request, std::string_view own_authority) {
  if (own_authority.empty() || request.by_proxy || request.control) return false;
  const auto host = request.header("host");
  if (!host || equal_ignoring_case(*host, own_authority)) return false;
  const auto named = Origin::parse("http://" + std::string(*host));
  const auto own = Origin::parse("http://" + std::string(own_authority));
  if (!named || !own) return true;
  return !equal_ignoring_case(named->host, own->host) && !is_ip_address(named->host) &&
         !equal_ignoring_case(named->host, "localhost");
}

int status_of(const front::Reply& reply) {
  if (const auto* done = std::get_if<http::Answer>(&reply)) return done->status;
  if (const auto* sent = std::get_if<front::Send>(&reply)) return sent->head.status;
  return 0;
}

front::Reply logged(front::Reply reply, const SharedCall& call);

// Passes everything on, and tells the log how it ended.
class LoggedSink : public front::BodySink {
 public:
  LoggedSink(std::unique_ptr<front::BodySink> sink, SharedCall call) : sink_(std::move(sink)), call_(std::move(call)) {}
  Result<void> write(ByteView bytes) override { return sink_->write(bytes); }
  front::Reply finish() override { return logged(sink_->finish(), call_); }
  std::optional<http::Answer> on_error(const Error& error) override {
    auto out = sink_->on_error(error);
    if (out) logged(*out, call_);
    return out;
  }
  void abandon() override { sink_->abandon(); }

 private:
  std::unique_ptr<front::BodySink> sink_;
  SharedCall call_;
};

front::Reply logged(front::Reply reply, const SharedCall& call) {
  if (auto* receive = std::get_if<front::Receive>(&reply)) {
    receive->sink = std::make_unique<LoggedSink>(std::move(receive->sink), call);
  } else if (auto* wait = std::get_if<front::Wait>(&reply)) {
    wait->poll = [poll = std::move(wait->poll), call](bool time_over) -> std::optional<front::Reply> {
      auto out = poll(time_over);
      if (!out) return out;
      return logged(std::move(*out), call);
    };
  } else if (auto* work = std::get_if<front::Work>(&reply)) {
    work->run = [run = std::move(work->run), call](const std::stop_token& stop) { return logged(run(stop), call); };
  } else {
    call->site.log.request("request", {{"peer", call->request->peer},
                                       {"method", call->request->method},
                                       {"path", wire::loggable(call->target)},
                                       {"status", std::to_string(status_of(reply))},
                                       {"id", call->asker.request_id}});
  }
  return reply;
}

}  // namespace

Site::Site(space::Spaces& the_spaces, space::Shares& the_shares, Clock& the_clock, const Log& the_log,
           SiteOptions options, std::function<void(const Id&)> the_wake)
    : spaces(the_spaces),
      shares(the_shares),
      clock(the_clock),
      log(the_log),
      creations(options.create_rate),
      guesses(guesses_a_minute),
      wake(std::move(the_wake)),
      options_(std::move(options)) {
  const auto random = random_bytes<8>();
  std::uint64_t first = 0;
  for (const std::uint8_t byte : random) first = first << 8 | byte;
  next_request_ = first;
}

Site::~Site() {
  await_check();
}

void Site::await_check() {
  const std::lock_guard lock(check_mutex_);
  if (check_.joinable()) check_.join();
}

void Site::set_create_tokens(std::vector<Sha256Sum> hashes) {
  const std::lock_guard lock(tokens_mutex_);
  create_tokens_ = std::move(hashes);
}

bool Site::is_create_token(std::string_view token) const {
  const Sha256Sum hash = sha256(as_bytes(token));
  const std::lock_guard lock(tokens_mutex_);
  bool found = false;
  for (const Sha256Sum& known : create_tokens_) found |= equal_constant_time(as_bytes(known), as_bytes(hash));
  return found;
}

bool Site::run_check(std::function<void()> work) {
  const std::lock_guard lock(check_mutex_);
  if (checking_) return false;
  if (check_.joinable()) check_.join();
  try {
    checking_ = true;
    check_ = std::thread([this, work = std::move(work)] {
      work();
      checking_ = false;
    });
  } catch (const std::system_error&) {
    checking_ = false;
  }
  return checking_ || check_.joinable();
}

// Unique, and says nothing about how many there were.
std::string Site::next_request_id() {
  std::uint64_t number = next_request_++ * 0x9E3779B97F4A7C15U;
  std::array<std::uint8_t, 8> bytes;
  for (std::uint8_t& byte : bytes) {
    byte = static_cast<std::uint8_t>(number);
    number >>= 8;
  }
  return to_base32(as_bytes(bytes));
}

http::Answer Call::wrong_token(const Error& error) const {
  bool first = false;
  const auto wait = site.guesses.take(request->peer, site.clock.steady(), &first);
  if (!wait) return serve::problem(asker, error);
  if (first) site.log.info("too many wrong tokens or links", {{"peer", request->peer}, {"path", loggable(target)}});
  return too_many(asker, "too many wrong tokens or links came from this address; try again later", *wait);
}

http::Answer Call::problem(const Error& error, int status) const {
  if (error.kind == Kind::not_found && status == 0 && is_wrong_secret(*this)) return wrong_token(error);
  return serve::problem(asker, error, status);
}

// Links would lead to this machine only, or every client would look like the proxy.
void Site::warn_of_proxy(const http::Request& request) {
  if (!options_.public_authority.empty() || request.control || warned_of_proxy_) return;
  const bool forwarded =
      !request.by_proxy && (request.header("x-forwarded-for") || request.header("x-forwarded-host") ||
                            request.header("x-forwarded-proto") || request.header("forwarded"));
  const auto host = request.header("host");
  const auto named = host ? Origin::parse("http://" + std::string(*host)) : tl::unexpected(Error{});
  const bool led_astray = is_loopback_address(base_.host) && named && !equal_ignoring_case(named->host, "localhost") &&
                          (named->host != base_.host || named->port != base_.port);
  if ((!forwarded && !led_astray) || warned_of_proxy_.exchange(true)) return;
  log.info(
      "a proxy seems to stand before this server: name its address with --public-url and trust it with "
      "--trusted-proxy, or others cannot reach what links lead to",
      {{"links", base_.url()}, {"asked", std::string(host.value_or(""))}});
}

http::Answer Site::error_answer(const Error& error, int status) const {
  return problem(Asker{false, false, {}, {Language::english, options_.prefix}}, error, status);
}

front::Reply Site::handle(std::shared_ptr<const http::Request> request) {
  auto call = std::make_shared<Call>(Call{*this, std::move(request), {}, {}});
  call->asker.browser = wants_html(*call->request);
  call->asker.terminal = !call->asker.browser && call->request->header("accept") && !wants_json(*call->request);
  call->asker.request_id = next_request_id();
  call->asker.look = {choose_language(call->header("accept-language")), options_.prefix};
  front::Reply reply = route(call);
  return log.tells_requests() ? logged(std::move(reply), call) : std::move(reply);
}

front::Reply Site::route(const std::shared_ptr<Call>& shared) {
  Call& call = *shared;
  const http::Request& request = *call.request;
  if (is_foreign(request, options_.public_authority))
    return call.problem(403, "a page of another site may not use this server");
  if (is_foreign_host(request, options_.public_authority))
    return call.problem(421, "this server is not the one that Host names");
  if (request.method == "GET" || request.method == "HEAD")
    if (auto meant = wire::with_its_fragment(request.path, options_.prefix)) {
      http::Answer out = answer(302);
      out.headers.push_back({"Location", std::move(*meant)});
      return out;
    }
  auto target = wire::parse_target(request.path, options_.prefix, request.method == "PUT");
  const bool is_control = target && target->resource >= Resource::control_sweep;
  if (!target || is_control != request.control) return call.problem(404, "there is nothing at this address");
  call.target = std::move(*target);
  // "null" is what our own forms send, but also a page that another site has put into a sandbox: it has no secret to
  // name.
  if (call.target.resource == Resource::spaces && call.header("origin") == "null")
    return call.problem(403, "a page of no site may not open spaces");

  const Verbs& row = verbs_of(call.target.resource);
  const std::string_view method = method_of(request, call.target.resource);
  for (const Verb& verb : row.verbs)
    if (verb.method == method) return verb.route(shared);
  if (method == "HEAD")
    for (const Verb& verb : row.verbs)
      if (verb.method == "GET") return verb.route(shared);
  http::Answer out =
      method == "OPTIONS" ? answer(204) : call.problem(405, "this address does not take " + request.method);
  out.headers.push_back({"Allow", allowed(row)});
  return out;
}

}  // namespace qrx::serve
