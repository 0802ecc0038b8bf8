// Where a run of qrx-send sends to: the link as it was found, and what makes people sure that it is the right one: its
// four words, a name that it is known by, a question.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "cli/events.h"
#include "cli/link_words.h"
#include "cli/options.h"
#include "cli/send/link_scan.h"
#include "cli/send/send_settings.h"
#include "cli/user_messages.h"
#include "wire/link.h"

namespace qrx::cli {

class Destination {
 public:
  // Given, known by name (--to), or found by `scan`, which may take as long as people hold up a phone. Settings,
  // options, Messages and StdoutWriter stay the caller's.
  static Result<Destination> find(const SendSettings& set, const Options& options, LinkScan& scan, Messages& messages,
                                  StdoutWriter& to_stdout);

  const wire::DropLink& link() const { return link_; }

  // Before anything is sent. Kind::usage when --seal require has no key, Kind::denied when the question was answered
  // with no, Kind::integrity when the words are not those that were expected, or the name is another's.
  Result<void> check();

  // Under the name of --save-as, if there is one.
  Result<void> save();

  // The four of the link, or empty where nobody is shown them.
  Result<std::string> words();

 private:
  Destination(const SendSettings& set, const Options& options, Messages& messages, StdoutWriter& to_stdout)
      : set_(&set), options_(&options), messages_(&messages), stdout_(&to_stdout) {}

  Result<void> check_key() const;
  bool is_confirmed() const;
  void begin_words();
  Result<void> check_words(const std::string& shown) const;
  Result<void> check_name(const std::string& shown) const;

  const SendSettings* set_;
  const Options* options_;
  Messages* messages_;
  StdoutWriter* stdout_;
  wire::DropLink link_;
  std::string expected_;              // words; or empty
  std::unique_ptr<LinkWords> words_;  // null: nobody is shown them
};

}  // namespace qrx::cli
