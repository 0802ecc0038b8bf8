#include "wire/messages.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"
#include "wire/delivery_json.h"
#include "wire/json.h"

namespace qrx::wire {
namespace {

// An unknown word is refused, not taken for the default: a client that asks for more sealing than this server knows
// must not get less.
Seal as_seal(const JsonValue& value) {
  const auto seal = seal_from_text(as_string(value, "seal"));
  if (!seal) throw Malformed{"seal is none of offer, require, off"};
  return *seal;
}

SpaceState as_state(const JsonValue& value) {
  const std::string text = as_string(value, "state");
  if (text == "open") return SpaceState::open;
  if (text == "closed") return SpaceState::closed;
  throw Malformed{"state is neither open nor closed"};
}

// REQUIRES: valid UTF-8, which the JSON parser sees to.
std::string front_of_utf8(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) --most;
  text.resize(most);
  return text;
}

const char* to_text(SpaceState state) {
  return state == SpaceState::open ? "open" : "closed";
}

json write(const Limits& limits) {
  return {{"max_size", limits.max_size}, {"max_files", limits.max_files}};
}

Limits read_limits(const JsonValue& in) {
  if (!in.is_object()) throw Malformed{"limits is not an object"};
  return {as_number(need(in, "max_size"), "max_size"), as_number(need(in, "max_files"), "max_files")};
}

void read(const JsonValue& in, CreateSpace& out) {
  // All may be missing: the server has a default for each.
  if (const JsonValue* v = find(in, "expire")) out.expire = as_seconds(*v, "expire");
  if (const JsonValue* v = find(in, "max_size")) out.max_size = as_number(*v, "max_size");
  if (const JsonValue* v = find(in, "max_files")) out.max_files = as_number(*v, "max_files");
  if (const JsonValue* v = find(in, "label")) out.label = as_string(*v, "label", most_label_bytes);
  if (const JsonValue* v = find(in, "seal")) out.seal = as_seal(*v);
  if (const JsonValue* v = find(in, "key")) out.key = as_string(*v, "key", most_key_bytes);
  if (const JsonValue* v = find(in, "packs")) out.packs = as_truth(*v, "packs");
}

void read(const JsonValue& in, SpaceCreated& out) {
  out.guid = as_id(need(in, "guid"), "guid");
  out.drop = as_string(need(in, "drop"), "drop");
  out.owner = as_string(need(in, "owner"), "owner");
  out.token = as_string(need(in, "token"), "token");
  out.expires = as_time(need(in, "expires"), "expires");
  out.interval = as_seconds(need(in, "interval"), "interval");
  out.limits = read_limits(need(in, "limits"));
}

void read(const JsonValue& in, SpaceInfo& out) {
  out.guid = as_id(need(in, "guid"), "guid");
  out.label = as_string(need(in, "label"), "label");
  out.state = as_state(need(in, "state"));
  out.seq = as_number(need(in, "seq"), "seq");
  out.expires = as_time(need(in, "expires"), "expires");
  out.limits = read_limits(need(in, "limits"));
  if (const JsonValue* v = find(in, "seal")) out.seal = as_seal(*v);
  for (const JsonValue& item : as_list(need(in, "deliveries"), "deliveries"))
    out.deliveries.push_back(read_delivery(item));
  for (const JsonValue& item : as_list(need(in, "uploads"), "uploads")) {
    UploadInfo upload;
    upload.upload = as_id(need(item, "upload"), "upload");
    if (const JsonValue* v = find(item, "delivery")) upload.delivery = as_id(*v, "delivery");
    upload.name = as_string(need(item, "name"), "name");
    upload.offset = as_number(need(item, "offset"), "offset");
    if (const JsonValue* v = find(item, "length")) upload.length = as_number(*v, "length");
    out.uploads.push_back(std::move(upload));
  }
  if (const JsonValue* v = find(in, "open"))
    for (const JsonValue& item : as_list(*v, "open"))
      out.open.push_back({as_id(need(item, "delivery"), "delivery"), as_number(need(item, "files"), "files"),
                          as_number(need(item, "bytes"), "bytes"), as_time(need(item, "began"), "began")});
  if (const JsonValue* v = find(in, "next")) out.next = as_string(*v, "next", most_next_bytes);
}

void read(const JsonValue& in, ChangeSpace& out) {
  if (const JsonValue* v = find(in, "expire")) out.expire = as_seconds(*v, "expire");
  if (const JsonValue* v = find(in, "state")) out.state = as_state(*v);
}

void read(const JsonValue& in, DropInfo& out) {
  out.label = as_string(need(in, "label"), "label");
  if (const JsonValue* v = find(in, "key")) out.key = as_string(*v, "key", most_key_bytes);
  out.seal = as_seal(need(in, "seal"));
  out.state = as_state(need(in, "state"));
  out.expires = as_time(need(in, "expires"), "expires");
  out.limits = read_limits(need(in, "limits"));
  if (const JsonValue* v = find(in, "packs")) out.packs = as_truth(*v, "packs");
}

void read(const JsonValue& in, CreateDelivery& out) {
  if (const JsonValue* v = find(in, "message")) out.message = as_string(*v, "message", most_message_bytes);
}

void read(const JsonValue& in, DeliveryState& out) {
  out.delivery = as_id(need(in, "delivery"), "delivery");
  out.committed = as_truth(need(in, "committed"), "committed");
  for (const JsonValue& item : as_list(need(in, "files"), "files")) {
    ReceivedFile file;
    file.name = as_string(need(item, "name"), "name");
    file.size = as_number(need(item, "size"), "size");
    file.xxh128 = as_sum(need(item, "xxh128"), "xxh128");
    out.files.push_back(std::move(file));
  }
}

void read(const JsonValue& in, CommitDelivery& out) {
  // Without a number what is there is committed, and nobody notices a file that got lost.
  if (const JsonValue* v = find(in, "files")) out.files = as_number(*v, "files");
}

// "<id>.age". Each file of a pack gets a copy: of a long one, millions of them would take all memory.
constexpr std::size_t most_pack_item_bytes = 30;

void read_item(const JsonValue& in, std::vector<ManifestFile>& out) {
  const std::string item = as_string(need(in, "item"), "item"), tag = as_string(need(in, "tag"), "tag", 32);
  const JsonValue* pack = find(in, "files");
  if (out.size() >= most_manifest_files) throw Malformed{"a list of too many files"};
  if (pack == nullptr) {
    out.push_back({item, as_string(need(in, "name"), "name"), tag, read_properties(in)});
    return;
  }
  if (item.size() > most_pack_item_bytes) throw Malformed{"the item of a pack is not named as one"};
  if (as_list(*pack, "files").size() == 0) throw Malformed{"an item that holds no files"};
  for (const JsonValue& file : as_list(*pack, "files")) {
    if (out.size() >= most_manifest_files) throw Malformed{"a list of too many files"};
    out.push_back({item, as_string(need(file, "name"), "name"), tag, read_properties(file),
                   as_number(need(file, "size"), "size")});
  }
}

void read(const JsonValue& in, Manifest& out) {
  // Whoever made it meant what it names: a message of any length costs no names.
  if (const JsonValue* v = find(in, "message"))
    out.message = front_of_utf8(as_string(*v, "message", std::string::npos), most_message_bytes);
  for (const JsonValue& item : as_list(need(in, "files"), "files")) read_item(item, out.files);
}

void read(const JsonValue& in, Problem& out) {
  if (const JsonValue* v = find(in, "status"))
    // Of no use but to be shown: an odd status of a proxy is no reason to lose the rest.
    out.status = static_cast<int>(std::min<std::uint64_t>(as_number(*v, "status"), 599));
  if (const JsonValue* v = find(in, "type")) out.type = as_string(*v, "type");
  if (const JsonValue* v = find(in, "title")) out.title = as_string(*v, "title");
  if (const JsonValue* v = find(in, "detail")) out.detail = as_string(*v, "detail");
  if (const JsonValue* v = find(in, "instance")) out.instance = as_string(*v, "instance");
}

}  // namespace

