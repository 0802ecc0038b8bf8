#include "unit/catch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/version.h"
#include "cli/config_file.h"
#include "cli/options.h"
#include "http/tls.h"
#include "temp_directory.h"

using namespace qrx;
using namespace qrx::cli;

namespace {

// A home with a configuration file, variables that are unset again, and what goes to stderr.
class World {
 public:
  explicit World(const std::string& config = {}) {
    set("XDG_CONFIG_HOME", home_);
    ::mkdir((home_ + "/qrx").c_str(), 0700);
    if (!config.empty()) std::ofstream(home_ + "/qrx/config.toml") << config;
  }
  ~World() {
    for (const auto& name : set_) ::unsetenv(name.c_str());
  }
  void set(const std::string& name, const std::string& value) {
    ::setenv(name.c_str(), value.c_str(), 1);
    set_.push_back(name);
  }
  const std::string& home() const { return home_; }

 private:
  const test::TempDirectory directory_;
  const std::string home_ = directory_.text();
  std::vector<std::string> set_;
};

struct Outcome {
  std::optional<int> ended;
  std::string said;  // on stdout and stderr
  bool shout = false;
  int verbose = 0;
  std::optional<bool> qr;
  std::string output = "default";
  std::vector<std::string> images;
  std::string mood = "calm";
  std::optional<Seconds> expire;
  std::optional<std::uint64_t> size, count;
  std::optional<wire::Origin> server;
  std::vector<std::string> files;
  bool output_named = false;
};

Outcome parse(World& world, std::vector<std::string> words) {
  Outcome out;
  Options options({"qrx-test", "Test.", {"[OPTION]... FILE..."}, {{"qrx-test a", "an example"}}});
  options.group("First");
  options.flag("shout", 's', "be loud", out.shout);
  options.count("verbose", 'v', "say more", out.verbose);
  options.toggle("qr", "draw", out.qr);
  options.text("output", 'o', "PATH", "where to", out.output, Completes::files);
  options.texts("image", 'i', "PATH", "pictures", out.images);
  options.choice("mood", 0, {"calm", "wild"}, "how", out.mood);
  options.duration("expire", 'e', "when", out.expire);
  options.size("max-size", 0, "how much", out.size);
  options.number("count", 'n', "how many", out.count, 1);
  options.url("server", 0, "who", out.server);
  options.arguments("FILE", out.files, Completes::files);
  words.insert(words.begin(), "qrx-test");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  const std::string path = world.home() + "/said";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const int out_before = ::dup(1);
  const int err_before = ::dup(2);
  ::dup2(file, 1);
  ::dup2(file, 2);
  out.ended = options.parse(static_cast<int>(words.size()), argv.data());
  ::dup2(out_before, 1);
  ::dup2(err_before, 2);
  for (const int fd : {file, out_before, err_before}) ::close(fd);
  std::stringstream said;
  said << std::ifstream(path).rdbuf();
  out.said = said.str();
  out.output_named = options.on_command_line("output");
  return out;
}

}  // namespace

TEST_CASE("options are read in short, long, bundled and joined form") {
  World world;
  const auto out = parse(world, {"-sv", "-vo", "a b", "--image=x", "-iy", "-i", "z", "one", "--", "-two", "-"});
  REQUIRE_FALSE(out.ended);
  CHECK(out.shout);
  CHECK(out.verbose == 2);
  CHECK(out.output == "a b");
  CHECK(out.output_named);
  CHECK(out.images == std::vector<std::string>{"x", "y", "z"});
  CHECK(out.files == std::vector<std::string>{"one", "-two", "-"});
}

TEST_CASE("odd values are taken as they are") {
  World world;
  const auto out = parse(world, {"--output=", "-i", "-", "-i", "-x", "--image=[a,b]", "[c,d]", "a,b", "{e}"});
  REQUIRE_FALSE(out.ended);
  CHECK(out.output.empty());
  CHECK(out.images == std::vector<std::string>{"-", "-x", "[a,b]"});
  CHECK(out.files == std::vector<std::string>{"[c,d]", "a,b", "{e}"});
}

