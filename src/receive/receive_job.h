// What the parts of a running receiver share: options, events, progress; and the parts: downloads, followers,
// deliveries.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "api/owner_client.h"
#include "api/patience.h"
#include "base/checksum.h"
#include "base/unique_fd.h"
#include "http/interrupt.h"
#include "receive/receiver.h"
#include "receive/saver.h"
#include "receive/seen_seals.h"

namespace qrx::receive {

// All events of one receiver, one at a time, and the figures of what is coming in. Thread-safe.
class ReceiveTally {
 public:
  explicit ReceiveTally(const ReceiverEvents& events) : events_(events) {}

  // What is known of one file that comes in: from the server's list, or from its download here.
  void expect(const Id& file, const std::string& name, std::optional<std::uint64_t> total, bool uploading);
  void arrived(const Id& file, std::uint64_t bytes);
  void forget(const Id& file);  // delivered, or withdrawn

  void notice(const std::string& text);
  void retrying(const std::string& text);
  void saved(const SavedFile& file);
  void delivered(const SavedDelivery& delivery);
  void refused(const wire::DeliveryInfo& delivery, const Error& error);
  Wish accept(const wire::DeliveryInfo& delivery, const wire::FileInfo& file);
  Wish keep(const wire::FileInfo& file, int descriptor);  // ReceiverEvents::arrived

 private:
  struct Incoming {
    std::string name;
    std::uint64_t bytes = 0;
    std::optional<std::uint64_t> total;
    bool uploading = false;
  };
  void tell(const Incoming& last, bool at_once);

  const ReceiverEvents& events_;
  std::mutex mutex_;
  std::map<Id, Incoming> incoming_;
  std::uint64_t bytes_ = 0, known_total_ = 0;
  std::size_t unknown_totals_ = 0, uploading_ = 0;
  Steady next_tell_{};
};

// What a run has done of a space, for the next run, should this one fail or be killed. Thread-safe. A text file
// "GUID.saved" of lines:
//   FILEID NAME SIZE XXH128 DELIVERYID   the file is about to get its final name; NAME is percent-encoded
//   FILEID done                          it has it, durably, or was discarded for good
//   DELIVERYID finished                  so are all files of the delivery
class SavedRecord {
 public:
  // An empty directory: nothing is kept. Trouble with the file is no error: what was saved may then be saved twice.
  SavedRecord(const std::string& directory, const Guid& guid);
  struct Entry {
    std::string name;
    std::uint64_t size = 0;  // as saved
    Xxh128Sum xxh128{};
    Id delivery;
  };
  void add(const Id& file, const Entry& entry);                         // just before it is published
  std::optional<Entry> find(const Id& file, const Id& delivery) const;  // of an earlier run
  bool is_done(const Id& file) const;
  void finish(const Id& delivery, const std::vector<Id>& files, bool whole);  // `whole`: that was all of it
  Finished finished() const;                                                  // by this run and by earlier ones
  void remove();                                                              // the space is gone

 private:
  void append(const std::string& lines);  // with the mutex held

  mutable std::mutex mutex_;  // of the first three
  std::string path_;
  UniqueFd file_;
  Finished finished_;
  std::map<Id, Entry> earlier_;  // as it was at the start
};

struct ReceiveJob {
  const api::SpaceAddress& link;
  const ReceiverOptions& options;
  http::Interrupt& interrupt;
  ReceiveTally& tally;
  Saver* saver = nullptr;  // null: to a stream
  SavedRecord* record = nullptr;
  SeenSeals* seals = nullptr;

  api::Patience patience() const;
  api::PatienceLimits limits() const { return {options.first_retry, options.most_retry, options.give_up}; }
};

struct Sums {
  Xxh128Sum xxh128{};
  std::optional<Sha256Sum> sha256;
};

// Running sums of one file.
class RunningSums {
 public:
  explicit RunningSums(bool with_sha256);
  void reset();
  void update(ByteView bytes);
  Sums sums() const;

 private:
  Xxh128 xxh128_;
  std::optional<Sha256> sha256_;
};

struct OpenedItem;

// Follows one upload in a thread of its own: what arrives at the server arrives here. Goes on after cuts until the
// upload is complete, has vanished, or nobody wants it any more.
class Follower {
 public:
  Follower(const ReceiveJob& job, wire::UploadInfo upload);
  ~Follower();

  const wire::UploadInfo& upload() const { return upload_; }
  bool running() const { return !ended_.load(); }
  // The upload is committed: what is missing comes at once. Waits for the end; the sums when the whole file was taken.
  struct Outcome {
    std::uint64_t size = 0;
    std::optional<Sums> sums;                  // absent: incomplete, or opened
    std::shared_ptr<const OpenedItem> opened;  // a sealed one, whole: the partial has what it held
    bool whole() const { return sums || opened; }
  };
  Outcome finish();
  // Ends it; the partial stays, or is removed.
  void stop(bool discard);

 private:
  void run();
  void follow_plain();
  bool follow_sealed();  // false: there is nothing to open
  Result<void> take(PartialFile& partial, api::OwnerClient& client, std::vector<std::byte>& buffer);

  const ReceiveJob& job_;
  wire::UploadInfo upload_;
  std::shared_ptr<http::Interrupt> stop_ = std::make_shared<http::Interrupt>();
  std::atomic<bool> ended_{false}, committed_{false};
  RunningSums sums_;
  Outcome outcome_;
  std::string local_name_;  // under which its partial was begun; the thread's, until it ended
  std::thread thread_;
};

// Takes up what a partial has: the sums of its bytes.
Result<void> sum_partial(const PartialFile& partial, RunningSums& sums, std::vector<std::byte>& buffer,
                         const http::Interrupt& interrupt);

// Saves a committed delivery: what was followed, and what has to be fetched; verified, published, durable.
// `outcome_of` gives what a follower took of a file, if there was one.
Result<SavedDelivery> save_delivery(const ReceiveJob& job, const wire::DeliveryInfo& delivery,
                                    const std::function<std::optional<Follower::Outcome>(const Id&)>& outcome_of);

}  // namespace qrx::receive
