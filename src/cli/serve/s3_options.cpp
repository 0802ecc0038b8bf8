#include "cli/serve/s3_options.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/ip_address.h"
#include "base/text.h"
#include "process/find_program.h"

namespace qrx::cli {
namespace {

constexpr std::string_view scheme = "s3://";
constexpr std::size_t most_bucket_bytes = 255, most_prefix_bytes = 512;

bool is_plain(std::string_view text, std::string_view more) {
  return std::all_of(text.begin(), text.end(), [more](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           more.find(c) != std::string_view::npos;
  });
}

// "bucket" or "bucket/a/b".
Result<void> read_place(std::string_view url, s3::BucketPlace& place) {
  const auto malformed = [url] {
    return fail(Kind::usage, "--blobs: '" + escape_untrusted(url) + "' is not the place of contents",
                "use s3://BUCKET or s3://BUCKET/PREFIX, of letters, digits, '-', '.' and '_'");
  };
  std::string_view rest = url.substr(scheme.size());
  const auto slash = rest.find('/');
  place.bucket = rest.substr(0, slash);
  std::string_view prefix = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  if (prefix.ends_with('/')) prefix.remove_suffix(1);
  if (place.bucket.empty() || place.bucket.size() > most_bucket_bytes || !is_plain(place.bucket, "-._") ||
      place.bucket.starts_with('.'))
    return malformed();
  if (prefix.size() > most_prefix_bytes || !is_plain(prefix, "-._/") || prefix.starts_with('/') ||
      prefix.find("//") != std::string_view::npos ||
      ("/" + std::string(prefix) + "/").find("/../") != std::string::npos ||
      ("/" + std::string(prefix) + "/").find("/./") != std::string::npos)
    return malformed();
  place.prefix = prefix.empty() ? std::string() : std::string(prefix) + "/";
  return {};
}

bool is_of_this_machine(const wire::Origin& endpoint) {
  return endpoint.host == "localhost" || is_loopback_address(endpoint.host);
}

Result<void> read_endpoint(const ServeSettings& settings, s3::BucketPlace& place) {
  place.region = settings.s3_region.empty() ? "us-east-1" : settings.s3_region;
  if (!is_plain(place.region, "-_")) return fail(Kind::usage, "--s3-region: not the name of a region");
  if (settings.s3_endpoint) {
    place.endpoint = *settings.s3_endpoint;
  } else {
    auto aws = wire::Origin::parse("https://s3." + place.region + ".amazonaws.com");
    if (!aws) return tl::unexpected(aws.error());
    place.endpoint = std::move(*aws);
  }
  if (!place.endpoint.tls && !settings.s3_insecure && !is_of_this_machine(place.endpoint))
    return fail(Kind::usage, "--s3-endpoint: whoever listens can read what goes to " + place.endpoint.url(),
                "use https, or --s3-insecure");
  place.path_style = settings.s3_path_style || is_ip_address(place.endpoint.host) || is_of_this_machine(place.endpoint);
  return {};
}

Result<void> nothing_of_s3(const ServeSettings& settings) {
  const std::pair<bool, const char*> given[] = {{settings.s3_endpoint.has_value(), "--s3-endpoint"},
                                                {!settings.s3_region.empty(), "--s3-region"},
                                                {settings.s3_path_style, "--s3-path-style"},
                                                {!settings.s3_ca.empty(), "--s3-ca"},
                                                {!settings.s3_credentials.empty(), "--s3-credentials"},
                                                {settings.s3_insecure, "--s3-insecure"},
                                                {settings.redirect, "--redirect"},
                                                {!settings.spool.empty(), "--spool"},
                                                {settings.spool_max.has_value(), "--spool-max"}};
  for (const auto& [is_given, name] : given)
    if (is_given) return fail(Kind::usage, std::string(name) + " needs --blobs s3://BUCKET/PREFIX");
  return {};
}

}  // namespace

Result<serve::ObjectsOptions> objects_options(const ServeSettings& settings, const std::string& data) {
  serve::ObjectsOptions out;
  if (!settings.blobs.starts_with(scheme)) {
    if (auto none = nothing_of_s3(settings); !none) return tl::unexpected(none.error());
    return out;
  }
  if (auto read = read_place(settings.blobs, out.store.place); !read) return tl::unexpected(read.error());
  if (auto read = read_endpoint(settings, out.store.place); !read) return tl::unexpected(read.error());
  if (settings.durability == "relaxed")
    return fail(Kind::usage, "--durability relaxed is for contents on this machine's disk");
  out.store.ca_file = settings.s3_ca;
  out.store.key_file = settings.s3_credentials;
  out.store.spool = settings.spool.empty() ? data + "/spool" : settings.spool;
  out.store.spool_max = settings.spool_max.value_or(out.store.spool_max);
  constexpr std::uint64_t least_spool = 64U << 20;
  if (out.store.spool_max < least_spool) return fail(Kind::usage, "--spool-max is less than 64M");
  auto module = process::find_own_program("qrx-s3.so");
  if (!module)
    return fail(Kind::unavailable, "contents in S3 stores are not installed", "install the package qrx-server-cluster");
  out.module = std::move(*module);
  return out;
}

}  // namespace qrx::cli
