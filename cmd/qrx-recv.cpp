// qrx-recv: opens a space, shows its QR code, waits, saves what arrives; or downloads what a link holds.
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "base/text.h"
#include "base/unique_fd.h"
#include "base/units.h"
#include "base/write_all.h"
#include "cli/asking.h"
#include "cli/client.h"
#include "cli/events.h"
#include "cli/exit.h"
#include "cli/hook.h"
#include "cli/identities.h"
#include "cli/invitation.h"
#include "cli/kept_spaces.h"
#include "cli/link_words.h"
#include "cli/local_time.h"
#include "cli/messages.h"
#include "cli/options.h"
#include "cli/own_server.h"
#include "cli/places.h"
#include "cli/preview.h"
#include "cli/secret_line.h"
#include "cli/signals.h"
#include "qr/symbol.h"
#include "term/progress.h"
#include "term/terminal.h"
#include "transfer/receiver.h"
#include "transfer/saver.h"
#include "wire/link.h"

using namespace qrx;
using namespace qrx::cli;

namespace {

struct Settings {
  Common common;
  std::vector<std::string> links;
  std::string output = ".";
  std::string on_conflict = "rename";
  std::optional<std::uint64_t> count;
  bool follow = false;
  std::optional<Seconds> timeout;
  std::optional<Seconds> interval;
  std::optional<Seconds> expire;
  std::optional<std::uint64_t> max_size;
  std::optional<std::uint64_t> max_files;
  std::string label;
  std::string seal = "offer";
  std::string identity;
  std::optional<bool> qr;
  bool invert = false;
  std::string qr_file;
  std::string preview = "auto";
  bool ask = false;
  bool sha256 = false;
  bool keep = false;
  std::string exec;
  std::string bind;
  std::optional<Origin> public_url;
  std::string token_file;
  bool print0 = false;
};

Options describe(Settings& to) {
  Options options({"qrx-recv",
                   "Show a QR code, wait for someone to send, and save what arrives.",
                   {"[OPTION]...", "[OPTION]... LINK|-"},
                   {{"qrx-recv", "receive one delivery into this directory"},
                    {"qrx-recv -f -o ~/Inbox", "keep receiving until ^C"},
                    {"qrx-recv -o - | tar x", "hand what arrives to another program"},
                    {"qrx-recv -s https://qrx.example.org", "receive through a server, from anywhere"},
                    {"qrx-recv -q --qr-file code.png -t 10m", "in a script: the code as a picture"}}});
  options.group("Saving");
  options.text("output", 'o', "PATH", "a directory, a file name, or - for stdout (default: this directory)", to.output, Completes::files);
  options.choice("on-conflict", 0, {"rename", "refuse", "overwrite"}, "when a file is there already (default: rename)", to.on_conflict);
  options.choice("preview", 0, {"auto", "never", "always"}, "show pictures and the beginning of texts in the terminal", to.preview);
  options.flag("ask", 0, "ask before saving each file", to.ask);
  options.text("exec", 0, "CMD", "run CMD with sh after each delivery; $QRX_PATHS holds the paths", to.exec);
  options.flag("print0", '0', "separate the printed paths by NUL", to.print0);
  options.flag("sha256", 0, "also compute and report SHA-256", to.sha256);
  options.group("Waiting");
  options.number("count", 'n', "end after N deliveries (default: 1)", to.count, 1);
  options.flag("follow", 'f', "keep receiving until ^C or the space expires", to.follow);
  options.duration("timeout", 't', "give up when nothing comes for so long", to.timeout);
  options.duration("interval", 'i', "ask the server at this interval, instead of waiting on it", to.interval);
  options.group("The space");
  options.duration("expire", 'e', "how long the link is good", to.expire);
  options.size("max-size", 0, "take at most so many bytes in all", to.max_size);
  options.number("max-files", 0, "take at most so many files in all", to.max_files);
  options.text("label", 0, "TEXT", "a name that the sender is shown", to.label);
  options.choice("seal", 0, {"offer", "require", "off"}, "end-to-end encryption: for senders who can (default), for all, or for none", to.seal);
  options.text("identity", 0, "FILE", "the secret key of the space at LINK, when another machine opened it", to.identity, Completes::files);
  options.flag("keep", 0, "leave the space on the server until it expires", to.keep);
  options.group("The QR code");
  options.toggle("qr", "draw the code, or do not (default: on a terminal)", to.qr);
  options.flag("invert", 0, "swap dark and light", to.invert);
  options.text("qr-file", 0, "FILE", "also save the code as .png or .svg", to.qr_file, Completes::files);
  options.group("The server");
  options.text("bind", 'b', "HOST:PORT", "where its own server listens, when --server names none", to.bind);
  options.url("public-url", 0, "the address of its own server as others see it", to.public_url);
  options.text("token-file", 0, "FILE", "the token of a server that opens spaces only with one", to.token_file, Completes::files);
  options.common(to.common, true);
  options.arguments("LINK", to.links, Completes::nothing);
  return options;
}

// What runs now, for the signal handler.
std::atomic<transfer::Receiver*> running{nullptr};

void stop_receiving() {
  if (auto* receiver = running.load()) receiver->interrupt();
}

Result<SharedIdentity> identity_from_link(const std::string& text) {
  auto identity = seal::Identity::parse(text);
  if (!identity) return fail(Kind::usage, "the key in the link is malformed", "copy the whole link");
  return std::make_shared<const seal::Identity>(std::move(*identity));
}

std::string count_of(std::uint64_t files) { return files == 1 ? "1 file" : std::to_string(files) + " files"; }

class Recv {
 public:
  Recv(Settings settings, const Options& options)
      : set_(std::move(settings)),
        options_(options),
        messages_("qrx-recv"),
        facts_(set_.common.json),
        preview_(set_.common.quiet ? PreviewWhen::never : preview_when(set_.preview).value_or(PreviewWhen::never)),
        progress_(STDERR_FILENO, term::is_terminal(STDERR_FILENO) && !set_.common.quiet && !set_.common.no_progress) {
    messages_.set_quiet(set_.common.quiet);
    messages_.set_verbosity(set_.common.verbose);
    messages_.before_each([this] { progress_.clear(); });
  }

