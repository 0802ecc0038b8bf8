// This node among the others: its beat in the table of nodes, the time of the database, and words between nodes.
// Private to src/pg.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/unique_fd.h"
#include "pg/crash_mark.h"
#include "pg/database_clock.h"
#include "pg/pg_connection.h"
#include "space/shared_catalog.h"

namespace qrx::pg {

// Three threads, two of them with a connection. One writes the beats and the words, which gather while the last are
// under way; a NOTIFY is never part of the transaction that it tells of, for it would hold a lock of the whole database
// over the commit. Another listens, straight at the primary. What may be lost (a connection was, a node fell silent)
// is told to all as "anything may have changed". The third sees by the clock that the beats fail, whatever the others
// wait for.
class NodeBus {
 public:
  NodeBus(std::string dsn, std::string listen_dsn, CrashMark& crashes)
      : dsn_(std::move(dsn)), listen_dsn_(std::move(listen_dsn)), crashes_(crashes), node_(crashes.node()) {}
  ~NodeBus() { stop(); }

  // The first beat, in this thread: there is a time then. The others follow until stop().
  Result<void> start(std::unique_ptr<Connection> connection);
  void stop();
  void join(space::NodeEvents& events);
  void leave();

  void tell(const Id& topic, bool may_wait);
  void introduce(space::NodeCard card);  // with the next beat
  Result<void> health() const;
  void measure(Measures& to) const;
  Clock& clock() { return clock_; }

 private:
  using Words = std::unordered_set<Id, IdHash>;
  void run_notifier(std::unique_ptr<Connection> connection);
  bool beat(Connection& connection);
  bool send(Connection& connection, const Words& words, bool all);
  bool notify(Connection& connection, const std::string& payload);
  void look_at_others(Connection& connection, const std::string& policy);

  void run_watch();

  void run_listener();
  void listen(Connection& connection);
  void take(std::string_view payload);
  void missed();
  template <class Tell>
  void tell_events(Tell&& tell);

  const std::string dsn_, listen_dsn_;
  CrashMark& crashes_;  // renewed with each beat
  const Id node_;
  DatabaseClock clock_;

  mutable std::mutex mutex_;
  std::condition_variable more_;
  Words words_, later_;
  bool words_lost_ = false;  // too many, or nobody knows whether they were sent
  bool stopping_ = false;
  space::NodeCard card_;
  UniqueFd ended_;  // an event for the listener

  std::mutex events_mutex_;  // held while `events_` is told something; nothing else is taken under it
  space::NodeEvents* events_ = nullptr;

  std::atomic<Steady> last_beat_{}, last_heard_{};  // when our own beat, and our own word, went through
  std::atomic<unsigned> nodes_{1};                  // that live
  std::atomic<unsigned> disagreeing_{0};            // of these, with another policy
  std::atomic<bool> listens_{false};
  struct Counts {
    std::atomic<std::uint64_t> sent{0}, heard{0}, words{0}, resyncs{0}, cut_off{0};
  } counts_;
  // The notifier's:
  std::unordered_set<Id, IdHash> silent_;
  std::unordered_map<Id, std::string, IdHash> told_of_;  // nodes that disagree: the two policies
  std::thread notifier_, listener_, watch_;
};

}  // namespace qrx::pg
