// The receiver's side: opens a space, watches it, follows uploads while they run, saves and verifies what was
// delivered. Prints nothing, ends nothing; tells by callbacks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/space_address.h"
#include "base/checksum.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/client.h"
#include "receive/saver.h"
#include "seal/keys.h"
#include "wire/link.h"
#include "wire/messages.h"

namespace qrx::receive {

// Opens a space on a server. `create_token` is asked for by servers with --create token; empty: none.
// Retries trouble of network and server for `patience` (2 s at least). A lost answer leaves a space that nobody knows
// and that expires.
Result<wire::SpaceCreated> create_space(const Origin& origin, const wire::CreateSpace& wish,
                                        const http::ClientOptions& client, const std::string& create_token = {},
                                        Millis patience = Millis{3'000});
// One look at a space; also the check that an owner link is right.
Result<wire::SpaceInfo> look_at_space(const OwnerLink& link, const http::ClientOptions& client);
// Deletes a space; with `deliveries` only while it holds so many, else Kind::conflict. A space that is gone already is
// no error.
Result<void> delete_space(const OwnerLink& link, const http::ClientOptions& client,
                          std::optional<std::uint64_t> deliveries = {});

// What needs nothing more: saved, or discarded for good.
struct Finished {
  std::set<Id> deliveries;
  std::set<Id> files;  // also those of deliveries that are not finished
};
// As ReceiverOptions::state_dir remembers it of earlier runs.
Finished what_is_finished(const std::string& state_dir, const Guid& guid);
// To forget it: a later run saves all anew, but still refuses what was taken sealed under another name before.
void forget_finished(const std::string& state_dir, const Guid& guid);
// And all else that was remembered of a space, when that is gone.
void forget_received(const std::string& state_dir, const Guid& guid);

// What is still in a space for its receiver.
struct Unsaved {
  std::uint64_t held = 0;        // committed deliveries, all of them
  std::uint64_t deliveries = 0;  // those of them that are not saved
  std::uint64_t files = 0;       // of those
  std::uint64_t bytes = 0;
};
// With `close` the space takes no new ones from now on, so that what was
// found is all that there will be, but for deliveries that are being uploaded. Kind::not_found when it is gone.
Result<Unsaved> find_unsaved(const OwnerLink& link, const http::ClientOptions& client, const Finished& finished,
                             bool close);

// What is to become of a file that was sent.
enum class Wish : std::uint8_t {
  save,
  later,    // not now: it stays in the space
  discard,  // never
};

struct ReceiverOptions {
  http::ClientOptions client;
  std::uint64_t count = 1;         // deliveries after which run() ends; 0: until interrupted or the space is gone.
                                   // What came before it deletes the space is saved too
  bool present_only = false;       // fetch what the space holds now and end; Kind::timed_out when it holds nothing.
                                   // `count` is ignored. For a link given to download from
  std::optional<Millis> timeout;   // no delivery for this long, and none coming in: Kind::timed_out
  std::optional<Millis> interval;  // ask at this interval instead of waiting on the server
  bool sha256 = false;
  std::shared_ptr<const seal::Identity> identity;  // opens what is sealed to it; null: everything is saved as it came
  bool only_sealed = false;                        // with it: whatever was not opened is Kind::integrity
  bool refuse_sealed = false;                      // without it: whatever would have to be opened is Kind::integrity
  bool follow_uploads = true;                      // fetch files while they are still being uploaded
  bool keep = false;         // leave the space on the server; otherwise it is deleted after the last delivery
  bool take_up = false;      // what an earlier run with this state finished is passed over
  bool remember = false;     // what was finished, also after the end: until forget_finished()
  Millis linger{0};          // before it is deleted: for so long senders are told that it takes no more
  std::string state_dir;     // "$XDG_STATE_HOME/qrx/recv": remembers what a killed run had saved, so that the
                             // next one does not save it twice, and what was taken sealed (seen_seals.h);
                             // made with mode 0700; empty: nothing is kept
  unsigned connections = 4;  // transfers at the same time
  Millis give_up{300'000};   // server away for so long: Kind::unavailable
  Millis first_retry{250};   // doubled each time, with jitter
  Millis most_retry{10'000};
};

struct IncomingProgress {
  std::string name;                    // as the sender gave it: hostile. Empty: sealed, and not known yet
  std::uint64_t bytes = 0;             // of all files that are coming in, what has arrived here
  std::optional<std::uint64_t> total;  // of all of them; absent: not known yet
  bool uploading = false;              // the sender is still sending
};

struct SavedFile {
  std::string path;     // as saved; empty when streamed
  wire::FileInfo info;  // of what was saved; name is hostile. sealed: it came sealed, and was opened
  std::optional<Sha256Sum> sha256;
  Id delivery;
  bool renamed = false;       // the name of `info` could not stand here as it is
  std::string unopened = {};  // why what looks sealed was saved as it came; or empty
};

// A delivery without a file is its message. (Of a sealed one the server knows only the manifest: this is said of what
// it really holds.)
inline bool is_text(const wire::DeliveryInfo& delivery) {
  return delivery.files.empty() && !delivery.message.empty();
}

struct SavedDelivery {
  wire::DeliveryInfo info;
  std::vector<SavedFile> files;       // those that were saved
  std::vector<std::string> declined;  // names that `accept` or `arrived` did not want to save
  std::uint64_t later = 0;            // how many of these stay in the space
  bool sealed_text = false;           // is_text(info), and it came sealed
};

// Called one at a time, from any thread, while run() runs. Each may be empty.
struct ReceiverEvents {
  std::function<void(const IncomingProgress&)> receiving;  // at most ten times a second
  // Asked before a file is saved (or streamed), when its delivery is committed. Never asked twice for one file. With
  // it, uploads are not followed. Empty: everything is saved.
  std::function<Wish(const wire::DeliveryInfo&, const wire::FileInfo&)> accept;
  // Asked when a file is here whole, verified and opened, before it gets its final name; `file` can be read (by pread,
  // or anew through /proc/self/fd): its answer counts as that of `accept`. Empty: everything is saved. Not for streams.
  std::function<Wish(const wire::FileInfo&, int file)> arrived;
  std::function<void(const SavedFile&)> saved;          // verified, on the disk, under its final name
  std::function<void(const SavedDelivery&)> delivered;  // after all of its files; run() goes on after it returned
  // A delivery that could not be saved, when the run goes on without it. What was saved of it stays, its rest on the
  // server.
  std::function<void(const wire::DeliveryInfo&, const Error&)> refused;
  std::function<void(const std::string&)> notice;
  // "the server does not answer; retrying in 5 s", before each attempt; with an empty text: it answers again.
  std::function<void(const std::string&)> retrying;
};

struct Received {
  std::uint64_t deliveries = 0;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t declined = 0;
  std::uint64_t later = 0;             // how many of these stay: the space was left on the server because of them
  std::uint64_t refused = 0;           // deliveries; the space was left on the server because of them
  std::optional<Error> first_refusal;  // why the first one was
  std::uint64_t left = 0;              // deliveries that came when the stream was over; the space was left for them
};

class Receiver {
 public:
  // A share link gives what the space holds; it neither waits nor deletes.
  Receiver(api::SpaceAddress address, ReceiverOptions options, ReceiverEvents events = {});
  ~Receiver();

  // Saves deliveries until `count`, the timeout, an error or interrupt(). A killed run is taken up by a later one with
  // the same link and output: partials go on where they stand. A file that is at fault itself keeps no other file of
  // its delivery from being saved. A delivery that is at fault itself (tampered with, too
  // many files for one name, a name that is taken) ends a run that waits for one; others go on without it. Errors:
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
