// Resumable uploads: offsets, checksums, cuts, quotas while they run.
#include "unit/catch.h"

#include "unit/space_uploading.h"

using namespace qrx;
using namespace qrx::test;

TEST_CASE("an upload goes on where it stopped") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto upload = must_begin(world, guid, new_upload("a", 10));
  CHECK(upload.offset == 0);
  {
    auto writer = must_write(world, guid, upload.upload, 0);
    REQUIRE(writer->write(as_bytes("01234")));
    const auto finished = writer->finish();
    REQUIRE(finished);
    CHECK(finished->offset == 5);
    CHECK_FALSE(finished->complete);
  }
  CHECK(world.spaces->upload(guid, upload.upload)->offset == 5);
  CHECK(kind_of(world.spaces->write(guid, upload.upload, 0, {})) == Kind::conflict);
  CHECK(kind_of(world.spaces->write(guid, upload.upload, 6, {})) == Kind::conflict);
  CHECK(kind_of(world.spaces->write(guid, upload.upload, ~0ULL, {})) == Kind::conflict);
  const bool after_restart = GENERATE(false, true);
  if (after_restart) world.restart();
  auto writer = must_write(world, guid, upload.upload, 5);
  REQUIRE(writer->write(as_bytes("56789")));
  const auto finished = writer->finish();
  REQUIRE(finished);
  CHECK(finished->complete);
  REQUIRE(finished->file);
  CHECK(finished->file->file == upload.upload);
  CHECK(finished->file->xxh128 == sum_of("0123456789"));
  CHECK(world.read(space, upload.upload) == "0123456789");
}

TEST_CASE("what a cut request had written is kept and recorded") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto upload = must_begin(world, guid, new_upload("a", 10));
  {
    auto writer = must_write(world, guid, upload.upload, 0);
    REQUIRE(writer->write(as_bytes("0123")));
  }
  CHECK(world.spaces->upload(guid, upload.upload)->offset == 4);
  const auto recovered = world.restart();
  CHECK(recovered.truncated == 0);
  CHECK(world.spaces->upload(guid, upload.upload)->offset == 4);
}

TEST_CASE("a request that is cut after its last byte completes the upload") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto upload = must_begin(world, guid, new_upload("a", 4));
  {
    auto writer = must_write(world, guid, upload.upload, 0);
    REQUIRE(writer->write(as_bytes("0123")));
  }
  CHECK(world.view(space).deliveries.size() == 1);
  const auto head = world.spaces->upload(guid, upload.upload);
  REQUIRE(head);
  CHECK(head->offset == 4);
  CHECK(head->length == 4);
  // The client did not see the answer and comes again, with nothing or with the last chunk.
  CHECK(kind_of(world.spaces->write(guid, upload.upload, 0, {})) == Kind::conflict);
  auto writer = must_write(world, guid, upload.upload, 4);
  const auto finished = writer->finish();
  REQUIRE(finished);
  CHECK(finished->complete);
  CHECK(finished->file->xxh128 == sum_of("0123"));
}

TEST_CASE("bytes beyond the announced length are refused") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto upload = must_begin(world, guid, new_upload("a", 4));
  auto writer = must_write(world, guid, upload.upload, 0);
  CHECK(kind_of(writer->write(as_bytes("01234"))) == Kind::too_large);
  REQUIRE(writer->write(as_bytes("01")));
  CHECK(kind_of(writer->write(as_bytes("234"))) == Kind::too_large);
  REQUIRE(writer->finish());
  CHECK(world.spaces->upload(guid, upload.upload)->offset == 2);
}

TEST_CASE("an empty file is complete when it is announced") {
  World world;
  const auto space = world.create();
  const auto upload = must_begin(world, space.space.guid, new_upload("empty", 0));
  const auto info = world.view(space);
  REQUIRE(info.deliveries.size() == 1);
  CHECK(info.deliveries[0].files[0].size == 0);
  auto writer = must_write(world, space.space.guid, upload.upload, 0);
  CHECK(writer->finish()->complete);
  CHECK(world.read(space, upload.upload).empty());
  CHECK(world.view(space).deliveries.size() == 1);
}

