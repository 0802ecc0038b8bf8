// One delivery while its files are fetched by several threads: what is left to do, what became of each file.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "receive/group_sync.h"
#include "receive/receive_job.h"
#include "receive/received.h"
#include "receive/sealed_contents.h"
#include "receive/upload_follower.h"

namespace qrx::receive {

inline constexpr std::uint64_t most_small_bytes = 256U << 10;  // files that are fetched many at once, whole in memory

// The fault of the file itself, not of the connection or of this machine.
inline bool is_at_fault(Kind kind) {
  return kind == Kind::integrity || kind == Kind::exists;
}

// What was followed of a file while it was uploaded; nothing when it was not.
using FollowedOf = std::function<std::optional<Followed>(const Id&)>;

// Thread-safe, but for the five at the end, which the thread of the delivery calls while no worker runs. One mutex; the
// tally's is taken under it.
class DeliveryProgress {
 public:
  // All of it outlives this.
  DeliveryProgress(const ReceiveJob& job, const DeliveryContents& contents, const FollowedOf& followed_of);

  const ReceiveJob& job() const { return job_; }
  const DeliveryContents& contents() const { return contents_; }
  const Id& delivery() const { return contents_.shown.delivery; }
  const Item& item(std::size_t index) const { return contents_.items[index]; }  // as the server has it
  // Under which its partial is begun, to be opened or as it comes.
  std::string begun_name(std::size_t index, bool open) const;
  // As people see it.
  const wire::FileInfo& shown(std::size_t index) const { return contents_.shown.files[index]; }
  // Fetched whole into memory, with others.
  bool is_small(std::size_t index) const;
  std::optional<Followed> followed(std::size_t index) const { return followed_of_(item(index).info.file); }

  // Messages name an item as its sender did in the manifest, not by the name that the server knows.
  Error as_known(std::size_t index, Error error) const;
  bool is_wanted(std::size_t index);  // and not here yet

  // For the workers: several small files, or one large; nothing when no more is to be done. A pack is named by one of
  // its files.
  std::vector<std::size_t> take_task();
  bool failed();
  GroupSync& group_sync() { return group_sync_; }
  void fail_with(const Error& error);                            // ends the delivery
  void cannot_save(std::size_t index, const Error& error);       // a file that is at fault itself: the others go on
  void cannot_save_item(std::size_t index, const Error& error);  // likewise its item: a pack with all that it holds
  void saved(std::size_t index, SavedFile file);
  void declined(std::size_t index, Wish wish);

  // Before the workers start, in this order. How many files are wanted; how many tasks there are.
  std::size_t ask();
  std::size_t plan();
  std::uint64_t bytes_to_come() const;  // of the wanted files, without what earlier runs have left of them
  // After they have ended. `synced`: what was saved is durable. What this delivery needs no more is remembered,
  // whether or not the rest of it could be saved.
  void remember(bool synced);
  Result<SavedDelivery> result();

 private:
  // With the mutex held.
  void tell();
  void skip_failed(std::size_t index, const Error& error);
  std::optional<Error> what_failed() const;
  std::size_t end_of_item(std::size_t index) const;

  enum class Skip : std::uint8_t { no, done_before, later, discarded, failed };
  // Of the files from `begin` to `end`, which make up one item.
  bool is_all(std::size_t begin, std::size_t end, Skip state) const;
  bool is_done(std::size_t begin, std::size_t end) const;

  const ReceiveJob& job_;
  const DeliveryContents& contents_;
  const FollowedOf& followed_of_;
  GroupSync group_sync_;
  std::mutex mutex_;  // of all below
  std::deque<std::vector<std::size_t>> tasks_;
  std::vector<std::optional<SavedFile>> saved_;
  std::vector<Skip> skip_;
  std::size_t told_ = 0;  // files before this one were reported
  std::optional<Error> first_failed_;
  std::vector<std::string> also_failed_;  // names
  std::optional<Error> error_;
};

}  // namespace qrx::receive
