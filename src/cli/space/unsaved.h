// What senders were told is there, and is not saved here yet: found again by later runs, whatever happened to the run
// that opened the space.
//
// Each run that opens a space has a directory of its own below $XDG_STATE_HOME/qrx (mode 0700), locked while it runs:
//
//   own-XXXXXX/   of a run with a built-in server      run-XXXXXX/   of a run with a named server
//     lock          held by the run (flock): a process that died, however, holds it no more
//     space.json    how to fetch what is in the space: its owner token, its secret key, where to save it (mode 0600)
//     data/ log     of the built-in server
//
//   state of the directory           found by a later run as    and then
//   locked                           of a living run            left alone
//   no space.json, and no blob       was shown to nobody        removed, by any tool
//   copies                           of what is here anyway     removed, by any tool
//   space.json without "deliveries"  of a run that was killed   qrx-recv asks the server what is left: that there is no
//                                                               blob says nothing, for texts and empty files have none
//   no blob, long expired            holds nothing              removed, by any tool
//   space.json with "deliveries"     left on purpose            saved in its own place, mentioned elsewhere
//   all saved, discarded or expired  -                          removed
//
// Whether something is left, and whether it has expired, only a server decides: the one that was named, or the built-in
// one started anew on its data. How a run ends makes no difference: a signal, a full disk, a refused name, a server
// that died and SIGKILL all leave the directory, and only who has seen that nothing is left removes it. An upload that
// was not complete was never acknowledged: it is not kept.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "wire/link.h"

namespace qrx::cli {

// A run's directory, locked by this process. The lock goes with this object; the directory stays unless remove() is
// called.
class RunDirectory {
 public:
  // `own`: for a built-in server's data. In the state directory, or where temporary files go when that cannot be
  // written.
  static Result<RunDirectory> make(bool own);
  // One that outlasts runs, at this path, for the server of an inbox (inbox_server.h). Kind::locked when a run has it.
  static Result<RunDirectory> lasting(const std::string& path);

  const std::string& path() const { return path_; }
  void remove();  // with all that is in it

 private:
  friend std::vector<RunDirectory> left_directories();
  RunDirectory(std::string path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  UniqueFd lock_;
};

// space.json: {"v":1,"owner":…,"key":…,"expires":…,"target":…,"own":…,"keep":…,"ask":…,"require":…,"parts":…,
// "deliveries":…,…}.
struct UnsavedSpace {
  wire::OwnerLink link;  // of a built-in server: as it was reached when it ran
  std::string key;       // "AGE-SECRET-KEY-1…", or empty
  WallTime expires;      // as the server said
  std::string target;    // where it was to be saved: same_place()
  bool own = false;      // on a built-in server
  bool keep = false;     // the space is not to be deleted
  bool ask = false;      // --ask: nobody said yes to what is left
  bool require = false;  // --seal require: nothing is to be saved that was not sealed
  // Files beneath the target that are not whole, when the run ended by itself: relative, as Saver::parts() has them.
  std::set<std::string> parts = {};
  struct Left {
    std::uint64_t deliveries = 0, files = 0, bytes = 0;
  };
  std::optional<Left> left;  // none: nobody looked
};

Result<void> write_unsaved(const RunDirectory& directory, const UnsavedSpace& space);  // durable
// Instead: what is in there are copies of the user's own files (qrx-share --file).
Result<void> mark_copies(const RunDirectory& directory);

struct LeftRun {
  RunDirectory directory;
  UnsavedSpace space;
};
// What ended runs left, oldest first, locked for as long as the caller has them. Those that certainly hold nothing are
// removed on the way.
std::vector<LeftRun> left_runs();
void clear_left_runs();  // only that

// --output as it is the same for later runs: an absolute path; for a stream "-" and the current directory.
std::string place_of(const std::string& output, bool stream);
bool is_stream_place(const std::string& place);
std::string shown_place(const std::string& place);

// "2 deliveries (3 files, 1.2 MiB)"
std::string describe_left(const UnsavedSpace::Left& left);

}  // namespace qrx::cli