TEST_CASE("a length may come later, once") {
  World world;
  const auto space = world.create(with_limits(10, 5));
  const Guid guid = space.space.guid;
  const auto upload = must_begin(world, guid, new_upload("a", std::nullopt));
  {
    auto writer = must_write(world, guid, upload.upload, 0);
    REQUIRE(writer->write(as_bytes("01234567")));
    CHECK(kind_of(writer->write(as_bytes("89a"))) == Kind::too_large);
    const auto finished = writer->finish();
    REQUIRE(finished);
    CHECK_FALSE(finished->complete);
  }
  CHECK(kind_of(world.spaces->set_length(guid, upload.upload, 7)) == Kind::usage);
  CHECK(kind_of(world.spaces->set_length(guid, upload.upload, 11)) == Kind::too_large);
  REQUIRE(world.spaces->set_length(guid, upload.upload, 9));
  CHECK(world.spaces->set_length(guid, upload.upload, 9));
  CHECK(kind_of(world.spaces->set_length(guid, upload.upload, 10)) == Kind::conflict);
  world.restart();
  {
    auto writer = must_write(world, guid, upload.upload, 8);
    REQUIRE(writer->write(as_bytes("8")));
    CHECK(writer->finish()->complete);
  }
  CHECK(world.read(space, upload.upload) == "012345678");

  const auto exact = must_begin(world, guid, new_upload("b", std::nullopt));
  {
    auto writer = must_write(world, guid, exact.upload, 0);
    REQUIRE(writer->write(as_bytes("x")));
    REQUIRE(writer->finish());
  }
  REQUIRE(world.spaces->set_length(guid, exact.upload, 1));
  CHECK(world.view(space).deliveries.size() == 2);
}

TEST_CASE("a wrong checksum takes back the chunk and no more") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const std::string algorithm = GENERATE("md5", "sha1", "sha256", "xxh128");
  const auto upload = must_begin(world, guid, new_upload("a", 10));
  {
    auto writer = world.spaces->write(guid, upload.upload, 0, checksum_of(algorithm, "0123"));
    REQUIRE(writer);
    REQUIRE((*writer)->write(as_bytes("0123")));
    REQUIRE((*writer)->finish());
  }
  {
    auto writer = world.spaces->write(guid, upload.upload, 4, checksum_of(algorithm, "456789"));
    REQUIRE(writer);
    REQUIRE((*writer)->write(as_bytes("45678X")));
    CHECK(kind_of((*writer)->finish()) == Kind::integrity);
  }
  CHECK(world.spaces->upload(guid, upload.upload)->offset == 4);
  CHECK(std::filesystem::file_size(world.directory / ("staging/" + upload.upload.text())) == 4);
  {  // cut before the end: nothing of it was checked
    auto writer = world.spaces->write(guid, upload.upload, 4, checksum_of(algorithm, "456789"));
    REQUIRE(writer);
    REQUIRE((*writer)->write(as_bytes("456")));
  }
  CHECK(world.spaces->upload(guid, upload.upload)->offset == 4);
  {
    auto writer = world.spaces->write(guid, upload.upload, 4, checksum_of(algorithm, "456789"));
    REQUIRE(writer);
    REQUIRE((*writer)->write(as_bytes("456789")));
    const auto finished = (*writer)->finish();
    REQUIRE(finished);
    CHECK(finished->file->xxh128 == sum_of("0123456789"));
  }
  CHECK(kind_of(world.spaces->write(guid, upload.upload, 0, space::ChunkChecksum{"crc32", {}})) == Kind::usage);
}

