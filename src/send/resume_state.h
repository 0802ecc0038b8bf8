// What a killed qrx-send leaves behind for its next run: one small text file for one set of sources and one space.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "seal/primitives.h"
#include "send/sources.h"
#include "wire/id.h"
#include "wire/link.h"

namespace qrx::send {

// The file is locked while it is open, so that two runs do not continue the same delivery. One thread at a time.
//
//   qrx-send 1
//   delivery ID
//   seal SEED [packs]                       of a sealed delivery: 32 bytes in hex (seal_plan.h); "packs" when its small
//                                           files are packed (items.h)
//   source SIZE MTIME_NS DEVICE INODE       one a source, in order; of a sealed delivery with CTIME_NS behind it, and
//                                           "changing" behind that when it had just been changed
//   upload INDEX ID                         appended when an upload is opened; the last one of an index counts
class ResumeState {
 public:
  // Nothing when there is no usable file (none, another format, in use by another run).
  static std::optional<ResumeState> load(const std::string& directory, const wire::DropLink& link,
                                         const SourceList& sources);
  // Begins a new file, replacing an old one. Fails when the directory cannot be written, or another run uses the file.
  // `seed`: null for a delivery that is not sealed. `packs`: its small files are packed (items.h).
  static Result<ResumeState> begin(const std::string& directory, const wire::DropLink& link, const SourceList& sources,
                                   const Id& delivery, const seal::Key* seed = nullptr, bool packs = false);

  const Id& delivery() const { return delivery_; }
  const std::optional<Id>& upload(std::size_t index) const { return uploads_[index]; }
  bool changed(std::size_t index) const { return changed_[index]; }  // since the file was begun
  bool any_changed() const;
  const std::optional<seal::Key>& seed() const { return seed_; }  // of a sealed delivery
  bool packs() const { return packs_; }                           // likewise
  Result<void> remember(std::size_t index, const Id& upload);
  void remove();  // done: nothing to continue

  // "HASH.state", from the server, the space, its key and the names and paths of the sources.
  static std::string file_name(const wire::DropLink& link, const SourceList& sources);

 private:
  std::string path_;
  UniqueFd file_;
  Id delivery_;
  std::optional<seal::Key> seed_;
  bool packs_ = false;
  std::vector<std::optional<Id>> uploads_;
  std::vector<bool> changed_;
};

}  // namespace qrx::send
