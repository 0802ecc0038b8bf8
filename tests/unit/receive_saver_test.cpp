// Conflicts, swapped links, hostile names: what a saver leaves on the disk, and what it never clobbers.
#include "receive/saver.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <set>

#include "receive/group_sync.h"
#include "receive/local_names.h"
#include "temp_directory.h"
#include "unit/catch.h"
#include "unit/hostile_names.h"
#include "unit/receive_saving.h"

using namespace qrx;
using namespace qrx::receive;
using namespace qrx::test;
namespace fs = std::filesystem;

TEST_CASE("a name where nothing is means a directory when several deliveries may come") {
  TempDirectory temp;
  REQUIRE(Saver::open(temp.text() + "/Inbox", OnConflict::rename, true));
  CHECK(fs::is_directory(temp.text() + "/Inbox"));
  CHECK(fs::is_empty(temp.text() + "/Inbox"));
}

TEST_CASE("a name for one file becomes a directory when several come, while nothing has that name") {
  TempDirectory temp;
  const auto saver = open_saver(temp.text() + "/out");
  CHECK(saver->one_file());
  REQUIRE(saver->make_directory());
  CHECK_FALSE(saver->one_file());
  CHECK(*save(*saver, "a.txt", "a") == temp.text() + "/out/a.txt");
  CHECK(all_files(temp.text()) == std::set<std::string>{"out/a.txt"});

  put(temp.text() + "/mine", "mine");
  const auto taken = open_saver(temp.text() + "/mine");
  REQUIRE(taken->make_directory());
  CHECK(taken->one_file());
  CHECK(content(temp.text() + "/mine") == "mine");
}

TEST_CASE("hostile names are all saved, one file each, and nothing outside") {
  TempDirectory temp;
  const std::string out = temp.text() + "/out/";
  auto saver = open_saver(out);
  std::mt19937 random(7);
  const Id delivery = Id::random();
  std::set<std::string> paths;
  constexpr int count = 200;  // each is made durable
  for (int i = 0; i < count; ++i) {
    const auto path = save(*saver, hostile_name(random), std::to_string(i), delivery);
    INFO((path ? std::string() : path.error().what));
    REQUIRE(path);
    REQUIRE(path->starts_with(out));
    REQUIRE(paths.insert(*path).second);
    REQUIRE(content(*path) == std::to_string(i));
  }
  CHECK(all_files(out).size() == count);
  for (const auto& entry : fs::directory_iterator(temp.text())) CHECK(entry.path().filename() == "out");
}

TEST_CASE("what is there is never clobbered: renamed, refused, or overwritten only when asked") {
  TempDirectory temp;
  put(temp.text() + "/photo.jpg", "old");
  SECTION("rename") {
    auto saver = open_saver(temp.text());
    CHECK(save(*saver, "photo.jpg", "new") == temp.text() + "/photo (1).jpg");
    CHECK(save(*saver, "photo.jpg", "newer") == temp.text() + "/photo (2).jpg");
    CHECK(content(temp.text() + "/photo.jpg") == "old");
  }
  SECTION("refuse") {
    auto saver = open_saver(temp.text(), OnConflict::refuse);
    const auto path = save(*saver, "photo.jpg", "new");
    REQUIRE(!path);
    CHECK(path.error().kind == Kind::exists);
    CHECK(content(temp.text() + "/photo.jpg") == "old");
    // It appears while the file comes in.
    auto partial = saver->begin("late.jpg", Id::random(), Id::random());
    REQUIRE(partial);
    put(temp.text() + "/late.jpg", "mine");
    CHECK(!partial->publish());
    CHECK(content(temp.text() + "/late.jpg") == "mine");
  }
  SECTION("overwrite") {
    auto saver = open_saver(temp.text(), OnConflict::overwrite);
    CHECK(save(*saver, "photo.jpg", "new") == temp.text() + "/photo.jpg");
    CHECK(content(temp.text() + "/photo.jpg") == "new");
    fs::create_directory(temp.text() + "/dir");
    const auto path = save(*saver, "dir", "x");
    REQUIRE(!path);
    CHECK(path.error().kind == Kind::exists);
  }
  SECTION("two of one delivery are both kept even then") {
    auto saver = open_saver(temp.text(), OnConflict::overwrite);
    const Id delivery = Id::random();
    CHECK(save(*saver, "image\n.jpg", "1", delivery) == temp.text() + "/image_.jpg");
    CHECK(save(*saver, "image\t.jpg", "2", delivery) == temp.text() + "/image_ (1).jpg");
    CHECK(save(*saver, "image_.jpg", "3") == temp.text() + "/image_.jpg");
  }
}

