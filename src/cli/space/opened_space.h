// A space that this run opens, on a server of its own or on one that was named, and how it ends.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "cli/events.h"
#include "cli/invitation.h"
#include "cli/space/identities.h"
#include "cli/space/kept_spaces.h"
#include "cli/space/own_server.h"
#include "cli/space/unsaved.h"
#include "cli/user_messages.h"
#include "receive/receiver.h"
#include "wire/link.h"
#include "wire/messages.h"

namespace qrx::cli {

struct SpaceToOpen {
  std::optional<wire::Origin> server;      // none: one of its own, with these two
  std::string bind;                        // as in OwnServerOptions
  std::optional<wire::Origin> public_url;  // likewise
  std::string token_file;                  // with the token that the named server wants; empty: $QRX_TOKEN, or none
  wire::CreateSpace wish;                  // open() adds the key, unless sealing is off
  std::string target;                      // place_of() the output
  bool ask = false;                        // --ask
  bool keep = false;                       // --keep: later runs find it, and on a named server it outlives this one
  std::string inbox;                       // kept under this name, for runs that go on with it (inbox.h); or empty
  bool copies = false;                     // it is to hold copies of what is here: no later run has to save them
};

// The drop link that a server gave for a new space: to that very space, and with `key` in it ("age1…", or empty: none).
// Kind::integrity when the server put another key or space there, Kind::unavailable when it is no link.
Result<wire::DropLink> checked_drop_link(const wire::SpaceCreated& space, const std::string& key);

// Not thread-safe. Its own server ends with it (own_server.h).
class OpenedSpace {
 public:
  // Blocks. To be called before any thread is started (own_server.h). What cannot be kept on this machine is a warning
  // only. After an error its own server is gone; a space that a named one made is deleted if it can be, unless `keep`.
  static Result<OpenedSpace> open(const SpaceToOpen& plan, Messages& messages);

  // One that an earlier run opened, and that outlives this one, too. Null: nothing comes sealed. `own`: its server,
  // when that is not a named one; `kept` has its address (inbox_server.h).
  static Result<OpenedSpace> reopen(const KeptSpace& kept, SharedIdentity identity, std::optional<OwnServer> own = {});

  const wire::OwnerLink& link() const { return link_; }                    // where this machine reaches it
  const wire::DropLink& drop() const { return drop_; }                     // where others reach it
  const SharedIdentity& identity() const { return identity_; }             // null: nothing comes sealed
  const OwnServer* own_server() const { return own_ ? &*own_ : nullptr; }  // null: the server was named

  KeptSpace kept() const;  // as later runs find it

  // What people and machines are told of it. `words`: the four of its link, or empty.
  SpaceTerms terms(const std::string& words) const;
  Event event(const std::string& words) const;  // "space"

  // With `keep` on its own server, what was received can be shared for as long as that runs: returns when the space
  // expires, the server ends or a signal comes (signals.h). Otherwise at once.
  void stay(Messages& messages) const;

  // The last that is done with it. When nothing is left but what is `finished`, the space is deleted (unless it is kept
  // on a named server), and so are the built-in server's data. Otherwise all of it stays for a later run (unsaved.h),
  // which is said. Not with other threads running: a built-in server that died is started anew to look.
  // `parts`: what a later run may go on with (UnsavedSpace). True: nothing stays.
  bool end(const receive::Finished& finished, std::set<std::string> parts, Messages& messages, StdoutWriter& to_stdout);

  // Instead of end() where it holds nothing but copies: the space and the built-in server's data are deleted, whatever
  // is in it; with `keep`, a named server's stays. An error when the links may go on to work.
  Result<void> close();

 private:
  OpenedSpace() = default;
  const wire::Origin& shown() const { return own_ ? own_->shown() : link_.origin; }
  Result<void> start_own_server(const SpaceToOpen& plan);
  void keep_unsaved(Messages& messages);
  void keep_for_later_runs(Messages& messages);
  tl::unexpected<Error> given_up(const Error& error);
  RunDirectory& directory() { return own_ ? own_->directory() : *named_; }

  bool keep_ = false;
  bool copies_ = false;
  std::string inbox_;
  std::string bind_, public_url_;  // of the built-in server of an inbox, as later runs need them (KeptSpace); or empty
  std::optional<OwnServer> own_;
  std::optional<RunDirectory> named_;  // of a run with a named server
  UnsavedSpace unsaved_;
  wire::OwnerLink link_;
  wire::DropLink drop_;
  std::string owner_;  // the owner's link, as others reach it; of a named server its own text: hostile
  wire::CreateSpace wish_;
  SharedIdentity identity_;
  wire::Limits limits_;
  WallTime created_, expires_;
};

}  // namespace qrx::cli
