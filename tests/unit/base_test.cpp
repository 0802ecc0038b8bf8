#include "unit/catch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/clock.h"
#include "base/fixed_bytes.h"
#include "base/ip_address.h"
#include "base/measure.h"
#include "base/preallocator.h"
#include "base/private_files.h"
#include "base/random.h"
#include "base/result.h"
#include "base/running_sums.h"
#include "base/slow_digest.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "base/units.h"
#include "base/write_all.h"
#include "temp_directory.h"

using namespace qrx;

TEST_CASE("bytes of a known number are read from text") {
  std::array<std::uint8_t, 3> room{};
  CHECK(from_hex("0aFf80", room));
  CHECK(room == std::array<std::uint8_t, 3>{0x0A, 0xFF, 0x80});
  for (const char* text : {"0aff", "0aff8", "0aff800", "0aff8000", "0aff8g", ""}) CHECK_FALSE(from_hex(text, room));
  CHECK(from_base32("MZXW6", room));
  CHECK(as_text(as_bytes(room)) == "foo");
  for (const char* text : {"mzxw7", "mzxw", "mzxw6y", "mzxw1"}) CHECK_FALSE(from_base32(text, room));
}

TEST_CASE("base32 follows RFC 4648 and has one text for one value") {
  CHECK(to_base32(as_bytes("foobar")) == "mzxw6ytboi");  // RFC 4648, section 10, without padding
  CHECK(to_base32(as_bytes("f")) == "my");
  CHECK(as_text(as_bytes(*from_base32("MZXW6YTBOI"))) == "foobar");
  CHECK_FALSE(from_base32("mz"));  // unused bits set: "my" is the one text of "f"
  CHECK_FALSE(from_base32("m"));   // half a byte
  CHECK_FALSE(from_base32("m1"));
  CHECK(from_base32("")->empty());
}

TEST_CASE("base64 follows RFC 4648 with padding") {
  CHECK(to_base64(as_bytes("foob")) == "Zm9vYg==");
  CHECK(as_text(as_bytes(*from_base64("Zm9vYmE="))) == "fooba");
  CHECK_FALSE(from_base64("Zm9vYg="));
  CHECK_FALSE(from_base64("Zm9vYh=="));
  CHECK_FALSE(from_base64("===="));
  CHECK_FALSE(from_base64("Zm9v\n"));
}

