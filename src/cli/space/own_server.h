// A qrx-serve of one's own: a child process on an address of this machine, for as long as the tool runs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "cli/addresses.h"
#include "cli/space/unsaved.h"
#include "process/child.h"
#include "wire/link.h"

namespace qrx::cli {

struct OwnServerOptions {
  std::string bind;  // "HOST:PORT" as the user gave it; empty: the best address, port 8461 or a free one
  std::optional<wire::Origin> public_url;  // what the links are to say
  std::optional<Seconds> expire;           // of the space to come, so that the server's own limit does not shorten it
  std::string preferred;                   // of this machine's addresses, if it still has it: a code names it; or empty
};

// Its data lie in a directory of its run (unsaved.h). Start it before any thread: the child dies with the thread that
// started it, even when that is killed.
class OwnServer {
 public:
  // Blocks until it answers with its address. Kind::usage for a wrong `bind`; otherwise what the server said about it.
  static Result<OwnServer> start(const OwnServerOptions& options);
  // On data that last, and on no other port than that of `bind`, which is not empty: codes name both.
  static Result<OwnServer> start_lasting(RunDirectory directory, const OwnServerOptions& options);
  // On the data that an earlier run left, for this machine only. They stay until keep_data(false). `expire`: as above.
  static Result<OwnServer> restart(RunDirectory directory, std::optional<Seconds> expire = {});
  OwnServer(OwnServer&&) noexcept;
  OwnServer& operator=(OwnServer&&) = delete;
  ~OwnServer();  // ends it, and removes its directory, unless that is to be kept

  const wire::Origin& near() const { return near_; }    // where this machine reaches it
  const wire::Origin& shown() const { return shown_; }  // where others reach it: what links say
  // Lines for people: where it is and for how long, who cannot reach it, and, when they had no say in it, which other
  // addresses there are.
  std::vector<std::string> describe(bool offer_others) const;
  const std::string& create_token() const { return create_token_; }  // only we may open spaces on it
  bool running() const;
  RunDirectory& directory() { return directory_; }
  void keep_data(bool keep) { keep_data_ = keep; }  // beyond this object; at first not
  RunDirectory end();                               // ends it; its directory stays

 private:
  explicit OwnServer(RunDirectory directory) : directory_(std::move(directory)) {}
  struct Bind {
    std::string host;
    unsigned port = 0;
  };
  static Result<Bind> parse_bind(const std::string& text, const std::string& usual_host);
  static std::string best_address(const OwnServerOptions& options);
  static void wait_for_end_of(const RunDirectory& directory);
  Result<wire::Origin> launch(const Bind& bind, const OwnServerOptions& options);
  void find_places(const Bind& bind, const wire::Origin& base, const OwnServerOptions& options);
  void stop();

  std::optional<process::Child> child_;
  RunDirectory directory_;
  bool keep_data_ = false;
  std::string create_token_;
  wire::Origin near_;
  wire::Origin shown_;
  std::vector<MachineAddress> others_;
  bool only_here_ = false;
  bool lasting_ = false;
};

}  // namespace qrx::cli
