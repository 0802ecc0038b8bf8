// Small files that come together, of many nodes over a store of objects: one blob, one transaction.
// Private to src/space.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "space/context.h"
#include "space/live.h"
#include "space/quotas.h"
#include "space/registry.h"
#include "space/sending.h"
#include "space/trash.h"
#include "space/versions.h"
#include "wire/properties.h"

namespace qrx::space {

struct PackParts {
  Context& context;
  Registry& registry;
  Quotas& quotas;
  Versions& versions;
  Trash& trash;
};

// What is known of a small file by its bytes and by what is said of them: without id, type and place. Errors as those
// of Spaces::put_small().
Result<FileRow> whole_file(const Guid& guid, const Id& delivery, std::string_view name, ByteView bytes,
                           const wire::FileProperties& properties);

// Its files lie one after another in a blob of their own; of many bytes, in several. Until finish() they are nowhere
// but in the spool, and count only here (LiveSpace::arriving).
class PackBatch final : public FileBatch {
 public:
  PackBatch(const PackParts& parts, LivePtr live, const Id& delivery);
  ~PackBatch() override;

  Result<Xxh128Sum> add(std::string_view name, ByteView bytes, const wire::FileProperties& properties) override;
  std::optional<Id> full() override;
  std::optional<Id> begin_finish() override;
  Result<void> finish() override;

  // As add(), of a row without id, type and place. Gives it as it will be, or the same file that is there already.
  Result<FileRow> take(FileRow file, ByteView bytes);

 private:
  struct Pack {
    BlobKey blob;
    std::unique_ptr<Staged> staged;
    std::uint64_t end = 0;
    Extents extents;  // once it is durable
  };
  Result<std::optional<FileRow>> count(const FileRow& file);  // taken of the quotas; or the same file
  Result<void> append(FileRow& file, ByteView bytes);
  Result<void> make_durable();
  Result<DeliveryPtr> begin_record();  // no commit begins until end_record()
  void end_record(LiveDelivery& delivery);
  Result<void> record();
  void settle(const SpaceLock& lock, const Use& kept);  // what was counted and is not kept counts no more

  const PackParts parts_;
  const LivePtr live_;
  const Id delivery_;
  const Steady begun_;
  std::vector<Pack> packs_;
  std::vector<FileRow> files_;
  Use counted_;
  TextMemory::Hold names_;
};

}  // namespace qrx::space
