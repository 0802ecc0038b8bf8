// Films of a code held before a bad camera, as PGM pictures on stdout: what stands in for a camera in the tests.
// qr-film SCENE WIDTHxHEIGHT FRAMES [TEXT]. The same arguments give the same pictures, wherever the libraries round
// alike.
//
// approach  from far away and turned to near and straight, and jittering
// shake     moved during each exposure, up to 14 pixels in 720 lines
// low-light a lamp in the next room: a tenth of the light, and noise
// moire     the camera's pixels against those of a screen
// defocus   out of focus, in focus for some pictures in the middle, and out again
// empty     the desk
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <opencv2/imgproc.hpp>

#include "qr/symbol.h"

using namespace qrx;
using namespace qrx::qr;

namespace {

constexpr double pi = 3.14159265358979;

struct Scene {
  std::string name;
  cv::Size size;
  int frames = 60;
  cv::Mat code;  // 8 pixels a module, three modules of light around
  cv::RNG random{20261123};
};

cv::Mat code_of(const std::string& text) {
  const auto symbol = make_symbol(text);
  if (!symbol) return {};
  constexpr int module = 8, quiet = 3;
  const int side = (symbol->side() + 2 * quiet) * module;
  cv::Mat out(side, side, CV_8U);
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x)
      out.at<uchar>(y, x) = symbol->dark(x / module - quiet, y / module - quiet) ? 25 : 230;
  return out;
}

// Something behind: a slope of light, and shelves.
cv::Mat desk(const Scene& scene) {
  cv::Mat out(scene.size, CV_8U);
  for (int y = 0; y < out.rows; ++y)
    for (int x = 0; x < out.cols; ++x) {
      const double light = 90 + 60.0 * x / out.cols - 25.0 * y / out.rows;
      const bool shelf = (y * 9 / out.rows) % 3 == 1 && (x * 16 / out.cols) % 4 < 3;
      out.at<uchar>(y, x) = cv::saturate_cast<uchar>(light + (shelf ? -35 : 0));
    }
  return out;
}

struct Pose {
  double side = 0.6;  // of the code, in shares of the picture's height
  double turn = 0;    // in the plane, radians
  double lean = 0;    // away from the viewer: the far edge is shorter by this share
  cv::Point2d shift;  // of the middle, pixels
};

cv::Mat hold(const Scene& scene, const Pose& pose, cv::Mat picture) {
  const double half = pose.side * scene.size.height / 2;
  const cv::Point2d middle(scene.size.width / 2.0 + pose.shift.x, scene.size.height / 2.0 + pose.shift.y);
  const auto corner = [&](double x, double y) {
    const double narrow = y < 0 ? 1 - pose.lean : 1;
    const cv::Point2d at(x * half * narrow, y * half * (1 - pose.lean / 2));
    return cv::Point2f(middle + cv::Point2d(at.x * std::cos(pose.turn) - at.y * std::sin(pose.turn),
                                            at.x * std::sin(pose.turn) + at.y * std::cos(pose.turn)));
  };
  const auto side = static_cast<float>(scene.code.cols);
  const cv::Point2f from[] = {{0, 0}, {side, 0}, {side, side}, {0, side}};
  const cv::Point2f to[] = {corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)};
  cv::Mat soft;
  const double shrink = side / (2 * half);
  cv::GaussianBlur(scene.code, soft, cv::Size(), std::max(0.6, 0.4 * shrink));
  cv::warpPerspective(soft, picture, cv::getPerspectiveTransform(from, to), scene.size, cv::INTER_LINEAR,
                      cv::BORDER_TRANSPARENT);
  return picture;
}

void add_noise(Scene& scene, cv::Mat& picture, double sigma) {
  cv::Mat noise(picture.size(), CV_16S), sum;
  scene.random.fill(noise, cv::RNG::NORMAL, 0, sigma);
  cv::add(picture, noise, sum, cv::noArray(), CV_16S);
  sum.convertTo(picture, CV_8U);
}

void move_during_exposure(cv::Mat& picture, double length, double angle) {
  const int reach = static_cast<int>(std::ceil(length / 2)) + 1;
  cv::Mat kernel = cv::Mat::zeros(2 * reach + 1, 2 * reach + 1, CV_32F);
  for (double t = -length / 2; t <= length / 2; t += 0.1) {
    const double x = reach + t * std::cos(angle), y = reach + t * std::sin(angle);
    const int left = cvFloor(x), top = cvFloor(y);
    for (int j = 0; j < 2; ++j)
      for (int i = 0; i < 2; ++i)
        kernel.at<float>(top + j, left + i) +=
            static_cast<float>((i ? x - left : 1 - x + left) * (j ? y - top : 1 - y + top));
  }
  kernel /= cv::sum(kernel)[0];
  cv::filter2D(picture, picture, -1, kernel);
}