Result<void> check_message(std::string_view message) {
  if (message.size() > most_message_bytes)
    return fail(Kind::usage,
                "the message has " + std::to_string(message.size()) + " bytes; at most " +
                    std::to_string(most_message_bytes) + " fit",
                "send the text as a file");
  if (!is_valid_utf8(message)) return fail(Kind::usage, "the message is not UTF-8");
  return {};
}

std::string_view to_text(Seal seal) {
  switch (seal) {
    case Seal::offer:
      return "offer";
    case Seal::require:
      return "require";
    case Seal::off:
      break;
  }
  return "off";
}

std::optional<Seal> seal_from_text(std::string_view text) {
  for (const Seal seal : {Seal::offer, Seal::require, Seal::off})
    if (text == to_text(seal)) return seal;
  return std::nullopt;
}

std::string to_json(const CreateSpace& in) {
  json out = {{"label", in.label}, {"seal", to_text(in.seal)}};
  if (in.expire) out["expire"] = in.expire->count();
  if (in.max_size) out["max_size"] = *in.max_size;
  if (in.max_files) out["max_files"] = *in.max_files;
  if (!in.key.empty()) out["key"] = in.key;
  if (in.packs) out["packs"] = true;
  return dump(out);
}

std::string to_json(const SpaceCreated& in) {
  return dump({{"guid", in.guid.text()},
               {"drop", in.drop},
               {"owner", in.owner},
               {"token", in.token},
               {"expires", to_rfc3339(in.expires)},
               {"interval", in.interval.count()},
               {"limits", write(in.limits)}});
}

