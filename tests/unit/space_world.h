// A server's store in a directory of its own, with a clock that tests move and events that they count.
#pragma once

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>

#include "space/spaces.h"
#include "store/file_blobs.h"
#include "store/sqlite_catalog.h"
#include "temp_directory.h"

namespace qrx::test {

class MovableClock final : public Clock {
 public:
  Steady steady() const override { return Steady(Millis(steady_.load())); }
  WallTime wall() const override { return WallTime(Millis(wall_.load())); }
  void pass(Millis time) {
    steady_ += time.count();
    wall_ += time.count();
  }
  void jump(Millis time) { wall_ += time.count(); }  // the wall clock only
  void boot() { steady_ = 1'000'000; }               // the machine began anew; no time has passed

 private:
  std::atomic<std::int64_t> steady_{1'000'000};
  std::atomic<std::int64_t> wall_{1'764'000'000'000};
};

class CountedEvents final : public space::Events {
 public:
  void space_changed(const Guid& guid) override {
    const std::lock_guard lock(mutex_);
    ++spaces_[guid];
  }
  void upload_grew(const Id& upload) override {
    const std::lock_guard lock(mutex_);
    ++uploads_[upload];
  }
  void delivery_changed(const Id& delivery) override {
    const std::lock_guard lock(mutex_);
    ++deliveries_[delivery];
  }
  unsigned of_space(const Guid& guid) {
    const std::lock_guard lock(mutex_);
    return spaces_[guid];
  }
  unsigned of_upload(const Id& upload) {
    const std::lock_guard lock(mutex_);
    return uploads_[upload];
  }
  unsigned of_delivery(const Id& delivery) {
    const std::lock_guard lock(mutex_);
    return deliveries_[delivery];
  }

 private:
  std::mutex mutex_;
  std::map<Guid, unsigned> spaces_;
  std::map<Id, unsigned> uploads_;
  std::map<Id, unsigned> deliveries_;
};

inline space::NewUpload new_upload(const std::string& name, std::optional<std::uint64_t> length,
                                   std::optional<Id> delivery = {}) {
  space::NewUpload wish;
  wish.name = name;
  wish.length = length;
  wish.delivery = delivery;
  return wish;
}

inline wire::CreateSpace with_limits(std::uint64_t max_size, std::uint64_t max_files) {
  wire::CreateSpace wish;
  wish.max_size = max_size;
  wish.max_files = max_files;
  return wish;
}

inline wire::CreateSpace expiring_in(Seconds expire) {
  wire::CreateSpace wish;
  wish.expire = expire;
  return wish;
}

// Directory and clock stay, the rest can be stopped (or lost) and started again.
class World {
 public:
  explicit World(space::Policy policy_ = {}) : policy(policy_) {
    policy.lock_wait = Millis(50);
    start();
  }
  void start() {
    auto opened = store::SqliteCatalog::open(directory / "catalog.db", {.relaxed = policy.relaxed});
    if (!opened) throw std::runtime_error(opened.error().what);
    catalog = std::move(*opened);
    auto files = store::FileBlobs::open(directory.path().string(), {.relaxed = policy.relaxed});
    if (!files) throw std::runtime_error(files.error().what);
    blobs = std::move(*files);
    spaces = std::make_unique<space::Spaces>(*catalog, *blobs, clock, events, policy);
  }
  void lose() {  // as a crash does: nothing is told to stop
    spaces.reset();
    blobs.reset();
    catalog.reset();
  }
  space::Spaces::Recovered restart() {
    lose();
    start();
    auto recovered = spaces->recover();
    if (!recovered) throw std::runtime_error(recovered.error().what);
    return *recovered;
  }

  space::Created create(const wire::CreateSpace& wish = {}) {
    auto created = spaces->create(wish);
    if (!created) throw std::runtime_error(created.error().what);
    return *created;
  }
  // One file, one delivery, as curl -T sends it.
  Result<space::FileRow> send(const Guid& guid, const std::string& name, std::string_view bytes) {
    auto upload = spaces->create_upload(guid, new_upload(name, bytes.size()));
    if (!upload) return tl::unexpected(upload.error());
    auto writer = spaces->write(guid, upload->upload, 0, std::nullopt);
    if (!writer) return tl::unexpected(writer.error());
    if (auto written = (*writer)->write(as_bytes(bytes)); !written) return tl::unexpected(written.error());
    auto finished = (*writer)->finish();
    if (!finished) return tl::unexpected(finished.error());
    return *finished->file;
  }
  std::string read(const space::Created& of, const Id& file) {
    auto content = spaces->content(of.space.guid, of.token.text(), file);
    if (!content) return "error: " + content.error().what;
    std::string out((*content)->available().bytes, '\0');
    out.resize((*content)->read_at(0, std::as_writable_bytes(std::span(out))).value_or(0));
    return out;
  }
  wire::SpaceInfo view(const space::Created& of) {
    auto info = spaces->view(of.space.guid, of.token.text());
    if (!info) throw std::runtime_error(info.error().what);
    return *info;
  }
  std::size_t files_in(const std::string& folder) const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory / folder))
      count += entry.is_regular_file() ? 1 : 0;
    return count;
  }

  TempDirectory directory;
  MovableClock clock;
  CountedEvents events;
  space::Policy policy;
  std::unique_ptr<store::SqliteCatalog> catalog;
  std::unique_ptr<store::FileBlobs> blobs;
  std::unique_ptr<space::Spaces> spaces;
};

inline Kind kind_of(const Error& error) {
  return error.kind;
}

template <class T>
Kind kind_of(const Result<T>& result) {
  if (result) throw std::runtime_error("it succeeded");
  return result.error().kind;
}

}  // namespace qrx::test
