#include "cli/share/share_settings.h"

#include <algorithm>
#include <utility>

#include "cli/invitation.h"
#include "cli/notify_settings.h"
#include "cli/places.h"
#include "cli/share/recipients.h"
#include "wire/id.h"
#include "wire/limits.h"
#include "wire/link.h"
#include "wire/share_messages.h"

namespace qrx::cli {
namespace {

void describe_what(Options& options, ShareSettings& to) {
  options.group("What to share, and with whom");
  options.texts("file", 'f', "PATH", "share this file or directory; - is stdin; repeatable", to.files,
                Completes::files);
  options.text("name", 0, "NAME", "name for data from stdin, or for the only PATH", to.name);
  options.flag("preserve", 'p', "with --file: keep the executable bit, too; dates are always kept", to.preserve);
  options.texts("to-file", 0, "FILE", "more recipients, one per line; # begins a comment", to.to_files,
                Completes::files);
  options.text("space", 0, "GUID|-",
               "share this space, not the one kept last; - reads an owner link or the events of qrx-recv from stdin",
               to.space);
  options.text("message", 'm', "TEXT", "message to put into the notice", to.message);
  options.duration("expire", 'e', "how long each link works", to.expire);
  options.number("downloads", 'n', "downloads allowed per link (default: no limit; 1 for the code of --file)",
                 to.downloads, 1);
}

void describe_notices(Options& options, ShareSettings& to) {
  options.group("The notices");
  options.choice("via", 0, {"server", "local"}, "who sends the notices: the server, or this machine", to.via);
  options.flag("with-key", 0, "let the server send links that include the decryption key", to.with_key);
  options.text("identity", 0, "FILE", "secret key, if another machine opened the space", to.identity, Completes::files);
  options.flag("again", 0, "re-notify recipients whose status is unknown", to.again);
}

Result<void> check_files(const ShareSettings& set, const Options& options) {
  if (set.files.empty()) {
    // Only of the command line: in the environment or the configuration they are for other runs.
    for (const auto* name : {"name", "preserve", "seal", "bind", "public-url", "token-file"})
      if (options.on_command_line(name)) return fail(Kind::usage, "--" + std::string(name) + " needs --file");
    return {};
  }
  for (const auto* name : {"space", "list", "revoke", "dry-run", "identity"})
    if (options.on_command_line(name))
      return fail(Kind::usage, "--" + std::string(name) + " and --file cannot be used together");
  for (const auto* name : {"bind", "public-url"})
    if (set.common.server && options.on_command_line(name))
      return fail(Kind::usage, "--" + std::string(name) + " is for the built-in server, and --server names another");
  const auto from_stdin =
      std::count(set.files.begin(), set.files.end(), "-") + std::count(set.to_files.begin(), set.to_files.end(), "-");
  if (from_stdin > 1) return fail(Kind::usage, "only one of --file and --to-file can be read from stdin (-)");
  return {};
}

Result<void> check_code(const ShareSettings& set, const SharePlan& plan, const Options& options) {
  if (!set.qr_file.empty())
    if (auto known = check_qr_file_name(set.qr_file); !known) return known;
  if (plan.only_code) return {};
  const auto links = std::count_if(plan.recipients.begin(), plan.recipients.end(),
                                   [](const wire::Recipient& to) { return to.channel == wire::Channel::link; });
  if (options.on_command_line("qr-file") && links != 1)
    return fail(Kind::usage, "--qr-file: needs exactly one recipient of the form link:NAME");
  if (options.on_command_line("qr") && set.qr.value_or(false) && links == 0)
    return fail(Kind::usage, "--qr shows the code of recipients of the form link:NAME, and there is none");
  return {};
}

Result<void> check_actions(const ShareSettings& set, const Options& options) {
  const int actions = int{set.list} + int{!set.revoke.empty()} + int{set.dry_run};
  if (actions > 1) return fail(Kind::usage, "--list, --revoke and --dry-run cannot be used together");
  if (actions > 0 && set.watch) return fail(Kind::usage, "--watch cannot be used with --list, --revoke or --dry-run");
  if (options.on_command_line("timeout") && !set.watch && set.files.empty())
    return fail(Kind::usage, "--timeout needs --watch or --file");
  if (!set.space.empty() && options.on_command_line("server"))
    return fail(Kind::usage, "--space and --server cannot be used together");
  if (set.message.size() > wire::most_share_message_bytes) return fail(Kind::usage, "--message: more than 500 bytes");
  if (set.space == "-" && std::count(set.to_files.begin(), set.to_files.end(), "-") > 0)
    return fail(Kind::usage, "--space - and --to-file - both need stdin");
  if (!set.space.empty() && set.space != "-" && !Id::parse(set.space))
    return fail(Kind::usage, "--space: '" + set.space.substr(0, 60) + "' is not a GUID",
                wire::parse_owner_link(set.space) ? "an owner link is a secret: give it on stdin, with --space -" : "");
  return {};
}

Result<void> find_recipients(const ShareSettings& set, SharePlan& plan) {
  auto recipients = read_recipients(set.recipients, set.to_files);
  if (!recipients) return tl::unexpected(recipients.error());
  plan.recipients = std::move(*recipients);
  std::vector<std::string> revoked;
  // "all" is a word of its own, not a recipient.
  for (const auto& text : set.revoke)
    if (text != "all") revoked.push_back(text);
  auto names = read_recipients(revoked, {});
  if (!names) return tl::unexpected(names.error());
  plan.revoked = std::move(*names);
  plan.revokes_all = revoked.size() < set.revoke.size();
  if (!set.revoke.empty() && !plan.recipients.empty())
    return fail(Kind::usage, "--revoke and recipients to share with cannot be used together");
  if (!plan.recipients.empty() || set.list || !set.revoke.empty()) return {};
  // --watch alone waits for all who have a link.
  if (set.files.empty() && !set.watch)
    return fail(Kind::usage, "there are no recipients",
                "name some, such as alice@example.org, or link:Bob for a link to hand over; or share a file by a code: "
                "qrx-share -f FILE");
  if (set.files.empty()) return {};
  if (!set.to_files.empty()) return fail(Kind::usage, "there are no recipients in " + set.to_files.front());
  plan.only_code = true;
  // Shown as a code and given to nobody by name.
  plan.recipients.push_back({wire::Channel::link, "anyone"});
  return {};
}

}  // namespace

Options describe(ShareSettings& to) {
  Options options({"qrx-share",
                   "Send each recipient their own link to files, and see who has downloaded.",
                   {"--file PATH... [OPTION]... [RECIPIENT]...", "[OPTION]... RECIPIENT...",
                    "--list | --watch | --revoke RECIPIENT|all [OPTION]..."},
                   {{"qrx-share -f photo.jpg", "show a QR code: whoever scans it downloads the file, once"},
                    {"qrx-share alice@example.org +8613800138000", "what the last qrx-recv --keep received"},
                    {"qrx-recv --json --keep | qrx-share --space - --to-file team.txt", "everything in one line"},
                    {"qrx-share -e 2d -n 1 --watch --to-file team.txt", "links for one download each; wait for all"},
                    {"qrx-share --revoke all", "take every link back"}}});
  describe_what(options, to);
  options.group("The QR code");
  options.toggle("qr", "show or hide the QR codes of link:NAME (default: show that of --file on a terminal)", to.qr);
  options.flag("invert", 0, "swap dark and light", to.invert);
  options.text("qr-file", 0, "FILE", "also save the QR code as .png or .svg", to.qr_file, Completes::files);
  options.group("The server of --file");
  options.choice("seal", 0, {"require", "off"}, "end-to-end encryption (default: require)", to.seal);
  options.text("bind", 'b', "HOST:PORT", "address for the built-in server", to.bind);
  options.url("public-url", 0, "address of the built-in server as others see it", to.public_url);
  options.text("token-file", 0, "FILE", "access token for a server that requires one", to.token_file, Completes::files);
  // QRX_BIND is meant for qrx-serve.
  options.rename_variable("bind", "QRX_SHARE_BIND");
  options.rename_variable("public-url", "QRX_SHARE_PUBLIC_URL");
  describe_notices(options, to);
  options.group("Afterwards");
  options.flag("watch", 0, "wait until everyone has downloaded, showing who has", to.watch);
  options.duration("timeout", 't', "stop waiting after this time", to.timeout);
  options.flag("list", 0, "list the links and who has downloaded", to.list);
  options.texts("revoke", 0, "WHO", "revoke the link of this recipient; all: of everyone", to.revoke);
  options.flag("dry-run", 'd', "show what would be done without doing it", to.dry_run);
  options.common(to.common, true);
  options.arguments("RECIPIENT", to.recipients, Completes::nothing);
  return options;
}

Result<SharePlan> plan_of(const ShareSettings& set, const Options& options) {
  SharePlan plan;
  if (auto right = check_actions(set, options); !right) return tl::unexpected(right.error());
  if (auto right = check_files(set, options); !right) return tl::unexpected(right.error());
  if (auto found = find_recipients(set, plan); !found) return tl::unexpected(found.error());
  if (auto right = check_code(set, plan, options); !right) return tl::unexpected(right.error());
  auto local = notify_settings(options.config());
  if (!local) return fail(Kind::usage, local.error().what, "these tables are in " + config_path());
  plan.transports = std::move(*local);
  // That of the environment says where --file puts files, not which space is shared.
  if (options.on_command_line("server")) plan.server = set.common.server;
  // On the command line everyone could read it, by ps(1).
  plan.key_may_be_text = !options.on_command_line("identity");
  // Anyone may photograph a code: it is good for one download unless more are asked for.
  plan.downloads = set.downloads.value_or(plan.only_code ? 1 : 0);
  return plan;
}

}  // namespace qrx::cli