cv::Mat frame(Scene& scene, int number, const cv::Mat& behind) {
  const double t = scene.frames > 1 ? static_cast<double>(number) / (scene.frames - 1) : 1;
  const double pixel = scene.size.height / 720.0;
  const auto jitter = [&](double most) { return scene.random.uniform(-most, most); };
  Pose pose;
  cv::Mat picture = behind.clone();
  if (scene.name == "empty") {
    add_noise(scene, picture, 3);
  } else if (scene.name == "approach") {
    pose.side = 0.145 + 0.7 * t;
    pose.turn = 0.5 * (1 - t) + jitter(0.02);
    pose.lean = 0.25 * (1 - t) + 0.05;
    pose.shift = {jitter(20) * pixel, jitter(15) * pixel};
    picture = hold(scene, pose, picture);
    move_during_exposure(picture, 1.5 * pixel, jitter(pi));
    add_noise(scene, picture, 5);
  } else if (scene.name == "shake") {
    pose.side = 0.55;
    pose.turn = 0.1 * std::sin(9 * t) + jitter(0.05);
    pose.lean = 0.1;
    pose.shift = {jitter(80) * pixel, jitter(40) * pixel};
    picture = hold(scene, pose, picture);
    move_during_exposure(picture, scene.random.uniform(0.0, 17.0) * pixel, jitter(pi));
    add_noise(scene, picture, 4);
  } else if (scene.name == "low-light") {
    pose.side = 0.6;
    pose.turn = 0.05 + jitter(0.02);
    pose.lean = 0.12;
    picture = hold(scene, pose, picture);
    picture.convertTo(picture, -1, 0.16, 6);
    add_noise(scene, picture, 8);
  } else if (scene.name == "moire") {
    pose.side = 0.6;
    pose.turn = 0.04 * std::sin(7 * t);
    pose.lean = 0.06;
    picture = hold(scene, pose, picture);
    const double pitch = 2.1 + 0.5 * t, slant = 0.05 + 0.1 * t;
    for (int y = 0; y < picture.rows; ++y)
      for (int x = 0; x < picture.cols; ++x) {
        const double grid =
            0.5 + 0.25 * std::cos(2 * pi * (x + slant * y) / pitch) + 0.25 * std::cos(2 * pi * (y - slant * x) / pitch);
        picture.at<uchar>(y, x) = cv::saturate_cast<uchar>(picture.at<uchar>(y, x) * (0.45 + 0.55 * grid) + 12);
      }
    add_noise(scene, picture, 4);
  } else if (scene.name == "defocus") {
    pose.side = 0.5;
    pose.turn = 0.1;
    pose.lean = 0.1;
    picture = hold(scene, pose, picture);
    cv::GaussianBlur(picture, picture, cv::Size(), (0.6 + 9 * std::abs(t - 0.5)) * pixel);
    add_noise(scene, picture, 4);
  }
  return picture;
}

}  // namespace

int main(int argc, char** argv) {
  Scene scene;
  int width = 0, height = 0;
  if (argc < 4 || std::sscanf(argv[2], "%dx%d", &width, &height) != 2 || width < 16 || height < 16) return 2;
  cv::setNumThreads(0);
  // As a front camera or a call shows it.
  constexpr std::string_view mirror = "mirrored-";
  scene.name = argv[1];
  const bool mirrored = scene.name.starts_with(mirror);
  if (mirrored) scene.name.erase(0, mirror.size());
  scene.size = {width, height};
  scene.frames = std::atoi(argv[3]);
  // 115 characters in both cases, as links had them when the figures to reach were measured: version 6 or 7.
  scene.code = code_of(argc > 4 ? argv[4]
                                : "https://qrx.example.net:8443/u/"
                                  "abcdefghijklmnopqrstuvwxya#age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq");
  if (scene.code.empty()) return 1;
  const cv::Mat behind = desk(scene);
  for (int i = 0; i < scene.frames; ++i) {
    cv::Mat picture = frame(scene, i, behind);
    if (mirrored) cv::flip(picture, picture, 1);
    std::printf("P5\n%d %d\n255\n", picture.cols, picture.rows);
    for (int y = 0; y < picture.rows; ++y)
      std::fwrite(picture.ptr(y), 1, static_cast<std::size_t>(picture.cols), stdout);
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}