TEST_CASE("the last of an option that is given twice counts") {
  World world;
  const auto out = parse(world, {"-o", "a", "-o", "b", "--qr", "--no-qr"});
  REQUIRE_FALSE(out.ended);
  CHECK(out.output == "b");
  CHECK(out.qr == false);
}

TEST_CASE("the command line is stronger than the environment, and that than the file") {
  World world(
      "output = \"file\"\nmax-size = \"10M\"\nexpire = \"1h\"\nimage = [\"a # b\", \"c, d\"]\n[test]\nexpire = "
      "\"2h\"\n[recv]\nnonsense = 1\n");
  world.set("QRX_OUTPUT", "environment");
  world.set("QRX_MAX_SIZE", "1G");
  const auto out = parse(world, {"-o", "flag"});
  REQUIRE_FALSE(out.ended);
  CHECK(out.output == "flag");
  CHECK(out.size == 1ULL << 30);
  CHECK(out.expire == Seconds{7200});  // the tool's own table is stronger than the top
  CHECK(out.images == std::vector<std::string>{"a # b", "c, d"});
  CHECK_FALSE(parse(world, {}).output_named);
  CHECK(parse(world, {}).output == "environment");
}

TEST_CASE("a flag can be switched off in the environment and in the file") {
  World world("qr = false\nshout = true\n");
  CHECK(parse(world, {}).shout);
  CHECK(parse(world, {}).qr == false);
  world.set("QRX_SHOUT", "0");
  world.set("QRX_QR", "yes");
  CHECK_FALSE(parse(world, {}).shout);
  CHECK(parse(world, {}).qr == true);
  world.set("QRX_VERBOSE", "2");
  CHECK(parse(world, {}).verbose == 2);
  world.set("QRX_SHOUT", "");  // as if it were not set
  CHECK(parse(world, {}).shout);
  world.set("QRX_SHOUT", "maybe");
  CHECK(parse(world, {}).ended == 2);
  CHECK(parse(world, {}).said == "qrx-test: QRX_SHOUT: 'maybe' is neither 1 nor 0\nhint: try 'qrx-test --help'\n");
}

TEST_CASE("mistakes end with 2, one line and a hint") {
  World world;
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--shuot"}, "qrx-test: unknown option --shuot\nhint: did you mean --shout?\n"},
      {{"--entirely-else=1"}, "qrx-test: unknown option --entirely-else\nhint: try 'qrx-test --help'\n"},
      {{"-x"}, "qrx-test: unknown option -x\nhint: try 'qrx-test --help'\n"},
      {{"--output"}, "qrx-test: --output needs a value: PATH\nhint: try 'qrx-test --help'\n"},
      {{"-vo"}, "qrx-test: --output needs a value: PATH\nhint: try 'qrx-test --help'\n"},
      {{"--mood", "sad"}, "qrx-test: --mood: 'sad' is not one of calm, wild\nhint: try 'qrx-test --help'\n"},
      {{"-e", "soon"},
       "qrx-test: --expire: 'soon' is not a duration\nhint: durations look like 90s, 15m, 12h or 3d, up to 3650d\n"},
      {{"--max-size", "big"}, "qrx-test: --max-size: 'big' is not a size\nhint: sizes look like 500K, 10M or 2G\n"},
      {{"-n", "0"}, "qrx-test: --count: must be at least 1\nhint: try 'qrx-test --help'\n"},
      {{"-n", "\x1b[2J"}, "qrx-test: --count: '\\x1b[2J' is not a whole number\nhint: try 'qrx-test --help'\n"},
  };
  for (const auto& [words, said] : cases) {
    const auto out = parse(world, words);
    CHECK(out.ended == 2);
    CHECK(out.said == said);
  }
  CHECK(parse(world, {"--server", "ftp://x"}).ended == 2);
  CHECK(parse(world, {"--shout=maybe"}).ended == 2);
}