TEST_CASE("sums are those of the well-known tools") {
  Xxh128 sum;
  CHECK(to_hex(sum.sum()) == "99aa06d3014798d86001c324468d497f");  // xxh128sum of nothing
  sum.update(as_bytes("hello "));
  sum.update(as_bytes("world"));
  CHECK(to_hex(sum.sum()) == "df8d09e93f874900a99b8775cc15b6c7");
  CHECK(to_hex(sha256(as_bytes("abc"))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("the last byte of a file follows from its sum and the bytes before it") {
  const std::string bytes(GENERATE(1U, 17U, 240U, 241U, 5000U), 'x');
  for (const char last : {'\0', 'x', '\xff'}) {
    Xxh128 whole, before;
    before.update(as_bytes(std::string_view(bytes).substr(1)));
    whole.update(as_bytes(std::string_view(bytes).substr(1)));
    whole.update(as_bytes(std::string_view(&last, 1)));
    CHECK(before.byte_to(whole.sum()) == static_cast<std::byte>(last));
    before.update(as_bytes(std::string_view("y")));
    CHECK_FALSE(before.byte_to(whole.sum()));
  }
}

TEST_CASE("a running SHA-256 goes on after its sum was taken") {
  Sha256 sum;
  sum.update(as_bytes("a"));
  (void)sum.sum();
  sum.update(as_bytes("bc"));
  CHECK(sum.sum() == sha256(as_bytes("abc")));
}

TEST_CASE("what came from outside cannot move the cursor or hide") {
  CHECK(escape_untrusted("photo.jpg") == "photo.jpg");
  CHECK(escape_untrusted("\x1b[2Jx\r\n") == "\\x1b[2Jx\\x0d\\x0a");
  CHECK(escape_untrusted("a\u202Egpj.exe") == "a\\u202egpj.exe");
  CHECK(escape_untrusted("\xff\xc0\x80") == "\\xff\\xc0\\x80");
  CHECK(escape_untrusted("\u4F60\u597D \U0001F600") == "\u4F60\u597D \U0001F600");
  CHECK(escape_untrusted("\U000E0041") == "\\U000e0041");
}

TEST_CASE("UTF-8 is checked strictly") {
  CHECK(is_valid_utf8("gr\u00FC\u00DFe"));
  CHECK_FALSE(is_valid_utf8("\xed\xa0\x80"));      // a surrogate
  CHECK_FALSE(is_valid_utf8("\xf4\x90\x80\x80"));  // beyond U+10FFFF
  CHECK_FALSE(is_valid_utf8("\xe0\x80\xaf"));      // overlong
  CHECK_FALSE(is_valid_utf8("\xe2\x82"));          // cut
}

TEST_CASE("code points come off the front of a text, and a broken byte by itself") {
  std::string_view text = "a\u00E4\u20AC\U0001F600\xC0\x80z";
  for (const char32_t wanted : {U'a', U'\u00E4', U'\u20AC', U'\U0001F600'}) CHECK(take_code_point(text) == wanted);
  CHECK_FALSE(take_code_point(text));
  CHECK_FALSE(take_code_point(text));
  CHECK(text == "z");
}

TEST_CASE("percent-decoding refuses broken escapes") {
  std::string out;
  CHECK(percent_decode("a%20b+c", out));
  CHECK(out == "a b+c");
  CHECK_FALSE(percent_decode("%", out));
  CHECK_FALSE(percent_decode("%4", out));
  CHECK_FALSE(percent_decode("%zz", out));
  CHECK(percent_encode_segment("a b/\u00FC.jpg") == "a%20b%2F%C3%BC.jpg");
}

TEST_CASE("durations and sizes are read as people write them") {
  CHECK(parse_duration("90s")->count() == 90);
  CHECK(parse_duration("1h30m")->count() == 5400);
  CHECK(parse_duration("15")->count() == 15);
  CHECK_FALSE(parse_duration(""));
  CHECK_FALSE(parse_duration("1h30"));
  CHECK_FALSE(parse_duration("0h30"));
  CHECK_FALSE(parse_duration("-1s"));
  CHECK_FALSE(parse_duration("99999999999999999999d"));
  CHECK(*parse_size("10M") == 10U << 20);
  CHECK(*parse_size("2GiB") == 2ULL << 30);
  CHECK(*parse_size("0") == 0);
  CHECK_FALSE(parse_size("1X"));
  CHECK_FALSE(parse_size("18446744073709551615T"));
  CHECK(*parse_size("9223372036854775807") == 9223372036854775807U);
  // As copied from pages and tables.
  CHECK(*parse_size("1 GiB") == 1ULL << 30);
  CHECK(*parse_size("1\u00A0GB") == 1ULL << 30);
  CHECK(*parse_size("1.5G") == 3ULL << 29);
  CHECK(*parse_size("1,5 G") == 3ULL << 29);
  CHECK(*parse_size("\uFF11\uFF10\uFF2D") == 10U << 20);
  for (const auto* text : {"1,500M", "1.500M", "1.5", "1..5G", "1.G", ".5G", "1 2G", "1G 2", "1G2M", "G"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_size(text));
  }
  CHECK(parse_duration("1 h 30 min")->count() == 5400);
  CHECK(parse_duration("2 Hours")->count() == 7200);
  CHECK(parse_duration("1.5h")->count() == 5400);
  CHECK(parse_duration("1w")->count() == 604800);
  CHECK(parse_duration("\uFF19\uFF10\u202Fs")->count() == 90);
  for (const auto* text : {"1M", "1.5", "1 30", "h", "1 fortnight", "1h -5m"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text));
  }
  CHECK(format_size(1536) == "1.5 KiB");
}

TEST_CASE("times are written in UTC and read back") {
  const WallTime time{Seconds(1'795'388'400)};
  CHECK(to_rfc3339(time) == "2026-11-22T23:00:00Z");
  CHECK(from_rfc3339("2026-11-22T23:00:00Z") == time);
  for (const char* text : {"2026-11-22T23:00:00+01:00", "2026-1-2T3:04:05Z", "2026-02-31T00:00:00Z",
                           "2026-11-22T23:00:61Z", " 2026-11-22T23:00:00Z", "2026-11-22T23:00:00Z ", ""})
    CHECK_FALSE(from_rfc3339(text));
  CHECK_FALSE(from_rfc3339(std::string_view("2026-11-22T23:00:00Z\0rest", 25)));
  for (const char* text :
       {"1000-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2024-02-29T12:34:56Z", "9999-12-31T23:59:59Z"}) {
    const auto read = from_rfc3339(text);
    REQUIRE(read);
    CHECK(to_rfc3339(*read) == text);
    CHECK(to_rfc3339(*read + Millis(999)) == text);
  }
  for (const char* text :
       {"2023-02-29T00:00:00Z", "2023-13-01T00:00:00Z", "2023-00-01T00:00:00Z", "2023-01-00T00:00:00Z",
        "2023-01-01T24:00:00Z", "2023-01-01T00:60:00Z", "0999-01-01T00:00:00Z", "2023-01-01t00:00:00Z"})
    CHECK_FALSE(from_rfc3339(text));
  // Four hundred years have 146,097 days. The last of these years has more than 16 bits.
  CHECK(to_rfc3339(WallTime() + std::chrono::days(146'097 * 21)) == "10370-01-01T00:00:00Z");
  CHECK(to_rfc3339(WallTime() + std::chrono::days(146'097 * 164)) == "67570-01-01T00:00:00Z");
  CHECK(to_http_date(time) == "Sun, 22 Nov 2026 23:00:00 GMT");
}

TEST_CASE("a failed call says what the system said") {
  const Error error = fail_errno("cannot open x", ENOENT).value();
  CHECK(error.what == "cannot open x: no such file or directory");
  CHECK(fail_errno("cannot write x", ENOSPC).value().kind == Kind::no_room);
}

TEST_CASE("secrets are compared as a whole") {
  CHECK(equal_constant_time(as_bytes("abc"), as_bytes("abc")));
  CHECK_FALSE(equal_constant_time(as_bytes("abc"), as_bytes("abd")));
  CHECK_FALSE(equal_constant_time(as_bytes("abc"), as_bytes("ab")));
  CHECK(random_bytes<16>() != random_bytes<16>());
}

TEST_CASE("all of a text is written, whether the descriptor blocks or not") {
  for (const int flags : {0, O_NONBLOCK}) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const UniqueFd read_end(ends[0]);
    UniqueFd write_end(ends[1]);
    REQUIRE(::fcntl(write_end.get(), F_SETFL, flags) == 0);
    const std::string text(300'000, 'x');  // more than a pipe holds (64 KiB, pipe(7))
    std::string got;
    std::thread reader([&] {
      char buffer[4096];
      for (ssize_t bytes; (bytes = ::read(read_end.get(), buffer, sizeof buffer)) > 0;)
        got.append(buffer, static_cast<std::size_t>(bytes));
    });
    const bool written = write_all(write_end.get(), text);
    write_end.reset();
    reader.join();
    CHECK(written);
    CHECK(got == text);
  }
}

TEST_CASE("writing to what is closed says why it cannot") {
  CHECK_FALSE(write_all(-1, "text"));
  CHECK(errno == EBADF);
  CHECK(write_all(-1, ""));
}

TEST_CASE("a private file is never opened through a link; a line that was cut short spoils no other") {
  const test::TempDirectory directory;
  const std::string path = directory / "lines";
  {
    const UniqueFd file = open_private_file(path, O_RDWR | O_CREAT | O_APPEND);
    REQUIRE(file);
    REQUIRE(write_all(file.get(), "whole\ncut sho", path));
    REQUIRE(write_all(file.get(), appended("next"), path));
    CHECK(read_private_file(file.get(), 100) == "whole\ncut sho\nnext\n");
    CHECK(!read_private_file(file.get(), 5));
  }
  std::filesystem::create_symlink(path, directory / "link");
  CHECK(!open_private_file(directory / "link", O_RDWR));
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("with a private file goes what a killed run left of writing it, and nothing else") {
  const test::TempDirectory directory;
  const std::string path = directory / "key";
  REQUIRE(replace_private_file(path, "secret"));
  for (const char* name : {"key.a1B2c3", "key.saved", "key.toolong", "keys.a1B2c3"})
    REQUIRE(replace_private_file(directory / name, "text"));
  CHECK(remove_private_file(path));
  auto left = entries_of(directory.path().string());
  std::ranges::sort(left);
  CHECK(left ==
        std::vector<std::string>{directory / "key.saved", directory / "key.toolong", directory / "keys.a1B2c3"});
  CHECK(remove_private_file(path));
}

TEST_CASE("running sums are those of all bytes, and start anew when asked") {
  RunningSums running(true);
  running.update(as_bytes("something else"));
  running.reset();
  running.update(as_bytes("foo"));
  running.update(as_bytes("bar"));
  const Sums whole = sums_of(as_bytes("foobar"), true);
  CHECK(running.sums().xxh128 == whole.xxh128);
  CHECK(running.sums().sha256 == sha256(as_bytes("foobar")));
  CHECK(!RunningSums(false).sums().sha256);
}

TEST_CASE("lines that others append are read once each, whole ones only, and none that is too long") {
  const test::TempDirectory directory;
  const std::string path = directory / "lines";
  const UniqueFd file = open_private_file(path, O_RDWR | O_CREAT | O_APPEND);
  std::uint64_t at = 0;
  const auto more = [&](const std::string& text) {
    REQUIRE(write_all(file.get(), text));
    std::string seen;
    REQUIRE(read_new_lines(file.get(), at, 10, [&](std::string_view line) { seen += "[" + std::string(line) + "]"; }));
    return seen;
  };
  CHECK(more("one\ntw") == "[one]");
  CHECK(more("o\n\nthree\n") == "[two][][three]");
  CHECK(more(std::string(200'000, 'x') + "\nfour\n") == "[four]");
  CHECK(more("").empty());
  CHECK(more(std::string(50, 'x')).empty());  // its end comes later
  CHECK(more(std::string(5, 'y') + "\nfive\n") == "[five]");
  CHECK(read_private_file(path, 300'000)->ends_with("\nfive\n"));
  CHECK(!read_private_file(path, 100));
  CHECK(!read_private_file(directory.path().string(), 100));
  REQUIRE(::symlink(path.c_str(), (directory / "link to it").c_str()) == 0);
  CHECK(!read_private_file(directory / "link to it", 300'000));
}

TEST_CASE("a private file is replaced as a whole, and is for its owner only") {
  const test::TempDirectory directory;
  const std::string there = directory / "a/b";
  REQUIRE(make_private_directories(there));
  REQUIRE(make_private_directories(there));
  const auto mode_of = [](const std::string& path) {
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    return info.st_mode & 07777;
  };
  CHECK(mode_of(directory / "a") == 0700);
  CHECK(mode_of(there) == 0700);

  const std::string path = there + "/key";
  for (const std::string text : {"first, and longer", "second"}) {
    REQUIRE(replace_private_file(path, text));
    std::ifstream file(path);
    CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == text);
    CHECK(mode_of(path) == 0600);
  }
  CHECK(std::distance(std::filesystem::directory_iterator(there), {}) == 1);  // no draft stays

  const auto in_the_way = make_private_directories(path);
  REQUIRE_FALSE(in_the_way);
  CHECK(in_the_way.error().what.find(path) != std::string::npos);
  REQUIRE_FALSE(replace_private_file(there, "a directory stands there"));
  REQUIRE_FALSE(replace_private_file(directory / "none/key", "text"));
  CHECK(std::distance(std::filesystem::directory_iterator(directory.path()), {}) == 1);
}

TEST_CASE("who announces much and sends little does not fill the disk") {
  const test::TempDirectory directory;
  const UniqueFd fd(::open((directory / "file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  REQUIRE(fd);
  const auto taken = [&] {
    struct stat status {};
    REQUIRE(::fstat(fd.get(), &status) == 0);
    return static_cast<std::uint64_t>(status.st_blocks) * 512;
  };
  constexpr std::uint64_t length = 1U << 30;
  Preallocator ahead;
  std::uint64_t there = 0;
  for (const std::uint64_t size : {1U, 4095U, 100'000U, 1U << 20, 20U << 20}) {
    const std::string bytes(size, 'x');
    ahead.before_write(fd.get(), there, size, length);
    REQUIRE(::pwrite(fd.get(), bytes.data(), size, static_cast<off_t>(there)) == static_cast<ssize_t>(size));
    there += size;
    CHECK(taken() <= std::min<std::uint64_t>(2 * there, there + (16U << 20)) + 8192);
  }
}

TEST_CASE("the addresses of one IPv6 subscriber are one client") {
  CHECK(peer_key("2001:db8:1:2::1") == peer_key("2001:db8:1:2:ffff::2"));
  CHECK(peer_key("2001:db8:1:2::1") != peer_key("2001:db8:1:3::1"));
  CHECK(peer_key("::ffff:192.0.2.1") != peer_key("::ffff:192.0.2.2"));
  CHECK(peer_key("192.0.2.1") == "192.0.2.1");
}

TEST_CASE("addresses are told from names, and this machine's from others") {
  for (const char* address : {"192.0.2.1", "::1", "[2001:db8::1]"}) CHECK(is_ip_address(address));
  for (const char* name : {"example.org", "localhost", "192.0.2", "[::1", ""}) CHECK_FALSE(is_ip_address(name));
  for (const char* address : {"127.0.0.1", "127.1.2.3", "::1"}) CHECK(is_loopback_address(address));
  for (const char* address : {"128.0.0.1", "::2", "localhost"}) CHECK_FALSE(is_loopback_address(address));
}

TEST_CASE("measures are text that Prometheus reads, whatever their labels hold") {
  using enum Measure::Type;
  const Measures measures{{"qrx_a_total", counter, "As.", 9007199254740992.0, {}},
                          {"qrx_b", gauge, "Bs.", 0.25, label("of", "a\\b\"c\nd")},
                          {"qrx_b", gauge, "Bs.", 1, label("of", "x") + "," + label("and", "y")}};
  CHECK(text_of(measures) ==
        "# HELP qrx_a_total As.\n# TYPE qrx_a_total counter\nqrx_a_total 9007199254740992\n"
        "# HELP qrx_b Bs.\n# TYPE qrx_b gauge\nqrx_b{of=\"a\\\\b\\\"c d\"} 0.250000\nqrx_b{of=\"x\",and=\"y\"} 1\n");
}

TEST_CASE("a slow digest depends on secret and salt") {
  const auto one = slow_digest(as_bytes("secret"), as_bytes("salt"));
  CHECK(one == slow_digest(as_bytes("secret"), as_bytes("salt")));
  CHECK(one != slow_digest(as_bytes("secret"), as_bytes("other")));
  CHECK(one != slow_digest(as_bytes("Secret"), as_bytes("salt")));
  CHECK(one != std::array<std::byte, 32>{});
}
