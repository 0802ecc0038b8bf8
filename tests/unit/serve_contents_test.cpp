// Many small files of a delivery in one answer.
#include "unit/serve_desk.h"
#include "wire/file_batch.h"
#include "wire/file_contents.h"

using namespace qrx;
using namespace qrx::test;

namespace {

struct Sent {
  Id delivery;
  std::vector<wire::FileInfo> files;
};

// A delivery with these files.
Sent send(Desk& desk, const std::vector<std::pair<std::string, std::string>>& files) {
  const auto delivery = desk.world.spaces->open_delivery(desk.guid(), {});
  REQUIRE(delivery);
  for (const auto& [name, bytes] : files)
    REQUIRE(desk.world.spaces->put_small(desk.guid(), delivery->delivery, name, as_bytes(bytes)));
  REQUIRE(desk.world.spaces->commit(desk.guid(), delivery->delivery, {files.size()}));
  for (const auto& one : desk.info().deliveries)
    if (one.delivery == delivery->delivery) return {one.delivery, one.files};
  return {};
}

Got ask_for(Desk& desk, const Id& delivery, const std::vector<Id>& files, const std::string& method = "GET") {
  return desk.owner("/deliveries/" + delivery.text() + "/contents", wire::contents_query(files), {}, method);
}

std::vector<wire::AskedFile> asked_of(const std::vector<wire::FileInfo>& files) {
  std::vector<wire::AskedFile> asked;
  for (const auto& file : files) asked.push_back({file.file, file.size});
  return asked;
}

std::vector<Id> ids_of(const std::vector<wire::FileInfo>& files) {
  std::vector<Id> ids;
  for (const auto& file : files) ids.push_back(file.file);
  return ids;
}

}  // namespace

TEST_CASE("many small files come in one answer, in the order of the request") {
  Desk desk;
  std::vector<std::pair<std::string, std::string>> files;
  for (std::size_t i = 0; i < wire::most_contents_files; ++i)
    files.emplace_back("d/" + std::to_string(i), std::string(i * i * 10, static_cast<char>('a' + i % 26)));
  Sent sent = send(desk, files);
  REQUIRE(sent.files.size() == wire::most_contents_files);
  std::reverse(sent.files.begin(), sent.files.end());
  const Got got = ask_for(desk, sent.delivery, ids_of(sent.files));
  CHECK(got.status == 200);
  CHECK(got.type == wire::batch_content_type);
  CHECK(got.header("Content-Disposition").starts_with("attachment"));
  CHECK(got.header("Content-Security-Policy") == "sandbox; default-src 'none'");
  CHECK(got.header("Cache-Control") == "no-store");
  const auto contents = wire::parse_contents(got.body, asked_of(sent.files));
  REQUIRE(contents);
  REQUIRE(contents->size() == sent.files.size());
  for (std::size_t i = 0; i < contents->size(); ++i) {
    const auto& one = (*contents)[i];
    CHECK(one.asked == i);
    CHECK(one.xxh128 == sent.files[i].xxh128);
    const auto number = static_cast<std::size_t>(std::stoul(sent.files[i].name.substr(2)));
    CHECK(as_text(one.bytes) == files[number].second);
  }
  CHECK(ask_for(desk, sent.delivery, ids_of(sent.files), "HEAD").status == 200);
}

TEST_CASE("of files that cannot be given so the others come") {
  Desk desk;
  const Sent sent = send(desk, {{"a", "one"}, {"b", ""}});
  const Sent other = send(desk, {{"c", "two"}});
  REQUIRE(desk.put(desk.guid(), "large", std::string((256U << 10) + 1, 'l')).status == 201);
  const auto large = desk.info().deliveries.back();
  const Id unknown = Id::random();
  const auto names_in = [&](const Id& delivery, const std::vector<wire::FileInfo>& files) {
    const Got got = ask_for(desk, delivery, ids_of(files));
    REQUIRE(got.status == 200);
    const auto contents = wire::parse_contents(got.body, asked_of(files));
    REQUIRE(contents);
    std::string names;
    for (const auto& one : *contents) names += files[one.asked].name;
    return names;
  };
  wire::FileInfo stranger;
  stranger.file = unknown;
  CHECK(names_in(sent.delivery, {sent.files[1], stranger, other.files[0], sent.files[0]}) == "ba");
  CHECK(names_in(other.delivery, {other.files[0], sent.files[0]}) == "c");
  CHECK(names_in(large.delivery, {large.files[0]}).empty());
  CHECK(names_in(unknown, {sent.files[0]}).empty());
  // What another space holds is not given to the owner of this one.
  Desk second;
  CHECK(ask_for(second, sent.delivery, ids_of(sent.files)).body.empty());
}

TEST_CASE("a file whose bytes are lost is left out, and the others come") {
  Desk desk;
  REQUIRE(desk.put(desk.guid(), "gone", "bytes").status == 201);
  const auto gone = desk.info().deliveries.at(0);
  const auto row = desk.world.catalog->file(gone.files[0].file);
  REQUIRE(row);
  REQUIRE(desk.world.blobs->remove((*row)->blob));
  const Got got = ask_for(desk, gone.delivery, ids_of(gone.files));
  CHECK(got.status == 200);
  CHECK(got.body.empty());
}

TEST_CASE("files of a delivery that is not committed are not given together") {
  Desk desk;
  const auto delivery = desk.world.spaces->open_delivery(desk.guid(), {});
  const auto file = desk.world.spaces->put_small(desk.guid(), delivery->delivery, "a", as_bytes(std::string_view("x")));
  REQUIRE(file);
  CHECK(ask_for(desk, delivery->delivery, {file->file}).status == 404);
}

TEST_CASE("a list of files that is none is refused") {
  Desk desk;
  const Sent sent = send(desk, {{"a", "one"}});
  const std::string path = "/deliveries/" + sent.delivery.text() + "/contents";
  const std::string id = sent.files[0].file.text();
  for (const std::string& query :
       {std::string(), std::string("files="), "files=" + id + "," + id, "files=" + id + ",x"})
    CHECK(desk.owner(path, query).status == 400);
  std::vector<Id> many;
  for (std::size_t i = 0; i <= wire::most_contents_files; ++i) many.push_back(Id::random());
  CHECK(ask_for(desk, sent.delivery, many).status == 413);
}
