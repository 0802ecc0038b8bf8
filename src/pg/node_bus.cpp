#include "pg/node_bus.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "base/version.h"
#include "pg/pg_reading.h"

namespace qrx::pg {
namespace {

using std::chrono::steady_clock;

constexpr Millis beat_every{2000};
constexpr Millis cut_off_after{10'000};  // before the others count without us: QRX_ALIVE
constexpr Millis looks_every{500};
constexpr Seconds short_silence{4};
constexpr Millis well_within{6000};   // a beat that is older makes this node unwell
constexpr Millis deaf_after{10'000};  // without our own words the listener is taken for dead
constexpr Millis later_means{250};
constexpr std::size_t most_words = 50'000;
constexpr std::size_t words_at_once = 250;  // a payload has 7,999 bytes, a word 26 and a blank
constexpr unsigned few_nodes = 4;
constexpr const char* channel = "qrx1";
constexpr const char* everything = "*";  // in place of words: anything may have changed
constexpr const char* sign_of_life = ".";

}  // namespace

Result<void> NodeBus::start(std::unique_ptr<Connection> connection) {
  // The listener waits in poll() for the socket of the database, where no condition variable wakes it.
  ended_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!ended_) return fail_errno("cannot make an event descriptor");
  connection->set_silence(short_silence);
  if (!beat(*connection)) return connection->failure().error("cannot join the nodes of the catalog");
  last_beat_ = last_heard_ = steady_clock::now();
  try {
    notifier_ = std::thread([this, first = std::move(connection)]() mutable { run_notifier(std::move(first)); });
    listener_ = std::thread([this] { run_listener(); });
    watch_ = std::thread([this] { run_watch(); });
  } catch (const std::system_error& error) {
    return fail(Kind::unavailable, std::string("cannot start a thread: ") + error.what());
  }
  return {};
}

void NodeBus::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  more_.notify_all();
  const std::uint64_t one = 1;
  if (ended_) [[maybe_unused]]
    const auto written = ::write(ended_.get(), &one, sizeof one);
  if (notifier_.joinable()) notifier_.join();
  if (listener_.joinable()) listener_.join();
  if (watch_.joinable()) watch_.join();
}

void NodeBus::join(space::NodeEvents& events) {
  const std::lock_guard lock(events_mutex_);
  events_ = &events;
}

void NodeBus::leave() {
  const std::lock_guard lock(events_mutex_);
  events_ = nullptr;
}

template <class Tell>
void NodeBus::tell_events(Tell&& tell) {
  const std::lock_guard lock(events_mutex_);
  if (events_ != nullptr) tell(*events_);
}

void NodeBus::missed() {
  ++counts_.resyncs;
  tell_events([](space::NodeEvents& events) { events.missed(); });
}

void NodeBus::introduce(space::NodeCard card) {
  const std::lock_guard lock(mutex_);
  card_ = std::move(card);
}

void NodeBus::measure(Measures& to) const {
  using enum Measure::Type;
  space::NodeCard card;
  {
    const std::lock_guard lock(mutex_);
    card = card_;
  }
  const auto add = [&to](const char* name, Measure::Type type, const char* help, double value,
                         std::string labels = {}) {
    to.push_back({name, type, help, value, std::move(labels)});
  };
  const auto since = [](const std::atomic<Steady>& then) {
    return std::chrono::duration<double>(steady_clock::now() - then.load()).count();
  };
  add("qrx_node_info", gauge, "This node.", 1,
      label("node", node_.text()) + "," + label("name", card.name) + "," + label("version", version));
  add("qrx_nodes", gauge, "Nodes that live, as far as this one knows.", nodes_);
  add("qrx_nodes_disagreeing", gauge, "Of these, nodes with other limits, tokens or links than this one.",
      disagreeing_);
  add("qrx_beat_age_seconds", gauge, "Since this node last showed that it lives.", since(last_beat_));
  add("qrx_listener_up", gauge, "Whether this node hears the words of others.",
      listens_ && since(last_heard_) * 1000 <= static_cast<double>(deaf_after.count()) ? 1 : 0);
  add("qrx_heard_age_seconds", gauge, "Since this node last heard its own words.", since(last_heard_));
  add("qrx_notifies_sent_total", counter, "NOTIFYs sent.", static_cast<double>(counts_.sent));
  add("qrx_notifies_heard_total", counter, "NOTIFYs heard from other nodes.", static_cast<double>(counts_.heard));
  add("qrx_words_heard_total", counter, "Changes that other nodes told of.", static_cast<double>(counts_.words));
  add("qrx_resyncs_total", counter, "How often all waiters looked again, for words may have been lost.",
      static_cast<double>(counts_.resyncs));
  add("qrx_cut_off_total", counter, "How often limited downloads were cut off, for the catalog was out of reach.",
      static_cast<double>(counts_.cut_off));
}

// Both ways: a beat that was written, and our own words that came back by the listener's connection.
Result<void> NodeBus::health() const {
  const Steady now = steady_clock::now();
  if (now - last_beat_.load() > well_within) return fail(Kind::unavailable, "the catalog does not answer");
  if (now - last_heard_.load() > deaf_after) return fail(Kind::unavailable, "other nodes are not heard");
  return {};
}

void NodeBus::tell(const Id& topic, bool may_wait) {
  const std::lock_guard lock(mutex_);
  // A database that does not answer must not cost memory without end: "anything may have changed" replaces all of them.
  if (words_.size() + later_.size() >= most_words)
    words_lost_ = true;
  else
    (may_wait ? later_ : words_).insert(topic);
  if (!may_wait && words_.size() == 1) more_.notify_all();
}

// --- the notifier

void NodeBus::run_notifier(std::unique_ptr<Connection> connection) {
  Steady next_beat = steady_clock::now() + beat_every;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const Steady rest = std::min(next_beat, steady_clock::now() + later_means);
    more_.wait_until(lock, rest, [&] { return stopping_ || !words_.empty() || words_lost_; });
    if (stopping_) break;
    if (!words_.empty()) {  // more of them come, mostly
      const unsigned nodes = nodes_;
      // Each NOTIFY wakes every node and takes a lock of the whole database at its commit: the more nodes there are,
      // the longer words gather.
      const Millis gather{nodes <= few_nodes ? 2 : std::max(2U, nodes / 2)};
      more_.wait_for(lock, gather, [this] { return stopping_; });
    }
    Words words = std::exchange(words_, {});
    words.merge(later_);
    const bool all = std::exchange(words_lost_, false);
    lock.unlock();
    // Without the lock: whoever has something to tell never waits for the network.
    if (connection == nullptr || connection->lost()) {
      auto again = Connection::open(dsn_);
      connection = again ? std::move(*again) : nullptr;
      if (connection != nullptr) connection->set_silence(short_silence);
    }
    const bool told = words.empty() && !all ? true : connection != nullptr && send(*connection, words, all);
    if (steady_clock::now() >= next_beat) {
      next_beat = steady_clock::now() + beat_every;
      if (connection != nullptr && beat(*connection)) last_beat_ = steady_clock::now();
    }
    if (connection == nullptr) std::this_thread::sleep_for(Millis(100));
    lock.lock();
    // Whether a NOTIFY whose answer was lost went out is not known: telling too much costs others a look, too little
    // costs them the change.
    words_lost_ = words_lost_ || !told;
  }
  lock.unlock();
  // What others would find out by its silence.
  if (connection == nullptr || connection->lost()) return;
  for (const char* sql : {"DELETE FROM nodes WHERE node=?", "DELETE FROM crash_marks WHERE node=?"})
    (void)by_id(*connection, sql, node_).step();
}

