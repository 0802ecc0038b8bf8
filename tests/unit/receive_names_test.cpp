// Names from the wire as names on this machine.
#include "receive/local_names.h"

#include <cerrno>
#include <random>

#include "base/text.h"
#include "receive/beneath.h"
#include "receive/name_reservations.h"
#include "unit/catch.h"
#include "unit/hostile_names.h"

using namespace qrx;
using namespace qrx::receive;
using qrx::test::hostile_name;

namespace {

// Without the invisible characters that names may have.
std::string without_spelling(std::string text) {
  for (const std::string_view one : {"\u200c", "\u200d", "\ufe0e", "\ufe0f"})
    for (std::size_t at; (at = text.find(one)) != std::string::npos;) text.erase(at, one.size());
  return text;
}

}  // namespace

TEST_CASE("ordinary names stay as they are") {
  for (const std::string name :
       {"photo.jpg", "Read me (2).txt", "dir/sub/file", "a b", "\xe4\xbd\xa0\xe5\xa5\xbd.txt", "x~", "12:30.png",
        "dir/.gitignore", "\xf0\x9f\x98\x80.gif", "C++ notes; v2", "x..y", "a/-b"})
    CHECK(safe_local_name(name) == name);
}

TEST_CASE("joiners and variation selectors are spelling: they stay") {
  for (const std::string name : {"\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645.txt", "\u0915\u094d\u200d\u0937.txt",
                                 "\u2764\ufe0f.txt", "\U0001F468\u200d\U0001F469.jpg", "\u845b\U000e0100.txt"})
    CHECK(safe_local_name(name) == name);
}

TEST_CASE("what other file systems refuse in a name becomes an underscore") {
  CHECK(portable_name("Re: 12:30?.txt", false) == "Re_ 12_30_.txt");
  CHECK(portable_name("a*\"<>|b", false) == "a_____b");
  CHECK(portable_name("end. .", false) == "end___");
  CHECK(portable_name("gr\u00f6\u00dfe.txt", false) == "gr\u00f6\u00dfe.txt");
  CHECK(portable_name("gr\u00f6\u00dfe.txt", true) == "gr__e.txt");
}

TEST_CASE("names of devices get a mark in front, where they are refused") {
  CHECK(portable_name("aux.txt", false) == "_aux.txt");
  CHECK(portable_name("CON", false) == "_CON");
  CHECK(portable_name("lpt9.tar.gz", false) == "_lpt9.tar.gz");
  for (const auto* name : {"auxiliary.txt", "com.txt", "com0", "nullable", "a.con"})
    CHECK(portable_name(name, false) == name);
}

TEST_CASE("a name is cut before its extension, and never within a character") {
  const std::string name = std::string(200, 'x') + ".tar.gz";
  CHECK(shortened_name(name, 143) == std::string(136, 'x') + ".tar.gz");
  CHECK(shortened_name("short.txt", 143) == "short.txt");
  std::string letters;
  for (int i = 0; i < 80; ++i) letters += "\u5B57";
  CHECK(shortened_name(letters, 100).size() == 99);
}

TEST_CASE("a name that is too long where it is to stand is cut, and other trouble is not blamed on the name") {
  const std::string name = std::string(200, 'x') + ".tar.gz";
  const auto with_bound = [](std::size_t most) {
    return [most](const std::string& one) {
      errno = one.size() > most ? ENAMETOOLONG : 0;
      return one.size() <= most;
    };
  };
  CHECK(with_a_name(name, with_bound(255)) == name);
  CHECK(with_a_name(name, with_bound(143)) == shortened_name(name, 143));
  CHECK(with_a_name(name, with_bound(120)) == shortened_name(name, 100));
  CHECK_FALSE(with_a_name(name, with_bound(8)));
  int tried = 0;
  CHECK_FALSE(with_a_name(name, [&tried](const std::string&) {
    ++tried;
    errno = EACCES;
    return false;
  }));
  CHECK(tried == 1);
}

TEST_CASE("partials that no later run goes on with are known by their names") {
  const Id id = Id::random();
  const std::string longest(255, 'x');
  for (const std::string& name : {std::string("a.bin"), longest}) {
    CHECK(is_passing_partial(partial_name(name, id, false)));
    CHECK_FALSE(is_passing_partial(partial_name(name, id, true)));
    CHECK(partial_name(name, id, false).size() <= 140);
  }
  CHECK_FALSE(is_passing_partial(".tmp.qrx-part"));
}

