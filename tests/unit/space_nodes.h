// Several rule objects over one catalog and one directory of blobs, and what their clients know: what was acknowledged
// to them, whichever node they asked. Steps are drawn by a seed, one after another; requests stay open across steps.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "space/shares.h"
#include "unit/space_world.h"

namespace qrx::test {

inline constexpr unsigned node_count = 2;

// A request that writes into an upload, while it lasts and after.
struct Session {
  std::size_t upload = 0;
  std::unique_ptr<space::UploadWriter> writer;  // null: it has ended
  std::uint64_t start = 0;
  std::string bytes;  // what it wrote; other bytes than those of any other session
  // What it wrote behind them, and was refused. They were taken, perhaps, before it was known that there is no room for
  // them, and are kept when there is room again: nobody is told that, but whoever asks finds them.
  std::string refused{};
};

struct Sent {
  enum class State { running, complete, gone };
  Id upload;
  std::size_t place = 0;
  std::optional<Id> delivery;  // of several files; absent: one of its own
  std::string name;
  std::uint64_t length = 0;
  std::string acked;
  State state = State::running;
};

struct Handed {  // a delivery of several files
  enum class State { open, committed, gone };
  Id delivery;
  std::size_t place = 0;
  std::map<std::string, std::string> files;  // complete ones
  State state = State::open;
};

struct Place {  // a space
  space::Created created;
  unsigned home = 0;  // the one node that changes it, unless any may
  bool closed = false, gone = false;
  std::uint64_t max_size = 0, max_files = 0;
  std::uint64_t seq = 0;                                       // the highest that anybody was told
  std::map<std::uint64_t, std::string> states;                 // what it was at each
  std::map<Id, std::map<std::string, std::string>> committed;  // files of its deliveries, by their names
  std::set<Id> saved;                                          // of these, what their receiver said to have
};

struct Link {  // a limited share
  std::size_t place = 0;
  Id share{};
  std::string link;
  bool revoked = false;
  std::uint64_t limit = 0;
  std::map<std::string, std::uint64_t> taken;  // how often each file, as a whole
};

struct Taking {  // a download by a limited share
  std::size_t link = 0;
  std::string name;
  std::unique_ptr<space::Transfer> transfer;
};

// Throws std::runtime_error with the step and the reason once a rule is broken.
class Nodes {
 public:
  struct Settings {
    std::uint32_t seed = 1;
    bool anywhere = true;  // each request goes to any node; otherwise those that change a space go to its home
    bool limits = false;   // spaces for few bytes and files
    // A catalog for each node, all of the same database. Empty: one SQLite catalog for all.
    std::function<std::unique_ptr<space::Catalog>()> open_catalog{};
  };
  explicit Nodes(const Settings& settings);
  ~Nodes();

  void step();
  void finish();  // ends what is open, goes on with what is not complete, commits, and compares all with the catalog
  unsigned done(const std::string& what) const;  // how often it succeeded

 private:
  unsigned any(unsigned below) { return static_cast<unsigned>(random_() % below); }
  space::Spaces& node_of(std::size_t place);
  space::Shares& shares_of(std::size_t place);
  std::size_t any_place();  // one that is not gone; there always is one
  template <class T>
  std::vector<std::size_t> alive(const std::vector<T>& all, typename T::State state) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (all[i].state == state && !places_[all[i].place].gone) found.push_back(i);
    return found;
  }
  [[noreturn]] void broken(const std::string& what) const;
  void must(bool holds, const std::string& what) const {
    if (!holds) broken(what);
  }
  // An answer that a client may get, or else broken.
  void refused(const Error& error, std::initializer_list<Kind> kinds, const std::string& what) const;

  void open_space();
  void change_space();
  void delete_space();
  void let_expire();
  void send_one();
  void send_checked();
  void send_in_parts();
  void begin_upload();
  void begin_writing();
  void write_more();
  void end_writing();
  void ask_offset();
  void remove_upload();
  void open_delivery();
  void put_small();
  void commit();
  void cancel();
  void look();
  void download();
  void clear();
  void share();
  void revoke();
  void begin_taking();
  void end_taking();
  void sweep();

  void ask_offset(std::size_t upload);
  bool begin_writing(std::size_t upload);
  void write_into(Session& session, std::size_t most);
  void end_session(Session& session);
  void commit(std::size_t delivery);
  void look(std::size_t place, space::Spaces& node);
  void acknowledge(Sent& sent, std::uint64_t offset, std::string_view bytes, const Id& delivery);
  void forget_place(std::size_t place);
  void check_limits(std::size_t place) const;
  std::string read(std::size_t place, const Id& file);
  void compare_with_catalog(std::size_t place);
  void compare_with_disk();

  const Settings settings_;
  std::mt19937 random_;
  TempDirectory directory_;
  MovableClock clock_;
  CountedEvents events_;
  std::vector<std::unique_ptr<space::Catalog>> catalogs_;
  space::Catalog* catalog_ = nullptr;  // of the first node
  std::unique_ptr<store::FileBlobs> blobs_;
  std::array<std::unique_ptr<space::Spaces>, node_count> spaces_;
  std::array<std::unique_ptr<space::Shares>, node_count> shares_;
  std::vector<Place> places_;
  std::vector<Sent> sent_;
  std::vector<Handed> handed_;
  std::vector<Session> sessions_;
  std::vector<Link> links_;
  std::vector<Taking> takings_;
  std::map<std::string, unsigned> done_;
  std::string doing_;
  unsigned steps_ = 0, names_ = 0;
};

}  // namespace qrx::test