TEST_CASE("readers never see bytes whose checksum is not known yet") {
  World world;
  const auto space = world.create();
  const auto upload = must_begin(world, space.space.guid, new_upload("a", 10));
  const auto content = world.spaces->content(space.space.guid, space.token.text(), upload.upload);
  REQUIRE(content);
  auto writer = world.spaces->write(space.space.guid, upload.upload, 0, checksum_of("sha1", "right"));
  REQUIRE(writer);
  REQUIRE((*writer)->write(as_bytes("wrong")));
  CHECK((*content)->available().bytes == 0);
  CHECK_FALSE((*writer)->finish());
  CHECK((*content)->available().bytes == 0);
}

TEST_CASE("the receiver reads an upload while it grows, under the same name afterwards") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto upload = must_begin(world, guid, new_upload("a", 8));
  const auto content = world.spaces->content(guid, space.token.text(), upload.upload);
  REQUIRE(content);
  CHECK((*content)->file() == nullptr);
  CHECK((*content)->length() == 8);
  const unsigned before = world.events.of_upload(upload.upload);
  auto writer = must_write(world, guid, upload.upload, 0);
  REQUIRE(writer->write(as_bytes("0123")));
  CHECK((*content)->available().bytes == 4);
  CHECK((*content)->available().growth == space::Content::Growth::growing);
  REQUIRE(world.view(space).uploads.size() == 1);
  CHECK(world.view(space).uploads[0].offset == 4);
  REQUIRE(writer->write(as_bytes("4567")));
  REQUIRE(writer->finish());
  CHECK((*content)->available().bytes == 8);
  CHECK((*content)->available().growth == space::Content::Growth::complete);
  CHECK(world.events.of_upload(upload.upload) > before);
  char bytes[8];
  REQUIRE((*content)->read_at(0, std::as_writable_bytes(std::span(bytes))) == 8U);
  CHECK(std::string(bytes, 8) == "01234567");
  const auto again = world.spaces->content(guid, space.token.text(), upload.upload);
  REQUIRE(again);
  REQUIRE((*again)->file() != nullptr);
}

TEST_CASE("who reads an upload learns that it was taken back") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto upload = must_begin(world, guid, new_upload("a", 8));
  const auto content = world.spaces->content(guid, space.token.text(), upload.upload);
  auto writer = must_write(world, guid, upload.upload, 0);
  REQUIRE(writer->write(as_bytes("01")));
  REQUIRE(world.spaces->remove_upload(guid, upload.upload));
  CHECK((*content)->available().growth == space::Content::Growth::ended);
  CHECK(writer->asked_to_stop());
  CHECK(kind_of(writer->write(as_bytes("23"))) == Kind::gone);
  CHECK(kind_of(writer->finish()) == Kind::gone);
  writer.reset();
  CHECK(kind_of(world.spaces->upload(guid, upload.upload)) == Kind::not_found);
  CHECK(world.view(space).uploads.empty());
  CHECK(world.files_in("staging") == 0);
  CHECK(world.spaces->drop(guid)->limits.max_files == world.policy.max_files);
}

TEST_CASE("a complete upload cannot be taken back by its sender") {
  World world;
  const auto space = world.create();
  const auto file = world.send(space.space.guid, "a", "bytes");
  CHECK(kind_of(world.spaces->remove_upload(space.space.guid, file->file)) == Kind::denied);
  CHECK(world.view(space).deliveries.size() == 1);
}

TEST_CASE("progress changes the state at most five times a second") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto upload = must_begin(world, guid, new_upload("a", 100U << 20));
  auto writer = must_write(world, guid, upload.upload, 0);
  const std::string piece(256U << 10, 'x');
  const unsigned before = world.events.of_space(guid);
  for (int i = 0; i < 40; ++i) {
    REQUIRE(writer->write(as_bytes(piece)));
    world.clock.pass(Millis(10));
  }
  const unsigned ticks = world.events.of_space(guid) - before;
  CHECK(ticks >= 1);
  CHECK(ticks <= 3);
}

