#include "cli/send/destination.h"

#include <unistd.h>

#include <utility>

#include "base/text.h"
#include "cli/addresses.h"
#include "cli/asking.h"
#include "cli/send/known_links.h"
#include "seal/fingerprint.h"
#include "term/terminal.h"

namespace qrx::cli {

Result<Destination> Destination::find(const SendSettings& set, const Options& options, LinkScan& scan,
                                      Messages& messages, StdoutWriter& to_stdout) {
  Destination destination(set, options, messages, to_stdout);
  destination.expected_ = set.expect;
  if (set.to.empty() || scan.looks() || options.on_command_line("link")) {
    auto link = scan.find();
    if (!link) return tl::unexpected(link.error());
    destination.link_ = std::move(*link);
    return destination;
  }
  auto known = needed_link(set.to, options.config());
  if (!known) return tl::unexpected(known.error());
  // What was written down with the link holds as if it were expected now.
  if (set.expect.empty()) destination.expected_ = known->words;
  destination.link_ = std::move(known->link);
  return destination;
}

Result<void> Destination::check() {
  if (auto sealed = check_key(); !sealed) return sealed;
  if (!is_confirmed()) return fail(Kind::denied, "not sent: you said no");
  begin_words();
  if (expected_.empty() && set_->save_as.empty()) return {};
  const auto shown = words();
  if (!shown) return tl::unexpected(shown.error());
  if (auto right = check_words(*shown); !right) return right;
  return check_name(*shown);
}

Result<void> Destination::check_key() const {
  if (set_->seal != "require" || !link_.key.empty()) return {};
  return fail(Kind::usage, "--seal require: the link has no key to encrypt to", "nothing was sent");
}

// A picture can come from anywhere: plain HTTP to a host outside the local network is worth a question.
bool Destination::is_confirmed() const {
  if (set_->yes || !set_->link.empty() || !set_->to.empty() || link_.origin.tls || is_private_host(link_.origin.host))
    return true;
  if (!term::is_terminal(STDERR_FILENO)) return true;
  auto asking = Asking::open("sending");
  if (!asking) return true;
  return asking->yes("The code leads to " + link_.origin.url() +
                     ", outside of the local network and without encryption. Send there?");
}

// They cost some 50 ms of a processor: only when someone is shown them.
void Destination::begin_words() {
  const bool at_terminal = term::is_terminal(STDERR_FILENO) && !messages_->quiet();
  if (!expected_.empty() || !set_->save_as.empty() || set_->common.json || set_->common.verbose > 0 || at_terminal)
    words_ = std::make_unique<LinkWords>(link_);
}

Result<std::string> Destination::words() {
  return words_ ? words_->get() : std::string();
}

// A code that was stuck over the receiver's leads elsewhere, so it has other words.
Result<void> Destination::check_words(const std::string& shown) const {
  if (expected_.empty() || seal::same_words(shown, expected_)) return {};
  return fail(Kind::integrity, "the words do not match; this link says " + shown,
              "nothing was sent; compare the words with the receiver");
}

// Under a name that has another link already only what was confirmed.
Result<void> Destination::check_name(const std::string& shown) const {
  if (set_->save_as.empty()) return {};
  const auto known = known_link(set_->save_as, options_->config());
  if (!known) return tl::unexpected(known.error());
  return *known ? check_same_link(set_->save_as, **known, link_, shown, expected_) : Result<void>{};
}

Result<void> Destination::save() {
  const std::string& name = set_->save_as;
  if (name.empty()) return {};
  const auto shown = words();
  if (!shown) return tl::unexpected(shown.error());
  if (auto saved = learn_link(name, link_, *shown); !saved) return saved;
  messages_->say("saved as " + name + " (words: " + *shown + "); from now on: qrx-send --to " +
                 (name.find(' ') == std::string::npos ? name : "'" + name + "'") + " FILE");
  return stdout_->event(Event("learned").text("name", name).text("link", link_.text()).text("words", *shown));
}

}  // namespace qrx::cli
