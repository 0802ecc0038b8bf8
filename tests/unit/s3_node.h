// The rules over a store of objects, which is in memory.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "memory_store.h"
#include "s3/object_blobs.h"
#include "space_world.h"
#include "unit/catch.h"

namespace qrx::test {

// A node over a catalog in a directory and a store in memory; restarted, or beside another.
class Node {
 public:
  Node(TempDirectory& directory, MemoryStore& store) : directory_(directory), store_(store) {
    policy_.lock_wait = Millis(50);
    start();
  }
  // Beside another, over the same catalog: a file of SQLite has one process.
  Node(TempDirectory& directory, MemoryStore& store, std::shared_ptr<store::SqliteCatalog> of_both)
      : catalog(std::move(of_both)), directory_(directory), store_(store) {
    policy_.lock_wait = Millis(50);
    policy_.shared = true;
    start();
  }
  void start() {
    if (catalog == nullptr) catalog = open_catalog(directory_);
    s3::ObjectBlobsOptions options;
    options.place = {store_.origin(), true, "us-east-1", "bucket", "p/"};
    options.spool = directory_ / "spool";
    options.wake = [this](const Id& topic) { events.upload_grew(topic); };
    options.failed = [this](const std::string&) { ++troubles; };
    options.shared_settles = shared_settles;
    options.trouble_after = Seconds(0);
    ::setenv("AWS_ACCESS_KEY_ID", "a", 1);
    ::setenv("AWS_SECRET_ACCESS_KEY", "b", 1);
    auto made = s3::ObjectBlobs::open(std::move(options), *catalog, clock);
    ::unsetenv("AWS_ACCESS_KEY_ID");
    ::unsetenv("AWS_SECRET_ACCESS_KEY");
    if (!made) throw std::runtime_error(made.error().what);
    blobs = std::move(*made);
    spaces = std::make_unique<space::Spaces>(*catalog, *blobs, clock, events, policy_);
  }
  void restart() {
    spaces.reset();
    blobs.reset();
    catalog.reset();
    start();
    REQUIRE(spaces->recover());
  }
  static std::shared_ptr<store::SqliteCatalog> open_catalog(TempDirectory& directory) {
    auto opened = store::SqliteCatalog::open(directory / "catalog.db", {});
    if (!opened) throw std::runtime_error(opened.error().what);
    return std::move(*opened);
  }
  space::Created create() {
    auto created = spaces->create(expiring_in(Seconds(6 * 24 * 3600)));
    if (!created) throw std::runtime_error(created.error().what);
    return *created;
  }
  space::UploadRow begin(const space::Created& of, const std::string& name, std::uint64_t length) {
    auto upload = spaces->create_upload(of.space.guid, new_upload(name, length));
    if (!upload) throw std::runtime_error(upload.error().what);
    return *upload;
  }
  // What PATCH does, in pieces of a megabyte; where the upload stands afterwards.
  Result<space::UploadWriter::Finished> append(const space::Created& of, const Id& upload, std::uint64_t offset,
                                               std::string_view bytes) {
    auto writer = spaces->write(of.space.guid, upload, offset, std::nullopt);
    if (!writer) return tl::unexpected(writer.error());
    while (!bytes.empty()) {
      const std::string_view piece = bytes.substr(0, 1U << 20);
      if (auto written = (*writer)->write(as_bytes(piece)); !written) return tl::unexpected(written.error());
      bytes.remove_prefix(piece.size());
    }
    return (*writer)->finish();
  }
  Result<space::FileRow> send(const space::Created& of, const std::string& name, std::string_view bytes) {
    const auto upload = begin(of, name, bytes.size());
    auto finished = append(of, upload.upload, 0, bytes);
    if (!finished) return tl::unexpected(finished.error());
    return *finished->file;
  }
  // By pieces, as a download takes it.
  std::string read(const space::Created& of, const Id& file, std::uint64_t from = 0, std::uint64_t most = 1U << 20) {
    auto content = spaces->content(of.space.guid, of.token.text(), file);
    if (!content) return "error: " + content.error().what;
    std::string out;
    const std::uint64_t end = (*content)->available().bytes;
    for (int idle = 0; from < end && idle < 5000;) {
      auto piece = (*content)->take(from, std::min(most, end - from));
      if (!piece) return "error: " + piece.error().what;
      if (std::holds_alternative<space::NotYet>(*piece)) {
        std::this_thread::sleep_for(Millis(1));
        ++idle;
        continue;
      }
      std::string bytes;
      if (auto* memory = std::get_if<std::string>(&*piece)) {
        bytes = std::move(*memory);
      } else {
        const auto run = std::get<space::FileRun>(*piece);
        bytes.resize(run.size);
        if (::pread(run.fd, bytes.data(), run.size, static_cast<off_t>(run.offset)) != static_cast<ssize_t>(run.size))
          return "error: short";
      }
      from += bytes.size();
      out += bytes;
    }
    return out;
  }

  Seconds shared_settles{0};
  std::atomic<unsigned> troubles{0};  // told
  MovableClock clock;
  CountedEvents events;
  std::shared_ptr<store::SqliteCatalog> catalog;
  std::unique_ptr<s3::ObjectBlobs> blobs;
  std::unique_ptr<space::Spaces> spaces;

 private:
  TempDirectory& directory_;
  MemoryStore& store_;
  space::Policy policy_;
};

// The same for the same size and seed. A block that is repeated, each time with its number in front: as long as a
// prime, so that no object begins as another one does.
inline std::string bytes_of(std::size_t size, unsigned seed = 1) {
  std::string block(65'537, '\0');
  std::uint32_t state = seed;
  for (char& c : block) c = static_cast<char>((state = state * 1664525U + 1013904223U) >> 24);
  std::string out;
  out.reserve(size + block.size());
  for (std::uint32_t number = 0; out.size() < size; ++number) {
    std::memcpy(block.data(), &number, sizeof number);
    out += block;
  }
  out.resize(size);
  return out;
}

inline constexpr std::size_t large = 21'000'001;  // three objects

}  // namespace qrx::test