TEST_CASE("a slow upload is recorded while it runs") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto upload = must_begin(world, guid, new_upload("a", 100));
  auto writer = must_write(world, guid, upload.upload, 0);
  REQUIRE(writer->write(as_bytes("0123")));
  CHECK(world.spaces->upload(guid, upload.upload)->offset == 0);
  world.clock.pass(Seconds(3));
  REQUIRE(writer->write(as_bytes("45")));
  CHECK(world.spaces->upload(guid, upload.upload)->offset == 6);
}

TEST_CASE("an upload that nobody continues expires") {
  World world({.upload_expire = Seconds(60)});
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto upload = must_begin(world, guid, new_upload("a", 100));
  world.clock.pass(Seconds(50));
  {
    auto writer = must_write(world, guid, upload.upload, 0);
    REQUIRE(writer->write(as_bytes("0123")));
  }
  world.clock.pass(Seconds(50));
  { auto writer = must_write(world, guid, upload.upload, 4); }
  world.clock.pass(Seconds(61));
  CHECK(kind_of(world.spaces->upload(guid, upload.upload)) == Kind::gone);
  CHECK(kind_of(world.spaces->write(guid, upload.upload, 4, {})) == Kind::gone);
  const auto swept = world.spaces->sweep();
  REQUIRE(swept);
  CHECK(swept->uploads == 1);
  CHECK(kind_of(world.spaces->upload(guid, upload.upload)) == Kind::not_found);
  CHECK(world.files_in("staging") == 0);
  CHECK(world.view(space).uploads.empty());
}

TEST_CASE("partial uploads become one file") {
  World world;
  const auto space = world.create(with_limits(10, 1));
  const Guid guid = space.space.guid;
  std::vector<Id> parts;
  for (const std::string bytes : {"012", "3456", "789"}) {
    auto wish = new_upload("", bytes.size());
    wish.partial = true;
    const auto part = must_begin(world, guid, wish);
    parts.push_back(part.upload);
    CHECK(kind_of(world.spaces->concatenate(guid, new_upload("all", {}), parts)) == Kind::conflict);
    auto writer = must_write(world, guid, part.upload, 0);
    REQUIRE(writer->write(as_bytes(bytes)));
    const auto finished = writer->finish();
    REQUIRE(finished);
    CHECK(finished->complete);
    CHECK_FALSE(finished->file);
    CHECK(world.spaces->upload(guid, part.upload)->offset == bytes.size());
  }
  CHECK(world.view(space).deliveries.empty());
  CHECK(world.view(space).uploads.empty());
  CHECK(kind_of(world.spaces->concatenate(guid, new_upload("../x", {}), parts)) == Kind::integrity);
  CHECK(kind_of(world.spaces->concatenate(guid, new_upload("x", {}), {Id::random()})) == Kind::not_found);
  // A short request must not write a part as often as it can name it.
  CHECK(kind_of(world.spaces->concatenate(guid, new_upload("x", {}), {parts[0], parts[1], parts[0]})) == Kind::usage);
  std::stop_source stop;
  stop.request_stop();
  CHECK(kind_of(world.spaces->concatenate(guid, new_upload("x", {}), parts, stop.get_token())) == Kind::unavailable);
  CHECK(world.files_in("staging") == parts.size());
  const auto whole = world.spaces->concatenate(guid, new_upload("all", {}), parts);
  REQUIRE(whole);
  CHECK(whole->offset == 10);
  CHECK(whole->length == 10);
  const auto info = world.view(space);
  REQUIRE(info.deliveries.size() == 1);
  CHECK(info.deliveries[0].files[0].xxh128 == sum_of("0123456789"));
  CHECK(world.read(space, whole->upload) == "0123456789");
  CHECK(kind_of(world.spaces->upload(guid, parts[0])) == Kind::not_found);
  CHECK(world.files_in("staging") == 0);
  world.restart();
  CHECK(world.files_in("quarantine") == 0);
}
