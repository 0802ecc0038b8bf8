#include "cli/space/inbox_server.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <thread>
#include <utility>

#include "cli/addresses.h"
#include "cli/places.h"
#include "cli/signals.h"

namespace qrx::cli {
namespace {

// Beside 8461, which is for runs that take what is free: a port of an inbox stays what it is. One rule of a firewall
// lets all of them through.
constexpr unsigned first_port = 8462;
constexpr unsigned ports = 10;
constexpr Millis time_to_leave{10'000};  // for a command that looks into it just now (KeptReach)
constexpr Millis look_step{50};
constexpr Seconds between_looks{10};

Result<std::string> directory_of(const std::string& name) {
  auto state = state_dir();
  if (!state) return state;
  return *state + "/inboxes/" + name + ".server";
}

Result<RunDirectory> wait_for_directory(const std::string& name) {
  const auto path = directory_of(name);
  if (!path) return tl::unexpected(path.error());
  const Steady limit = system_clock().steady() + time_to_leave;
  for (;;) {
    auto directory = RunDirectory::lasting(*path);
    if (directory || directory.error().kind != Kind::locked || ended_by() != 0) return directory;
    if (system_clock().steady() > limit) return directory;
    std::this_thread::sleep_for(look_step);
  }
}

bool is_port_only(const std::string& bind) {
  return bind.find_first_not_of("0123456789") == std::string::npos;
}

// ":8462", "0.0.0.0:8470": with the port that the server got.
std::string with_port(const std::string& bind, unsigned port) {
  return (is_port_only(bind) ? "" : bind.substr(0, bind.rfind(':'))) + ":" + std::to_string(port);
}

std::set<unsigned> ports_of_inboxes() {
  std::set<unsigned> taken;
  const auto all = kept_spaces();
  if (!all) return taken;
  for (const auto& kept : *all) {
    unsigned port = 0;
    const std::string text = kept.bind.substr(kept.bind.rfind(':') + 1);
    if (std::from_chars(text.data(), text.data() + text.size(), port).ec == std::errc()) taken.insert(port);
  }
  return taken;
}

// Where to listen, most wanted first: where it was told to, or listened before, and nowhere else.
std::vector<std::string> binds_of(const KeptSpace& inbox) {
  if (!inbox.bind.empty()) return {inbox.bind};
  const auto taken = ports_of_inboxes();
  std::vector<std::string> out;
  for (unsigned port = first_port; port < first_port + ports; ++port)
    if (!taken.contains(port)) out.push_back(":" + std::to_string(port));
  return out;
}

bool is_of_this_machine(const std::string& address) {
  const auto all = machine_addresses();
  return std::any_of(all.begin(), all.end(), [&](const MachineAddress& one) { return one.text == address; });
}

// At start-up a machine may have no address yet: a code that leads to itself is of no use to anybody.
Result<void> check_network(const KeptSpace& inbox, const std::string& host) {
  const bool is_chosen_here = inbox.public_url.empty() && (is_port_only(inbox.bind) || inbox.bind.front() == ':');
  if (!is_chosen_here || host.empty() || is_loopback(host) || !is_loopback(machine_addresses().front().text)) return {};
  return fail(Kind::unavailable, "this machine has no network now: the code of the inbox " + inbox.inbox +
                                     " leads to " + host + ", an address that it does not have");
}

}  // namespace

Result<OwnServer> start_inbox_server(KeptSpace& inbox, Seconds life) {
  const auto before = wire::parse_drop_link(inbox.drop);
  OwnServerOptions options;
  options.expire = life;
  if (before) options.preferred = before->origin.host;
  if (auto connected = check_network(inbox, options.preferred); !connected) return tl::unexpected(connected.error());
  if (!inbox.public_url.empty()) {
    const auto url = wire::Origin::parse(inbox.public_url);
    if (!url) return tl::unexpected(url.error());
    options.public_url = *url;
  }
  Error last{Kind::other, "all ports for inboxes are taken", "choose another one with --bind"};
  for (const auto& bind : binds_of(inbox)) {
    auto directory = wait_for_directory(inbox.inbox);
    if (!directory) return tl::unexpected(directory.error());
    options.bind = bind;
    auto server = OwnServer::start_lasting(std::move(*directory), options);
    if (server) {
      inbox.bind = with_port(bind, server->near().port);
      return server;
    }
    last = server.error();
    if (ended_by() != 0) break;
  }
  if (last.hint.empty())
    last.hint = before ? "codes of this inbox name that port: end what uses it, or move the inbox with --bind, and "
                         "print its code anew"
                       : "choose another one with --bind";
  return tl::unexpected(last);
}

Result<KeptReach> KeptReach::open(const KeptSpace& kept, std::optional<Seconds> life) {
  KeptReach reach(kept.link);
  if (!kept.is_served_here()) return reach;
  const auto path = directory_of(kept.inbox);
  if (!path) return tl::unexpected(path.error());
  auto directory = RunDirectory::lasting(*path);
  if (!directory && directory.error().kind == Kind::locked) return reach;  // it runs
  if (!directory) return tl::unexpected(directory.error());
  auto server = OwnServer::restart(std::move(*directory), life);
  if (!server) return tl::unexpected(server.error());
  reach.link_.origin = server->near();
  reach.server_.emplace(std::move(*server));
  return reach;
}

AddressWatch::AddressWatch(std::string address) : address_(std::move(address)) {
  if (is_loopback(address_) || !is_of_this_machine(address_)) address_.clear();
}

std::string AddressWatch::look() {
  if (address_.empty() || system_clock().steady() < next_) return {};
  next_ = system_clock().steady() + between_looks;
  if (is_of_this_machine(address_) == there_) return {};
  there_ = !there_;
  return there_ ? "this machine has the address " + address_ + " again: senders can connect"
                : "this machine has lost the address " + address_ +
                      ", which the code names: senders cannot connect until it is back";
}

}  // namespace qrx::cli
