#include "unit/catch.h"

#include "base/bytes.h"
#include "vision/scan_report.h"

using namespace qrx;
using namespace qrx::vision;

namespace {

std::string line_of(const std::string& text) {
  return "text " + to_base64(as_bytes(text)) + "\n";
}

bool refused(const std::string& text) {
  const auto report = parse_scan_report(text);
  return !report && report.error().kind == Kind::integrity;
}

}  // namespace

TEST_CASE("a scan report comes back as it was written") {
  ScanReport report;
  report.texts = {"HTTPS://EXAMPLE.NET/U/X", std::string("\0\xff\n text", 8)};
  report.step = "gauss3.5";
  report.width = 1920;
  report.height = 1080;
  const auto back = parse_scan_report(format_scan_report(report));
  REQUIRE(back);
  CHECK(back->texts == report.texts);
  CHECK(back->step == "gauss3.5");
  CHECK(back->width == 1920);
  CHECK(back->height == 1080);
  for (const ScanStatus status :
       {ScanStatus::searched, ScanStatus::not_a_picture, ScanStatus::damaged, ScanStatus::too_large}) {
    ScanReport empty;
    empty.status = status;
    CHECK(parse_scan_report(format_scan_report(empty))->status == status);
  }
}

TEST_CASE("the answer of a helper that was taken over is refused") {
  const std::string head = "qrx-scan 1\n";
  const std::string end = "end searched plain 4 4\n";
  REQUIRE(parse_scan_report(head + line_of("a") + end));
  CHECK(refused(""));
  CHECK(refused(head));
  CHECK(refused("qrx-scan 2\n" + end));
  CHECK(refused(head + line_of("a")));              // cut short
  CHECK(refused(head + line_of("a") + end + "x"));  // more behind the end
  CHECK(refused(head + line_of("a") + end + end));
  CHECK(refused(head + line_of("a") + "end searched plain 4 4"));  // no newline
  CHECK(refused(head + line_of("a") + line_of("a") + end));        // twice
  CHECK(refused(head + "text \n" + end));                          // empty
  CHECK(refused(head + "text YQ\n" + end));                        // not canonical
  CHECK(refused(head + "text YQ== \n" + end));
  CHECK(refused(head + "Text YQ==\n" + end));
  CHECK(refused(head + line_of(std::string(7090, 'x')) + end));  // longer than any symbol
  CHECK(refused(head + line_of("a") + "end searched - 4 4\n"));  // a text without a step
  CHECK(refused(head + "end searched plain 4 4\n"));             // a step without a text
  CHECK(refused(head + line_of("a") + "end damaged plain 4 4\n"));
  CHECK(refused(head + "end crashed - 0 0\n"));  // the parent's own words
  CHECK(refused(head + "end searched - 04 4\n"));
  CHECK(refused(head + "end searched - -4 4\n"));
  CHECK(refused(head + "end searched - 4294967296 4\n"));
  CHECK(refused(head + "end searched - 4 4 4\n"));
  CHECK(refused(head + line_of("a") + "end searched \x1b[31m 4 4\n"));  // a step that would paint the terminal
  CHECK(refused(head + line_of("a") + "end searched " + std::string(33, 'a') + " 4 4\n"));
  std::string many = head;
  for (int i = 0; i < 33; ++i) many += line_of(std::to_string(i));
  CHECK(refused(many + end));
  CHECK(refused(std::string(1 << 20, 'q')));
}