  int run();

 private:
  int check_usage();
  int end(const Error& error);
  Result<void> open_output();
  Result<void> take_link(const std::string& argument);
  Result<void> find_identity();
  Result<void> settle_drop_link();
  Result<void> open_space();
  Result<void> invite();
  void show_invitation(bool anew);
  transfer::ReceiverOptions how_to_receive() const;
  transfer::ReceiverEvents report();
  Result<transfer::Received> receive();
  int finish(const Result<transfer::Received>& received);
  void let_go(bool is_error);
  void stay();

  void on_saved(const transfer::SavedFile& file);
  void on_delivered(const transfer::SavedDelivery& delivery);
  void on_refused(const wire::DeliveryInfo& delivery, const Error& error);
  void said(const Result<void>& result);

  Settings set_;
  const Options& options_;
  std::mutex screen_;  // the receiver's callbacks against the redrawing of a resized window
  Messages messages_;
  Facts facts_;
  Preview preview_;
  term::ProgressLine progress_;
  std::optional<Asking> asking_;
  std::unique_ptr<transfer::Saver> saver_;
  UniqueFd stream_;
  bool to_stream_ = false;
  std::optional<OwnServer> own_;
  OwnerLink link_;      // where this machine reaches the space
  std::optional<ShareLink> share_;  // or what was shared with us: then only link_.origin is known
  bool ours_ = false;   // this run opened the space
  SharedIdentity identity_;  // null: nothing is opened
  bool identity_kept_ = false;
  std::optional<LinkWords> words_;
  wire::SpaceCreated space_;
  std::optional<Invitation> invitation_;
  bool inviting_ = false;      // nothing came yet: a resized window is drawn anew
  bool hook_failed_ = false;
  std::optional<Error> output_failed_;
};

// --- before anything happens

// 0 when all is well.
int Recv::check_usage() {
  const auto usage = [this](std::string what, std::string hint = {}) {
    return options_.usage_error(Error{Kind::usage, std::move(what), std::move(hint)});
  };
  if (set_.follow && options_.on_command_line("count")) return usage("--count and --follow exclude each other");
  if (set_.output.empty()) return usage("--output: an empty path");
  if (set_.output == "-" && term::is_terminal(STDOUT_FILENO))
    return usage("-o - would write what strangers send to the terminal", "pipe it into a program, or name a file with -o");
  if (set_.output == "-" && set_.common.json) return usage("-o - and --json both need stdout");
  if (set_.interval && set_.interval->count() == 0) return usage("--interval: must be at least 1s");
  if (!set_.qr_file.empty()) {
    const auto ends_with = [this](std::string_view back) {
      return set_.qr_file.size() > back.size() && equal_ignoring_case(set_.qr_file.substr(set_.qr_file.size() - back.size()), back);
    };
    if (!ends_with(".png") && !ends_with(".svg")) return usage("--qr-file: '" + set_.qr_file + "' ends neither in .png nor in .svg");
  }
  if (set_.links.size() > 1) return usage("there is more than one LINK");
  if (!set_.links.empty()) {
    for (const auto* name : {"expire", "max-size", "max-files", "label", "keep", "qr", "qr-file", "invert", "bind", "public-url"})
      if (options_.on_command_line(name)) return usage("--" + std::string(name) + " goes with opening a space, not with a LINK");
  } else if (set_.common.server) {
    for (const auto* name : {"bind", "public-url"})
      if (options_.on_command_line(name)) return usage("--" + std::string(name) + " is for its own server, and --server names another");
  }
  return 0;
}

Result<void> Recv::open_output() {
  if (set_.output == "-") {
    to_stream_ = true;
    return {};
  }
  if (transfer::Saver::is_stream(set_.output)) {
    stream_.reset(::open(set_.output.c_str(), O_WRONLY | O_CLOEXEC));
    if (!stream_) return fail_errno("cannot write to " + set_.output);
    to_stream_ = true;
    return {};
  }
  auto on_conflict = transfer::OnConflict::rename;
  if (set_.on_conflict == "refuse") on_conflict = transfer::OnConflict::refuse;
  if (set_.on_conflict == "overwrite") on_conflict = transfer::OnConflict::overwrite;
  auto saver = transfer::Saver::open(set_.output, on_conflict);
  if (!saver) return tl::unexpected(saver.error());
  saver_ = std::move(*saver);
  return {};
}

Result<void> Recv::take_link(const std::string& argument) {
  std::string text = argument;
  if (argument == "-") {
    auto line = secret_from_stdin();
    if (!line) return tl::unexpected(line.error());
    text = std::move(*line);
    if (text.empty()) return fail(Kind::usage, "there is no link on stdin");
  }
  const auto owner = parse_owner_link(text);
  if (owner) {
    link_ = *owner;
    return {};
  }
  if (auto share = parse_share_link(text)) {
    link_.origin = share->origin;
    share_ = std::move(*share);
    for (const auto* name : {"follow", "count", "timeout", "interval"})
      if (options_.on_command_line(name)) return fail(Kind::usage, "--" + std::string(name) + " goes with a link of one's own, not with a shared one");
    return {};
  }
  if (parse_drop_link(text)) return fail(Kind::usage, "this is a drop link: it is for sending only", "send with: qrx-send -l LINK FILE");
  return tl::unexpected(owner.error());
}

// The secret key of a space that an earlier run opened, or another machine.
Result<void> Recv::find_identity() {
  if (set_.seal == "off") return {};
  Result<SharedIdentity> identity = SharedIdentity();
  if (!set_.identity.empty()) identity = given_identity(set_.identity, !options_.on_command_line("identity"));
  else if (!share_) identity = link_.identity.empty() ? kept_identity(link_.guid) : identity_from_link(link_.identity);
  else if (!share_->identity.empty()) identity = identity_from_link(share_->identity);
  if (!identity) return tl::unexpected(identity.error());
  identity_ = *identity;
  if (!identity_ && set_.seal == "require")
    return fail(Kind::usage, share_ ? "--seal require: there is no secret key in the link" : "--seal require: there is no secret key of this space on this machine", "name it with --identity");
  return {};
}

// --- the space

// The key in the link is ours, whatever the server says.
Result<void> Recv::settle_drop_link() {
  auto drop = parse_drop_link(space_.drop);
  if (!drop) return fail(Kind::unavailable, "the server gave a link that is none: " + drop.error().what);
  if (own_) drop->origin = own_->shown();  // the server does not know which of its addresses others see
  const std::string key = identity_ ? identity_->recipient().text() : "";
  if (drop->guid != space_.guid || (!drop->key.empty() && drop->key != key))
    return fail(Kind::integrity, "the server changed the key of the link", "do not use this server");
  drop->key = key;
  space_.drop = drop->text();
  if (set_.common.json || set_.common.verbose > 0 || (term::is_terminal(STDERR_FILENO) && !messages_.quiet())) words_.emplace(*drop);
  return {};
}

Result<void> Recv::open_space() {
  if (!set_.common.server) {
    auto own = OwnServer::start({set_.bind, set_.public_url, set_.expire});
    if (!own) return tl::unexpected(own.error());
    own_.emplace(std::move(*own));
  }
  const Origin origin = own_ ? own_->near() : *set_.common.server;
  std::string create_token;
  if (own_) {
    create_token = own_->create_token();
  } else if (!set_.token_file.empty()) {
    auto token = secret_from_file(set_.token_file);
    if (!token) return tl::unexpected(token.error());
    create_token = std::move(*token);
  } else if (const char* token = std::getenv("QRX_TOKEN")) {
    create_token = token;
  }
  wire::CreateSpace wish;
  wish.expire = set_.expire;
  wish.max_size = set_.max_size;
  wish.max_files = set_.max_files;
  wish.label = set_.label;
  wish.seal = wire::seal_from_text(set_.seal).value_or(wire::Seal::offer);
  if (wish.seal != wire::Seal::off) {
    auto identity = seal::Identity::generate();
    if (!identity) return tl::unexpected(identity.error());
    identity_ = std::make_shared<const seal::Identity>(std::move(*identity));
    wish.key = identity_->recipient().text();
  }
  auto space = transfer::create_space(origin, wish, client_for(origin), create_token, own_ ? Millis{5'000} : Millis{0});
  if (!space) return tl::unexpected(space.error());
  space_ = std::move(*space);
  const auto token = Token::parse(space_.token);
  if (!token) return fail(Kind::unavailable, "the server at " + origin.url() + " gave no usable token");
  link_ = OwnerLink{origin, space_.guid, *token};
  ours_ = true;
  if (auto settled = settle_drop_link(); !settled) {
    let_go(false);
    return settled;
  }
  if (own_) space_.owner = OwnerLink{own_->shown(), space_.guid, *token}.text();
  // What the own server holds is gone with this run; of another one, the next run must be able to read it.
  if (identity_ && (!own_ || set_.keep)) {
    if (auto kept = keep_identity(space_.guid, *identity_, space_.expires, system_clock().wall()); !kept)
      messages_.warn(kept.error().what, "what is sent can be read by this run only");
    else
      identity_kept_ = true;
  }
  if (set_.keep) {
    const KeptSpace kept{{own_ ? own_->shown() : origin, space_.guid, *token}, space_.drop, set_.label, system_clock().wall(), space_.expires};
    if (auto remembered = remember_space(kept, kept.created); !remembered)
      messages_.warn(remembered.error().what, "keep the owner link");
  }
  return {};
}

Result<void> Recv::invite() {
  // A server's answer is no drop link until it was read as one.
  const auto drop = parse_drop_link(space_.drop);
  if (!drop) return fail(Kind::unavailable, "the server gave a link that is none: " + drop.error().what);
  const auto symbol = make_symbol(space_.drop);
  if (!symbol) return tl::unexpected(symbol.error());
  if (!set_.qr_file.empty())
    if (auto written = write_qr_file(set_.qr_file, *symbol, set_.invert); !written) return written;

  Invitation invitation;
  invitation.drop = escape_untrusted(space_.drop);
  invitation.invert = set_.invert;
  if (set_.qr.value_or(term::is_terminal(STDERR_FILENO))) invitation.symbol = *symbol;
  if (own_) invitation.before = own_->describe(set_.bind.empty() && !set_.public_url);
  auto& after = invitation.after;
  after.emplace_back("Scan the code, open the link in a browser, or run: qrx-send -l LINK FILE");
  after.push_back("Anyone with this link can send until " + local_time(space_.expires, system_clock().wall()) + ", and can read nothing.");
  std::string limits;
  if (space_.limits.max_size != 0 && set_.max_size) limits = format_size(space_.limits.max_size);
  if (space_.limits.max_files != 0 && set_.max_files) limits += (limits.empty() ? "" : " and ") + count_of(space_.limits.max_files);
  if (!limits.empty()) after.push_back("At most " + limits + " in all.");
  if (words_) {
    const auto& words = words_->get();
    if (!words) return tl::unexpected(words.error());
    after.insert(after.begin(), "  words: " + *words);
  }
  if (set_.keep) after.push_back("Your own link, not for the sender: " + escape_untrusted(space_.owner));
  if (invitation.symbol && term::is_terminal(STDERR_FILENO) && term::colour_depth() == term::Depth::none && !set_.invert)
    after.emplace_back("Drawn without colours: if your terminal is light on dark, use --invert.");
  invitation_ = std::move(invitation);
  inviting_ = true;

  Event event("space");
  event.text("guid", space_.guid.text()).text("drop", space_.drop).text("owner", space_.owner).text("expires", to_rfc3339(space_.expires));
  event.text("server", (own_ ? own_->shown() : link_.origin).url()).text("label", set_.label).boolean("sealed", identity_ != nullptr);
  if (identity_) event.text("key", identity_->recipient().text());
  if (words_ && words_->get()) event.text("words", *words_->get());
  if (auto told = facts_.event(event); !told) return told;
  show_invitation(false);
  return {};
}

void Recv::show_invitation(bool anew) {
  if (!invitation_) return;
  if (messages_.quiet()) {
    if (!anew) (void)write_all(STDERR_FILENO, invitation_->drop + "\n");
    return;
  }
  const auto size = term::size_of(STDERR_FILENO);
  const Screen screen = screen_for(size, term::colour_depth(), term::speaks_utf8(), set_.invert);
  // After a resize the old drawing is wrapped or torn: only an empty window is sure to be right.
  messages_.raw((anew && term::moves_cursor() ? "\x1b[H\x1b[2J" : "") + draw_invitation(*invitation_, screen, 1));
  progress_.status("Waiting… (^C ends)");
}

// --- receiving

transfer::ReceiverOptions Recv::how_to_receive() const {
  transfer::ReceiverOptions how;
  how.client = client_for(link_.origin);
  how.count = set_.follow ? 0 : set_.count.value_or(1);
  how.present_only = !ours_ && !set_.follow && !set_.count && !set_.timeout;
  if (set_.timeout) how.timeout = std::chrono::duration_cast<Millis>(*set_.timeout);
  if (set_.interval) how.interval = std::chrono::duration_cast<Millis>(*set_.interval);
  how.sha256 = set_.sha256;
  how.keep = set_.keep || !ours_;
  how.identity = identity_;
  how.only_sealed = set_.seal == "require";
  if (const auto state = state_dir()) how.state_dir = *state + "/recv";
  return how;
}

void Recv::said(const Result<void>& result) {
  if (result) return;
  if (!output_failed_) output_failed_ = result.error();
  stop_receiving();
}

void Recv::on_saved(const transfer::SavedFile& file) {
  const bool tty = term::is_terminal(STDOUT_FILENO);
  if (tty) progress_.clear();
  if (!to_stream_) said(facts_.line(tty ? escape_untrusted(file.path) : file.path, set_.print0 ? '\0' : '\n'));
  if (!to_stream_ && !asking_) messages_.raw(preview_.of_path(file.path));
  Event event("saved");
  event.text("path", to_stream_ ? set_.output : file.path).text("name", file.info.name).number("size", file.info.size);
  event.text("type", file.info.type).text("xxh128", to_hex(file.info.xxh128));
  if (file.sha256) event.text("sha256", to_hex(*file.sha256));
  event.boolean("sealed", file.info.sealed).text("delivery", file.delivery.text());
  said(facts_.event(event));
  if (file.sha256 && !facts_.json()) messages_.detail("sha256 " + to_hex(*file.sha256) + "  " + file.path, 0);
}

void Recv::on_delivered(const transfer::SavedDelivery& delivery) {
  std::uint64_t bytes = 0;
  std::string paths;
  for (const auto& file : delivery.files) {
    bytes += file.info.size;
    paths += file.path + (to_stream_ ? "" : "\n");
  }
  const std::size_t files = delivery.files.size();
  Event event("delivered");
  event.text("delivery", delivery.info.delivery.text()).number("files", files).number("bytes", bytes);
  event.number("declined", delivery.declined.size()).text("message", delivery.info.message);
  said(facts_.event(event));
  if (!delivery.info.message.empty()) messages_.say("message: " + delivery.info.message);
  if (files == 0) {
    messages_.say("nothing saved: " + count_of(delivery.declined.size()) + " declined");
  } else {
    const std::string what = files == 1 ? delivery.files[0].info.name : count_of(files);
    messages_.say((ours_ ? "upload successful: " : "downloaded: ") + what + ", " + format_size(bytes) +
                  (delivery.declined.empty() ? "" : "; " + std::to_string(delivery.declined.size()) + " declined"));
  }
  if (!set_.exec.empty() && files > 0 && !output_failed_) {
    const Variables variables = {{"QRX_PATHS", paths},
                                 {"QRX_SPACE", share_ ? "" : link_.guid.text()},
                                 {"QRX_DELIVERY", delivery.info.delivery.text()},
                                 {"QRX_DELIVERY_FILES", std::to_string(files)},
                                 {"QRX_DELIVERY_BYTES", std::to_string(bytes)},
                                 {"QRX_DELIVERY_MESSAGE", delivery.info.message}};
    if (auto ran = run_hook(set_.exec, variables, to_stream_ || facts_.json()); !ran) {
      hook_failed_ = true;
      messages_.error(ran.error());
    }
  }
  preview_.next_delivery();
  progress_.start_anew();
}

void Recv::on_refused(const wire::DeliveryInfo& delivery, const Error& error) {
  Event event("refused");
  event.text("delivery", delivery.delivery.text()).text("message", error.what);
  said(facts_.event(event.number("exit", static_cast<std::uint64_t>(exit_code(error.kind)))));
  messages_.warn(error.what, "this delivery is left out");
  progress_.start_anew();
}

transfer::ReceiverEvents Recv::report() {
  transfer::ReceiverEvents events;
  events.receiving = [this](const transfer::IncomingProgress& progress) {
    const std::lock_guard lock(screen_);
    inviting_ = false;
    progress_.update(escape_untrusted(progress.name), progress.bytes, progress.total);
    Event event("receiving");
    event.text("name", progress.name).number("bytes", progress.bytes);
    if (progress.total) event.number("total", *progress.total);
    else event.null("total");
    said(facts_.event(event.boolean("uploading", progress.uploading)));
  };
  if (asking_) {
    // What can be shown is asked about when it was shown, so when it is here.
    const auto asked_later = [this](const wire::FileInfo& file) {
      return !to_stream_ && preview_.may_show(file.type, file.size, file.sealed);
    };
    const auto ask = [this](const wire::FileInfo& file) {
      if (asking_->all()) return true;
      return asking_->yes("Save " + file.name + " (" + format_size(file.size) + (file.type.empty() ? "" : ", " + file.type) + ")?", true);
    };
    events.accept = [this, asked_later, ask](const wire::DeliveryInfo&, const wire::FileInfo& file) {
      const std::lock_guard lock(screen_);
      inviting_ = false;
      if (asked_later(file)) return true;
      progress_.clear();
      return ask(file);
    };
    events.arrived = [this, asked_later, ask](const wire::FileInfo& file, int descriptor) {
      const std::lock_guard lock(screen_);
      if (!asked_later(file)) return true;
      progress_.clear();
      messages_.raw(preview_.of_descriptor(descriptor));
      return ask(file);
    };
  }
  events.saved = [this](const transfer::SavedFile& file) {
    const std::lock_guard lock(screen_);
    inviting_ = false;
    on_saved(file);
  };
  events.delivered = [this](const transfer::SavedDelivery& delivery) {
    const std::lock_guard lock(screen_);
    inviting_ = false;
    on_delivered(delivery);
    if (set_.follow || set_.count.value_or(1) > 1) progress_.status("Waiting for more… (^C ends)");
  };
  events.refused = [this](const wire::DeliveryInfo& delivery, const Error& error) {
    const std::lock_guard lock(screen_);
    inviting_ = false;
    on_refused(delivery, error);
  };
  events.notice = [this](const std::string& text) {
    const std::lock_guard lock(screen_);
    messages_.notice(text);
  };
  return events;
}

// The transfer has a thread of its own; this one looks after the window and the own server.
Result<transfer::Received> Recv::receive() {
  transfer::Receiver receiver(share_ ? transfer::SpaceAddress(*share_) : transfer::SpaceAddress(link_), how_to_receive(), report());
  running = &receiver;
  if (ended_by() != 0) receiver.interrupt();  // the signal came before there was something to stop
  Result<transfer::Received> received = fail(Kind::other, "nothing was received");
  const UniqueFd done(::eventfd(0, EFD_CLOEXEC));
  if (!done) return fail_errno("cannot make an event descriptor");
  bool server_died = false;
  std::thread transfer([&] {
    received = to_stream_ ? receiver.run(stream_ ? stream_.get() : STDOUT_FILENO) : receiver.run(*saver_);
    const std::uint64_t one = 1;
    (void)!::write(done.get(), &one, sizeof one);
  });
  if (term::is_terminal(STDERR_FILENO)) term::watch_size();
  for (;;) {
    std::array<pollfd, 2> waits{{{done.get(), POLLIN, 0}, {term::resize_fd(), POLLIN, 0}}};
    const int ready = ::poll(waits.data(), waits.size(), own_ ? 1000 : -1);
    if (ready > 0 && waits[0].revents != 0) break;
    if (ready > 0 && waits[1].revents != 0) {
      // A window being dragged sends many: wait until it rests.
      while (term::take_resize()) (void)::poll(&waits[0], 1, 120);
      const std::lock_guard lock(screen_);
      if (inviting_) show_invitation(true);
    }
    if (own_ && !server_died && !own_->running()) {
      server_died = true;
      receiver.interrupt();
    }
  }
  transfer.join();
  running = nullptr;
  progress_.clear();
  if (server_died && !received && ended_by() == 0) return fail(Kind::other, "the own server ended unexpectedly");
  return received;
}

// --- afterwards

// With --keep, what was received can be shared as long as the own server runs.
void Recv::stay() {
  messages_.say("The space stays until " + local_time(space_.expires, system_clock().wall()) + "; ^C ends it.");
  while (ended_by() == 0 && own_->running()) {
    const auto left = std::chrono::duration_cast<Millis>(space_.expires - system_clock().wall()).count();
    if (left <= 0) return;
    pollfd wait{ended_by_fd(), POLLIN, 0};
    (void)::poll(&wait, 1, static_cast<int>(std::min<long long>(left, 60'000)));
  }
}

// The space is deleted, unless something that was sent may be lost by that.
void Recv::let_go(bool is_error) {
  if (!ours_ || own_) {
    if (ours_ && set_.keep) (void)forget_space(space_.guid);
    if (identity_kept_) (void)forget_identity(space_.guid);
    return;  // the own server takes it with it
  }
  if (set_.keep) return;
  if (is_error) {
    messages_.warn("the space stays on the server until " + local_time(space_.expires, system_clock().wall()),
                   "go on with: qrx-recv -n 1 '" + space_.owner + "'");
    return;
  }
  http::ClientOptions client = client_for(link_.origin);
  client.connect_time = client.answer_time = client.stall_time = Millis{3'000};
  if (auto deleted = transfer::delete_space(link_, client); !deleted)
    messages_.detail("the space could not be deleted: " + deleted.error().what);
  else if (identity_kept_) (void)forget_identity(space_.guid);
}

int Recv::end(const Error& error) {
  progress_.clear();
  if (const int signal = ended_by()) {
    if (signal == SIGINT && term::is_terminal(STDERR_FILENO)) messages_.raw("\n");
    messages_.warn(set_.keep || !ours_ ? "interrupted" : "interrupted; the space is deleted");
    return exit_code_of_signal(signal);
  }
  if (facts_.closed()) return exit_code_of_signal(SIGPIPE);
  messages_.error(error);
  const auto code = exit_code(error.kind);
  (void)facts_.event(Event("error").text("message", error.what).number("exit", static_cast<std::uint64_t>(code)));
  return code;
}

int Recv::finish(const Result<transfer::Received>& received) {
  if (!received || output_failed_) {
    const Error error = output_failed_ ? *output_failed_ : received.error();
    const int code = end(error);
    const bool lost = !received && ended_by() == 0 && !facts_.closed() && error.kind != Kind::timed_out && error.kind != Kind::gone &&
                      error.kind != Kind::not_found;
    let_go(lost);
    return code;
  }
  Event event("done");
  event.number("deliveries", received->deliveries).number("files", received->files).number("bytes", received->bytes);
  event.number("refused", received->refused);
  if (auto told = facts_.event(event); !told) {
    let_go(false);
    return end(told.error());
  }
  if (own_ && set_.keep) stay();
  let_go(received->refused > 0);
  if (ended_by() != 0) return end({});
  if (received->first_refusal) return exit_code(received->first_refusal->kind);
  return hook_failed_ ? exit_partly : exit_done;
}

int Recv::run() {
  if (const int wrong = check_usage()) return wrong;
  if (!set_.links.empty()) {
    if (auto taken = take_link(set_.links.front()); !taken) return options_.usage_error(taken.error());
    if (auto found = find_identity(); !found) return options_.usage_error(found.error());
  }
  ::unsetenv("QRX_IDENTITY");  // not for what is run from here
  if (set_.ask) {
    auto asking = Asking::open("--ask");
    if (!asking) return options_.usage_error(asking.error());
    asking_.emplace(std::move(*asking));
  }
  take_over_signals(stop_receiving);
  if (auto opened = open_output(); !opened) return end(opened.error());
  if (set_.links.empty()) {
    if (auto opened = open_space(); !opened) return end(opened.error());
    if (auto invited = invite(); !invited) {
      let_go(false);
      return end(invited.error());
    }
  }
  return finish(receive());
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  Options options = describe(settings);
  if (const auto ended = options.parse(argc, argv)) return *ended;
  return Recv(settings, options).run();
}
