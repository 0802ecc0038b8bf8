// An archive of shared files, made as the client takes it: a piece of content and a few bytes a file are in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "front/exchange.h"
#include "serve/content/zip_plan.h"
#include "space/spaces.h"
#include "wire/zip.h"

namespace qrx::serve {

// One thread at a time; `open` is called from next().
class ZipSource {
 public:
  using Open = std::function<Result<std::shared_ptr<space::Content>>(const space::FileRow&)>;
  // `open` is called for each file when its turn comes.
  ZipSource(std::shared_ptr<const ZipPlan> plan, Open open);

  // The next bytes, about 256 KiB; fewer, or none, when the rest is on its way (pending()). Empty at the end. An error:
  // the archive cannot be completed.
  Result<std::string> next();
  const std::optional<Id>& pending() const { return pending_; }  // the topic to wait for, when next() gave nothing
  bool ended() const { return ended_; }                          // the last bytes were given

 private:
  Result<void> begin_entry(std::string& out);
  Result<void> add_content(std::string& out);
  void end_entry(std::string& out);
  void add_end(std::string& out);

  const std::shared_ptr<const ZipPlan> plan_;
  const Open open_;
  std::shared_ptr<space::Content> content_;
  std::size_t entry_ = 0;
  std::uint64_t done_ = 0;  // of the entry's content
  std::optional<Id> pending_;
  wire::Crc32 crc_;
  std::vector<std::uint32_t> crcs_;
  std::vector<std::uint64_t> offsets_;
  std::uint64_t sent_ = 0;  // before the piece that is being made
  std::optional<std::uint64_t> central_offset_;
  std::size_t central_ = 0;  // records written
  bool ended_ = false;
};

}  // namespace qrx::serve