TEST_CASE("what came with the same delivery is not overwritten, whatever it is called where it stands") {
  TempDirectory temp;
  TwinNames names;
  const auto lock = names.lock();
  put(temp.path() / "a.txt", "one");
  const UniqueFd root(::open(temp.text().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto is_twin = [&](const std::string& name) { return names.is_twin({root.get(), ".p.qrx-part", name}); };
  CHECK_FALSE(is_twin("a.txt"));  // it was there before
  CHECK_FALSE(is_twin("not there"));
  // What is there, and was not listed: another spelling of something, or what came since.
  put(temp.path() / "later.txt", "one");
  CHECK(is_twin("later.txt"));
  names.add("A.txt");
  CHECK_FALSE(is_twin("a.txt"));  // names have case here
  put(temp.path() / ".P.QRX-PART", "");
  CHECK(is_twin("a.txt"));
  names.add("later.txt");
  CHECK(is_twin("later.txt"));
  names.clear();
  CHECK_FALSE(is_twin("a.txt"));
  CHECK_FALSE(is_twin("later.txt"));
}

TEST_CASE("of one delivery nothing is overwritten, of an earlier one all") {
  TempDirectory temp;
  const auto saver = open_saver(temp.text(), OnConflict::overwrite);
  for (const auto* text : {"first", "second"}) {
    const Id delivery = Id::random();
    for (const auto* name : {"a.txt", "d/a.txt", "A.txt"}) REQUIRE(save(*saver, name, text, delivery));
    REQUIRE(saver->sync_names(delivery));
    CHECK(all_files(temp.text()) == std::set<std::string>{"A.txt", "a.txt", "d/a.txt"});
    CHECK(content(temp.path() / "a.txt") == text);
  }
}

TEST_CASE("links lead nowhere: neither a planted directory nor one swapped in") {
  TempDirectory temp;
  const std::string outside = temp.text() + "/outside", out = temp.text() + "/out";
  fs::create_directory(outside);
  fs::create_directory(out);
  SECTION("a link in place of a directory gets a neighbour") {
    fs::create_directory_symlink(outside, out + "/dir");
    auto saver = open_saver(out);
    CHECK(save(*saver, "dir/a", "x") == out + "/dir (1)/a");
    CHECK(save(*saver, "dir/b", "x") == out + "/dir (1)/b");
    auto strict = open_saver(out, OnConflict::overwrite);
    CHECK(!save(*strict, "dir/a", "x"));
  }
  SECTION("a directory that becomes a link while a file comes in") {
    auto saver = open_saver(out);
    auto partial = saver->begin("dir/a", Id::random(), Id::random());
    REQUIRE(partial);
    REQUIRE(partial->write(as_bytes(std::string_view("data"))));
    fs::rename(out + "/dir", out + "/moved");
    fs::create_directory_symlink(outside, out + "/dir");
    static_cast<void>(partial->publish());
    CHECK(content(out + "/moved/a") == "data");
  }
  SECTION("a link in place of the file or of the partial") {
    put(outside + "/victim", "precious");
    fs::create_symlink(outside + "/victim", out + "/a");
    auto saver = open_saver(out);
    CHECK(save(*saver, "a", "x") == out + "/a (1)");
    auto over = open_saver(out, OnConflict::overwrite);
    CHECK(save(*over, "a", "y") == out + "/a");
    CHECK(fs::is_regular_file(fs::symlink_status(out + "/a")));
    const Id file = Id::random();
    fs::create_symlink(outside + "/victim", out + "/" + partial_name("b", file));
    CHECK(!saver->begin("b", file, Id::random()));
    CHECK(content(outside + "/victim") == "precious");
  }
  SECTION("a partial that is replaced by another file is not published") {
    auto saver = open_saver(out);
    const Id file = Id::random();
    auto partial = saver->begin("c", file, Id::random());
    REQUIRE(partial);
    fs::remove(out + "/" + partial_name("c", file));
    put(out + "/" + partial_name("c", file), "planted");
    const auto path = partial->publish();
    REQUIRE(!path);
    CHECK(path.error().kind == Kind::integrity);
    CHECK(!fs::exists(out + "/c"));
  }
  CHECK(all_files(outside).size() <= 1);
}

TEST_CASE("names in many directories are synced together, also when some of these are gone") {
  TempDirectory temp;
  const auto saver = open_saver(temp.text());
  const Id delivery = Id::random();
  for (int i = 0; i < 30; ++i)
    REQUIRE(save(*saver, "deep/d" + std::to_string(i) + "/e/a.txt", std::to_string(i), delivery));
  fs::rename(temp.text() + "/deep/d7", temp.text() + "/elsewhere");
  fs::remove_all(temp.text() + "/deep/d8");
  // A group sync, and one by one after a group sync that took too long.
  GroupSync together(Millis{0});
  CHECK(saver->sync_names(delivery, &together));
  for (int i = 0; i < 30; ++i) REQUIRE(save(*saver, "again/d" + std::to_string(i) + "/b.txt", "b", delivery));
  CHECK(saver->sync_names(delivery, &together));
  CHECK(saver->sync_names(delivery));  // nothing is left
  CHECK(content(temp.text() + "/elsewhere/e/a.txt") == "7");
  CHECK(all_files(temp.text()).size() == 59);
}

TEST_CASE("the output is taken as cp takes it") {
  TempDirectory temp;
  SECTION("a directory with a slash is made") {
    auto saver = open_saver(temp.text() + "/new/");
    CHECK(!saver->one_file());
    CHECK(save(*saver, "a", "x") == temp.text() + "/new/a");
  }
  SECTION("another name is the name of the file") {
    auto saver = open_saver(temp.text() + "/renamed");
    CHECK(saver->one_file());
    CHECK(save(*saver, "dir/a", "x") == temp.text() + "/renamed");
  }
  SECTION("an existing file is refused at once") {
    put(temp.text() + "/there", "x");
    const auto saver = Saver::open(temp.text() + "/there", OnConflict::refuse);
    REQUIRE(!saver);
    CHECK(saver.error().kind == Kind::exists);
  }
  SECTION("a directory that is not there is an error, not a surprise") {
    CHECK(!Saver::open(temp.text() + "/no/such/file", OnConflict::rename));
  }
  SECTION("pipes and devices are streams") {
    CHECK(Saver::is_stream("/dev/null"));
    CHECK(!Saver::is_stream(temp.text()));
    CHECK(!Saver::is_stream(temp.text() + "/nothing"));
  }
}

TEST_CASE("files get the mode that the umask leaves") {
  TempDirectory temp;
  const mode_t before = ::umask(027);
  auto saver = open_saver(temp.text());
  const auto path = save(*saver, "sub/a", "x");
  ::umask(before);
  REQUIRE(path);
  struct stat status {};
  REQUIRE(::stat(path->c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
  REQUIRE(::stat((temp.text() + "/sub").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0750);
}

TEST_CASE("a saved file has the date and the bit that its sender told") {
  const test::TempDirectory directory;
  const std::string out = directory.text();
  const auto saver = open_saver(out);
  const auto saved = [&](const std::string& name, const wire::FileProperties& properties) {
    auto partial = saver->begin(name, Id::random(), Id::random());
    REQUIRE(partial);
    REQUIRE(partial->write(as_bytes(std::string_view("data"))));
    REQUIRE(partial->publish(properties));
    struct stat status {};
    REQUIRE(::stat((out + "/" + name).c_str(), &status) == 0);
    return status;
  };
  const WallTime then(Seconds(1'000'000'000));
  const mode_t before = ::umask(0027);
  const auto script = saved("script", {then, true}), plain = saved("dir/plain", {then, false}),
             bare = saved("bare", {});
  ::umask(before);
  CHECK(script.st_mtim.tv_sec == 1'000'000'000);
  CHECK(script.st_mtim.tv_nsec == 0);
  CHECK((script.st_mode & 07777) == 0750);
  CHECK(plain.st_mtim.tv_sec == 1'000'000'000);
  CHECK((plain.st_mode & 07777) == 0640);
  CHECK((bare.st_mode & 07777) == 0640);
  CHECK(bare.st_mtim.tv_sec > 1'700'000'000);
  // Whatever of it the file system can write: no error.
  CHECK(saved("last", {WallTime(Seconds(253'402'300'799)), false}).st_size == 4);
  CHECK(saved("first", {WallTime(), true}).st_mtim.tv_sec == 0);
}