std::string to_json(const SpaceInfo& in, const AddressOf& address_of) {
  json uploads = json::array();
  for (const UploadInfo& upload : in.uploads) {
    json item = {{"upload", upload.upload.text()},
                 {"delivery", upload.delivery.text()},
                 {"name", upload.name},
                 {"offset", upload.offset},
                 {"url", address_of(upload.upload)}};
    // A stream has none until its end.
    if (upload.length) item["length"] = *upload.length;
    uploads.push_back(std::move(item));
  }
  json open = json::array();
  for (const OpenDelivery& one : in.open)
    open.push_back({{"delivery", one.delivery.text()},
                    {"files", one.files},
                    {"bytes", one.bytes},
                    {"began", to_rfc3339(one.began)}});
  json out = {{"guid", in.guid.text()},
              {"label", in.label},
              {"state", to_text(in.state)},
              {"seq", in.seq},
              {"expires", to_rfc3339(in.expires)},
              {"limits", write(in.limits)},
              {"seal", to_text(in.seal)},
              {"uploads", std::move(uploads)},
              {"open", std::move(open)}};
  if (!in.next.empty()) out["next"] = in.next;
  return with_list_first("deliveries", write(in.deliveries, address_of), out);
}

std::string to_json(const ChangeSpace& in) {
  json out = json::object();
  if (in.expire) out["expire"] = in.expire->count();
  if (in.state) out["state"] = to_text(*in.state);
  return dump(out);
}

std::string to_json(const DropInfo& in) {
  json out = {{"label", in.label},
              {"seal", to_text(in.seal)},
              {"state", to_text(in.state)},
              {"expires", to_rfc3339(in.expires)},
              {"limits", write(in.limits)}};
  if (!in.key.empty()) out["key"] = in.key;
  if (in.packs) out["packs"] = true;
  return dump(out);
}

std::string to_json(const CreateDelivery& in) {
  return dump({{"message", in.message}});
}

std::string to_json(const DeliveryState& in) {
  ListText files;
  for (const ReceivedFile& file : in.files)
    files.object().text("name", file.name).number("size", file.size).text("xxh128", to_hex(file.xxh128));
  return with_list_last({{"delivery", in.delivery.text()}, {"committed", in.committed}}, "files", files);
}

std::string to_json(const CommitDelivery& in) {
  json out = json::object();
  if (in.files) out["files"] = *in.files;
  return dump(out);
}

namespace {

ListText pack_of(std::vector<ManifestFile>::const_iterator file, std::vector<ManifestFile>::const_iterator end) {
  ListText files;
  for (; file != end; ++file)
    files.object()
        .executable(file->properties)
        .modified(file->properties)
        .text("name", file->name)
        .number("size", *file->size);
  return files;
}

}  // namespace

std::string to_json(const Manifest& in) {
  ListText files;
  for (auto file = in.files.begin(); file != in.files.end();) {
    files.object();
    if (!file->size) {
      files.executable(file->properties).text("item", file->item).modified(file->properties).text("name", file->name);
    } else {
      const auto end = std::find_if(file, in.files.end(), [&](const auto& other) { return other.item != file->item; });
      files.list("files", pack_of(file, end)).text("item", file->item);
      file = end - 1;
    }
    files.text("tag", file->tag);
    ++file;
  }
  // "v": a later form of manifests can be told from this one by whoever opens it.
  json out = {{"v", 1}};
  if (!in.message.empty()) out["message"] = in.message;
  return with_list_first("files", files, out);
}

std::string to_json(const Problem& in) {
  // RFC 9457.
  json out = {{"type", in.type}, {"title", in.title}, {"status", in.status}};
  if (!in.detail.empty()) out["detail"] = in.detail;
  if (!in.instance.empty()) out["instance"] = in.instance;
  return dump(out);
}

template <class T>
Result<T> from_json(std::string_view text) {
  return read_message<T>(text, [](const JsonValue& in, T& out) { read(in, out); });
}

// Here, so that few files are compiled with the JSON library.
template Result<CreateSpace> from_json(std::string_view);
template Result<SpaceCreated> from_json(std::string_view);
template Result<SpaceInfo> from_json(std::string_view);
template Result<ChangeSpace> from_json(std::string_view);
template Result<DropInfo> from_json(std::string_view);
template Result<CreateDelivery> from_json(std::string_view);
template Result<DeliveryState> from_json(std::string_view);
template Result<CommitDelivery> from_json(std::string_view);
template Result<Manifest> from_json(std::string_view);
template Result<Problem> from_json(std::string_view);

}  // namespace qrx::wire
