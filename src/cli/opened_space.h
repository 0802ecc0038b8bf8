// A space that this run opens, on a server of its own or on one that was named, and how it ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "cli/events.h"
#include "cli/identities.h"
#include "cli/invitation.h"
#include "cli/own_server.h"
#include "cli/user_messages.h"
#include "wire/link.h"
#include "wire/messages.h"

namespace qrx::cli {

struct SpaceToOpen {
  std::optional<Origin> server;      // none: one of its own, with these two
  std::string bind;                  // as in OwnServerOptions
  std::optional<Origin> public_url;  // likewise
  std::string token_file;            // with the token that the named server wants; empty: $QRX_TOKEN, or none
  wire::CreateSpace wish;            // open() adds the key, unless sealing is off
  bool keep = false;                 // --keep: later runs find it, and on a named server it outlives this one
};

// The drop link that a server gave for a new space: to that very space, and with `key` in it ("age1…", or empty: none).
// Kind::integrity when the server put another key or space there, Kind::unavailable when it is no link.
Result<DropLink> checked_drop_link(const wire::SpaceCreated& space, const std::string& key);

// Not thread-safe. Its own server ends with it (own_server.h).
class OpenedSpace {
 public:
  // Blocks. To be called before any thread is started (own_server.h). What cannot be kept on this machine is a warning
  // only. After an error its own server is gone; a space that a named one made is deleted if it can be, unless `keep`.
  static Result<OpenedSpace> open(const SpaceToOpen& plan, Messages& messages);

  const OwnerLink& link() const { return link_; }                          // where this machine reaches it
  const DropLink& drop() const { return drop_; }                           // where others reach it
  const SharedIdentity& identity() const { return identity_; }             // null: nothing comes sealed
  const OwnServer* own_server() const { return own_ ? &*own_ : nullptr; }  // null: the server was named

  // What people and machines are told of it. `words`: the four of its link, or empty.
  SpaceTerms terms(const std::string& words) const;
  Event event(const std::string& words) const;  // "space"

  // With `keep` on its own server, what was received can be shared for as long as that runs: returns when the space
  // expires, the server ends or a signal comes (signals.h). Otherwise at once.
  void stay(Messages& messages) const;

  enum class Left : std::uint8_t { nothing, something };  // in the space, that was sent and is not saved here
  // The last that is done with it. On a named server it is deleted, unless it is kept, or something is left in it, or
  // it holds another number of `deliveries` than was seen: then a warning says how to go on. With its own server it
  // goes anyway.
  void end(Left left, Messages& messages, std::optional<std::uint64_t> deliveries = {});

 private:
  OpenedSpace() = default;
  const Origin& shown() const { return own_ ? own_->shown() : link_.origin; }
  void keep_for_later_runs(Messages& messages);
  void forget();

  bool keep_ = false;
  std::optional<OwnServer> own_;
  OwnerLink link_;
  DropLink drop_;
  std::string owner_;  // the owner's link, as others reach it; of a named server its own text: hostile
  wire::CreateSpace wish_;
  SharedIdentity identity_;
  bool identity_kept_ = false;
  wire::Limits limits_;
  WallTime expires_;
};

}  // namespace qrx::cli
