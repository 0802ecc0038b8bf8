// What a receiver remembers of the sealed items that it took: across runs, beside other runs, bounded.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/unique_fd.h"
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

std::vector<std::string> random_tags(std::size_t count) {
  std::vector<std::string> tags(count);
  for (auto& tag : tags) tag = random_tag();
  return tags;
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
  CHECK_FALSE(later.take(two, std::vector{other, tag}, true));
  CHECK(later.take(two, std::vector{other}, true));
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
  CHECK_FALSE(first.take(one, next, false));
}

TEST_CASE("of several tags all are taken, or none") {
  const Directory dir;
  const Guid space = Id::random();
  const Id one = Id::random(), two = Id::random(), three = Id::random();
  const auto tags = random_tags(1'000);
  const std::string tag = random_tag(), other = random_tag();
  {
    auto seals = seals_of(dir.state(), space);
    CHECK(seals.take(one, tags, true));
    CHECK_FALSE(seals.take(two, std::vector{tag, tags[500], other}, true));
    CHECK(seals.take(three, std::vector{tag, other}, true));
    CHECK(seals.take(one, std::vector{tags[0], random_tag(), tags[999]}, true));  // again, and one more
  }
  auto later = seals_of(dir.state(), space);
  for (const auto& each : tags) CHECK_FALSE(later.take(two, each, false));
  CHECK(later.take(one, tags, true));
  CHECK(later.take(three, std::vector{tag, other}, true));
  CHECK(fs::file_size(dir.record(space)) < 1'003 * 62);  // no line twice
}

TEST_CASE("what this run has taken is answered without the record") {
  const Directory dir;
  const Guid space = Id::random();
  const Id one = Id::random(), two = Id::random();
  const auto tags = random_tags(3);
  auto seals = seals_of(dir.state(), space);
  CHECK(seals.take(one, tags, true));
  REQUIRE(fs::remove(dir.record(space)));
  for (const auto& tag : tags) {
    CHECK(seals.take(one, tag, false));
    CHECK(seals.take(one, tag, true));
    CHECK_FALSE(seals.take(two, tag, true));
  }
  CHECK_FALSE(fs::exists(dir.record(space)));
  // A new one does ask it: the file that is gone is made again.
  CHECK(seals.take(one, random_tag(), true));
  CHECK(fs::exists(dir.record(space)));
}

TEST_CASE("of tags whose write a crash cut short those on whole lines are taken, and later ones stand beside them") {
  const Guid space = Id::random();
  const Id one = Id::random(), two = Id::random();
  const auto tags = random_tags(4);
  constexpr std::size_t line = 60;  // a newline stands before the first
  for (const std::size_t cut : {0, 1, 2, 33, 34, 59, 60, 61, 62, 119, 120, 121, 200, 239, 240, 241}) {
    INFO("cut at " << cut);
    const Directory dir;
    CHECK(seals_of(dir.state(), space).take(one, tags, false));
    REQUIRE(fs::file_size(dir.record(space)) == 1 + 4 * line);
    fs::resize_file(dir.record(space), cut);
    // One that lacks only its end gets it from the line that comes next.
    const std::size_t whole = cut / line;
    const std::string after = random_tag();
    {
      auto beside = seals_of(dir.state(), space);
      CHECK(beside.take(two, after, false));
      for (std::size_t i = 0; i < tags.size(); ++i) CHECK(beside.take(two, tags[i], false) == (i >= whole));
      // The run that was killed comes again, with all of them.
      CHECK(seals_of(dir.state(), space).take(one, tags, false) == (whole == tags.size()));
    }
    auto later = seals_of(dir.state(), space);
    CHECK_FALSE(later.take(one, after, false));
    for (std::size_t i = 0; i < tags.size(); ++i) CHECK(later.take(one, tags[i], false) == (i < whole));
  }
}

TEST_CASE("of several processes one takes a tag, and a kill takes nothing back") {
  const Directory dir;
  const Guid space = Id::random();
  constexpr std::size_t processes = 4, rounds = 60, together = 10;
  const auto tags = random_tags((rounds + 1) * together);
  std::vector<Id> deliveries(processes);
  for (Id& delivery : deliveries) delivery = Id::random();
  // What of them two processes ask for overlaps by a half.
  const auto asked = [&](std::size_t process, std::size_t round) {
    return std::span(tags).subspan(round * together + process % 2 * together / 2, together);
  };

  // Each in an order of its own; tells which it was given. No CHECK in a child.
  const auto work = [&](std::size_t process, int out) {
    constexpr std::size_t steps[processes] = {1, 7, 11, 13};
    SeenSeals seals(dir.state(), space, {});
    for (std::size_t i = 0; i < rounds; ++i) {
      const std::size_t round = i * steps[process] % rounds;
      const auto told = static_cast<unsigned char>(round);
      if (seals.take(deliveries[process], asked(process, round), i % 10 == 0) && ::write(out, &told, 1) != 1)
        ::_exit(1);
    }
    for (;;) ::pause();
  };
  std::vector<std::pair<pid_t, UniqueFd>> children;
  for (std::size_t process = 0; process < processes; ++process) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const pid_t child = ::fork();
    if (child == 0) work(process, ends[1]);
    REQUIRE(child > 0);
    ::close(ends[1]);
    children.emplace_back(child, ends[0]);
  }
  std::vector<std::set<std::size_t>> given(processes);
  for (std::size_t process = 0; process < processes; ++process) {
    const auto& [child, from] = children[process];
    pollfd ready{from.get(), POLLIN, 0};
    unsigned char told = 0;
    // Killed while it works, or when it has nothing more to tell.
    for (int i = 0; i < 15 && ::poll(&ready, 1, 1'000) == 1 && ::read(from.get(), &told, 1) == 1; ++i)
      given[process].insert(told);
    REQUIRE(::kill(child, SIGKILL) == 0);
    while (::read(from.get(), &told, 1) == 1) given[process].insert(told);
    REQUIRE(::waitpid(child, nullptr, 0) == child);
  }
  std::map<std::string, std::size_t> owners;
  for (std::size_t process = 0; process < processes; ++process)
    for (const std::size_t round : given[process])
      for (const auto& tag : asked(process, round)) CHECK(owners.emplace(tag, process).second);
  CHECK(owners.size() >= 15 * together);
  auto later = seals_of(dir.state(), space);
  for (const auto& [tag, owner] : owners) {
    CHECK(later.take(deliveries[owner], tag, false));
    CHECK_FALSE(later.take(deliveries[(owner + 1) % processes], tag, false));
  }
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
  CHECK_FALSE(seals.take(two, tag, true));
  CHECK(seals.take(two, cut, true));
  CHECK(seals.take(one, after, true));
  auto later = seals_of(dir.state(), space);
  CHECK_FALSE(later.take(two, after, true));
  CHECK_FALSE(later.take(one, cut, true));
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
  CHECK_FALSE(beside.take(two, tags.front(), true));
  const std::string next = random_tag();
  {
    auto seals = seals_of(dir.state(), space);
    CHECK_FALSE(seals.take(two, tags.front(), true));
    CHECK(seals.take(one, next, true));
    CHECK(seals.take(two, tags.front(), true));
    CHECK_FALSE(seals.take(two, tags.back(), true));
  }
  CHECK(fs::file_size(dir.record(space)) < full * 51 / 100);
  const std::string last = random_tag();
  CHECK_FALSE(beside.take(two, next, true));
  CHECK(beside.take(one, last, true));
  auto later = seals_of(dir.state(), space);
  for (const auto& known : {tags.back(), next, last}) CHECK_FALSE(later.take(two, known, true));
  CHECK(later.take(two, tags[1], true));
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
