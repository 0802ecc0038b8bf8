#include "cli/serve/serve_settings.h"

namespace qrx::cli {

namespace {

void add_commands(Options& options, ServeSettings& to) {
  options.command("sweep", "delete what has expired; quiet unless something is wrong", to.sweep);
  options.command("check", "compare catalog and blobs, verify every stored checksum", to.check);
  options.command("list", "print all spaces: guid, state, files, bytes, expiry, label", to.list);
  options.command("block", "close these spaces to everyone, including their owners", to.block);
  options.command("delete", "delete these spaces and everything in them", to.remove);
  options.command("migrate", "bring the tables of a PostgreSQL catalog up to date", to.migrate);
  options.command("copy", "copy everything from another server's data; links go on to work", to.copy);
  options.arguments("GUID", to.guids, Completes::nothing);
}

void add_data(Options& options, ServeSettings& to) {
  options.group("Address and data");
  options.texts("bind", 'b', "HOST:PORT|unix:PATH", "listen here (default 127.0.0.1:8460); port 0 picks a free one",
                to.binds);
  options.text("socket-mode", 0, "MODE", "permissions of unix:PATH, in octal (default 666; with --socket-group 660)",
               to.socket_mode);
  options.text("socket-group", 0, "GROUP", "group of unix:PATH: a name or a number", to.socket_group);
  options.text("data", 'D', "DIR", "data directory (default: the state directory; for root /var/lib/qrx)", to.data,
               Completes::directories);
  options.text("catalog", 0, "URL",
               "location of the catalog: sqlite:PATH, or postgresql://HOST/DATABASE for several nodes", to.catalog);
  options.text("catalog-listen", 0, "URL", "the same database past a pooler, for hearing of other nodes",
               to.catalog_listen);
  options.text("blobs", 0, "URL", "location of file contents: dir:PATH, or s3://BUCKET/PREFIX", to.blobs);
  options.choice("durability", 0, {"commit", "relaxed"}, "whether acknowledged data survives power loss",
                 to.durability);
}

void add_s3(Options& options, ServeSettings& to) {
  options.group("Contents in an S3 store");
  options.url("s3-endpoint", 0, "address of the store (default: AWS, by the region)", to.s3_endpoint);
  options.text("s3-region", 0, "REGION", "region of the bucket (default us-east-1)", to.s3_region);
  options.flag("s3-path-style", 0, "the bucket is part of the path, not of the host name", to.s3_path_style);
  options.text("s3-ca", 0, "FILE", "certificates (PEM) to check the store with", to.s3_ca, Completes::files);
  options.text("s3-credentials", 0, "FILE", "keys, as in ~/.aws/credentials; mode 0600 (default: the AWS variables)",
               to.s3_credentials, Completes::files);
  options.flag("s3-insecure", 0, "allow http to a store on another machine", to.s3_insecure);
  options.text("spool", 0, "DIR", "for what is on its way to the store (default: spool in the data directory)",
               to.spool, Completes::directories);
  options.size("spool-max", 0, "size limit of the spool (default 8G)", to.spool_max);
  options.flag("redirect", 0, "send clients that can take it to the store for contents of one object", to.redirect);
}

void add_proxy(Options& options, ServeSettings& to) {
  options.group("Proxy, TLS and metrics");
  options.url("public-url", 0, "address to use in links, when behind a proxy", to.public_url);
  options.texts("trusted-proxy", 0, "CIDR", "trust proxies at these addresses to report the client's address",
                to.trusted_proxies);
  options.text("tls-cert", 0, "FILE", "certificate chain (PEM), reloaded on SIGHUP", to.tls_cert, Completes::files);
  options.text("tls-key", 0, "FILE", "private key of the certificate (PEM)", to.tls_key, Completes::files);
  options.text("metrics-bind", 0, "HOST:PORT", "serve Prometheus metrics on this address", to.metrics_bind);
}

void add_limits(Options& options, ServeSettings& to) {
  options.group("Limits");
  options.duration("expire", 0, "how long links work unless the client asks otherwise (default 1d)", to.expire);
  options.duration("max-expire", 0, "the longest that clients may ask for (default 7d; 0: any)", to.max_expire);
  options.size("max-size", 0, "size limit of one space (default: none)", to.max_size);
  options.number("max-files", 0, "file limit of one space (default 100000)", to.max_files);
  options.size("max-total", 0, "size limit of all spaces together (default: the disk)", to.max_total);
  options.number("max-spaces", 0, "limit of spaces at a time (default 100000)", to.max_spaces);
  options.choice("create", 0, {"open", "token"}, "who may open spaces: anyone, or token holders", to.create);
  options.text("token-file", 0, "FILE", "access tokens, one per line; mode 0600", to.token_file, Completes::files);
  options.number("create-rate", 0, "spaces that one address may open per minute (default 60, 0: no limit)",
                 to.create_rate);
  options.number(
      "max-per-address", 0,
      "connections from one address (default: a quarter of the descriptor limit; from this machine three quarters)",
      to.max_per_address, 1);
}

void add_other(Options& options, ServeSettings& to) {
  options.group("Other");
  options.choice("log", 0, {"text", "json"}, "format of the log on stderr", to.log);
  options.text("from", 0, "DIR|FILE", "with copy: the data directory of the other server, or its configuration",
               to.from, Completes::files);
  options.text("notify", 0, "ADDRESS", "with check: only send a test notice to this address", to.notify);
}

}  // namespace

// Groups and options in the order of --help.
Options describe(ServeSettings& to) {
  Options options(
      {"qrx-serve",
       "Run the server that holds files between sender and receiver.",
       {"[OPTION]...", "sweep [OPTION]...", "check [OPTION]...", "list [OPTION]...", "block [OPTION]... GUID...",
        "delete [OPTION]... GUID...", "migrate [OPTION]...", "copy --from DIR|FILE [OPTION]..."},
       {{"qrx-serve", "serve this machine, on 127.0.0.1:8460"},
        {"qrx-serve -b 0.0.0.0:8460", "serve the local network"},
        {"qrx-serve --public-url https://qrx.example.org", "behind a proxy that does TLS"},
        {"qrx-serve sweep", "in cron: delete what has expired"}},
       "; catalogs: SQLite, PostgreSQL; blobs: files, S3"});
  add_commands(options, to);
  add_data(options, to);
  add_s3(options, to);
  add_proxy(options, to);
  add_limits(options, to);
  add_other(options, to);
  options.own_config("/etc/qrx/serve.toml");
  options.common(to.common, false);
  return options;
}

}  // namespace qrx::cli
