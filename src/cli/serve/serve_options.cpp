#include "cli/serve/serve_options.h"

#include <grp.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "cli/addresses.h"
#include "cli/notify_settings.h"
#include "cli/places.h"
#include "cli/serve/s3_options.h"
#include "process/find_program.h"

namespace qrx::cli {
namespace {

// "sqlite:PATH" to PATH, and the like. What else it may be stands in `uses`.
Result<std::string> path_after(const std::string& url, const std::string& scheme, const char* option,
                               const std::string& uses) {
  if (url.empty()) return std::string();
  if (url.rfind(scheme + ":", 0) == 0 && url.size() > scheme.size() + 1) return url.substr(scheme.size() + 1);
  return fail(Kind::usage, std::string("--") + option + ": '" + escape_untrusted(url) + "' is not supported", uses);
}

bool is_postgresql(const std::string& url) {
  return url.starts_with("postgresql:") || url.starts_with("postgres:");
}

Result<serve::ModuleOptions> module_options(const ServeSettings& settings) {
  serve::ModuleOptions out;
  auto module = process::find_own_program("qrx-postgresql.so");
  if (!module)
    return fail(Kind::unavailable, "catalogs in PostgreSQL are not installed",
                "install the package qrx-server-cluster");
  if (!settings.catalog_listen.empty() && !is_postgresql(settings.catalog_listen))
    return fail(Kind::usage, "--catalog-listen is no address of PostgreSQL", "use postgresql://HOST/DATABASE");
  out.path = std::move(*module);
  out.address = settings.catalog;
  out.listen = settings.catalog_listen;
  return out;
}

Result<void> set_catalog(const ServeSettings& settings, serve::DataOptions& out) {
  if (!is_postgresql(settings.catalog)) {
    if (!settings.catalog_listen.empty()) return fail(Kind::usage, "--catalog-listen needs a --catalog in PostgreSQL");
    auto path = path_after(settings.catalog, "sqlite", "catalog", "use sqlite:PATH or postgresql://HOST/DATABASE");
    if (!path) return tl::unexpected(path.error());
    out.catalog = std::move(*path);
    return {};
  }
  // A directory of one node would hold files that the others are asked for.
  if (settings.blobs.empty())
    return fail(Kind::usage, "--catalog in PostgreSQL needs --blobs, a place that all nodes share",
                "use dir:PATH or s3://BUCKET/PREFIX");
  if (settings.durability == "relaxed")
    return fail(Kind::usage, "--durability relaxed is for a catalog of one machine",
                "with PostgreSQL its own synchronous_commit decides");
  auto module = module_options(settings);
  if (!module) return tl::unexpected(module.error());
  out.module = std::move(*module);
  return {};
}

Result<unsigned> socket_mode(const ServeSettings& settings) {
  const std::string& text = settings.socket_mode;
  // Without a group anybody may connect, as to a port; with one only its members.
  if (text.empty()) return settings.socket_group.empty() ? 0666 : 0660;
  if (text.size() > 4 || text.find_first_not_of("01234567") != std::string::npos || std::stoul(text, nullptr, 8) > 0777)
    return fail(Kind::usage, "--socket-mode: '" + text + "' is not a mode in octal", "such as 660");
  return static_cast<unsigned>(std::stoul(text, nullptr, 8));
}

Result<std::optional<unsigned>> socket_group(const std::string& text) {
  if (text.empty()) return std::nullopt;
  // A number needs no entry in /etc/group, as in containers.
  if (text.size() < 10 && text.find_first_not_of("0123456789") == std::string::npos)
    return static_cast<unsigned>(std::stoul(text));
  const group* const found = ::getgrnam(text.c_str());
  if (found == nullptr) return fail(Kind::usage, "--socket-group: there is no group '" + text + "'");
  return found->gr_gid;
}

}  // namespace

Result<serve::DataOptions> data_options(const ServeSettings& settings) {
  serve::DataOptions out;
  out.directory = settings.data;
  // Root by hand on a server means the data of the service.
  if (out.directory.empty() && ::geteuid() == 0) out.directory = "/var/lib/qrx";
  if (out.directory.empty()) {
    auto state = state_dir();
    if (!state) return tl::unexpected(state.error());
    out.directory = *state + "/serve";
  }
  if (auto set = set_catalog(settings, out); !set) return tl::unexpected(set.error());
  auto objects = objects_options(settings, out.directory);
  if (!objects) return tl::unexpected(objects.error());
  out.objects = std::move(*objects);
  if (out.objects.module.empty()) {
    auto blobs = path_after(settings.blobs, "dir", "blobs", "use dir:PATH or s3://BUCKET/PREFIX");
    if (!blobs) return tl::unexpected(blobs.error());
    out.blobs = std::move(*blobs);
  }

  space::Policy& policy = out.policy;
  if (settings.max_expire) policy.max_expire = *settings.max_expire;
  if (settings.expire == Seconds(0)) return fail(Kind::usage, "--expire must be more than zero");
  const bool is_limited = policy.max_expire > Seconds(0);
  policy.expire = settings.expire.value_or(is_limited ? std::min(policy.expire, policy.max_expire) : policy.expire);
  if (is_limited && policy.expire > policy.max_expire) {
    // The default of one gives way to what was said of the other.
    if (settings.max_expire) return fail(Kind::usage, "--expire is longer than --max-expire");
    policy.max_expire = policy.expire;
  }
  policy.max_size = settings.max_size.value_or(policy.max_size);
  policy.max_files = settings.max_files.value_or(policy.max_files);
  policy.max_total = settings.max_total.value_or(policy.max_total);
  policy.max_spaces = settings.max_spaces.value_or(policy.max_spaces);
  policy.lock_wait = Millis(0);  // the routes wait, without a thread
  policy.relaxed = settings.durability == "relaxed";
  return out;
}

Result<serve::DaemonOptions> daemon_options(const ServeSettings& settings, const Config& config) {
  auto data = data_options(settings);
  if (!data) return tl::unexpected(data.error());
  serve::DaemonOptions out;
  out.data = std::move(*data);
  if (!settings.binds.empty()) out.binds = settings.binds;
  const auto mode = socket_mode(settings);
  if (!mode) return tl::unexpected(mode.error());
  out.socket_mode = *mode;
  auto group = socket_group(settings.socket_group);
  if (!group) return tl::unexpected(group.error());
  out.socket_group = *group;
  out.most_of_one = settings.max_per_address.value_or(0);
  out.public_url = settings.public_url;
  out.reachable_host = machine_addresses().front().text;
  out.trusted_proxies = settings.trusted_proxies;
  if (settings.tls_cert.empty() != settings.tls_key.empty())
    return fail(Kind::usage, "--tls-cert and --tls-key need each other");
  out.tls_cert = settings.tls_cert;
  out.tls_key = settings.tls_key;
  out.create_needs_token = settings.create == "token";
  if (out.create_needs_token && settings.token_file.empty())
    return fail(Kind::usage, "--create token needs a --token-file");
  out.token_file = settings.token_file;
  out.create_rate = settings.create_rate.value_or(out.create_rate);
  out.redirect = settings.redirect;
  out.metrics_bind = settings.metrics_bind;
  auto notices = notify_settings(config);
  if (!notices) return tl::unexpected(notices.error());
  out.notices = std::move(*notices);
  if (!out.notices.transports.empty() || !out.notices.commands.empty()) {
    // Looked for at the start: a broken installation shows then, not with the first notice.
    auto helper = process::find_own_program("qrx-notify");
    if (!helper) return tl::unexpected(helper.error());
    out.notify_helper = std::move(*helper);
  }
  return out;
}

}  // namespace qrx::cli
