// The receiver's side: watches a space, follows uploads while they run, saves and verifies what was delivered.
// Prints nothing, ends nothing; tells by callbacks.
#pragma once

#include <memory>

#include "api/space_address.h"
#include "base/result.h"
#include "receive/received.h"
#include "receive/receiver_options.h"
#include "receive/saved_record.h"
#include "receive/saver.h"

namespace qrx::receive {

class Receiver {
 public:
  // A share link gives what the space holds; it neither waits nor deletes.
  Receiver(api::SpaceAddress address, ReceiverOptions options, ReceiverEvents events = {});
  ~Receiver();

  // Saves deliveries until `count`, the timeout, an error or interrupt(). A killed run is taken up by a later one with
  // the same link and output: partials go on where they stand. A file that is at fault itself keeps no other file of
  // its delivery from being saved. A delivery that is at fault itself (tampered with, too many files for one name, a
  // name that is taken) ends a run that waits for one; others go on without it. Errors:
  // Kind::gone or not_found when the space is not there (no error with count 0 once something was received: that is how
  // following ends), integrity when a sum differs twice, or a sealed file was tampered with or was taken before in
  // another delivery (nothing of it stays), no_room with the partial kept, exists with OnConflict::refuse, unavailable
  // when interrupted or the server stays away.
  Result<Received> run(Saver& saver);

  // The same to a file descriptor, which stays the caller's: files in order, one after another, nothing else. A
  // stream is written while it comes in; a sum that differs is noticed at its end only: Kind::integrity. Of a sealed
  // file only verified bytes are written.
  Result<Received> run(int stream);

  // After run(), whatever its result.
  const Finished& finished() const;

  // Async-signal-safe, any thread: run() ends soon with Kind::unavailable. Partials are kept.
  void interrupt();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qrx::receive
