// A camera's pictures: what the helper says while it watches, pixel formats, PGM pictures in a row.
#include "unit/catch.h"

#include <unistd.h>

#include "base/bytes.h"
#include "base/unique_fd.h"
#include "unit/vision_pictures.h"
#include "vision/frames_camera.h"
#include "vision/frames_pgm.h"
#include "vision/watch.h"
#include "vision/watch_report.h"

using namespace qrx;
using namespace qrx::vision;

namespace {

WatchView view_of(int width, int height) {
  WatchView view;
  view.hint = AimHint::far;
  view.gray = Gray(width, height, 7);
  view.frame_width = 1280;
  view.frame_height = 720;
  return view;
}

bool refused(const std::string& bytes) {
  WatchReader reader;
  return !reader.take(bytes);
}

UniqueFd pipe_with(const std::string& bytes) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const UniqueFd writer(ends[1]);
  REQUIRE(write(writer.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  return UniqueFd(ends[0]);
}

std::string pgm(int width, int height, char value) {
  return "P5\n" + std::to_string(width) + " " + std::to_string(height) + "\n255\n" +
         std::string(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), value);
}

}  // namespace

TEST_CASE("a camera that shows as a mirror does reads every code") {
  for (int i = 0; i < 8; ++i) {
    const std::string text = "HTTP://192.168.178.20:8460/U/ABCDEFGHIJKLMNOPQRSTUVWXY" + std::to_string(i);
    Watch watch(true);
    CHECK(watch.look(mirrored(code_picture(text, 8))).texts == std::vector<std::string>{text});
  }
}

TEST_CASE("views and texts are told as they come, in whatever pieces") {
  const std::string output = "qrx-scan 1\n" + format_watch_view(view_of(4, 3)) + "text " +
                             to_base64(as_bytes("hello")) + "\n" + format_watch_view(view_of(96, 96)) +
                             "end searched half 640 480\n";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, output.size()}) {
    WatchReader reader;
    std::vector<WatchView> views;
    std::vector<std::string> texts;
    reader.view = [&](const WatchView& view) { views.push_back(view); };
    reader.text = [&](const std::string& text) { texts.push_back(text); };
    for (std::size_t at = 0; at < output.size(); at += piece)
      REQUIRE(reader.take(std::string_view(output).substr(at, piece)));
    REQUIRE(views.size() == 2);
    CHECK(views[0].hint == AimHint::far);
    CHECK(views[0].gray.width == 4);
    CHECK(views[0].gray.pixels == std::vector<std::uint8_t>(12, 7));
    CHECK(views[0].frame_height == 720);
    CHECK(texts == std::vector<std::string>{"hello"});
    const auto report = reader.report();
    REQUIRE(report);
    CHECK(report->texts == texts);
    CHECK(report->step == "half");
  }
}

TEST_CASE("a helper that was taken over can say nothing but small pictures and texts") {
  const std::string first = "qrx-scan 1\n";
  CHECK(refused("view far 1 1 1 1 Bw==\n"));  // before the first line
  CHECK(refused(first + "view far 2 1 1 1 Bw==\n"));
  CHECK(refused(first + "view far 0 1 1 1 \n"));
  CHECK(refused(first + "view far 97 1 1 1 " + to_base64(as_bytes(std::string(97, 'x'))) + "\n"));
  CHECK(refused(first + "view \x1b[2J 1 1 1 1 Bw==\n"));
  CHECK(refused(first + "view far 1 1 99999999 1 Bw==\n"));
  CHECK(refused(first + "view far 1 1 1 1 B*==\n"));
  CHECK(refused(first + "text ***\n"));
  CHECK(refused(std::string(20000, 'x')));  // a line without end
  std::string flood = first;
  while (flood.size() <= ScanReport::most_bytes) flood += "other line\n";
  CHECK(refused(flood));
  WatchReader reader;
  CHECK(reader.take(first + "view far 1 1 1 1 Bw==\n"));
  CHECK_FALSE(reader.report());  // no end
}

TEST_CASE("every hint has words for people, but none") {
  CHECK(words_of(AimHint::none).empty());
  for (const AimHint hint :
       {AimHint::dark, AimHint::bright, AimHint::blank, AimHint::far, AimHint::unsteady, AimHint::other})
    CHECK_FALSE(words_of(hint).empty());
}