TEST_CASE("names that run something where they stand are told apart") {
  for (const std::string name :
       {"repo/.git/hooks/pre-commit", "x/.ssh/authorized_keys", "home/.bashrc", "h/.config/autostart/a.desktop"})
    CHECK_FALSE(risk_of(name).empty());
  for (const std::string name : {"photo.jpg", "repo/.gitignore", "bashrc.txt"}) CHECK(risk_of(name).empty());
}

TEST_CASE("names that would hide, look like options or climb are changed at the top") {
  CHECK(safe_local_name(".bashrc") == "_bashrc");
  CHECK(safe_local_name("-rf") == "_rf");
  CHECK(safe_local_name("../../etc/passwd") == "_/_/etc/passwd");
  CHECK(safe_local_name("/etc/passwd") == "etc/passwd");
  CHECK(safe_local_name("a/../b") == "a/_/b");
  CHECK(safe_local_name("a\\b") == "a_b");
  CHECK(safe_local_name("") == "file");
  CHECK(safe_local_name("./.") == "file");
  CHECK(safe_local_name("a\nb\x1b[31m") == "a_b_[31m");
  CHECK(safe_local_name("x\xe2\x80\xaegpj.exe") == "x_gpj.exe");
  CHECK(safe_local_name("dir/.x.abcdefgh.qrx-part") == "dir/.x.abcdefgh_qrx-part");
}

TEST_CASE("a thousand hostile names stay beneath the directory, visible, printable and short enough") {
  std::mt19937 random(20261123);
  for (int i = 0; i < 1000; ++i) {
    const std::string wire = hostile_name(random);
    const std::string name = safe_local_name(wire);
    INFO(escape_untrusted(wire) << " became " << escape_untrusted(name));
    REQUIRE(!name.empty());
    REQUIRE(name.size() <= 3500);
    REQUIRE(is_valid_utf8(name));
    REQUIRE(escape_untrusted(without_spelling(name)) == without_spelling(name));
    REQUIRE(name[0] != '.');
    REQUIRE(name[0] != '-');
    REQUIRE(name[0] != '/');
    REQUIRE(safe_local_name(name) == name);
    const auto parts = split_path(name);
    REQUIRE(parts.size() <= 64);
    for (const auto& part : parts) {
      REQUIRE(part != "..");
      REQUIRE(part != ".");
      REQUIRE(part.size() <= 255);
      REQUIRE(part.find('\\') == std::string::npos);
    }
    REQUIRE(partial_name(parts.back(), Id::random()).size() <= 140);
    REQUIRE(is_valid_utf8(partial_name(parts.back(), Id::random())));
    REQUIRE(numbered_name(parts.back(), 9999).size() <= 255);
    REQUIRE(is_valid_utf8(numbered_name(parts.back(), 9999)));
  }
}

TEST_CASE("names are numbered before the extension") {
  CHECK(numbered_name("photo.jpg", 1) == "photo (1).jpg");
  CHECK(numbered_name("photo.jpg", 0) == "photo.jpg");
  CHECK(numbered_name("noext", 2) == "noext (2)");
  CHECK(numbered_name(".hidden", 2) == ".hidden (2)");
  CHECK(numbered_name(std::string(255, 'x'), 1) == std::string(251, 'x') + " (1)");
}

TEST_CASE("of one delivery thousands of files of one name get numbers, each the same when it asks again") {
  NameReservations names;
  const Id delivery = Id::random(), other = Id::random();
  std::vector<Id> files(most_numbers);
  for (auto& file : files) file = Id::random();
  for (unsigned number = 0; number < most_numbers; ++number)
    REQUIRE(names.reserve("d/a.txt", files[number], delivery) == "d/" + numbered_name("a.txt", number));
  CHECK(names.reserve("d/a.txt", Id::random(), delivery).error().kind == Kind::exists);
  for (const unsigned number : {0U, 7U, 8U, 9'999U})
    CHECK(names.reserve("d/a.txt", files[number], delivery) == "d/" + numbered_name("a.txt", number));
  // What another file took meanwhile under the same number is not given twice.
  names.release("d/" + numbered_name("a.txt", 20), files[20]);
  CHECK(names.reserve("d/" + numbered_name("a.txt", 20), files[0], delivery) == "d/" + numbered_name("a.txt", 20));
  CHECK_FALSE(names.reserve("d/a.txt", files[20], delivery));
  // Of another delivery all are free, and once this one is over for good.
  CHECK(names.reserve("d/a.txt", files[9], other) == "d/a.txt");
  names.take_unsynced(delivery);
  CHECK(names.reserve("d/a.txt", files[9'000], delivery) == "d/a.txt");
}
