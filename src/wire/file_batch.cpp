#include "wire/file_batch.h"

#include <algorithm>

#include "wire/json.h"

namespace qrx::wire {
namespace {

constexpr std::size_t most_line_bytes = 32768;  // a name of 4096 bytes, each of them escaped

Result<BatchedFile> parse_line(std::string_view line) {
  return read_message<BatchedFile>(line, [](const JsonValue& in, BatchedFile& out) {
    out.name = as_string(need(in, "name"), "name");
    out.size = as_number(need(in, "size"), "size");
    out.properties = read_properties(in);
  });
}

}  // namespace

void add_to_batch(std::string& body, std::string_view name, const FileProperties& properties, ByteView bytes) {
  ListText line;
  line.object().executable(properties).modified(properties).text("name", name).number("size", bytes.size());
  body += line.only_object();
  body += '\n';
  body += as_text(bytes);
}

Result<void> BatchReader::write(ByteView bytes) {
  std::string_view rest = as_text(bytes);
  // `rest` is then a view into pending_, which must stay as it is until the loop is done with it.
  if (!pending_.empty()) rest = pending_.append(rest);
  for (;;) {
    const auto more = step(rest);
    if (!more) return tl::unexpected(more.error());
    if (!*more) break;
  }
  pending_ = std::string(rest);
  return {};
}

Result<bool> BatchReader::step(std::string_view& rest) {
  if (file_) {
    if (rest.size() < file_->size) return false;
    const auto size = static_cast<std::size_t>(file_->size);
    if (auto taken = take_(*file_, as_bytes(rest.substr(0, size))); !taken) return tl::unexpected(taken.error());
    rest.remove_prefix(size);
    file_.reset();
    return true;
  }
  const auto end = rest.find('\n');
  // Checked before the end of the line is there: whoever sends no newline must not make the server keep what comes.
  if (std::min(end, rest.size()) > most_line_bytes) return fail(Kind::usage, "the line before a file is too long");
  if (end == std::string_view::npos) return false;
  auto file = parse_line(rest.substr(0, end));
  if (!file) return tl::unexpected(file.error());
  // Refused by what the line says, before any byte of the file is kept.
  if (file->size > most_bytes_) return fail(Kind::too_large, "a file is too large to be sent together with others");
  if (++files_ > most_batch_files) return fail(Kind::too_large, "too many files in one request");
  file_ = std::move(*file);
  rest.remove_prefix(end + 1);
  return true;
}

Result<void> BatchReader::finish() const {
  if (file_ || !pending_.empty()) return fail(Kind::usage, "the body ends before its last file does");
  return {};
}

std::string batch_answer(const std::vector<Xxh128Sum>& sums) {
  std::string out = "{\"xxh128\":[";
  for (const Xxh128Sum& sum : sums) {
    if (&sum != &sums.front()) out += ',';
    ((out += '"') += to_hex(sum)) += '"';
  }
  return out += "]}";
}

Result<std::vector<Xxh128Sum>> parse_batch_answer(std::string_view text) {
  return read_message<std::vector<Xxh128Sum>>(text, [](const JsonValue& in, std::vector<Xxh128Sum>& out) {
    const JsonValue& list = need(in, "xxh128");
    if (!list.is_list()) throw Malformed{"xxh128 must be a list"};
    for (const JsonValue& sum : list) out.push_back(as_sum(sum, "xxh128"));
  });
}

}  // namespace qrx::wire