TEST_CASE("a broken configuration is a mistake, but help and version still come") {
  for (const std::string config : {"output = \n", "output = 1.5\n", "output = [\"a\", \"b\"]\n",
                                   "[test]\nnonsense = 1\n", "expire = \"soon\"\n"}) {
    World world(config);
    CHECK(parse(world, {}).ended == 2);
    CHECK(parse(world, {"--help"}).ended == 0);
    CHECK(parse(world, {"-V"}).said == std::string("qrx-test ") + version + "\nTLS: " + http::tls_library() + "\n");
  }
}

TEST_CASE("a typing error in the configuration is said, with the word that was meant; a home is ~") {
  struct Case {
    std::string config, said;
  };
  for (const Case& c :
       {Case{"sever = \"x\"\n", "unknown option sever\nhint: did you mean server?\n"},
        Case{"[rcev]\noutput = \"x\"\n", "unknown table [rcev]\nhint: did you mean [recv]?\n"},
        Case{"[test]\nouptut = \"x\"\n", "unknown option ouptut in [test]\nhint: did you mean output?\n"}}) {
    World world(c.config);
    const auto out = parse(world, {});
    CHECK(out.ended == 2);
    INFO(out.said);
    CHECK(out.said.find(c.said) != std::string::npos);
  }
  World others("with-key = true\n[share]\nvia = \"local\"\n");
  CHECK_FALSE(parse(others, {}).ended);
}

TEST_CASE("a configuration is tables of texts") {
  const auto config = parse_config("a = 1\nb = true\n\"quoted key\" = 'x'\n[t.u]\nc = [\"d\", 2]\n");
  REQUIRE(config);
  CHECK(config->at("").at("a") == std::vector<std::string>{"1"});
  CHECK(config->at("").at("b") == std::vector<std::string>{"true"});
  CHECK(config->at("").at("quoted key") == std::vector<std::string>{"x"});
  CHECK(config->at("t.u").at("c") == std::vector<std::string>{"d", "2"});
  CHECK(parse_config("a = 1\na = 2\n").error().kind == Kind::usage);
  CHECK(parse_config("x = 2020-01-01\n").error().what == "line 1: x must be a text, a whole number, true or false");
  CHECK_FALSE(read_config("/nonexistent/qrx.toml", true));
  CHECK(read_config("/nonexistent/qrx.toml", false)->empty());
}

TEST_CASE("help names every option, and fits its width") {
  World world;
  const auto out = parse(world, {"-h", "--nothing-else-matters"});
  CHECK(out.ended == 2);  // a mistake is told even beside --help
  const auto help = parse(world, {"--help"});
  CHECK(help.ended == 0);
  for (const auto* name : {"-s, --shout", "--qr, --no-qr", "-o, --output PATH", "--mood calm|wild", "-h, --help",
                           "-V, --version", "Examples:"})
    CHECK(help.said.find(name) != std::string::npos);
  CHECK(help.said.find("--completion") == std::string::npos);
  std::istringstream lines(help.said);
  for (std::string line; std::getline(lines, line);) CHECK(line.size() < 80);
}

TEST_CASE("completions know every option") {
  World world;
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    const auto out = parse(world, {"--completion", shell});
    CHECK(out.ended == 0);
    for (const std::string name : {"shout", "no-qr", "max-size", "help"})
      CHECK(out.said.find(shell == "fish" ? "-l " + name : "--" + name) != std::string::npos);
    CHECK(out.said.find("wild") != std::string::npos);
  }
  CHECK(parse(world, {"--completion", "csh"}).ended == 2);
}

TEST_CASE("an option with an opposite can be set by either name") {
  for (const auto& [name, value, expected] :
       {std::tuple{"QRX_QR", "1", true}, {"QRX_QR", "0", false}, {"QRX_NO_QR", "1", false}, {"QRX_NO_QR", "0", true}}) {
    World world;
    world.set(name, value);
    CHECK(parse(world, {}).qr == expected);
    CHECK(parse(world, {"--qr"}).qr == true);
  }
  World world("no-qr = true\n");
  CHECK(parse(world, {}).qr == false);
  world.set("QRX_NO_QR", "perhaps");
  CHECK(parse(world, {}).ended);
}
