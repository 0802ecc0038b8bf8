#include "unit/catch.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "base/unique_fd.h"
#include "cli/invitation.h"
#include "cli/recv/given_link.h"
#include "cli/recv/receive_output.h"
#include "cli/recv/receive_report.h"
#include "cli/space/json_record.h"
#include "cli/space/opened_space.h"
#include "temp_directory.h"

using namespace qrx;
using namespace qrx::cli;

namespace {

constexpr auto guid = "gq2timjrgi4tknbvgq2timjrgi";

// stdout and stderr go to files until said() or the end.
class Captured {
 public:
  Captured() {
    file_.reset(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    REQUIRE(file_);
    for (const int fd : {1, 2}) {
      before_[fd].reset(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
      ::dup2(file_.get(), fd);
    }
  }
  ~Captured() { restore(); }
  std::string said() {
    restore();
    std::stringstream text;
    text << std::ifstream(path_).rdbuf();
    return text.str();
  }

 private:
  void restore() {
    for (const int fd : {1, 2}) {
      if (before_[fd]) ::dup2(before_[fd].get(), fd);
      before_[fd].reset();
    }
  }
  const test::TempDirectory directory_;
  const std::string path_ = directory_ / "said";
  UniqueFd file_;
  UniqueFd before_[3];
};

receive::SavedFile saved_file(const std::string& path) {
  receive::SavedFile file;
  file.path = path;
  file.info.name = path;
  file.info.size = 6;
  return file;
}

receive::SavedDelivery delivery_of(const std::vector<receive::SavedFile>& files) {
  receive::SavedDelivery delivery;
  delivery.files = files;
  return delivery;
}

// A report with its voices.
struct Reporting {
  explicit Reporting(ReceiveReportOptions options, bool json = false)
      : to_stdout(json), report(std::move(options), messages, to_stdout, progress) {}
  Messages messages{"qrx-test"};
  StdoutWriter to_stdout;
  term::ProgressLine progress{2, false};
  ReceiveReport report;
};

wire::SpaceCreated created_with(const std::string& drop) {
  wire::SpaceCreated space;
  space.guid = *Guid::parse(guid);
  space.drop = drop;
  return space;
}

}  // namespace

TEST_CASE("the key in the drop link is ours, whatever the server says") {
  const std::string ours = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kdlcvq0nqvvr0ad";
  const std::string theirs = seal::Identity::generate()->recipient().text();
  const std::string link = std::string("http://box.example/u/") + guid;
  CHECK(checked_drop_link(created_with(link), ours)->key == ours);
  CHECK(checked_drop_link(created_with(link), "")->key.empty());
  CHECK(checked_drop_link(created_with(link + "#" + theirs), theirs)->key == theirs);
  CHECK(checked_drop_link(created_with(link + "#" + theirs), ours).error().kind == Kind::integrity);
  CHECK(checked_drop_link(created_with(link + "#" + theirs), "").error().kind == Kind::integrity);
  CHECK(checked_drop_link(created_with("http://box.example/u/aaaaaaaaaaaaaaaaaaaaaaaaaa"), ours).error().kind ==
        Kind::integrity);
  CHECK(checked_drop_link(created_with("http://box.example/"), ours).error().kind == Kind::unavailable);
}

TEST_CASE("a link to receive from is one's own or a shared one, and not one for sending") {
  const auto own = read_given_link(std::string("http://box.example/s/") + guid + "#abcdefghijklmnopqrstuvwxyz234567");
  REQUIRE(own);
  CHECK_FALSE(own->address.shared);
  CHECK(own->address.name.text() == guid);
  const auto shared = read_given_link("http://box.example/d/abcdefghijklmnopqrstuvwxyz234567");
  REQUIRE(shared);
  CHECK(shared->address.shared);
  CHECK(*identity_of(*shared) == nullptr);
  CHECK(read_given_link(std::string("http://box.example/u/") + guid).error().hint ==
        "send with: qrx-send -l LINK FILE");
  CHECK(read_given_link("photo.jpg").error().kind == Kind::usage);
}

TEST_CASE("the lines below the code say who may send what, and only what was asked for") {
  SpaceTerms terms;
  CHECK(lines_of(terms, {}).size() == 2);
  CHECK(lines_of(terms, {})[1].starts_with("Anyone with this link can send until "));
  terms.count = 1;
  CHECK(lines_of(terms, {})[1].starts_with("Anyone with this link can send one delivery until "));
  terms.count = 3;
  CHECK(lines_of(terms, {})[1].starts_with("Anyone with this link can send 3 deliveries until "));
  terms.max_size = 1024;
  terms.max_files = 1;
  terms.words = "a b c d";
  terms.owner = "http://x/\x1b[2J";
  const auto lines = lines_of(terms, {});
  REQUIRE(lines.size() == 5);
  CHECK(lines[0] == "  words: a b c d");
  CHECK(lines[3] == "At most 1.0 KiB and 1 file in all.");
  CHECK(lines[4] == "Your own link, not for the sender: http://x/\\x1b[2J");
}

TEST_CASE("when nobody comes for a minute it is said once what may be wrong, and not when somebody has come") {
  class MovedClock final : public Clock {
   public:
    Steady steady() const override { return now; }
    WallTime wall() const override { return {}; }
    Steady now{Seconds(1000)};
  } clock;
  ReceiveReportOptions options;
  options.when_nobody_comes = "Nothing yet. Same Wi-Fi?";
  options.clock = &clock;
  const auto times = [](const std::string& text) {
    std::size_t count = 0;
    for (auto at = text.find("Nothing yet."); at != std::string::npos; at = text.find("Nothing yet.", at + 1)) ++count;
    return count;
  };
  SECTION("nobody") {
    Captured captured;
    Reporting reporting(options);
    reporting.report.invite({});
    clock.now += Seconds(59);
    reporting.report.look();
    reporting.messages.say("59 s");
    for (int i = 0; i < 3; ++i) {
      clock.now += Seconds(1);
      reporting.report.look();
    }
    const std::string said = captured.said();
    CHECK(times(said) == 1);
    CHECK(said.find("59 s") < said.find("Nothing yet."));
  }
  SECTION("somebody") {
    Captured captured;
    Reporting reporting(options);
    reporting.report.invite({});
    reporting.report.events([] {}).receiving({"a", 1, 2, true});
    clock.now += Seconds(120);
    reporting.report.look();
    CHECK(times(captured.said()) == 0);
  }
}

TEST_CASE("a server that is away is told once, and once more when it was back meanwhile") {
  Captured captured;
  Reporting reporting({});
  const auto events = reporting.report.events([] {});
  for (int i = 0; i < 45; ++i) events.retrying("the server does not answer; retrying in 5 s");
  events.retrying({});  // it answers again
  for (int i = 0; i < 3; ++i) events.retrying("the server does not answer; retrying in 5 s");
  const std::string said = captured.said();
  std::size_t lines = 0;
  for (auto at = said.find("retrying"); at != std::string::npos; at = said.find("retrying", at + 1)) ++lines;
  CHECK(lines == 2);
}

TEST_CASE("a path on stdout, a summary on stderr") {
  Captured captured;
  Reporting to({});
  const auto events = to.report.events([] {});
  const auto file = saved_file("in/photo\n.jpg");
  events.saved(file);
  events.delivered(delivery_of({file}));
  CHECK(captured.said() == "in/photo\n.jpg\nupload successful: in/photo\\x0a.jpg, 6 B\n");
  CHECK_FALSE(to.report.output_failed());
}

TEST_CASE("what is streamed has no paths, and what is declined is said") {
  Captured captured;
  ReceiveReportOptions options;
  options.stream = "-";
  options.download = true;
  Reporting to(std::move(options));
  const auto events = to.report.events([] {});
  auto delivery = delivery_of({saved_file(""), saved_file("")});
  events.saved(delivery.files[0]);
  delivery.declined = {"c"};
  events.delivered(delivery);
  CHECK(captured.said() == "downloaded: 2 files, 12 B; 1 file discarded\n");
}

TEST_CASE("when nobody reads stdout any more, receiving is stopped") {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  Captured captured;
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  ::dup2(ends[1], 1);
  for (const int end : ends) ::close(end);
  int stopped = 0;
  Reporting to({}, true);
  const auto events = to.report.events([&] { ++stopped; });
  events.saved(saved_file("a"));
  captured.said();
  std::signal(SIGPIPE, before);
  CHECK(stopped == 1);
  CHECK(to.report.output_failed());
  CHECK(to.to_stdout.closed());
}

TEST_CASE("the hook knows the delivery, and its failure is remembered") {
  Captured captured;
  ReceiveReportOptions options;
  options.hook = "echo \"$QRX_SPACE:$QRX_PATHS:$QRX_DELIVERY_FILES:$QRX_DELIVERY_BYTES\"; exit 3";
  options.space = guid;
  Reporting to(std::move(options));
  to.report.events([] {}).delivered(delivery_of({saved_file("a"), saved_file("b")}));
  const std::string said = captured.said();
  CHECK(said.find(std::string(guid) + ":a\nb\n:2:12\n") != std::string::npos);
  CHECK(said.find("failed with exit status 3\n") != std::string::npos);
  CHECK(to.report.hook_failed());
}

TEST_CASE("the invitation is drawn anew until something comes") {
  Captured captured;
  Reporting to({});
  Invitation invitation;
  invitation.drop = "HTTP://BOX.EXAMPLE/U/GQ2TIMJRGI4TKNBVGQ2TIMJRGI";
  to.report.invite(invitation);
  to.report.redraw();
  receive::IncomingProgress progress;
  to.report.events([] {}).receiving(progress);
  to.report.redraw();
  const std::string said = captured.said();
  const auto first = said.find(invitation.drop);
  REQUIRE(first != std::string::npos);
  const auto second = said.find(invitation.drop, first + 1);
  REQUIRE(second != std::string::npos);
  CHECK(said.find(invitation.drop, second + 1) == std::string::npos);
}

TEST_CASE("what stands there as a device is written to as a stream") {
  CHECK(ReceiveOutput::open("-", receive::OnConflict::rename)->is_stream());
  CHECK(ReceiveOutput::open("/dev/null", receive::OnConflict::rename)->is_stream());
  CHECK_FALSE(ReceiveOutput::open("/tmp", receive::OnConflict::rename)->is_stream());
  CHECK(on_conflict_of("overwrite") == receive::OnConflict::overwrite);
}

TEST_CASE("a record is read as it was written; what is none has no members") {
  const test::TempDirectory directory;
  const std::string path = directory / "record.json";
  REQUIRE(JsonRecord().text("label", "a \"b\"\n").truth("own", true).number("files", 3).write(path));
  const auto members = RecordMembers::read(path);
  REQUIRE(members);
  CHECK(members->text("label") == "a \"b\"\n");
  CHECK(members->truth("own"));
  CHECK(members->number("files") == 3);
  CHECK(members->has("v"));
  CHECK(!members->has("deliveries"));
  CHECK(members->text("deliveries").empty());
  CHECK(!RecordMembers::read(directory / "none"));
  std::ofstream(directory / "cut") << "{\"v\":1,\"label\":\"a";
  CHECK(!RecordMembers::read(directory / "cut"));
}
