#include "serve/routes/drop_route.h"

#include "base/text.h"
#include "serve/answers.h"
#include "serve/bodies.h"
#include "serve/pages/pages.h"

namespace qrx::serve {
namespace {

// For a line of text; the JSON has the name as it is.
std::string receipt(const wire::ReceivedFile& file) {
  return "sent successfully: " + escape_untrusted(file.name) + ", " + std::to_string(file.size) + " bytes, xxh128 " +
         to_hex(file.xxh128) + "\n";
}

}  // namespace

front::Reply show_drop(const SharedCall& call) {
  const auto drop = call->site.spaces.drop(call->target.guid);
  if (!drop) return call->problem(drop.error());
  if (!wants_json(*call->request))
    return page_answer(200, drop_page(call->asker.look, *drop, call->site.clock.wall()), PageKind::scripted);
  http::Answer out = json_answer(200, wire::to_json(*drop));
  out.headers.push_back({"Vary", "Accept"});
  return out;
}

front::Reply put_file(const SharedCall& call) {
  space::Spaces& spaces = call->site.spaces;
  const http::Request& request = *call->request;
  const Guid& guid = call->target.guid;
  // RFC 9110, 14.5: a server that took it for the whole file would store a piece under its name.
  if (request.header("content-range")) return call->problem(400, "a part of a file cannot be put; use tus to resume");

  // Without either there is no body (RFC 9112, 6.3): if only the length was forgotten, an empty file would be stored.
  if (!request.has_body && !request.content_length)
    return call->problem(411, "the request tells no length: send Content-Length, 0 for an empty file");
  if (!request.query.empty()) return call->question_mark_in_name();

  const auto refuse = [call](const Error& error) {
    return call->problem(error, error.kind == Kind::integrity ? 400 : 0);
  };
  // curl puts the name of its file behind an address that ends with a slash, and only there. A link with a fragment
  // swallows both.
  if (const auto known = spaces.known(guid); !known) return call->problem(known.error());
  if (call->target.name.empty() && !request.path.ends_with('/'))
    return call->problem(400, "no file name: end the address with /, before any #, as in curl -T photo.jpg LINK/");
  space::NewUpload wish;
  wish.name = call->target.name.empty() ? "upload" : call->target.name;  // curl -T - URL/u/GUID/
  wish.length = request.has_body ? request.content_length : std::optional<std::uint64_t>(0);
  const wire::FileProperties properties =
      wire::parse_properties(request.header(wire::mtime_header), request.header(wire::executable_header));
  wire::UploadMetadata metadata;
  wire::add_properties(metadata, properties);
  wish.metadata = wire::format_upload_metadata(metadata);
  const space::Sender sender{request.peer};
  const auto row = spaces.create_upload(guid, wish, sender);
  if (!row) return refuse(row.error());
  auto writer = spaces.write(guid, row->upload, 0, std::nullopt, sender);
  if (!writer) {
    (void)spaces.remove_upload(guid, row->upload);
    return refuse(of_begun(writer.error()));
  }

  IntoUpload into;
  into.upload = row->upload;
  into.delivery = row->delivery;
  into.length_unknown = !wish.length;
  into.forget_if_cut = true;  // its client knows no address to resume it at
  into.failed = refuse;
  into.done = [call, delivery = row->delivery, dated = properties.modified.has_value()](const Taken& taken) {
    if (!taken.file) return call->problem(Error{Kind::other, "the file is not complete", {}});
    http::Answer out = answer(201, "text/plain; charset=utf-8", receipt(*taken.file));
    if (wants_json(*call->request))
      if (const auto state = call->site.spaces.delivery(call->target.guid, delivery))
        out = json_answer(201, wire::to_json(*state));
    out.headers.push_back({"Qrx-Xxh128", to_hex(taken.file->xxh128)});
    if (dated) out.headers.push_back({std::string(wire::mtime_header), "accepted"});
    return out;
  };
  return receive_into(call, std::move(*writer), std::move(into));
}

}  // namespace qrx::serve
