#include "wire/file_contents.h"

#include <algorithm>

#include "wire/json.h"

namespace qrx::wire {
namespace {

struct Line {
  Id file;
  std::uint64_t size = 0;
  Xxh128Sum xxh128{};
};

Result<Line> parse_line(std::string_view text) {
  return read_message<Line>(text, [](const JsonValue& in, Line& out) {
    out.file = as_id(need(in, "file"), "file");
    out.size = as_number(need(in, "size"), "size");
    out.xxh128 = as_sum(need(in, "xxh128"), "xxh128");
  });
}

}  // namespace

std::string contents_query(std::span<const Id> files) {
  std::string query = "files=";
  for (const Id& file : files) {
    if (&file != &files.front()) query += ',';
    query += file.text();
  }
  return query;
}

Result<std::vector<Id>> parse_contents_query(std::string_view query) {
  constexpr std::string_view name = "files=";
  while (!query.starts_with(name)) {
    const auto ampersand = query.find('&');
    if (ampersand == std::string_view::npos) return fail(Kind::usage, "files is missing: the ids, with commas");
    query.remove_prefix(ampersand + 1);
  }
  std::string_view list = query.substr(name.size());
  list = list.substr(0, list.find('&'));
  std::vector<Id> files;
  for (;;) {
    const auto comma = list.find(',');
    const auto file = Id::parse(list.substr(0, comma));
    if (!file || std::find(files.begin(), files.end(), *file) != files.end())
      return fail(Kind::usage, "files is not a list of different ids");
    // Before it is compared with ever more of them.
    if (files.size() == most_contents_files) return fail(Kind::too_large, "too many files in one request");
    files.push_back(*file);
    if (comma == std::string_view::npos) return files;
    list.remove_prefix(comma + 1);
  }
}

void add_contents(std::string& body, const Id& file, const Xxh128Sum& xxh128, ByteView bytes) {
  ListText line;
  line.object().text("file", file.text()).number("size", bytes.size()).text("xxh128", to_hex(xxh128));
  body += line.only_object();
  body += '\n';
  body += as_text(bytes);
}

Result<std::vector<FileContents>> parse_contents(std::string_view body, std::span<const AskedFile> asked) {
  std::vector<FileContents> contents;
  for (std::size_t next = 0; !body.empty(); ++next) {
    const auto end = body.substr(0, most_contents_line_bytes).find('\n');
    if (end == std::string_view::npos) return fail(Kind::usage, "the line before a file does not end");
    const auto line = parse_line(body.substr(0, end));
    if (!line) return tl::unexpected(line.error());
    body.remove_prefix(end + 1);
    // In the order of the request, so that none can come twice.
    while (next < asked.size() && asked[next].file != line->file) ++next;
    if (next == asked.size()) return fail(Kind::usage, "a file that was not asked for, or not in this order");
    if (line->size != asked[next].size) return fail(Kind::usage, "a file of another size than it has");
    if (line->size > body.size()) return fail(Kind::usage, "the body ends before its last file does");
    const auto size = static_cast<std::size_t>(line->size);
    contents.push_back({next, line->xxh128, as_bytes(body.substr(0, size))});
    body.remove_prefix(size);
  }
  return contents;
}

std::uint64_t most_contents_bytes(std::span<const AskedFile> asked) {
  std::uint64_t bytes = 0;
  for (const AskedFile& file : asked) bytes += most_contents_line_bytes + file.size;
  return bytes;
}

}  // namespace qrx::wire
