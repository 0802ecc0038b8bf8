// What a receiver tells while it runs and when it is done, and what it asks.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "base/result.h"
#include "wire/id.h"
#include "wire/messages.h"

namespace qrx::receive {

// What is to become of a file that was sent.
enum class Wish : std::uint8_t {
  save,
  later,    // not now: it stays in the space
  discard,  // never
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
  std::vector<Id> discarded;          // the others of these; a pack when all that it holds is discarded
  std::vector<Id> unfinished = {};    // of a stream: packs of which some stays; their sender is not told "saved" yet
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
  std::function<void(const SavedFile&)> saved;  // verified, on the disk, under its final name
  // After all of its files; run() goes on after it returned. False: it could not be reported; a text, which
  // is in no file, then counts as not received.
  std::function<bool(const SavedDelivery&)> delivered;
  // A delivery that could not be saved, when the run goes on without it. What was saved of it stays, its rest on the
  // server.
  std::function<void(const wire::DeliveryInfo&, const Error&)> refused;
  std::function<void(const std::string&)> notice;
  // "the server does not answer; retrying in 5 s", before each attempt and while it counts down; with an empty
  // text: it answers again.
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

}  // namespace qrx::receive
