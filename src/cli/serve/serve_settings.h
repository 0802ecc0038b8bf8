// What the command line and the configuration of qrx-serve say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "cli/options.h"
#include "wire/link.h"

namespace qrx::cli {

// As given; nothing is checked yet but the form of numbers, sizes, times and addresses.
struct ServeSettings {
  Common common;
  std::vector<std::string> binds;
  std::string socket_mode, socket_group;
  std::string data;
  std::optional<wire::Origin> public_url;
  std::vector<std::string> trusted_proxies;
  std::string tls_cert, tls_key;
  std::optional<Seconds> expire, max_expire;
  std::optional<std::uint64_t> max_size, max_files, max_total, max_spaces;
  std::string create = "open";
  std::string token_file;
  std::optional<std::uint64_t> create_rate, max_per_address;
  std::string durability = "commit";
  std::string catalog, catalog_listen, blobs;
  std::optional<wire::Origin> s3_endpoint;
  std::string s3_region, s3_ca, s3_credentials, spool;
  bool s3_path_style = false, s3_insecure = false, redirect = false;
  std::optional<std::uint64_t> spool_max;
  std::string metrics_bind;
  std::string log = "text";
  std::string notify;
  bool sweep = false, check = false, list = false, block = false, remove = false, migrate = false, copy = false;
  std::string from;  // of copy
  std::vector<std::string> guids;
};

// Its options and commands, which set `to`; that outlives them.
Options describe(ServeSettings& to);

}  // namespace qrx::cli
