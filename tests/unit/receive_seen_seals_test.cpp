// What a receiver remembers of the sealed items that it took: across runs, beside other runs, bounded.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "receive/seen_seals.h"
#include "temp_directory.h"
#include "unit/catch.h"

using namespace qrx;
using namespace qrx::receive;
namespace fs = std::filesystem;

namespace {

class Directory {
 public:
  std::string top() const { return top_.text(); }
  std::string state() const { return top_ / "state/recv"; }
  std::string record(const Guid& space) const { return state() + "/" + space.text() + ".seals"; }

 private:
  const test::TempDirectory top_;
};

std::string random_tag() {
  return to_hex(as_bytes(random_bytes<16>()));
}

SeenSeals seals_of(const std::string& directory, const Guid& space) {
  return {directory, space, [](const std::string& text) { FAIL_CHECK(text); }};
}

}  // namespace

TEST_CASE("a tag belongs to the delivery that took it first, in this run and in later ones") {
  const Directory dir;
  const Guid space = Id::random();
  const Id one = Id::random(), two = Id::random();
  const std::string tag = random_tag(), other = random_tag();
  {
    auto seals = seals_of(dir.state(), space);
    CHECK(seals.fit(one, std::vector{tag, other}));
    CHECK_FALSE(fs::exists(dir.state()));  // nothing to remember yet
    CHECK(seals.take(one, tag, true));
    CHECK(seals.take(one, tag, true));
    CHECK_FALSE(seals.take(two, tag, true));
    CHECK(seals.take(two, other, false));
  }
  struct stat status {};
  REQUIRE(::stat(dir.record(space).c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  auto later = seals_of(dir.state(), space);
  CHECK(later.fit(one, std::vector{tag}));
  CHECK_FALSE(later.fit(two, std::vector{other, tag}));
  CHECK(later.fit(two, std::vector{other}));
  CHECK_FALSE(later.take(two, tag, true));
  CHECK(later.take(one, tag, true));
  auto elsewhere = seals_of(dir.state(), Id::random());
  CHECK(elsewhere.take(two, tag, true));
}

TEST_CASE("two runs on one space see what the other took") {
  const Directory dir;
  const Guid space = Id::random();
  const Id one = Id::random(), two = Id::random();
  auto first = seals_of(dir.state(), space), second = seals_of(dir.state(), space);
  const std::string tag = random_tag(), next = random_tag();
  CHECK(first.take(one, tag, false));
  CHECK_FALSE(second.take(two, tag, false));
  CHECK(second.take(two, next, false));
  CHECK_FALSE(first.fit(one, std::vector{next}));
}

TEST_CASE("without a directory one run is remembered; trouble with it is told once") {
  const Guid space = Id::random();
  const Id one = Id::random(), two = Id::random();
  const std::string tag = random_tag();
  auto nowhere = seals_of("", space);
  CHECK(nowhere.take(one, tag, true));
  CHECK_FALSE(nowhere.take(two, tag, true));

  const Directory dir;
  std::ofstream(dir.top() + "/state") << "in the way";
  int notices = 0;
  SeenSeals troubled(dir.state(), space, [&notices](const std::string&) { ++notices; });
  CHECK(notices == 0);
  CHECK(troubled.take(one, tag, true));
  CHECK_FALSE(troubled.take(two, tag, true));
  CHECK(troubled.take(two, random_tag(), true));
  CHECK(notices == 1);
}

TEST_CASE("a link in the place of the record is not followed") {
  const Directory dir;
  const Guid space = Id::random();
  fs::create_directories(dir.state());
  const std::string target = dir.top() + "/target";
  std::ofstream(target) << "mine";
  fs::create_symlink(target, dir.record(space));
  int notices = 0;
  SeenSeals seals(dir.state(), space, [&notices](const std::string&) { ++notices; });
  CHECK(seals.take(Id::random(), random_tag(), true));
  CHECK(notices == 1);
  CHECK(fs::file_size(target) == 4);
}

TEST_CASE("lines that are damaged or cut short spoil no others") {
  const Directory dir;
  const Guid space = Id::random();
  const Id one = Id::random(), two = Id::random();
  const std::string tag = random_tag(), cut = random_tag(), after = random_tag();
  fs::create_directories(dir.state());
  std::ofstream(dir.record(space)) << "rubbish\n"
                                   << tag << " " << one.text() << "\n"
                                   << std::string(200'000, 'x') << "\n"
                                   << tag << " nobody\n"
                                   << cut << " " << one.text().substr(0, 10);
  auto seals = seals_of(dir.state(), space);
  CHECK_FALSE(seals.fit(two, std::vector{tag}));
  CHECK(seals.fit(two, std::vector{cut}));
  CHECK(seals.take(one, after, true));
  auto later = seals_of(dir.state(), space);
  CHECK_FALSE(later.fit(two, std::vector{after}));
}

TEST_CASE("what is no tag is nobody's") {
  const Directory dir;
  auto seals = seals_of(dir.state(), Id::random());
  for (const std::string text : {"", "0", "00", "zz", "0123456789abcdef0123456789abcdef00"}) {
    CHECK(seals.take(Id::random(), text, true));
    CHECK(seals.take(Id::random(), text, true));
  }
  CHECK_FALSE(fs::exists(dir.state()));
}

TEST_CASE("a record that is full forgets its older half, on disk too, and other runs go on with the new file") {
  const Directory dir;
  const Guid space = Id::random();
  const Id one = Id::random(), two = Id::random();
  fs::create_directories(dir.state());
  std::vector<std::string> tags(SeenSeals::most_tags);
  {
    std::ofstream file(dir.record(space));
    for (auto& tag : tags) file << "\n" << (tag = random_tag()) << " " << one.text() << "\n";
  }
  const auto full = fs::file_size(dir.record(space));
  auto beside = seals_of(dir.state(), space);
  CHECK_FALSE(beside.fit(two, std::vector{tags.front()}));
  const std::string next = random_tag();
  {
    auto seals = seals_of(dir.state(), space);
    CHECK_FALSE(seals.fit(two, std::vector{tags.front()}));
    CHECK(seals.take(one, next, true));
    CHECK(seals.fit(two, std::vector{tags.front()}));
    CHECK_FALSE(seals.fit(two, std::vector{tags.back()}));
  }
  CHECK(fs::file_size(dir.record(space)) < full * 51 / 100);
  const std::string last = random_tag();
  CHECK_FALSE(beside.fit(two, std::vector{next}));
  CHECK(beside.take(one, last, true));
  auto later = seals_of(dir.state(), space);
  for (const auto& known : {tags.back(), next, last}) CHECK_FALSE(later.fit(two, std::vector{known}));
  CHECK(later.fit(two, std::vector{tags.front()}));
}

TEST_CASE("removing forgets a space; of many spaces those used last are kept") {
  const Directory dir;
  const Guid space = Id::random();
  const Id one = Id::random(), two = Id::random();
  const std::string tag = random_tag();
  auto seals = seals_of(dir.state(), space);
  CHECK(seals.take(one, tag, true));
  seals.remove();
  CHECK_FALSE(fs::exists(dir.record(space)));
  CHECK(seals_of(dir.state(), space).take(two, tag, true));

  const auto now = fs::file_time_type::clock::now();
  const Guid oldest = Id::random();
  std::ofstream(dir.record(oldest)) << "";
  fs::last_write_time(dir.record(oldest), now - std::chrono::hours(2));
  for (std::size_t i = 2; i < SeenSeals::most_spaces; ++i) {
    const auto path = dir.record(Id::random());
    std::ofstream{path};
    fs::last_write_time(path, now - std::chrono::hours(1));
  }
  CHECK(seals_of(dir.state(), Id::random()).take(one, tag, true));
  CHECK_FALSE(fs::exists(dir.record(oldest)));
  CHECK(fs::exists(dir.record(space)));
  const auto left = std::distance(fs::directory_iterator(dir.state()), fs::directory_iterator());
  CHECK(static_cast<std::size_t>(left) == SeenSeals::most_spaces);
}
