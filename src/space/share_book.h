// The rows of shares: what each is for its owner, its history, and how many files there are to be taken.
// Private to src/space.
#pragma once

#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "space/context.h"
#include "space/live.h"
#include "space/share_model.h"
#include "space/share_view.h"
#include "wire/share_messages.h"

namespace qrx::space {

wire::ShareState state_of(const ShareRow& row);
tl::unexpected<Error> no_such_share();
// When the link ends. Takes the lock of the space.
WallTime end_of(const ShareRow& row, LiveSpace& live);
void add_event(ShareRow& row, wire::ShareState state, WallTime now, std::string_view reason);  // into the history

// Thread-safe.
class ShareBook {
 public:
  explicit ShareBook(Context& context) : context_(context) {}

  ShareView view(const ShareRow& row, WallTime expires, std::string_view token);
  Result<ShareRow> owned(const Guid& guid, const Id& share) const;  // Kind::not_found
  void set_notice(ShareRow& row, wire::ShareState state, std::string_view reason) const;
  // How many files of a space are there to be taken. An older count will do if it is larger than `unless_over`, and was
  // taken at `since` or later: while there is a link, none of them goes.
  Result<std::uint64_t> files_held(const Guid& guid, WallTime since, std::uint64_t unless_over);
  Result<std::uint64_t> bytes_held(const Guid& guid);  // of all of them

 private:
  struct Held {
    std::weak_ptr<const SpaceState> state;
    std::uint64_t files = 0, bytes = 0;
    WallTime counted{};
  };
  Result<Held> count(const Guid& guid);
  Context& context_;
  std::mutex held_mutex_;
  std::unordered_map<Guid, Held, IdHash> held_;
};

}  // namespace qrx::space
