#include "cli/send/what_to_send.h"

#include <unistd.h>

#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"
#include "cli/send/files_to_send.h"
#include "cli/send/text_to_send.h"
#include "term/terminal.h"

namespace qrx::cli {
namespace {

Result<WhatToSend> text_of(const SendSettings& set, Messages& messages) {
  if (set.text == "-" && term::is_terminal(STDIN_FILENO)) messages.say("Type the text; Ctrl-D at the end sends it.");
  auto text = set.text ? given_text(*set.text) : clipboard_to_send();
  if (!text) return tl::unexpected(text.error());
  if (!text->sources.sources.empty() && text->what == "text.txt")
    messages.notice("the text is long: it is sent as the file text.txt");
  WhatToSend what;
  what.sources = std::move(text->sources);
  what.message = text->message.empty() ? set.message : std::move(text->message);
  what.shown = escape_untrusted(text->what);
  what.passing = true;
  what.memory = std::move(text->memory);
  return what;
}

Result<WhatToSend> files_of(const SendSettings& set, const Options& options, Messages& messages,
                            StdoutWriter& to_stdout) {
  WhatToSend what;
  what.message = set.message;
  if (set.files.empty()) return what;  // --save-as alone
  // In the environment or the configuration it is a default for stdin, and no reason to refuse several files.
  const bool named = options.on_command_line("name") || set.files == std::vector<std::string>{"-"};
  auto sources = files_to_send(set.files, named ? set.name : std::nullopt, "sent", messages, to_stdout);
  if (!sources) return tl::unexpected(sources.error());
  const auto skipped = skip_errors(*sources, set.skip_errors, messages, to_stdout);
  if (!skipped) return tl::unexpected(skipped.error());
  what.sources = std::move(*sources);
  what.skipped = *skipped;
  what.shown = what_is_sent(what.sources);
  return what;
}

}  // namespace

Result<WhatToSend> what_to_send(const SendSettings& set, const Options& options, Messages& messages,
                                StdoutWriter& to_stdout) {
  return set.text || set.clipboard ? text_of(set, messages) : files_of(set, options, messages, to_stdout);
}

}  // namespace qrx::cli
