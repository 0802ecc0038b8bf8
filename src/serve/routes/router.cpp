#include "serve/routes/router.h"

#include <array>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/ip_address.h"
#include "base/random.h"
#include "base/text.h"
#include "serve/answers.h"
#include "serve/routes/assets_route.h"
#include "serve/routes/contents_route.h"
#include "serve/routes/control_route.h"
#include "serve/routes/deliveries_route.h"
#include "serve/routes/drop_route.h"
#include "serve/routes/files_route.h"
#include "serve/routes/form_route.h"
#include "serve/routes/pages_route.h"
#include "serve/routes/receipt_route.h"
#include "serve/routes/request_log.h"
#include "serve/routes/share_link_route.h"
#include "serve/routes/shares_route.h"
#include "serve/routes/spaces_route.h"
#include "serve/routes/tus_route.h"

namespace qrx::serve {
namespace {

using wire::Resource;
using Route = front::Reply (*)(const SharedCall&);

front::Reply show_health(const SharedCall&) {
  return answer(200, "text/plain; charset=utf-8", "qrx is well\n");
}

front::Reply show_ready(const SharedCall& call) {
  const auto trouble = call->site.options().trouble();
  if (!trouble) return answer(200, "text/plain; charset=utf-8", "ready\n");
  return answer(503, "text/plain; charset=utf-8", *trouble + "\n");
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
    {Resource::receipt, {{"POST", record_receipt}}},
    {Resource::contents, {{"GET", send_contents}, {"DELETE", clear_delivery}}},
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
    {Resource::delivery_files, {{"POST", post_delivery_files}}},
    {Resource::delivery_file, {{"PUT", put_delivery_file}}},
    {Resource::control_sweep, {{"POST", sweep_now}}},
    {Resource::control_check, {{"POST", check_now}}},
    {Resource::control_spaces, {{"GET", list_all_spaces}}},
    {Resource::control_space, {{"PATCH", block_any_space}, {"DELETE", delete_any_space}}},
};

// Some thirty comparisons, which cost nothing beside the request itself. Every resource has its row.
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

// A name in Host that is not ours: the page of a foreign site that had its name point here (DNS rebinding), whose
// Origin looks like our own. An address cannot be had so.
bool is_foreign_host(const http::Request& request, std::string_view own_authority) {
  if (own_authority.empty() || request.by_proxy || request.control) return false;
  const auto host = request.header("host");
  if (!host || equal_ignoring_case(*host, own_authority)) return false;
  const auto named = wire::Origin::parse("http://" + std::string(*host));
  const auto own = wire::Origin::parse("http://" + std::string(own_authority));
  if (!named || !own) return true;
  return !equal_ignoring_case(named->host, own->host) && !is_ip_address(named->host) &&
         !equal_ignoring_case(named->host, "localhost");
}

}  // namespace

// From a random number on: ids of two runs of the server do not meet in one log.
Router::Router(Site& site) : site_(site) {
  const auto random = random_bytes<8>();
  std::uint64_t first = 0;
  for (const std::uint8_t byte : random) first = first << 8 | byte;
  next_request_ = first;
}

// Unique, and says nothing about how many there were.
std::string Router::next_request_id() {
  // 2^64 divided by the golden ratio: odd, so that different numbers stay different, and neighbours come out far apart.
  std::uint64_t number = next_request_++ * 0x9E3779B97F4A7C15U;
  std::array<std::uint8_t, 8> bytes;
  for (std::uint8_t& byte : bytes) {
    byte = static_cast<std::uint8_t>(number);
    number >>= 8;
  }
  return to_base32(as_bytes(bytes));
}

http::Answer Router::error_answer(const Error& error, int status) const {
  return problem(Asker{false, false, {}, {Language::english, site_.options().prefix}}, error, status);
}

front::Reply Router::handle(std::shared_ptr<const http::Request> request) {
  auto call = std::make_shared<Call>(Call{site_, std::move(request), {}, {}});
  call->asker.browser = wants_html(*call->request);
  call->asker.terminal = !call->asker.browser && call->request->header("accept") && !wants_json(*call->request);
  call->asker.request_id = next_request_id();
  call->asker.look = {choose_language(call->header("accept-language")), site_.options().prefix};
  front::Reply reply = route(call);
  return site_.log.tells_requests() ? logged(std::move(reply), call) : std::move(reply);
}

front::Reply Router::route(const std::shared_ptr<Call>& shared) {
  Call& call = *shared;
  const http::Request& request = *call.request;
  if (is_foreign(request, site_.options().public_authority))
    return call.problem(403, "a page of another site may not use this server");
  if (is_foreign_host(request, site_.options().public_authority))
    return call.problem(421, "this server is not the one that Host names");
  if (request.method == "GET" || request.method == "HEAD")
    // The key has come to the server in this way, which it must not keep: the browser is sent to where it stays.
    if (auto meant = wire::with_its_fragment(request.path, site_.options().prefix)) {
      http::Answer out = answer(302);
      out.headers.push_back({"Location", std::move(*meant)});
      return out;
    }
  // RFC 9110, 9.3.7: of the server as a whole.
  if (request.path == "*") {
    http::Answer out = answer(204);
    out.headers.push_back({"Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"});
    return out;
  }
  auto target = wire::parse_target(request.path, site_.options().prefix, request.method == "PUT");
  if (std::string decoded; !target && !percent_decode(request.path, decoded))
    return call.problem(400,
                        "a % in the address is not followed by two hex digits: in a file name it is written as %25");
  const bool is_control = target && target->resource >= Resource::control_sweep;
  // Neither is the control socket a way to what needs a token, nor the network one to the operator's requests.
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