TEST_CASE("the formats of cameras become gray; what is cut short is refused") {
  Gray out;
  const std::uint8_t yuyv[] = {10, 128, 20, 128, 30, 128, 40, 128};
  REQUIRE(gray_of_camera(CameraFormat::yuyv, yuyv, sizeof yuyv, 2, 2, 4, out));
  CHECK(out.pixels == std::vector<std::uint8_t>{10, 20, 30, 40});
  CHECK_FALSE(gray_of_camera(CameraFormat::yuyv, yuyv, sizeof yuyv - 1, 2, 2, 4, out));
  CHECK_FALSE(gray_of_camera(CameraFormat::yuyv, yuyv, sizeof yuyv, 2, 2, 3, out));
  const std::uint8_t padded[] = {1, 2, 99, 3, 4, 99, 128, 128};
  REQUIRE(gray_of_camera(CameraFormat::nv12, padded, sizeof padded, 2, 2, 3, out));
  CHECK(out.pixels == std::vector<std::uint8_t>{1, 2, 3, 4});
  const PictureBytes jpeg = jpeg_of(Gray(32, 16, 100));
  REQUIRE(gray_of_camera(CameraFormat::mjpeg, jpeg.data(), jpeg.size(), 640, 480, 0, out));
  CHECK(out.width == 32);
  CHECK_FALSE(gray_of_camera(CameraFormat::mjpeg, jpeg.data(), 20, 640, 480, 0, out));
}

TEST_CASE("pictures in a row are taken one by one, live ones only the last, broken ones end it") {
  const UniqueFd film = pipe_with(pgm(4, 2, 'a') + pgm(4, 2, 'b') + pgm(2, 3, 'c'));
  const auto all = frames_of_pgm(film.get(), false);
  for (const char expected : {'a', 'b', 'c'}) {
    const Gray* gray = all->next();
    REQUIRE(gray);
    CHECK(gray->pixels.front() == expected);
  }
  CHECK_FALSE(all->next());
  CHECK(all->why() == ScanStatus::searched);

  const UniqueFd stream = pipe_with(pgm(4, 2, 'a') + pgm(4, 2, 'b') + "P5\n4 2\n255\nxx");
  const auto live = frames_of_pgm(stream.get(), true);
  const Gray* last = live->next();
  REQUIRE(last);
  CHECK(last->pixels == std::vector<std::uint8_t>(8, 'b'));

  for (const char* bad : {"", "P6\n1 1\n255\nx", "P5\n0 1\n255\n", "P5\n99999 1\n255\n", "P5\n1 1\n65535\nxx",
                          "P5\n-1 1\n255\nx", "P5\n1 1\n255\n"}) {
    const UniqueFd broken = pipe_with(bad);
    const auto frames = frames_of_pgm(broken.get(), false);
    CHECK_FALSE(frames->next());
    CHECK(frames->why() == ScanStatus::not_a_picture);
  }
}

TEST_CASE("a person is told what is wrong with what the camera sees") {
  const auto hint_of = [](const Gray& gray) {
    Watch watch(false);
    (void)watch.look(gray);
    return watch.hint();
  };
  CHECK(hint_of(Gray(640, 480, 5)) == AimHint::dark);
  CHECK(hint_of(Gray(640, 480, 250)) == AimHint::bright);
  CHECK(hint_of(Gray(640, 480, 120)) == AimHint::blank);
  CHECK(hint_of(code_picture("just a word", 6)) == AimHint::other);
  // Finders with nothing to read between them.
  Gray torn = code_picture("HTTPS://QRX.EXAMPLE.NET/U/ABCDEFGHIJKLMNOPQRSTUVWXYA", 8);
  for (int y = torn.height * 4 / 10; y < torn.height * 6 / 10; ++y)
    for (int x = torn.width * 4 / 10; x < torn.width * 9 / 10; ++x) torn.row(y)[x] = 255;
  CHECK(hint_of(torn) == AimHint::unsteady);
}

TEST_CASE("a view is small, and of the same shape") {
  const WatchView view = small_view(Gray(1280, 720, 50), AimHint::none);
  CHECK(view.gray.width == 96);
  CHECK(view.gray.height == 54);
  CHECK(view.gray.pixels == std::vector<std::uint8_t>(96 * 54, 50));
  CHECK(small_view(Gray(3, 2, 1), AimHint::none).gray.width == 3);
}