// synchronous_commit=off: a word need not survive a crash, after which everybody looks anyway.
bool NodeBus::notify(Connection& connection, const std::string& payload) {
  ++counts_.sent;
  // Ids and signs only: nothing in it needs quotes.
  return connection.execute("BEGIN; SET LOCAL synchronous_commit=off; NOTIFY " + std::string(channel) + ", '" +
                            node_.text() + payload + "'; COMMIT");
}

bool NodeBus::send(Connection& connection, const Words& words, bool all) {
  if (all) return notify(connection, std::string(" ") + everything);
  std::string payload;
  std::size_t count = 0;
  for (const Id& word : words) {
    payload += ' ' + word.text();
    if (++count % words_at_once != 0) continue;
    if (!notify(connection, payload)) return false;
    payload.clear();
  }
  return payload.empty() || notify(connection, payload);
}

// One round trip says that this node lives, what time it is (clock_timestamp, which goes on within a transaction), and
// by the sign of life whether its words reach its own listener.
bool NodeBus::beat(Connection& connection) {
  space::NodeCard card;
  {
    const std::lock_guard lock(mutex_);
    card = card_;
  }
  const Steady asked = steady_clock::now();
  if (!connection.execute("BEGIN; SET LOCAL synchronous_commit=off")) return false;
  Statement row = connection.prepare(
      "INSERT INTO nodes(node,version,name,policy) VALUES(?,?,?,?) ON CONFLICT(node) DO UPDATE SET "
      "seen=clock_timestamp(),name=excluded.name,policy=excluded.policy "
      "RETURNING (extract(epoch FROM clock_timestamp())*1000)::bigint");
  row.blob(as_bytes(node_.bytes)).text(version).text(card.name).text(card.policy);
  const bool there = row.step();
  const Steady answered = steady_clock::now();
  if (!there || !connection.commit()) {
    connection.execute("ROLLBACK");
    return false;
  }
  clock_.set(Millis(row.next_signed_number()), asked, answered);
  look_at_others(connection, card.policy);
  if (!crashes_.renew(connection)) return false;
  return notify(connection, std::string(" ") + sign_of_life);
}

