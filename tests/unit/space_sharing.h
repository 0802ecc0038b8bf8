// A space with files and the rules of its shares, for the tests of links and of notices.
#pragma once

#include "unit/catch.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "space/shares.h"
#include "unit/space_world.h"

namespace qrx::test {

inline constexpr std::uint32_t mail = 1U << static_cast<unsigned>(wire::Channel::mail);
inline constexpr std::uint32_t sms = 1U << static_cast<unsigned>(wire::Channel::sms);

inline wire::CreateShares to(std::vector<std::string> recipients, std::uint64_t downloads = 0, bool notify = false) {
  wire::CreateShares wish;
  wish.recipients = std::move(recipients);
  wish.downloads = downloads;
  wish.notify = notify;
  return wish;
}

// A space with files, and the rules of its shares.
struct Sharing {
  explicit Sharing(space::SharePolicy policy_ = {}) : policy(std::move(policy_)) {
    begin();
    created = world.create();
  }
  void begin() {
    shares = std::make_unique<space::Shares>(*world.spaces, policy);
    shares->set_transports(mail | sms);
  }
  void restart() {
    shares.reset();
    world.restart();
    begin();
  }
  const Guid& guid() const { return created.space.guid; }
  std::string token() const { return created.token.text(); }
  space::FileRow file(const std::string& name, std::size_t size) {
    auto row = world.send(guid(), name, std::string(size, 'x'));
    REQUIRE(row);
    return *row;
  }
  space::ShareView one(const wire::CreateShares& wish) {
    auto made = shares->create(guid(), token(), wish);
    REQUIRE(made);
    return made->shares.shares.at(0);
  }
  space::ShareView now(const space::ShareView& share) {
    auto info = shares->show(guid(), token(), share.share);
    REQUIRE(info);
    return *info;
  }
  Result<void> take(const space::ShareView& share, const space::FileRow& row, std::uint64_t first,
                    std::uint64_t bytes) {
    auto transfer = shares->begin(share.token, row, first, bytes);
    if (!transfer) return tl::unexpected(transfer.error());
    (*transfer)->completed();
    return {};
  }
  Result<void> take(const space::ShareView& share, const space::FileRow& row) { return take(share, row, 0, row.size); }

  World world;
  space::SharePolicy policy;
  std::unique_ptr<space::Shares> shares;
  space::Created created;
};

}  // namespace qrx::test
