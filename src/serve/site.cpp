#include "serve/site.h"

#include "base/bytes.h"
#include "base/ip_address.h"
#include "base/text.h"

namespace qrx::serve {
namespace {

// A person who mistypes stays far below it.
constexpr std::uint64_t guesses_a_minute = 30;

}  // namespace

Site::Site(space::Spaces& the_spaces, space::Shares& the_shares, Clock& the_clock, const Log& the_log,
           SiteOptions options, std::function<void(const Id&)> the_wake)
    : spaces(the_spaces),
      shares(the_shares),
      clock(the_clock),
      log(the_log),
      digests(spaces, clock, wake),
      creations(options.create_rate),
      guesses(guesses_a_minute),
      wake(std::move(the_wake)),
      check(spaces, log, wake),
      options_(std::move(options)) {}

void Site::set_create_tokens(std::vector<Sha256Sum> hashes) {
  const std::lock_guard lock(tokens_mutex_);
  create_tokens_ = std::move(hashes);
}

bool Site::is_create_token(std::string_view token) const {
  const Sha256Sum hash = sha256(as_bytes(token));
  const std::lock_guard lock(tokens_mutex_);
  bool found = false;
  // Over all of them, in constant time: how long it takes says nothing about which one was nearly right.
  for (const Sha256Sum& known : create_tokens_) found |= equal_constant_time(as_bytes(known), as_bytes(hash));
  return found;
}

// Links would lead to this machine only, or every client would look like the proxy.
void Site::warn_of_proxy(const http::Request& request) {
  if (!options_.public_authority.empty() || request.control || warned_of_proxy_) return;
  const bool forwarded =
      !request.by_proxy && (request.header("x-forwarded-for") || request.header("x-forwarded-host") ||
                            request.header("x-forwarded-proto") || request.header("forwarded"));
  const auto host = request.header("host");
  const auto named = host ? wire::Origin::parse("http://" + std::string(*host)) : tl::unexpected(Error{});
  const bool led_astray = is_loopback_address(base_.host) && named && !equal_ignoring_case(named->host, "localhost") &&
                          (named->host != base_.host || named->port != base_.port);
  if ((!forwarded && !led_astray) || warned_of_proxy_.exchange(true)) return;
  log.info(
      "a proxy seems to stand before this server: name its address with --public-url and trust it with "
      "--trusted-proxy, or others cannot reach what links lead to",
      {{"links", base_.url()}, {"asked", std::string(host.value_or(""))}});
}

}  // namespace qrx::serve
