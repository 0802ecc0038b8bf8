// The parent's side of the scan helper: with the real one, and with helpers that a hostile picture took over.
#include "unit/catch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/unique_fd.h"
#include "temp_directory.h"
#include "unit/vision_pictures.h"
#include "vision/scan_client.h"

using namespace qrx;
using namespace qrx::vision;

namespace {

const std::string link_one = "HTTPS://QRX.EXAMPLE.NET/U/ABCDEFGHIJKLMNOPQRSTUVWXYA";
const std::string link_two = "HTTP://192.168.1.20:8460/U/ZZZZZZZZZZZZZZZZZZZZZZZZZA";

class Folder {
 public:
  std::string file(const std::string& name, const PictureBytes& bytes) const {
    std::ofstream(directory_ / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return directory_ / name;
  }
  // A shell script that stands in for the helper.
  std::string script(const std::string& body) const {
    const std::string text = "#!/bin/sh\n" + body + "\n";
    const std::string path = file("helper", PictureBytes(text.begin(), text.end()));
    REQUIRE(chmod(path.c_str(), 0755) == 0);
    return path;
  }

 private:
  const test::TempDirectory directory_;
};

ScanOptions real() {
  ScanOptions options;
  options.helper = QRX_SCAN_HELPER;
  return options;
}

ByteView view(const PictureBytes& bytes) {
  return std::as_bytes(std::span(bytes));
}

Result<ScanReport> with_script(const std::string& body, std::chrono::milliseconds timeout = std::chrono::seconds(10)) {
  const Folder folder;
  ScanOptions options;
  options.helper = folder.script(body);
  options.timeout = timeout;
  return scan_picture(as_bytes(std::string_view("picture")), options);
}

}  // namespace

TEST_CASE("the helper reads every format from memory, from a file and from a pipe") {
  const Folder folder;
  const Gray code = code_picture(link_one);
  for (const auto& bytes : {png_of(code), jpeg_of(code), webp_of(code, false), gif_of(code), bmp_of(code, 24)}) {
    const auto from_memory = scan_picture(view(bytes), real());
    REQUIRE(from_memory);
    CHECK(from_memory->status == ScanStatus::searched);
    CHECK(drop_link_in(*from_memory, "x") == link_one);
    CHECK(from_memory->width == static_cast<std::uint32_t>(code.width));

    const UniqueFd file(open(folder.file("picture", bytes).c_str(), O_RDONLY | O_CLOEXEC));
    CHECK(drop_link_in(scan_picture(file.get(), real()).value(), "x") == link_one);

    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    const UniqueFd reader(ends[0]);
    std::thread writer([fd = ends[1], &bytes] {
      const UniqueFd end(fd);
      (void)!write(end.get(), bytes.data(), bytes.size());
    });
    const auto from_pipe = scan_picture(reader.get(), real());
    writer.join();
    CHECK(drop_link_in(from_pipe.value(), "x") == link_one);
  }
}

TEST_CASE("what is wrong with a picture is told in a sentence, all of it exit 7") {
  const auto said = [](ScanStatus status) {
    ScanReport report;
    report.status = status;
    const auto link = drop_link_in(report, "a\nb.png");
    CHECK(link.error().kind == Kind::no_code);
    CHECK(texts_in(report, "x").error().kind == Kind::no_code);
    return link.error().what;
  };
  CHECK(said(ScanStatus::searched) == "no QR code found in a\\x0ab.png");
  CHECK(said(ScanStatus::not_a_picture) == "cannot read a\\x0ab.png: not a picture");
  CHECK(said(ScanStatus::damaged) == "cannot read the picture a\\x0ab.png: it is damaged");
  CHECK(said(ScanStatus::too_large) == "cannot read the picture a\\x0ab.png: it is too large");
  CHECK(said(ScanStatus::crashed) == "cannot read the picture a\\x0ab.png: the decoder crashed");
  CHECK(said(ScanStatus::timed_out) == "no QR code found in a\\x0ab.png within the time");
}

TEST_CASE("the helper tells an empty, a foreign, a broken and an oversized picture apart") {
  const auto status = [](ByteView bytes) { return scan_picture(bytes, real())->status; };
  CHECK(status({}) == ScanStatus::not_a_picture);
  CHECK(status(as_bytes(std::string_view("just text"))) == ScanStatus::not_a_picture);
  PictureBytes png = png_of(Gray(200, 200, 255));
  CHECK(status(view(png)) == ScanStatus::searched);
  CHECK(status(view(png).first(40)) == ScanStatus::damaged);
  png[16] = 0x7F;
  CHECK(status(view(png)) == ScanStatus::too_large);
  const std::vector<std::byte> huge(most_picture_bytes + 1);
  CHECK(status(huge) == ScanStatus::too_large);
}

TEST_CASE("a drop link wins over other codes; two different ones are an error that names both") {
  ScanReport report;
  report.texts = {link_one, "hello"};
  CHECK(drop_link_in(report, "x") == link_one);
  report.texts = {"hello"};
  CHECK(drop_link_in(report, "x").error().kind == Kind::no_code);
  CHECK(texts_in(report, "x") == std::vector<std::string>{"hello"});
  report.texts = {link_one, link_two};
  const Error both = drop_link_in(report, "x").error();
  CHECK(both.kind == Kind::usage);
  CHECK(both.what.find(link_one) != std::string::npos);
  CHECK(both.what.find(link_two) != std::string::npos);

  ScanReport other;
  other.texts = {"https://qrx.example.net/u/abcdefghijklmnopqrstuvwxya"};  // the same link in lower case
  report.texts = {link_one};
  const NamedReport same[] = {{"a", report}, {"b", other}};
  CHECK(drop_link_in(same) == link_one);
}

TEST_CASE("a helper that dies, lies, floods or hangs is an answer about the picture, never a crash or a wait") {
  CHECK(with_script("kill -SEGV $$")->status == ScanStatus::crashed);
  CHECK(with_script("exit 1")->status == ScanStatus::crashed);
  CHECK(with_script("echo hello")->status == ScanStatus::crashed);
  CHECK(with_script("printf 'qrx-scan 1\\nend searched - 1 1\\n'; exit 9")->status == ScanStatus::crashed);
  CHECK(with_script("printf 'qrx-scan 1\\nend searched - 1 1\\n'")->status == ScanStatus::searched);
  CHECK(with_script("while :; do echo qrx-scan 1; done")->status == ScanStatus::crashed);
  CHECK(with_script("while :; do :; done", std::chrono::milliseconds(50))->status == ScanStatus::timed_out);
  CHECK(with_script("exec 1>&-; while :; do :; done")->status == ScanStatus::crashed);
}

TEST_CASE("a helper that cannot start or cannot shut itself in is an error of this machine") {
  ScanOptions options;
  options.helper = "/nonexistent/qrx-scan";
  CHECK(scan_picture({}, options).error().kind == Kind::other);
  CHECK(with_script("exit 3").error().what == "cannot read pictures safely: this system has no seccomp filters");
}

TEST_CASE("the helper gets the picture, an environment of its own, and no descriptor of ours") {
  const UniqueFd leaked(open("/dev/null", O_RDONLY));  // without close-on-exec, on purpose
  setenv("QRX_SECRET", "token", 1);
  const std::string check =
      "read -r line; [ \"$line\" = picture ] || exit 1\n"
      "[ -z \"$QRX_SECRET\" ] || exit 2\n"
      "[ ! -e /proc/$$/fd/" +
      std::to_string(leaked.get()) +
      " ] || exit 4\n"
      "[ \"$PWD\" = / ] || exit 5\n"  // all without a process more: only root might start one
      "limits=\n"
      "while read -r max what kind of soft hard units; do limits=\"$limits $what $kind $of $soft;\"; done "
      "</proc/$$/limits\n"
      "case $limits in *'core file size 0;'*) ;; *) exit 6;; esac\n"
      "case $limits in *' file size 0 '*) ;; *) exit 7;; esac\n"
      "case $limits in *'open files 16 '*) ;; *) exit 8;; esac\n"
      "printf 'qrx-scan 1\\nend searched - 1 1\\n'";
  const auto report = with_script(check);
  unsetenv("QRX_SECRET");
  REQUIRE(report);
  CHECK(report->status == ScanStatus::searched);
}

TEST_CASE("what cannot be read is an error of this machine") {
  const UniqueFd folder(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  CHECK_FALSE(scan_picture(folder.get(), real()));
  CHECK_FALSE(scan_picture(-1, real()));
}
