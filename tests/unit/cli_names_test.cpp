// Names for inboxes and links, and the page that is printed for them.
#include "unit/catch.h"

#include <chrono>
#include <string>

#include "cli/given_name.h"
#include "cli/local_time.h"
#include "cli/recv/kept_wish.h"
#include "poster/poster_page.h"

using namespace qrx;
using namespace qrx::cli;

TEST_CASE("a name can be a file's, and nothing else") {
  for (const auto* good : {"home", "Anna B.", "anna@example.org", "收件箱", "x", "a-b_c.d", "Jürgen"})
    CHECK(check_given_name("--to", good).has_value());
  for (const auto* bad :
       {"", ".", "..", ".x", "-x", " x", "x ", "a/b", "../x", "a\nb", "a\\b", "a'b", "a\"b", "a\xff", "http://x",
        "\xe2\x80\xae"
        "x",
        "aaaqeayeaudaocajbifqydiob4", "AAAQEAYEAUDAOCAJBIFQYDIOB4"})
    CHECK(check_given_name("--to", bad).error().kind == Kind::usage);
  CHECK(check_given_name("--to", std::string(64, 'a')).has_value());
  CHECK_FALSE(check_given_name("--to", std::string(65, 'a')).has_value());
}

TEST_CASE("what looks after kept spaces needs one, and one wish") {
  std::vector<std::string> names;
  KeptWish wish;
  wish.remove = true;
  CHECK_FALSE(check_usage(wish, names, "").has_value());
  CHECK(check_usage(wish, names, "home").has_value());
  CHECK(names == std::vector<std::string>{"home"});
  wish.close = true;
  CHECK_FALSE(check_usage(wish, names, "home").has_value());
  KeptWish list;
  list.list = true;
  names.clear();
  CHECK(check_usage(list, names, "home").has_value());  // of the environment
  CHECK(names.empty());
  names = {"home"};
  CHECK_FALSE(check_usage(list, names, "").has_value());
}

TEST_CASE("a page travels as bytes, and anything else is none") {
  poster::PosterPage page;
  page.form = poster::Form::png;
  page.above = "Scan to send to";
  page.name = "收件箱\nform svg";
  page.side = 2;
  page.dark = {true, false, false, true};
  page.words = "a-b-c-d";
  page.lines = {"one", "two"};
  const auto back = poster::from_bytes(poster::to_bytes(page));
  REQUIRE(back);
  CHECK(back->form == poster::Form::png);
  CHECK(back->name == "收件箱 form svg");
  CHECK(back->dark == page.dark);
  CHECK(back->lines == page.lines);
  for (const auto* bad :
       {"", "form pdf\n", "code 2 1001", "code 2 100\n", "code 2 10011\n", "code 2 1002\n", "code 0 \n", "code -1 1\n",
        "code 178 1\n", "form gif\ncode 1 1\n", "other x\ncode 1 1\n", "code 1 1\ncode 1 1\n"})
    CHECK_FALSE(poster::from_bytes(bad));
  CHECK(poster::from_bytes("code 1 1\n"));
  CHECK(poster::form_of("a.PDF") == poster::Form::pdf);
  CHECK_FALSE(poster::form_of("pdf"));
}

TEST_CASE("a time that is far away has its year") {
  const WallTime now = *from_rfc3339("2026-11-30T12:00:00Z");
  CHECK(local_time(now + std::chrono::hours(24 * 365), now).ends_with(" Nov 2027"));
  CHECK(local_time(now + std::chrono::hours(24 * 30), now).find("2026") == std::string::npos);
}
