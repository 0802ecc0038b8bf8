#include "cli/space/own_server.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/clock.h"
#include "base/private_files.h"
#include "base/write_all.h"
#include "cli/places.h"
#include "cli/signals.h"
#include "process/child.h"
#include "process/find_program.h"
#include "process/pipe.h"

namespace qrx::cli {
namespace {

constexpr Millis start_time{15'000};
constexpr Millis end_time{5'000};
constexpr unsigned usual_port = 8461;  // so that a firewall can have a rule for it; 8460 is that of qrx-serve
constexpr Seconds default_max_expire{7 * 24 * 3600};  // of qrx-serve

// Our own variables would set options of the server.
std::vector<std::string> environment_without_options() {
  std::vector<std::string> out = process::own_environment();
  // QRX_DATA and the like are meant for a server of the user's own.
  std::erase_if(out, [](const std::string& entry) { return entry.starts_with("QRX_"); });
  return out;
}

// Its first line; empty when it ended, said nothing in time, or a signal came.
std::string read_first_line(int out) {
  const Steady limit = system_clock().steady() + start_time;
  std::string line;
  while (line.size() < 4096) {
    const auto left = std::chrono::duration_cast<Millis>(limit - system_clock().steady()).count();
    std::array<pollfd, 2> waits{{{out, POLLIN, 0}, {ended_by_fd(), POLLIN, 0}}};
    const int ready = left > 0 ? ::poll(waits.data(), waits.size(), static_cast<int>(left)) : 0;
    if (ended_by() != 0 || ready == 0 || (ready < 0 && errno != EINTR)) return {};
    if (ready < 0 || waits[0].revents == 0) continue;
    // Byte by byte: the pipe is not read any more after this line.
    char byte = 0;
    const ssize_t got = ::read(out, &byte, 1);
    if (got == 0 || (got < 0 && errno != EINTR)) return {};
    if (got < 0) continue;
    if (byte == '\n') return line;
    line += byte;
  }
  return {};
}

// "qrx-serve: cannot listen on …" as the reason in a sentence of ours.
std::string first_reason(const std::string& log) {
  std::ifstream file(log);
  std::string line;
  std::getline(file, line);
  constexpr std::string_view name = "qrx-serve: ";
  if (line.compare(0, name.size(), name) == 0) line.erase(0, name.size());
  return line;
}

}  // namespace

Result<OwnServer::Bind> OwnServer::parse_bind(const std::string& text, const std::string& usual_host) {
  const auto wrong = [&] {
    return fail(Kind::usage, "--bind: '" + text + "' is not HOST:PORT",
                "for example 192.168.1.5:8460, [::1]:8460, 0.0.0.0:0 or :8460");
  };
  // "PORT" and ":PORT": on the address that is chosen without --bind.
  const bool only_port = text.find_first_not_of("0123456789") == std::string::npos;
  const auto colon = only_port ? std::string::npos : text.rfind(':');
  if (text.empty() || (!only_port && colon == std::string::npos)) return wrong();
  Bind bind;
  bind.host = only_port || colon == 0 ? usual_host : text.substr(0, colon);
  if (bind.host.front() == '[' && bind.host.back() == ']')
    bind.host = bind.host.substr(1, bind.host.size() - 2);
  else if (bind.host.find(':') != std::string::npos)
    return wrong();
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data() + (only_port ? 0 : colon + 1), end, bind.port);
  if (error != std::errc() || at != end || bind.port > 65535 || bind.host.empty()) return wrong();
  return bind;
}

// Starts the child; its address, as it says it.
Result<wire::Origin> OwnServer::launch(const Bind& bind, const OwnServerOptions& options) {
  const auto program = process::find_own_program("qrx-serve");
  if (!program) return tl::unexpected(program.error());
  auto out = process::make_pipe();
  if (!out) return tl::unexpected(out.error());
  // A file: it takes what the server says while nobody reads.
  const std::string log_path = directory_.path() + "/log";
  const UniqueFd log(::open(log_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
  if (!log) return fail_errno("cannot write " + log_path);

  create_token_ = Token::random().text();  // only this run may open spaces there, not whoever reaches the server
  const std::string token_path = directory_.path() + "/create-token";
  if (auto written = replace_private_file(token_path, create_token_ + "\n"); !written)
    return tl::unexpected(written.error());

  // No system configuration: what /etc/qrx says is about the machine's server, not about this one.
  std::vector<std::string> words = {*program,
                                    "--config",
                                    "/dev/null",
                                    "--bind",
                                    host_and_port(bind.host, bind.port),
                                    "--data",
                                    directory_.path() + "/data",
                                    "--create",
                                    "token",
                                    "--token-file",
                                    token_path};
  if (options.public_url) {
    words.emplace_back("--public-url");
    words.push_back(options.public_url->url());
  }
  if (options.expire && *options.expire > default_max_expire) {
    words.emplace_back("--max-expire");
    words.push_back(std::to_string(options.expire->count()) + "s");
  }
  process::ChildPlan plan;
  plan.path = *program;
  plan.arguments = std::move(words);
  plan.environment = environment_without_options();
  plan.out = out->write.get();
  plan.err = log.get();
  plan.own_group = true;        // ^C is for us: the server ends when we say so
  plan.death_signal = SIGTERM;  // it ends as it should, also when we are killed
  auto started = process::Child::start(plan);
  if (!started) return tl::unexpected(started.error());
  child_ = std::move(*started);
  out->write.reset();
  const std::string line = read_first_line(out->read.get());
  if (line.empty()) {
    if (ended_by() != 0) return fail(Kind::other, "stopped");
    const std::string reason = first_reason(log_path);
    return fail(
        Kind::other,
        "cannot start a server on " + host_and_port(bind.host, bind.port) + (reason.empty() ? "" : ": " + reason),
        options.bind.empty() ? "name a server with --server, or an address with --bind" : "");
  }
  auto base = wire::Origin::parse(line);
  if (!base) return fail(Kind::other, "qrx-serve said '" + line + "' instead of its address");
  return base;
}

// Where a phone most likely reaches this machine; what codes name already, as long as that is its address.
std::string OwnServer::best_address(const OwnServerOptions& options) {
  const auto addresses = machine_addresses();
  for (const auto& address : addresses)
    if (address.text == options.preferred) return address.text;
  return addresses.front().text;
}

Result<OwnServer> OwnServer::start(const OwnServerOptions& options) {
  const bool any_port = options.bind.empty();
  auto bind = any_port ? Bind{best_address(options), usual_port} : parse_bind(options.bind, best_address(options));
  if (!bind) return tl::unexpected(bind.error());
  // It will say its public address only: the port must be known beforehand.
  if (options.public_url && bind->port == 0) bind->port = free_port(bind->host);
  auto directory = RunDirectory::make(true);
  if (!directory) return tl::unexpected(directory.error());
  OwnServer server(std::move(*directory));
  auto base = server.launch(*bind, options);
  if (!base && any_port && ended_by() == 0) {  // it is in use, most likely by another of us
    server.stop();
    bind->port = options.public_url ? free_port(bind->host) : 0;
    base = server.launch(*bind, options);
  }
  if (!base) return tl::unexpected(base.error());
  server.find_places(*bind, *base, options);
  return server;
}

Result<OwnServer> OwnServer::start_lasting(RunDirectory directory, const OwnServerOptions& options) {
  auto bind = parse_bind(options.bind, best_address(options));
  if (!bind) return tl::unexpected(bind.error());
  if (options.public_url && bind->port == 0) bind->port = free_port(bind->host);
  wait_for_end_of(directory);
  OwnServer server(std::move(directory));
  server.keep_data_ = server.lasting_ = true;
  const auto base = server.launch(*bind, options);
  if (!base) return tl::unexpected(base.error());
  server.find_places(*bind, *base, options);
  return server;
}

void OwnServer::find_places(const Bind& bind, const wire::Origin& base, const OwnServerOptions& options) {
  shown_ = near_ = base;
  const bool wildcard = is_wildcard(bind.host);
  if (options.public_url) {
    shown_ = *options.public_url;
    if (bind.port != 0)
      near_ = wire::Origin{false, wildcard ? "127.0.0.1" : bind.host, static_cast<std::uint16_t>(bind.port), ""};
  } else if (wildcard) {
    near_.host = bind.host == "::" ? "::1" : "127.0.0.1";
    // A phone needs one that it reaches; this machine takes the loopback.
    shown_.host = best_address(options);
  }
  only_here_ = !options.public_url && is_loopback(shown_.host);
  for (const auto& address : machine_addresses())
    if (address.text != shown_.host && !is_loopback(address.text)) others_.push_back(address);
}

// A server whose run was killed is still ending: a second one on the same data would refuse to start.
void OwnServer::wait_for_end_of(const RunDirectory& directory) {
  const UniqueFd lock(::open((directory.path() + "/data/lock").c_str(), O_RDWR | O_CLOEXEC));
  const Steady limit = system_clock().steady() + start_time;
  while (lock && ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0 && system_clock().steady() < limit && ended_by() == 0)
    std::this_thread::sleep_for(Millis{20});
  if (lock) ::flock(lock.get(), LOCK_UN);
}

Result<OwnServer> OwnServer::restart(RunDirectory directory, std::optional<Seconds> expire) {
  wait_for_end_of(directory);
  OwnServer server(std::move(directory));
  server.keep_data_ = true;
  OwnServerOptions options;
  options.expire = expire;
  const auto base = server.launch({"127.0.0.1", 0}, options);
  if (!base) return tl::unexpected(base.error());
  server.shown_ = server.near_ = *base;
  server.only_here_ = true;
  return server;
}

std::vector<std::string> OwnServer::describe(bool offer_others) const {
  std::vector<std::string> lines = {
      "Serving at " + shown_.url() +
      (lasting_ ? "; senders can connect only while this command runs." : " until this command ends.")};
  if (only_here_) lines.emplace_back("Only this machine can reach that address; use --bind.");
  std::string others;
  for (const auto& other : others_) others += (others.empty() ? "" : ", ") + other.text + " (" + other.interface + ")";
  if (offer_others && !others.empty())
    lines.push_back("Other addresses of this machine: " + others + "; choose with --bind.");
  return lines;
}

OwnServer::OwnServer(OwnServer&& other) noexcept
    : child_(std::exchange(other.child_, std::nullopt)),
      directory_(std::move(other.directory_)),
      // What is moved from has nothing that its destructor could remove.
      keep_data_(std::exchange(other.keep_data_, true)),
      create_token_(std::move(other.create_token_)),
      near_(std::move(other.near_)),
      shown_(std::move(other.shown_)),
      others_(std::move(other.others_)),
      only_here_(other.only_here_),
      lasting_(other.lasting_) {}

bool OwnServer::running() const {
  return child_ && child_->running();
}

void OwnServer::stop() {
  if (!child_) return;
  // First as asked, then by force.
  child_->signal(SIGTERM);
  child_->end(end_time);
  child_.reset();
}

RunDirectory OwnServer::end() {
  stop();
  keep_data_ = true;
  return std::move(directory_);
}

OwnServer::~OwnServer() {
  stop();
  if (!keep_data_) directory_.remove();
}

}  // namespace qrx::cli
