// Where keys come from, and what is refused.
#include "s3/key_source.h"

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "catch.h"
#include "temp_directory.h"

using namespace qrx;
using namespace qrx::s3;
using namespace qrx::test;

namespace {

std::string written(const TempDirectory& directory, const std::string& text, mode_t mode = 0600) {
  const std::string path = directory / "keys";
  std::ofstream(path) << text;
  ::chmod(path.c_str(), mode);
  return path;
}

constexpr const char* good =
    "# of the bucket\r\n[default]\naws_access_key_id = AKIA\naws_secret_access_key=s/e+c\nregion = x\n"
    "[other]\naws_access_key_id = no\n";

}  // namespace

TEST_CASE("keys are those of a file's first section") {
  const auto keys = parse_keys(good);
  REQUIRE(keys);
  CHECK(keys->access == "AKIA");
  CHECK(keys->secret == "s/e+c");
  CHECK(keys->session.empty());
  CHECK_FALSE(parse_keys("what is this"));
  CHECK(parse_keys("")->access.empty());
}

TEST_CASE("a file that others may read is refused, and one without keys") {
  const TempDirectory directory;
  CHECK(KeySource::read(written(directory, good)));
  const auto open = KeySource::read(written(directory, good, 0640));
  REQUIRE_FALSE(open);
  CHECK(open.error().kind == Kind::usage);
  CHECK(open.error().what.find("others may read") != std::string::npos);
  CHECK_FALSE(KeySource::read(written(directory, "[default]\n")));
  CHECK_FALSE(KeySource::read(written(directory, "aws_access_key_id = a\nb = c\naws_secret_access_key = x\ty\n")));
  CHECK_FALSE(KeySource::read(directory / "none"));
  CHECK_FALSE(KeySource::read(directory.text()));
}

TEST_CASE("without a file they come from systemd's credentials, else from the environment") {
  const TempDirectory directory;
  ::unsetenv("CREDENTIALS_DIRECTORY");
  ::unsetenv("AWS_ACCESS_KEY_ID");
  ::unsetenv("AWS_SECRET_ACCESS_KEY");
  ::unsetenv("AWS_SESSION_TOKEN");
  CHECK_FALSE(KeySource::read(""));
  ::setenv("AWS_ACCESS_KEY_ID", "a", 1);
  CHECK_FALSE(KeySource::read(""));
  ::setenv("AWS_SECRET_ACCESS_KEY", "b", 1);
  ::setenv("AWS_SESSION_TOKEN", "c", 1);
  REQUIRE(KeySource::read(""));
  CHECK(KeySource::read("")->session == "c");
  ::setenv("CREDENTIALS_DIRECTORY", directory.text().c_str(), 1);
  CHECK(KeySource::read("")->access == "a");
  std::ofstream(directory / "s3-credentials") << good;
  ::chmod((directory / "s3-credentials").c_str(), 0400);
  CHECK(KeySource::read("")->access == "AKIA");
  ::unsetenv("CREDENTIALS_DIRECTORY");
}

TEST_CASE("keys that were replaced are found when they are asked for again") {
  const TempDirectory directory;
  const std::string path = written(directory, good);
  KeySource source(path, *KeySource::read(path));
  written(directory, "aws_access_key_id = NEW\naws_secret_access_key = x\n");
  CHECK(source.current().access == "AKIA");
  CHECK(source.renew());
  CHECK(source.current().access == "NEW");
  CHECK_FALSE(source.renew());
}
