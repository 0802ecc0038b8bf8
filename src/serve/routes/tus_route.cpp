#include "serve/routes/tus_route.h"

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/text.h"
#include "serve/answers.h"
#include "serve/bodies.h"
#include "wire/tus.h"

namespace qrx::serve {
namespace {

constexpr std::uint64_t most_unread = 16U << 20;  // reading more takes longer than others may wait
// An upload that another request writes is tried so often, with so long a wait before each: two seconds in all.
constexpr unsigned most_tries = 40;
constexpr Millis try_again{50};

http::Answer with_tus(http::Answer out) {
  out.headers.push_back({"Tus-Resumable", std::string(wire::tus_version)});
  return out;
}

http::Answer refuse(const Call& call, int status, std::string_view detail) {
  return with_tus(call.problem(status, detail));
}
http::Answer refuse(const Call& call, const Error& error, int status = 0) {
  return with_tus(call.problem(error, status));
}

// Before anything else; nothing when the version is ours.
std::optional<http::Answer> refuse_version(const Call& call) {
  if (call.header("tus-resumable") == wire::tus_version) return std::nullopt;
  http::Answer out = refuse(call, 412, "Tus-Resumable is not 1.0.0");
  out.headers.push_back({"Tus-Version", std::string(wire::tus_version)});
  return out;
}

bool is_chunk(const Call& call) {
  return equal_ignoring_case(call.header("content-type"), wire::tus_content_type);
}

Result<std::optional<space::ChunkChecksum>> read_checksum(const Call& call) {
  const auto header = call.request->header("upload-checksum");
  if (!header) return std::nullopt;
  auto checksum = wire::parse_upload_checksum(*header);
  if (!checksum) return tl::unexpected(checksum.error());
  std::string_view known = space::Spaces::upload_checksum_algorithms();
  for (;;) {
    const auto comma = known.find(',');
    if (known.substr(0, comma) == checksum->algorithm)
      return space::ChunkChecksum{std::move(checksum->algorithm), std::move(checksum->sum)};
    if (comma == std::string_view::npos) return fail(Kind::usage, "the algorithm of Upload-Checksum is not supported");
    known.remove_prefix(comma + 1);
  }
}

std::string name_in(const wire::UploadMetadata& metadata) {
  // Uppy sends "null" as the relativePath of a file that came without a directory; as a name it is one like others.
  const bool is_named = metadata.find("filename") || metadata.find("name");
  for (const std::string_view key : {"relativePath", "filename", "name"}) {
    const auto value = metadata.find(key);
    if (!value || value->empty() || (key == "relativePath" && *value == "null" && is_named)) continue;
    return std::string(*value);
  }
  return "upload";
}

struct Creation {
  space::NewUpload wish;
  std::vector<Id> parts;  // of a final upload
  bool is_final = false;
};

// An upload's length at its creation: announced, deferred, or (of a final one) that of its parts.
Result<void> read_length(const Call& call, Creation& creation) {
  const auto length = call.request->header("upload-length");
  const auto deferred = call.request->header("upload-defer-length");
  if (creation.is_final) {
    if (length || deferred) return fail(Kind::usage, "a final upload has the length of its parts");
    return {};
  }
  if (length && deferred) return fail(Kind::usage, "Upload-Length and Upload-Defer-Length contradict each other");
  if (deferred && *deferred != "1") return fail(Kind::usage, "Upload-Defer-Length is not 1");
  if (!length && !deferred) return fail(Kind::usage, "Upload-Length is missing");
  if (length) {
    creation.wish.length = wire::parse_number(*length);
    if (!creation.wish.length) return fail(Kind::usage, "Upload-Length is not a number of bytes");
  }
  return {};
}

// tus 1.0, "Creation" and "Concatenation": Upload-Metadata, Upload-Length or Upload-Defer-Length, Upload-Concat. A
// client that joins a delivery names it in the metadata.
Result<Creation> read_creation(const Call& call) {
  Creation creation;
  creation.wish.metadata = std::string(call.header("upload-metadata"));
  const auto metadata = wire::parse_upload_metadata(creation.wish.metadata);
  if (!metadata) return tl::unexpected(metadata.error());
  creation.wish.name = name_in(*metadata);
  if (const auto delivery = metadata->find("delivery")) {
    creation.wish.delivery = Id::parse(*delivery);
    if (!creation.wish.delivery) return fail(Kind::usage, "the delivery in Upload-Metadata is not an id");
  }
  if (const auto header = call.request->header("upload-concat")) {
    const auto concat = wire::parse_upload_concat(*header);
    if (!concat) return tl::unexpected(concat.error());
    creation.is_final = concat->is_final;
    creation.wish.partial = !concat->is_final;
    for (const std::string& part : concat->parts) {
      // Parts are named by their addresses, which clients write in full or without the host.
      const auto id = wire::upload_of(part, call.target.guid);
      if (!id) return fail(Kind::usage, "Upload-Concat names something that is no upload of this space");
      creation.parts.push_back(*id);
    }
  }
  if (const auto done = read_length(call, creation); !done) return tl::unexpected(done.error());
  return creation;
}

http::Answer created(const Call& call, const space::UploadRow& row, std::uint64_t offset,
                     const std::optional<wire::ReceivedFile>& file) {
  http::Answer out = with_tus(answer(201));
  out.headers.push_back(
      {"Location", call.site.base().prefix + wire::path_of({wire::Resource::upload, call.target.guid, row.upload})});
  out.headers.push_back({"Upload-Offset", std::to_string(offset)});
  if (file) out.headers.push_back({"Qrx-Xxh128", to_hex(file->xxh128)});
  if (!row.length || offset < *row.length) out.headers.push_back({"Upload-Expires", to_http_date(row.expires)});
  return out;
}

// Copies the parts, as many bytes as they have.
front::Reply concatenated(const SharedCall& call, const Creation& creation, const std::stop_token& stop) {
  const auto row = call->site.spaces.concatenate(call->target.guid, creation.wish, creation.parts, stop);
  if (!row) {
    // 409 would make clients try again and again (tus_route.h): a wrong list of parts stays wrong.
    const Kind kind = row.error().kind;
    return refuse(*call, row.error(), kind == Kind::integrity || kind == Kind::conflict ? 400 : 0);
  }
  std::optional<wire::ReceivedFile> file;
  if (const auto delivery = call->site.spaces.delivery(call->target.guid, row->delivery))
    for (const wire::ReceivedFile& one : delivery->files)
      if (one.name == row->name) file = one;
  ++call->site.files_received;
  return created(*call, *row, row->length.value_or(row->offset), file);
}

front::Reply concatenate(const SharedCall& call, const Creation& creation) {
  if (call->request->content_length.value_or(call->request->has_body ? 1 : 0) > 0)
    return refuse(*call, 403, "a final upload takes no bytes of its own");
  return front::Work{[call, creation](const std::stop_token& stop) { return concatenated(call, creation, stop); }};
}

// Writes the body once the upload is free: whoever holds it is asked to stop. Waiting for that costs no thread.
front::Reply append_when_free(const SharedCall& call, const space::UploadRow& row, std::uint64_t offset,
                              const std::optional<space::ChunkChecksum>& checksum, unsigned tries = most_tries) {
  auto writer = call->site.spaces.write(call->target.guid, row.upload, offset, checksum, {call->request->peer});
  if (!writer && writer.error().kind == Kind::locked && tries > 1) {
    front::Wait wait;
    wait.topic = row.upload;
    wait.until = call->site.clock.steady() + try_again;
    wait.poll = [call, row, offset, checksum, tries](bool time_over) -> std::optional<front::Reply> {
      // A wake only says that the upload grew; its lock is tried again when the time is over.
      if (!time_over) return std::nullopt;
      return append_when_free(call, row, offset, checksum, tries - 1);
    };
    return wait;
  }
  if (!writer) return refuse(*call, writer.error());
  IntoUpload into;
  into.upload = row.upload;
  into.delivery = row.delivery;
  into.failed = [call](const Error& error) { return refuse(*call, error); };
  into.done = [call, expires = row.expires](const Taken& taken) {
    http::Answer out = with_tus(answer(204));
    out.headers.push_back({"Upload-Offset", std::to_string(taken.offset)});
    if (taken.file) out.headers.push_back({"Qrx-Xxh128", to_hex(taken.file->xxh128)});
    if (!taken.complete) out.headers.push_back({"Upload-Expires", to_http_date(expires)});
    return out;
  };
  return receive_into(call, std::move(*writer), std::move(into));
}

front::Reply append(const SharedCall& call) {
  space::Spaces& spaces = call->site.spaces;
  const Guid& guid = call->target.guid;
  const http::Request& request = *call->request;
  const auto row = spaces.upload(guid, call->target.item);
  if (!row) return refuse(*call, row.error());
  if (!is_chunk(*call)) return refuse(*call, 415, "the content type of an upload is application/offset+octet-stream");
  const auto offset = wire::parse_number(call->header("upload-offset"));
  if (!offset) return refuse(*call, 400, "Upload-Offset is missing or not a number of bytes");
  const auto checksum = read_checksum(*call);
  if (!checksum) return refuse(*call, checksum.error());

  auto length = row->length;
  if (const auto header = request.header("upload-length")) {
    const auto told = wire::parse_number(*header);
    if (!told) return refuse(*call, 400, "Upload-Length is not a number of bytes");
    // Told again with each request by some clients: the same is fine.
    if (length && length != told) return refuse(*call, 400, "the upload has another length already");
    if (!length) {
      if (const auto set = spaces.set_length(guid, row->upload, *told); !set)
        return refuse(*call, set.error(), set.error().kind == Kind::conflict ? 400 : 0);
      length = told;
    }
  }
  // An upload that was completed by a request whose answer was lost: clients then ask by HEAD, and see it.
  if (*offset != row->offset && length && row->offset == *length) return refuse(*call, 409, "the upload is complete");
  const std::uint64_t coming = request.content_length.value_or(0);
  if (length && *offset <= *length && coming > *length - *offset)
    return refuse(*call, 413, "the body goes beyond the length of the upload");

  return append_when_free(call, *row, *offset, *checksum);
}

}  // namespace

front::Reply tus_options(const SharedCall& call) {
  http::Answer out = with_tus(answer(204));
  out.headers.push_back({"Tus-Version", std::string(wire::tus_version)});
  out.headers.push_back(
      {"Tus-Extension",
       "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination,concatenation"});
  out.headers.push_back({"Tus-Checksum-Algorithm", std::string(space::Spaces::upload_checksum_algorithms())});
  if (const auto drop = call->site.spaces.drop(call->target.guid); drop && drop->limits.max_size > 0)
    out.headers.push_back({"Tus-Max-Size", std::to_string(drop->limits.max_size)});
  out.headers.push_back(
      {"Allow", call->target.resource == wire::Resource::uploads ? "POST, OPTIONS" : "HEAD, PATCH, DELETE, OPTIONS"});
  return out;
}

front::Reply create_upload(const SharedCall& call) {
  if (auto refused = refuse_version(*call)) return *refused;
  space::Spaces& spaces = call->site.spaces;
  const Guid& guid = call->target.guid;
  const http::Request& request = *call->request;
  if (const auto known = spaces.known(guid); !known) return refuse(*call, known.error());
  const auto creation = read_creation(*call);
  if (!creation) return refuse(*call, creation.error());
  if (creation->is_final) return concatenate(call, *creation);

  const bool brings_bytes = request.has_body && request.content_length != 0;
  if (brings_bytes && !is_chunk(*call))
    return refuse(*call, 415, "the content type of an upload is application/offset+octet-stream");
  const auto checksum = read_checksum(*call);
  if (!checksum) return refuse(*call, checksum.error());
  const auto& length = creation->wish.length;
  if (length && brings_bytes && request.content_length.value_or(0) > *length)
    return refuse(*call, 413, "the body is longer than Upload-Length");

  const space::Sender sender{request.peer};
  const auto row = spaces.create_upload(guid, creation->wish, sender);
  if (!row) return refuse(*call, row.error(), row.error().kind == Kind::integrity ? 400 : 0);
  if (!brings_bytes && length != 0) return created(*call, *row, 0, std::nullopt);

  auto writer = spaces.write(guid, row->upload, 0, *checksum, sender);
  if (!writer) {
    // Nobody was told its address. Of a delivery it may be an earlier request's, which asked for the same and whose
    // sender may have been told of bytes in it meanwhile (Uploads::find_same): that stays.
    if (!creation->wish.delivery) (void)spaces.remove_upload(guid, row->upload);
    return refuse(*call, writer.error());
  }
  IntoUpload into;
  into.upload = row->upload;
  into.delivery = row->delivery;
  into.forget_if_cut = true;  // its address was not told yet
  into.failed = [call](const Error& error) { return refuse(*call, error); };
  into.done = [call, row = *row](const Taken& taken) { return created(*call, row, taken.offset, taken.file); };
  return receive_into(call, std::move(*writer), std::move(into));
}

front::Reply show_upload(const SharedCall& call) {
  if (auto refused = refuse_version(*call)) return *refused;
  const auto row = call->site.spaces.upload(call->target.guid, call->target.item);
  if (!row) return refuse(*call, row.error());
  http::Answer out = with_tus(answer(200));
  out.headers.push_back({"Upload-Offset", std::to_string(row->offset)});
  if (row->length)
    out.headers.push_back({"Upload-Length", std::to_string(*row->length)});
  else
    out.headers.push_back({"Upload-Defer-Length", "1"});
  // Of a complete upload only the name was kept.
  const bool complete = row->offset == row->length && row->metadata.empty() && !row->partial;
  const std::string metadata = complete ? wire::format_upload_metadata({{{"filename", row->name}}}) : row->metadata;
  if (!metadata.empty()) out.headers.push_back({"Upload-Metadata", metadata});
  if (row->partial) out.headers.push_back({"Upload-Concat", "partial"});
  if (row->offset != row->length) out.headers.push_back({"Upload-Expires", to_http_date(row->expires)});
  return out;
}

// After a restart the running sum of an upload is lost: many bytes are read again in the work queue, not on a thread
// that answers others.
front::Reply append_upload(const SharedCall& call) {
  if (auto refused = refuse_version(*call)) return *refused;
  const Guid& guid = call->target.guid;
  if (call->site.spaces.unread(guid, call->target.item) <= most_unread) return append(call);
  return front::Work{[call, guid](const std::stop_token& stop) -> front::Reply {
    const auto read = call->site.spaces.catch_up(guid, call->target.item, stop);
    if (!read && read.error().kind == Kind::unavailable) return refuse(*call, read.error());
    return append(call);  // which says what else is wrong
  }};
}

front::Reply remove_upload(const SharedCall& call) {
  if (auto refused = refuse_version(*call)) return *refused;
  if (const auto done = call->site.spaces.remove_upload(call->target.guid, call->target.item); !done)
    return refuse(*call, done.error());
  return with_tus(answer(204));
}

}  // namespace qrx::serve
