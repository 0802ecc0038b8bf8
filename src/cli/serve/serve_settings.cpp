#include "cli/serve/serve_settings.h"

namespace qrx::cli {

Options describe(ServeSettings& to) {
  Options options({"qrx-serve",
                   "Serve spaces that people send files into and receive them from.",
                   {"[OPTION]...", "sweep [OPTION]...", "check [OPTION]...", "list [OPTION]...",
                    "block [OPTION]... GUID...", "delete [OPTION]... GUID..."},
                   {{"qrx-serve", "serve this machine, on 127.0.0.1:8460"},
                    {"qrx-serve -b 0.0.0.0:8460", "serve the local network"},
                    {"qrx-serve --public-url https://qrx.example.org", "behind a proxy that does TLS"},
                    {"qrx-serve sweep", "in cron: delete what has expired"}},
                   "; catalogs: SQLite; blobs: files"});
  options.command("sweep", "delete what has expired; quiet unless something is wrong", to.sweep);
  options.command("check", "compare catalog and blobs, verify every stored checksum", to.check);
  options.command("list", "print the spaces there are: guid, state, files, bytes, expiry, label", to.list);
  options.command("block", "let nobody into these spaces any more, their owners neither", to.block);
  options.command("delete", "delete these spaces with all that they hold", to.remove);
  options.arguments("GUID", to.guids, Completes::nothing);

  options.group("Where it listens and what it keeps");
  options.texts("bind", 'b', "HOST:PORT|unix:PATH", "listen here (default 127.0.0.1:8460); port 0 picks a free one",
                to.binds);
  options.text("socket-mode", 0, "MODE",
               "who may connect to unix:PATH, in octal (default 666; with --socket-group 660)", to.socket_mode);
  options.text("socket-group", 0, "GROUP", "the group of unix:PATH: a name or a number", to.socket_group);
  options.text("data", 'D', "DIR", "keep everything here (default: the state directory; for root /var/lib/qrx)",
               to.data, Completes::directories);
  options.text("catalog", 0, "URL", "where the catalog is: sqlite:PATH", to.catalog);
  options.text("blobs", 0, "URL", "where the content is: dir:PATH", to.blobs);
  options.choice("durability", 0, {"commit", "relaxed"}, "whether acknowledged data survives power loss",
                 to.durability);

  options.group("What others see of it");
  options.url("public-url", 0, "what links say, when a proxy stands before it", to.public_url);
  options.texts("trusted-proxy", 0, "CIDR", "believe what proxies at these addresses say about the client's",
                to.trusted_proxies);
  options.text("tls-cert", 0, "FILE", "certificate chain, PEM; read again on SIGHUP", to.tls_cert, Completes::files);
  options.text("tls-key", 0, "FILE", "its private key, PEM", to.tls_key, Completes::files);
  options.text("metrics-bind", 0, "HOST:PORT", "serve Prometheus metrics on this address", to.metrics_bind);

  options.group("Limits");
  options.duration("expire", 0, "how long a space lives, unless asked otherwise (default 1d)", to.expire);
  options.duration("max-expire", 0, "how long it may live at most (default 7d)", to.max_expire);
  options.size("max-size", 0, "what one space may hold (default: no limit)", to.max_size);
  options.number("max-files", 0, "how many files one space may hold (default 100000)", to.max_files);
  options.size("max-total", 0, "what all spaces together may hold (default: what the disk has)", to.max_total);
  options.number("max-spaces", 0, "how many spaces there may be (default 100000)", to.max_spaces);
  options.choice("create", 0, {"open", "token"}, "who may open spaces: anyone, or token holders", to.create);
  options.text("token-file", 0, "FILE", "the tokens that open spaces, one a line; mode 0600", to.token_file,
               Completes::files);
  options.number("create-rate", 0, "spaces a minute that one address may open (default 60, 0: no limit)",
                 to.create_rate);
  options.number(
      "max-per-address", 0,
      "connections of one address (default: a quarter of what descriptors allow; of this machine's own three)",
      to.max_per_address, 1);

  options.group("Other");
  options.choice("log", 0, {"text", "json"}, "the form of the log on stderr", to.log);
  options.text("notify", 0, "ADDRESS",
               "with check: send a test notice there by the configured transports, and check nothing else", to.notify);
  options.own_config("/etc/qrx/serve.toml");
  options.common(to.common, false);
  return options;
}

}  // namespace qrx::cli
