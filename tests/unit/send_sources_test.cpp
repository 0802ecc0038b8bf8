// What is sent is checked first; what a killed run leaves.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/unique_fd.h"
#include "seal/keys.h"
#include "send/resume_state.h"
#include "send/sealed_source.h"
#include "send/sender.h"
#include "send/source_file.h"
#include "send/sources.h"
#include "temp_directory.h"
#include "unit/catch.h"

using namespace qrx;
using namespace qrx::send;
namespace fs = std::filesystem;

namespace {

class Tree {
 public:
  std::string file(const std::string& name, const std::string& text = "x") const {
    const fs::path where = fs::path(path) / name;
    fs::create_directories(where.parent_path());
    std::ofstream(where, std::ios::binary) << text;
    return where.string();
  }
  const test::TempDirectory directory;
  const std::string path = directory.text();
};

std::vector<std::string> names(const SourceList& list) {
  std::vector<std::string> out;
  for (const auto& source : list.sources) out.push_back(source.name);
  return out;
}

SourceList found(const std::vector<std::string>& arguments) {
  auto list = find_sources(arguments);
  INFO((list ? std::string() : list.error().what));
  REQUIRE(list);
  return *list;
}

Error refused(const std::vector<std::string>& arguments) {
  const auto list = find_sources(arguments);
  if (!list) return list.error();
  REQUIRE(!list->errors.empty());
  return list->errors.front();
}

void set_mtime(const std::string& path, time_t seconds) {
  const timespec times[2] = {{0, UTIME_OMIT}, {seconds, 500'000'000}};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

wire::DropLink link_to(const std::string& host) {
  wire::DropLink link;
  link.origin.host = host;
  return link;
}

}  // namespace

TEST_CASE("files keep their last name, trees keep their shape") {
  const Tree tree;
  const auto photo = tree.file("deep/photo.jpg", "12345");
  tree.file("dir/b/two");
  tree.file("dir/a");
  tree.file("dir/.hidden");
  const auto list = found({photo, tree.path + "/dir/"});
  CHECK(names(list) == std::vector<std::string>{"photo.jpg", "dir/.hidden", "dir/a", "dir/b/two"});
  CHECK(list.known_bytes == 8);
  CHECK(list.sources[0].path == photo);
  CHECK(list.sources[0].size == 5U);
  CHECK(list.warnings.empty());
}

TEST_CASE("a directory named by dots is sent under its real name") {
  const Tree tree;
  tree.file("dir/sub/a");
  CHECK(names(found({tree.path + "/dir/sub/.."})) == std::vector<std::string>{"dir/sub/a"});
  CHECK(names(found({tree.path + "/dir/sub/."})) == std::vector<std::string>{"sub/a"});
}

TEST_CASE("what is missing, unreadable by its kind, or twice the same name is told before anything is sent") {
  const Tree tree;
  tree.file("one/a");
  tree.file("two/a");
  CHECK(refused({tree.path + "/nothing"}).what == "cannot read " + tree.path + "/nothing: no such file or directory");
  CHECK(refused({tree.path + "/one/a", tree.path + "/two/a"}).kind == Kind::usage);
  CHECK(refused({tree.path + "/one/a/"}).what.find("ot a directory") != std::string::npos);
  CHECK(refused({""}).kind == Kind::usage);
  CHECK(refused({"-", "-"}).kind == Kind::usage);
  fs::create_directory(tree.path + "/empty");
  CHECK(refused({tree.path + "/empty"}).kind == Kind::usage);
  // The same file twice is one file.
  CHECK(found({tree.path + "/one/a", tree.path + "/one/../one/a"}).sources.size() == 1);
}

TEST_CASE("all that cannot be sent is named, names that cannot travel are changed, and the rest is found") {
  const Tree tree;
  tree.file("dir/good");
  tree.file("dir/line\nbreak");
  tree.file("dir/sub/old\xE9.txt");
  tree.file("dir/sub/fine");
  tree.file("other/good");
  const auto list =
      found({tree.path + "/dir", tree.path + "/nothing", tree.path + "/dir/good", tree.path + "/other/good"});
  CHECK(names(list) ==
        std::vector<std::string>{"dir/good", "dir/line%0Abreak", "dir/sub/fine", "dir/sub/old%E9.txt", "good"});
  REQUIRE(list.errors.size() == 2);
  CHECK(list.errors[0].what.find("/nothing: no such file") != std::string::npos);
  CHECK(list.errors[1].what.find("both would be named good") != std::string::npos);
  REQUIRE(list.renamed.size() == 2);
  CHECK(list.renamed[0].path == tree.path + "/dir/line\nbreak");
  CHECK(list.renamed[0].name == "dir/line%0Abreak");
  CHECK(list.renamed[1].name == "dir/sub/old%E9.txt");
}

TEST_CASE("a file that does not end where its size says is read to its end, like a stream") {
  const auto list = found({"/proc/self/status", "/proc/cpuinfo"});
  for (const auto& source : list.sources) {
    CHECK(source.stream);
    CHECK(source.regular);
    CHECK(!source.size);
  }
  CHECK(list.has_stream);
  const Tree tree;
  const auto sizes =
      found({tree.file("empty", ""), tree.file("one", "1"), tree.file("many", std::string(300'000, 'x'))});
  CHECK(!sizes.has_stream);
  CHECK(sizes.known_bytes == 300'001);
}

TEST_CASE("a name is for the one stream, or for the only argument") {
  const Tree tree;
  const auto file = tree.file("a");
  REQUIRE(::mkfifo((tree.path + "/fifo").c_str(), 0600) == 0);
  const auto named = [](const std::vector<std::string>& arguments) {
    FindOptions options;
    options.name = "new name";
    const auto list = find_sources(arguments, options);
    return list ? names(*list) : std::vector<std::string>{"error: " + list.error().what};
  };
  CHECK(named({"-"}) == std::vector<std::string>{"new name"});
  CHECK(named({tree.path + "/fifo"}) == std::vector<std::string>{"new name"});
  CHECK(named({file, tree.path + "/fifo"}) == std::vector<std::string>{"a", "new name"});
  CHECK(named({file}) == std::vector<std::string>{"new name"});
  CHECK(named({"-", tree.path + "/fifo"})[0].starts_with("error: --name names one thing"));
  CHECK(named({file, file})[0].starts_with("error: --name names one thing"));
}

TEST_CASE("a search that is stopped ends") {
  const Tree tree;
  for (int i = 0; i < 10; ++i) tree.file("dir/" + std::to_string(i));
  int asked = 0;
  FindOptions options;
  options.stopped = [&asked] { return ++asked > 3; };
  const auto list = find_sources({tree.path + "/dir"}, options);
  REQUIRE(!list);
  CHECK(list.error().kind == Kind::unavailable);
}

TEST_CASE("links given are followed; links in trees never lead out, in circles or to directories") {
  const Tree tree;
  const auto secret = tree.file("outside/secret", "s");
  tree.file("dir/real", "r");
  fs::create_directory(tree.path + "/dir/sub");
  fs::create_symlink("real", tree.path + "/dir/inside");
  fs::create_symlink(secret, tree.path + "/dir/leak");
  fs::create_symlink("../../outside/secret", tree.path + "/dir/sub/leak");
  fs::create_symlink("..", tree.path + "/dir/sub/loop");
  fs::create_symlink("nowhere", tree.path + "/dir/broken");
  fs::create_symlink("loop2", tree.path + "/dir/loop2");
  const auto list = found({tree.path + "/dir"});
  CHECK(names(list) == std::vector<std::string>{"dir/inside", "dir/real"});
  CHECK(list.warnings.size() == 5);
  fs::create_symlink(".", tree.path + "/dir/myself");
  const auto whole = found({tree.path + "/dir"});
  CHECK(std::count(whole.warnings.begin(), whole.warnings.end(),
                   tree.path + "/dir/myself is not sent: a link to a directory") == 1);
  fs::remove(tree.path + "/dir/myself");
  fs::create_symlink(secret, tree.path + "/given");
  CHECK(names(found({tree.path + "/given"})) == std::vector<std::string>{"given"});
  // A neighbour whose name only begins like the tree's is outside too.
  tree.file("dir2/x");
  fs::create_symlink("../dir2/x", tree.path + "/dir/near");
  CHECK(found({tree.path + "/dir"}).warnings.size() == 6);
}

TEST_CASE("sockets and pipes in trees are skipped aloud; a pipe given is a stream") {
  const Tree tree;
  tree.file("dir/a");
  REQUIRE(::mkfifo((tree.path + "/dir/fifo").c_str(), 0600) == 0);
  const auto list = found({tree.path + "/dir"});
  CHECK(list.sources.size() == 1);
  CHECK(list.warnings.size() == 1);
  const auto streams = found({tree.path + "/dir/fifo", "-"});
  CHECK(streams.has_stream);
  CHECK(streams.sources[0].stream);
  CHECK(!streams.sources[0].size);
  CHECK(streams.sources[1].path == "-");
  CHECK(streams.sources[1].name == "stdin");
}

TEST_CASE("limits are checked before a byte is sent") {
  const Tree tree;
  const auto list = found({tree.file("a", std::string(1000, 'x')), tree.file("b")});
  wire::DropInfo drop;
  CHECK(Sender::check_limits(drop, list));
  drop.limits.max_files = 1;
  CHECK(Sender::check_limits(drop, list).error().kind == Kind::too_large);
  drop.limits = {1000, 0};
  CHECK(Sender::check_limits(drop, list).error().kind == Kind::too_large);
  drop.limits = {1001, 2};
  CHECK(Sender::check_limits(drop, list));
  drop.state = wire::SpaceState::closed;
  CHECK(Sender::check_limits(drop, list).error().kind == Kind::denied);
}

TEST_CASE("what is sealed together needs less of the receiver's limit than each by itself") {
  SourceList list;
  list.sources.resize(20);
  for (auto& source : list.sources) source.size = 10;
  wire::DropInfo drop;
  drop.limits.max_size = seal::sealed_size(200);
  CHECK(Sender::check_limits(drop, list, true).error().kind == Kind::too_large);
  drop.packs = true;
  CHECK(Sender::check_limits(drop, list, true));
  drop.limits.max_size -= 1;
  CHECK(Sender::check_limits(drop, list, true).error().kind == Kind::too_large);
}

TEST_CASE("what a run leaves is found by the next with the same sources, and by no other") {
  const Tree tree;
  const auto a = tree.file("a", "aa"), b = tree.file("b", "bb");
  const auto list = found({a, b});
  const std::string state_dir = tree.path + "/state/qrx/send";
  const wire::DropLink link = link_to("one.example");
  const Id delivery = Id::random(), first = Id::random(), second = Id::random();
  CHECK(!ResumeState::load(state_dir, link, list));
  {
    auto state = ResumeState::begin(state_dir, link, list, delivery);
    REQUIRE(state);
    REQUIRE(state->remember(1, first));
    REQUIRE(state->remember(1, second));
    // While it runs, nobody else continues it.
    CHECK(!ResumeState::load(state_dir, link, list));
    CHECK(!ResumeState::begin(state_dir, link, list, delivery));
    struct stat status {};
    REQUIRE(::stat((state_dir + "/" + ResumeState::file_name(link, list)).c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    REQUIRE(::stat(state_dir.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0700);
  }
  CHECK(!ResumeState::load(state_dir, link_to("two.example"), list));
  CHECK(!ResumeState::load(state_dir, link, found({a})));
  tree.file("b", "changed");
  auto state = ResumeState::load(state_dir, link, found({a, b}));
  REQUIRE(state);
  CHECK(state->delivery() == delivery);
  CHECK(!state->changed(0));
  CHECK(state->changed(1));
  CHECK(!state->upload(0));
  CHECK(state->upload(1) == second);
  state->remove();
  CHECK(!ResumeState::load(state_dir, link, found({a, b})));
}

TEST_CASE("of what is sealed a source that changed within a tick of its time stamp counts as changed") {
  SourceList list;
  list.sources.resize(3);
  const std::int64_t second = 1'000'000'000;
  const std::int64_t now = system_clock().wall().time_since_epoch() / std::chrono::nanoseconds(1);
  list.sources[0].ctime_ns = now + 5 * second;  // as soon as it is written
  list.sources[1].ctime_ns = now - second;
  list.sources[2].ctime_ns = now / second * second - second;  // of a file system that knows seconds
  const Tree tree;
  wire::DropLink link = link_to("one.example");
  const seal::Key seed;
  for (const bool sealed : {true, false}) {
    link.key = sealed ? "age1" : "";
    { REQUIRE(ResumeState::begin(tree.path, link, list, Id::random(), sealed ? &seed : nullptr, true)); }
    const auto state = ResumeState::load(tree.path, link, list);
    REQUIRE(state);
    CHECK(state->packs() == sealed);
    CHECK(state->changed(0) == sealed);
    CHECK_FALSE(state->changed(1));
    CHECK(state->changed(2) == sealed);
  }
}

TEST_CASE("a state file that was cut off at any byte is read as far as it goes, or not at all") {
  const Tree tree;
  const auto list = found({tree.file("a"), tree.file("b")});
  const wire::DropLink link = link_to("one.example");
  const Id upload = Id::random();
  {
    auto state = ResumeState::begin(tree.path, link, list, Id::random());
    REQUIRE(state);
    REQUIRE(state->remember(0, upload));
  }
  const std::string path = tree.path + "/" + ResumeState::file_name(link, list);
  std::ifstream file(path);
  const std::string whole{std::istreambuf_iterator<char>(file), {}};
  for (std::size_t size = 0; size < whole.size(); ++size) {
    { std::ofstream(path, std::ios::binary | std::ios::trunc) << whole.substr(0, size); }
    const auto state = ResumeState::load(tree.path, link, list);
    if (state && state->upload(0)) CHECK(*state->upload(0) == upload);
    if (size < 60) CHECK(!state);
  }
}

TEST_CASE("the date of a source is told always, and whether it may be run when that is asked for") {
  const Tree tree;
  const std::string script = tree.file("script"), plain = tree.file("plain"), old = tree.file("old");
  set_mtime(script, 1'000'000'000);
  set_mtime(old, -1);
  REQUIRE(::chmod(script.c_str(), 0744) == 0);
  const SourceList list = found({script, plain, old, "-"});
  const WallTime then(Seconds(1'000'000'000));
  CHECK(properties_of(list.sources[0], true) == wire::FileProperties{then, true});
  CHECK(properties_of(list.sources[0], false) == wire::FileProperties{then, false});
  CHECK(properties_of(list.sources[1], true).modified);
  CHECK_FALSE(properties_of(list.sources[1], true).executable);
  CHECK(properties_of(list.sources[2], true) == wire::FileProperties{});  // half a second before 1970
  CHECK(properties_of(list.sources[3], true) == wire::FileProperties{});
  CHECK(nanoseconds_of({253'402'300'799, 5}) != nanoseconds_of({253'402'300'799, 6}));

  const UniqueFd memory(::memfd_create("qrx", MFD_CLOEXEC));  // its mode is 0777
  CHECK_FALSE(properties_of(source_in_memory(memory.get(), "text.txt")->sources[0], true).executable);
}

TEST_CASE("a file that ends elsewhere while it is sealed is named") {
  const Tree tree;
  const auto identity = seal::Identity::generate();
  REQUIRE(identity);
  for (const std::size_t size : {100U, 400'000U}) {
    const std::string path = tree.file("growing.log", std::string(200'000, 'x'));
    const auto list = found({path});
    const auto file = SourceFile::open(list.sources[0], true);
    REQUIRE(file);
    REQUIRE(::truncate(path.c_str(), static_cast<off_t>(size)) == 0);
    auto sealer = seal::Sealer::create(identity->recipient(), seal::SealSecrets::generate());
    REQUIRE(sealer);
    SealedSource sealed(std::move(*sealer), *file, 200'000, false);
    std::vector<std::byte> buffer(64 << 10);
    Result<std::size_t> got = 1;
    while (got && *got > 0) got = sealed.read(buffer);
    REQUIRE_FALSE(got);
    CHECK(got.error().kind == Kind::integrity);
    CHECK(got.error().what.find("growing.log") != std::string::npos);
  }
}
