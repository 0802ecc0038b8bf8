#include "space/whole_files.h"

#include "space/content_type.h"
#include "wire/tus.h"

namespace qrx::space {

namespace {

// Each file by itself, as soon as it is there.
class OneByOne final : public FileBatch {
 public:
  OneByOne(WholeFiles& files, const Guid& guid, const Id& delivery, const Sender& sender)
      : files_(files), guid_(guid), delivery_(delivery), sender_(sender) {}
  Result<Xxh128Sum> add(std::string_view name, ByteView bytes, const wire::FileProperties& properties) override {
    return files_.put(guid_, delivery_, name, bytes, properties, sender_).map([](const FileRow& row) {
      return row.xxh128;
    });
  }

 private:
  WholeFiles& files_;
  const Guid guid_;
  const Id delivery_;
  const Sender sender_;
};

}  // namespace

bool WholeFiles::packs_by_itself() const {
  return parts_.context.policy.shared && parts_.context.blobs.in_objects();
}

Result<std::unique_ptr<FileBatch>> WholeFiles::begin(const Guid& guid, const Id& delivery, const Sender& sender) {
  if (!packs_by_itself()) return std::make_unique<OneByOne>(*this, guid, delivery, sender);
  auto live = parts_.registry.enter(guid);
  if (!live) return tl::unexpected(live.error());
  return std::make_unique<PackBatch>(parts_, std::move(*live), delivery);
}

Result<FileRow> WholeFiles::put(const Guid& guid, const Id& delivery, std::string_view name, ByteView bytes,
                                const wire::FileProperties& properties, const Sender& sender) {
  auto file = whole_file(guid, delivery, name, bytes, properties);
  if (!file) return file;
  auto live = parts_.registry.enter(guid);
  if (!live) return tl::unexpected(live.error());
  if (packs_by_itself()) {
    PackBatch alone(parts_, std::move(*live), delivery);
    file = alone.take(std::move(*file), bytes);
    if (!file) return file;
    if (auto finished = alone.finish(); !finished) return tl::unexpected(finished.error());
    return file;
  }
  return parts_.context.policy.shared ? put_as_upload(**live, *file, bytes, sender)
                                      : put_packed(**live, std::move(*file), bytes);
}

Result<FileRow> WholeFiles::put_packed(LiveSpace& live, FileRow file, ByteView bytes) {
  const SharedGate gate(live);
  // Without the lock: it never changes.
  if (live.row.seal == Seal::require && !is_sealed(bytes)) return sealed_only();
  file.file = Id::random();
  file.blob = file.delivery;
  const Sniffed sniffed = sniff(bytes, true);
  file.type = sniffed.type;
  file.sealed = sniffed.sealed;
  const Use use{file.size, weight_of(file.name)};
  return deliveries_.with_room(gate, live, file.delivery, use, [&] { return files_.put(gate, live, file, bytes); });
}

Result<FileRow> WholeFiles::put_as_upload(LiveSpace& live, const FileRow& file, ByteView bytes, const Sender& sender) {
  {
    const SpaceLock lock(live);
    auto open = parts_.registry.open_delivery(lock, live, file.delivery);
    if (!open) return tl::unexpected(open.error());
    for (const FileRow& stored : (*open)->stored)  // its answer may have been lost
      if (stored.name == file.name && stored.size == file.size && stored.xxh128 == file.xxh128 &&
          stored.properties == file.properties)
        return stored;
  }
  NewUpload wish;
  wish.name = file.name;
  wish.length = file.size;
  wish.delivery = file.delivery;
  // The file takes its properties from there when the upload is complete.
  wire::UploadMetadata metadata;
  wire::add_properties(metadata, file.properties);
  wish.metadata = wire::format_upload_metadata(metadata);
  const auto upload = uploads_.create(file.guid, wish, sender);
  if (!upload) return tl::unexpected(upload.error());
  if (bytes.empty()) return uploads_.completed(file.guid, upload->upload);
  auto writer = uploads_.write(file.guid, upload->upload, 0, std::nullopt, sender);
  if (!writer) return tl::unexpected(writer.error());
  auto finished = (*writer)->write(bytes).and_then([&] { return (*writer)->finish(); });
  if (finished && finished->file) return std::move(*finished->file);
  // First, for it has the lock of the upload that is to be withdrawn.
  writer->reset();
  (void)uploads_.withdraw(file.guid, upload->upload);
  // Another request for the same file, its answer lost perhaps, went on with the upload; or a crash of the database
  // took what had not become durable of its row. Nothing is wrong with what was asked for.
  if (finished || finished.error().kind == Kind::conflict)
    return fail(Kind::unavailable, "this file was not stored: send it again");
  return tl::unexpected(finished.error());
}

}  // namespace qrx::space