// A node that fell silent may have committed something without telling of it. And where one allows something else than
// this node, clients meet one rule here and another there.
void NodeBus::look_at_others(Connection& connection, const std::string& policy) {
  // Three beats. By the clock of the database, which wrote `seen` too. A node that has not said what it allows, or is
  // of a version that does not, agrees; so does everybody before this one has said it.
  Statement rows = connection.prepare(
      "SELECT node,seen<clock_timestamp()-interval '6 seconds',"
      "policy IS DISTINCT FROM ? AND octet_length(policy)>0,name,policy FROM nodes");
  rows.text(policy);
  unsigned alive = 0;
  bool fell_silent = false;
  std::unordered_set<Id, IdHash> silent;
  std::unordered_map<Id, space::NodeCard, IdHash> others;
  while (rows.step()) {
    const Id node = store::to_id(rows.next_blob());
    if (rows.next_number() != 0) {
      silent.insert(node);
      fell_silent = fell_silent || !silent_.contains(node);
      continue;
    }
    ++alive;
    if (policy.empty() || rows.next_is_null() || rows.next_number() == 0) continue;
    space::NodeCard& other = others[node];
    other.name = rows.next_text();
    other.policy = rows.next_text();
  }
  if (rows.failed()) return;
  nodes_ = std::max(alive, 1U);
  silent_ = std::move(silent);
  disagreeing_ = static_cast<unsigned>(others.size());
  for (const auto& [node, other] : others) {
    const auto told = told_of_.find(node);
    if (told != told_of_.end() && told->second == policy + '\0' + other.policy) continue;
    // Whoever hears it comes a moment later than the first beats: then it is told at the next.
    bool heard = false;
    tell_events([&, card = &other](space::NodeEvents& events) {
      heard = true;
      events.disagrees(*card);
    });
    if (heard) told_of_[node] = policy + '\0' + other.policy;
  }
  std::erase_if(told_of_, [&others](const auto& one) { return !others.contains(one.first); });
  if (fell_silent) missed();
}

// When the beats fail for so long that the others are about to count without this node. Also when it was paused itself,
// and they have done so.
void NodeBus::run_watch() {
  bool cut_off = false;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const bool late = steady_clock::now() - last_beat_.load() >= cut_off_after;
    if (late && !cut_off) ++counts_.cut_off;
    if (late && !cut_off) tell_events([](space::NodeEvents& events) { events.cut_off(); });
    cut_off = late;
    lock.lock();
    more_.wait_for(lock, looks_every, [this] { return stopping_; });
  }
}

// --- the listener

void NodeBus::run_listener() {
  for (;;) {
    auto connection = Connection::open(listen_dsn_);
    // Only after LISTEN is committed nothing gets lost any more; what was told before it may be.
    if (connection && (*connection)->execute(std::string("LISTEN ") + channel)) {
      missed();
      listens_ = true;
      listen(**connection);
      listens_ = false;
    }
    pollfd ended{ended_.get(), POLLIN, 0};
    if (::poll(&ended, 1, 200) > 0) return;
  }
}

// Until the connection is of no use, or the bus stops.
void NodeBus::listen(Connection& connection) {
  const Steady began = steady_clock::now();
  for (;;) {
    while (PGnotify* const heard = PQnotifies(connection.get())) {
      take(heard->extra);
      PQfreemem(heard);
    }
    // A pooler in between, or a firewall that forgot the connection, delivers nothing and reports no error: only our
    // own words coming back prove that it works.
    if (steady_clock::now() - std::max(began, last_heard_.load()) > deaf_after) return;
    pollfd ready[2]{{PQsocket(connection.get()), POLLIN, 0}, {ended_.get(), POLLIN, 0}};
    const int polled = ::poll(ready, 2, 1000);
    if (polled < 0 && errno != EINTR) return;
    if (polled > 0 && ready[1].revents != 0) return;
    if (polled > 0 && PQconsumeInput(connection.get()) == 0) return;
  }
}

void NodeBus::take(std::string_view payload) {
  const auto next = [&payload] {
    const auto end = std::min(payload.find(' '), payload.size());
    const std::string_view word = payload.substr(0, end);
    payload.remove_prefix(std::min(end + 1, payload.size()));
    return word;
  };
  // Our own changes were told to our own waiters already.
  if (next() == node_.text()) {
    last_heard_ = steady_clock::now();
    return;
  }
  ++counts_.heard;
  while (!payload.empty()) {
    const std::string_view word = next();
    ++counts_.words;
    if (word == everything)
      missed();
    else if (const auto topic = Id::parse(word))
      tell_events([&](space::NodeEvents& events) { events.heard(*topic); });
  }
}

}  // namespace qrx::pg
