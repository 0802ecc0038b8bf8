// qrx-share --file: puts copies of the user's own files into a space of its own, hands out links to them, and takes all
// of it away when everyone has what they may have.
//
//   state     entered by        there is then                       after a failure, a signal, or a server that died
//   checked   check()           nothing                             nothing was done
//   opened    open()            a space; nobody knows its links     the space is deleted
//   filled    fill()            its files, committed as one         likewise
//   shared    Sharing, show()   links, known to the recipients      likewise: the links no longer work
//   over      wait()            everyone has what they may have     -
//   closed    close()           nothing, but for a lasting space    -
//
// The space lasts beyond the run (as that of qrx-recv --keep does) only on a named server and with named recipients,
// and only from `shared` on: there nobody has to wait for them. Everywhere else the run is the life of the links.
//
//   upload fails or is cut       ridden out as qrx-send does, then exit 75, 4 …; nothing was shared
//   disk full, here or there     the server refuses the upload: exit 75
//   a file changes meanwhile     exit 6; nothing was shared
//   a download is cut            it counts when its last byte was taken: the link is good for another try
//   ^C                           the requests end at once; the space is deleted, which is said; exit 130
//   nobody in time, expired      exit 8
//   the built-in server dies     looked at once a second: exit 1; its data are removed
//   SIGKILL                      a built-in server ends with this process, and the next tool that runs removes its
//                                data (unsaved.h); on a named server the links work until they expire
//
// Nothing of the user's is changed or deleted.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/events.h"
#include "cli/share/share_code.h"
#include "cli/share/share_settings.h"
#include "cli/share/sharing.h"
#include "cli/space/opened_space.h"
#include "cli/user_messages.h"
#include "http/interrupt.h"
#include "send/sender.h"
#include "send/sources.h"
#include "term/progress.h"

namespace qrx::cli {

// One thread. What is handed in outlives it. When `interrupt` is raised, everything ends soon.
class HandOut {
 public:
  HandOut(const ShareSettings& settings, const SharePlan& plan, Messages& messages, StdoutWriter& to_stdout,
          term::ProgressLine& progress, std::shared_ptr<http::Interrupt> interrupt);
  ~HandOut();  // closed

  // From the files to the last download. Blocks. To be called before any thread is started (own_server.h).
  Result<void> run(Sharing& sharing);

  // Deletes what does not last beyond the run, and says what became of the links.
  enum class Links : std::uint8_t { none, ended, lasting };
  Links close();

 private:
  Result<void> check();
  Result<void> open();
  Result<void> fill();
  Result<send::SentDelivery> send();
  Result<void> show(Sharing& sharing);
  Result<void> wait(Sharing& sharing);
  void say_standing(const std::vector<RecipientRow>& rows);
  bool is_moving(const wire::Fetching& fetching);
  Result<void> linger() const;
  Result<void> attend(const std::function<Result<void>()>& work);

  bool lasts() const { return set_.common.server.has_value() && !plan_.only_code; }
  bool waits() const { return !lasts() || set_.watch; }

  const ShareSettings& set_;
  const SharePlan& plan_;
  Messages& messages_;
  StdoutWriter& stdout_;
  term::ProgressLine& progress_;
  std::shared_ptr<http::Interrupt> interrupt_;
  ShareCode code_;
  send::SourceList sources_;
  std::string what_;  // "photo.jpg, 2.4 MiB", escaped
  std::optional<OpenedSpace> space_;
  bool shared_ = false;
  wire::Fetching fetched_;  // as it was seen last,
  Steady moved_{};          // since when
};

}  // namespace qrx::cli
