// A process that is killed at any moment takes nothing with it that it had acknowledged.
#include "unit/catch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "space_world.h"

using namespace qrx;
using namespace qrx::test;

namespace {

// The bytes of an upload follow from its id, so that nobody need remember them.
std::string bytes_of(const Id& id, std::uint64_t from, std::uint64_t size) {
  std::string out(size, '\0');
  for (std::uint64_t i = 0; i < size; ++i) {
    const std::uint64_t at = from + i;
    out[i] = static_cast<char>(id.bytes[at % 16] + at / 16 * 7);
  }
  return out;
}

// One line a write: lines of several threads never mix (PIPE_BUF).
void acknowledge(int pipe, const std::string& line) {
  if (::write(pipe, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(3);
}

void upload_in_steps(World& world, const Guid& guid, int pipe, std::uint64_t length, std::optional<Id> delivery) {
  const auto upload = world.spaces->create_upload(guid, new_upload("large", length, delivery));
  if (!upload) ::_exit(4);
  for (std::uint64_t offset = 0; offset < length;) {
    const std::uint64_t size = std::min<std::uint64_t>(length - offset, length / 3 + 1);
    auto writer = world.spaces->write(guid, upload->upload, offset, std::nullopt);
    if (!writer || !(*writer)->write(as_bytes(bytes_of(upload->upload, offset, size)))) ::_exit(5);
    if (offset % 2 == 0 && !(*writer)->finish()) ::_exit(6);
    writer->reset();
    offset += size;
    acknowledge(pipe, "upload " + guid.text() + " " + upload->upload.text() + " " + std::to_string(offset) + "\n");
  }
}

void small_delivery(World& world, const Guid& guid, int pipe) {
  const auto delivery = world.spaces->open_delivery(guid, {});
  if (!delivery) ::_exit(7);
  for (int i = 0; i < 10; ++i) {
    const std::string name = std::to_string(i);
    if (!world.spaces->put_small(guid, delivery->delivery, name,
                                 as_bytes(bytes_of(delivery->delivery, 0, 100 * static_cast<unsigned>(i)))))
      ::_exit(8);
  }
  upload_in_steps(world, guid, pipe, 5000, delivery->delivery);
  if (!world.spaces->commit(guid, delivery->delivery, {})) ::_exit(9);
  acknowledge(pipe, "delivery " + guid.text() + " " + delivery->delivery.text() + " 11\n");
}

[[noreturn]] void work_until_killed(World& world, int pipe) {
  world.start();
  if (!world.spaces->recover()) ::_exit(2);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 3; ++thread)
    threads.emplace_back([&, thread] {
      for (int round = 0;; ++round) {
        const auto space = world.spaces->create({});
        if (!space) ::_exit(10);
        acknowledge(pipe, "space " + space->space.guid.text() + " " + space->token.text() + " 0\n");
        upload_in_steps(world, space->space.guid, pipe, 300'000, std::nullopt);
        small_delivery(world, space->space.guid, pipe);
        if ((round + thread) % 3 != 0) continue;
        acknowledge(pipe, "removing " + space->space.guid.text() + " - 0\n");
        if (!world.spaces->remove(space->space.guid, space->token.text())) ::_exit(11);
      }
    });
  for (std::thread& thread : threads) thread.join();
  ::_exit(0);
}

struct Promised {
  std::map<std::string, std::string> tokens;                                        // by guid
  std::map<std::string, std::map<std::string, std::uint64_t>> uploads, deliveries;  // by guid and id
  std::map<std::string, bool> removing;
};

void note(Promised& promised, const std::string& text) {
  std::istringstream lines(text);
  std::string what, guid, id;
  std::uint64_t number = 0;
  while (lines >> what >> guid >> id >> number) {
    if (what == "space") promised.tokens[guid] = id;
    if (what == "upload") promised.uploads[guid][id] = number;
    if (what == "delivery") promised.deliveries[guid][id] = number;
    if (what == "removing") promised.removing[guid] = true;
  }
}

void verify(World& world, const Promised& promised) {
  for (const auto& [guid_text, token] : promised.tokens) {
    if (promised.removing.contains(guid_text)) continue;
    const Guid guid = *Id::parse(guid_text);
    INFO("space " << guid_text);
    const auto info = world.spaces->view(guid, token);
    REQUIRE(info);
    if (const auto uploads = promised.uploads.find(guid_text); uploads != promised.uploads.end())
      for (const auto& [text, offset] : uploads->second) {
        const Id id = *Id::parse(text);
        INFO("upload " << text << " acknowledged to " << offset);
        const auto row = world.spaces->upload(guid, id);
        REQUIRE(row);
        CHECK(row->offset >= offset);
        const auto content = world.spaces->content(guid, token, id);
        REQUIRE(content);
        std::string bytes(row->offset, '\0');
        REQUIRE((*content)->read_at(0, std::as_writable_bytes(std::span(bytes))) == bytes.size());
        CHECK(bytes == bytes_of(id, 0, row->offset));
        if (row->offset == row->length) CHECK(world.catalog->file(id)->has_value());
      }
    if (const auto deliveries = promised.deliveries.find(guid_text); deliveries != promised.deliveries.end())
      for (const auto& [text, files] : deliveries->second) {
        const auto state = world.spaces->delivery(guid, *Id::parse(text));
        REQUIRE(state);
        CHECK(state->committed);
        CHECK(state->files.size() == files);
      }
  }
}

}  // namespace

TEST_CASE("SIGKILL at any moment loses nothing that was acknowledged") {
  World world;
  world.lose();
  Promised promised;
  const std::string seed = std::to_string(::getpid());
  for (unsigned round = 0; round < 6; ++round) {
    int pipes[2];
    REQUIRE(::pipe2(pipes, O_CLOEXEC) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) work_until_killed(world, pipes[1]);
    ::close(pipes[1]);
    std::string text;
    char buffer[4096];
    // Some acknowledgements in, at no particular point of what follows.
    const std::size_t enough = 300 + round * 700 + std::hash<std::string>{}(seed + std::to_string(round)) % 500;
    ssize_t got = 0;
    while (text.size() < enough && (got = ::read(pipes[0], buffer, 64)) > 0)
      text.append(buffer, static_cast<std::size_t>(got));
    REQUIRE(::kill(child, SIGKILL) == 0);
    while ((got = ::read(pipes[0], buffer, sizeof buffer)) > 0) text.append(buffer, static_cast<std::size_t>(got));
    ::close(pipes[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    note(promised, text);

    world.start();
    const auto recovered = world.spaces->recover();
    REQUIRE(recovered);
    CHECK(recovered->damaged == 0);
    CHECK(recovered->quarantined == 0);
    verify(world, promised);
    std::string told;
    const auto checked = world.spaces->check([&](const std::string& line) { told += line + "\n"; });
    REQUIRE(checked);
    INFO(told);
    CHECK(checked->missing + checked->corrupt + checked->orphans == 0);
    world.lose();
  }
}
