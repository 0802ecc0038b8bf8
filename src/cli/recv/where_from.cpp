#include "cli/recv/where_from.h"

#include <utility>

#include "cli/space/left_spaces.h"
#include "wire/messages.h"

namespace qrx::cli {
namespace {

// The built-in server answers for so long after the last delivery: pages and tools that still come are told that the
// receiver has finished.
constexpr Millis linger_time{2'000};

}  // namespace

Result<WhereFrom> WhereFrom::link(const std::string& argument, const RecvSettings& set, const Options& options) {
  auto link = read_given_link(argument);
  if (!link) return tl::unexpected(link.error());
  for (const auto* name : {"follow", "count", "timeout", "interval"})
    if (link->address.shared && options.on_command_line(name))
      return fail(Kind::usage, "--" + std::string(name) + " cannot be used with a shared link");
  WhereFrom from;
  from.given_ = std::move(*link);
  if (set.seal != "off")
    if (auto taken = from.take_identity(set, options); !taken) return tl::unexpected(taken.error());
  return from;
}

Result<void> WhereFrom::take_identity(const RecvSettings& set, const Options& options) {
  auto identity =
      set.identity.empty() ? identity_of(*given_) : given_identity(set.identity, !options.on_command_line("identity"));
  if (!identity) return tl::unexpected(identity.error());
  identity_ = std::move(*identity);
  if (identity_ || set.seal != "require") return {};
  const std::string where = given_->address.shared ? "in the link" : "of this space on this machine";
  return fail(Kind::usage, "--seal require: there is no secret key " + where, "name it with --identity");
}

Result<WhereFrom> WhereFrom::open(const RecvSettings& set, const Options& options, const ReceiveOutput& output,
                                  Messages& messages) {
  SpaceToOpen plan = set.space;
  plan.server = set.common.server;
  plan.wish.seal = wire::seal_from_text(set.seal).value_or(wire::Seal::offer);
  plan.target = place_of(set.output, output.is_stream());
  plan.ask = set.ask;
  // What was sealed together is opened together: not where each file is asked for, nor for those for whom the space is
  // kept. Nor with a limit: the server counts a pack as one, and tells senders that more may come than is taken here.
  const bool is_kept = set.space.keep && !set.clear;
  plan.wish.packs = output.is_directory() && !set.ask && !is_kept && plan.wish.max_files.value_or(0) == 0;
  WhereFrom from;
  if (set.inbox.empty()) {
    auto opened = OpenedSpace::open(plan, messages);
    if (!opened) return tl::unexpected(opened.error());
    from.opened_.emplace(std::move(*opened));
    from.identity_ = from.opened_->identity();
  } else if (auto opened = from.open_inbox(std::move(plan), set, options, messages); !opened) {
    return tl::unexpected(opened.error());
  }
  if (const auto* own = from.own_server()) from.address_.emplace(own->shown().host);
  return from;
}

Result<void> WhereFrom::open_inbox(SpaceToOpen plan, const RecvSettings& set, const Options& options,
                                   Messages& messages) {
  auto inbox = Inbox::take(set.inbox);
  if (!inbox) return tl::unexpected(inbox.error());
  inbox_.emplace(std::move(*inbox));
  if (const auto& found = inbox_->found()) {
    if (auto same = check_reopening(set, options, *found); !same) return same;
    is_new_ = false;
    // What the environment or the configuration says is for inboxes to come: this one is where it was.
    if (!options.on_command_line("bind")) plan.bind.clear();
    if (!options.on_command_line("public-url")) plan.public_url.reset();
  }
  auto opened = inbox_->open(plan, messages);
  if (!opened) return tl::unexpected(opened.error());
  opened_.emplace(std::move(*opened));
  if (set.seal != "off") identity_ = opened_->identity();
  return {};
}

api::SpaceAddress WhereFrom::address() const {
  return opened_ ? api::SpaceAddress(opened_->link()) : given_->address;
}

receive::ReceiverOptions WhereFrom::how_to_receive(const RecvSettings& set) const {
  receive::ReceiverOptions how = cli::how_to_receive(set, address().origin);
  how.present_only = given_ && !set.follow && !set.count && !set.timeout;
  how.keep = set.space.keep || given_;
  how.remember = opened_.has_value();
  how.take_up = inbox_.has_value();
  how.clear = inbox_ && set.clear;
  if (own_server()) how.linger = linger_time;
  how.identity = identity_;
  how.refuse_sealed = given_ && given_->address.shared && !identity_ && set.seal != "off";
  return how;
}

void WhereFrom::describe_to(ReceiveReportOptions& how) const {
  how.download = given_.has_value();
  // Days pass at an inbox whose code hangs on a door.
  if (const auto* own = own_server(); own && is_new_)
    how.when_nobody_comes = "Nothing yet. Same Wi-Fi? Firewall on TCP " + std::to_string(own->shown().port) +
                            "? Try --bind, -s (Ctrl-C to stop)";
  if (!address().shared) how.space = address().name.text();
}

std::string WhereFrom::each_second(const RecvSettings& set) {
  if (inbox_) inbox_->extend_when_due(life_of_inbox(set.space));
  return address_ ? address_->look() : std::string();
}

void WhereFrom::stay(Messages& messages) const {
  if (opened_) opened_->stay(messages);
}

void WhereFrom::leave(const receive::Finished& finished, ReceiveOutput& output, Messages& messages,
                      StdoutWriter& to_stdout) {
  if (inbox_) return;  // the next run goes on with it
  if (given_) {
    if (!given_->address.shared) forget_left_run(given_->address.name, finished);
    return;
  }
  // Of a built-in server everything is fetched again in no time; of a named one a later run goes on.
  if (own_server()) output.discard_parts();
  if (opened_->end(finished, output.parts(), messages, to_stdout)) output.discard_parts();
}

}  // namespace qrx::cli
