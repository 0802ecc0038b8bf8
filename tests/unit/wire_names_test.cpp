#include "unit/catch.h"

#include "wire/names.h"

using namespace qrx;

TEST_CASE("ordinary names pass") {
  const std::string longest = std::string(255, 'a');
  for (const std::string& name : {std::string("photo.jpg"), std::string("a/b/c.txt"), std::string(".bashrc"),
                                  std::string("-rf"), std::string("größe/写真 1.jpg"), std::string("..."),
                                  std::string("a..b"), std::string("CON"), std::string("colon: later.txt"),
                                  std::string("x/C:y"), std::string("a:b.txt"), longest, longest + "/" + longest}) {
    INFO(name);
    CHECK(wire::check_name(name));
  }
}

TEST_CASE("a name that cannot travel is changed visibly, and then it can") {
  const auto changed = [](const std::string& name) {
    const std::string out = wire::sendable_name(name);
    CHECK(wire::check_name(out));
    return out;
  };
  CHECK(changed("old\xE9.txt") == "old%E9.txt");
  CHECK(changed("two\nlines/\x1B[0m") == "two%0Alines/%1B[0m");
  CHECK(changed("C1 \xC2\x9B") == "C1 %C2%9B");
  CHECK(changed("dev-sda\\x2d1.swap") == "dev-sda%5Cx2d1.swap");
  CHECK(changed("cut short \xF0\x9F\x98") == "cut short %F0%9F%98");
  CHECK(changed("C:/x") == "C%3A/x");
  CHECK(changed("gr\xC3\xB6\xC3\x9F"
                "e %41/\xE5\x86\x99") ==
        "gr\xC3\xB6\xC3\x9F"
        "e %41/\xE5\x86\x99");
  CHECK_FALSE(wire::check_name(wire::sendable_name("../x\n")));
  CHECK_FALSE(wire::check_name(wire::sendable_name(std::string(255, '\n'))));
}

TEST_CASE("hostile names are refused") {
  using namespace std::string_literals;
  for (const std::string& name : {""s,
                                  "."s,
                                  ".."s,
                                  "/"s,
                                  "/etc/passwd"s,
                                  "a/../b"s,
                                  "../a"s,
                                  "a/.."s,
                                  "./a"s,
                                  "a/."s,
                                  "a//b"s,
                                  "a/"s,
                                  "//a"s,
                                  "a\0b"s,
                                  "a\nb"s,
                                  "a\x1b[2Jb"s,
                                  "a\x7f"s,
                                  "a\xc2\x85z"s,
                                  "a\xc2\x9bz"s,
                                  "a\\b"s,
                                  "..\\a"s,
                                  "\\\\host\\share"s,
                                  "C:"s,
                                  "c:\\x"s,
                                  "z:/x"s,
                                  "\xff"s,
                                  "\xc0\xae\xc0\xae/a"s,
                                  "a\xed\xa0\x80"s,
                                  "\xf4\x90\x80\x80"s,
                                  std::string(256, 'a'),
                                  "b/" + std::string(256, 'a')}) {
    INFO(name);
    const auto checked = wire::check_name(name);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().kind == Kind::integrity);
  }
}

TEST_CASE("a name has at most 4096 bytes") {
  std::string name;
  while (name.size() + 200 <= 4096) name += std::string(199, 'a') + "/";
  name += std::string(4096 - name.size(), 'b');
  CHECK(wire::check_name(name));
  CHECK_FALSE(wire::check_name(name + "b"));
}

TEST_CASE("an error about a name is safe to print") {
  const auto checked = wire::check_name("a\x1b]0;owned\x07/" + std::string(300, 'x'));
  REQUIRE_FALSE(checked);
  CHECK(checked.error().what.find('\x1b') == std::string::npos);
  CHECK(checked.error().what.size() < 200);
}
