#include "cli/send/screenshot.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "process/find_program.h"
#include "process/run_program.h"
#include "vision/scan_client.h"

namespace qrx::cli {
namespace {

// In the place of a file's name.
constexpr std::string_view file_word = "FILE";

struct Taker {
  std::vector<std::string> words;  // without file_word it writes to stdout
  bool own = false;                // a helper of ours
};

constexpr Millis time_to_answer{60'000};
constexpr int status_denied = 4;  // of qrx-screen

// The desktop itself, on D-Bus; it may ask the user first.
Taker portal() {
  return {{"qrx-screen"}, true};
}

// On WSL the screen is that of Windows, all monitors of it. To stdout: a file would have to stand where all programs of
// Windows can read it. Windows tells a program that does not know of scaled screens a smaller size, and the picture
// would be cut there: first it is made known. [char]34 is a double quote, which no command line in between may touch.
constexpr const char* windows_script =
    "try{Add-Type -Namespace Qrx -Name Dpi -MemberDefinition "
    "('[DllImport('+[char]34+'user32.dll'+[char]34+')]public static extern bool SetProcessDPIAware();');"
    "[void][Qrx.Dpi]::SetProcessDPIAware()}catch{};"
    "Add-Type -AssemblyName System.Windows.Forms,System.Drawing;"
    "$s=[Windows.Forms.SystemInformation]::VirtualScreen;"
    "$b=New-Object Drawing.Bitmap $s.Width,$s.Height;"
    "[Drawing.Graphics]::FromImage($b).CopyFromScreen($s.Left,$s.Top,0,0,$b.Size);"
    "$m=New-Object IO.MemoryStream;$b.Save($m,[Drawing.Imaging.ImageFormat]::Png);"
    "$m.WriteTo([Console]::OpenStandardOutput())";

struct Desktop {
  const char* name;
  const char* variable;  // of the environment, without which it is not there
  std::vector<Taker> takers;
  const char* hint;
};

// In this order: on Wayland there may be an X server, too, which sees its own windows only, and WSL has both.
const std::vector<Desktop>& desktops() {
  static const std::vector<Desktop> all = {
      {"Windows",
       "WSL_DISTRO_NAME",
       {{{"powershell.exe", "-NoProfile", "-NonInteractive", "-Command", windows_script}}},
       "take one yourself: qrx-send -i PICTURE"},
      {"Wayland",
       "WAYLAND_DISPLAY",
       {{{"grim", "-t", "png", "-"}},
        {{"gnome-screenshot", "-f", "FILE"}},
        {{"spectacle", "-b", "-n", "-f", "-o", "FILE"}},
        portal()},
       "install grim (Sway, Hyprland, labwc), gnome-screenshot (GNOME), spectacle (KDE) or xdg-desktop-portal; or take "
       "one yourself: "
       "qrx-send -i PICTURE"},
      {"X11",
       "DISPLAY",
       {{{"maim", "--format=png"}},
        {{"import", "-silent", "-window", "root", "png:-"}},
        {{"scrot", "FILE"}},
        {{"gnome-screenshot", "-f", "FILE"}},
        {{"spectacle", "-b", "-n", "-f", "-o", "FILE"}},
        portal()},
       "install maim, ImageMagick or scrot; or take one yourself: qrx-send -i PICTURE"}};
  return all;
}

// A directory of our own for one picture, in memory where the system has such a place.
class PrivatePlace {
 public:
  PrivatePlace() {
    const char* runtime = std::getenv("XDG_RUNTIME_DIR");
    const char* temporary = std::getenv("TMPDIR");
    for (const char* where : {runtime, temporary, "/tmp"}) {
      if (where == nullptr || *where != '/') continue;
      directory_ = std::string(where) + "/qrx-screen-XXXXXX";
      if (::mkdtemp(directory_.data()) != nullptr) return;  // with mode 0700
    }
    directory_.clear();
  }
  PrivatePlace(const PrivatePlace&) = delete;
  PrivatePlace& operator=(const PrivatePlace&) = delete;
  ~PrivatePlace() {
    if (directory_.empty()) return;
    (void)::unlink(file().c_str());
    (void)::rmdir(directory_.c_str());
  }
  bool made() const { return !directory_.empty(); }
  std::string file() const { return directory_ + "/screen.png"; }

 private:
  std::string directory_;
};

Result<std::string> read_picture(const std::string& path) {
  struct stat to_stdout {};
  // It wrote nothing: whoever asked tries the next program.
  if (::stat(path.c_str(), &to_stdout) != 0) return std::string{};
  if (to_stdout.st_size > static_cast<off_t>(vision::most_picture_bytes))
    return fail(Kind::too_large, "the picture is too large");
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<process::Program> program_of(const Taker& taker, std::vector<std::string> words) {
  if (!taker.own) return process::installed_program(std::move(words));
  auto path = process::find_own_program(words.front());
  if (!path) return tl::unexpected(path.error());
  process::Program program;
  program.plan.path = std::move(*path);
  program.plan.arguments = std::move(words);
  program.plan.environment = process::own_environment();
  program.plan.own_group = true;
  return program;
}

// Empty: it could not.
Result<std::string> take_by(const Taker& taker, int stop) {
  std::optional<PrivatePlace> place;
  std::vector<std::string> words = taker.words;
  for (auto& word : words) {
    if (word != file_word) continue;
    place.emplace();
    if (!place->made()) return fail_errno("cannot make a directory for the picture");
    word = place->file();
  }
  auto program = program_of(taker, std::move(words));
  if (!program) return tl::unexpected(program.error());
  program->most_output = vision::most_picture_bytes;
  program->limit = taker.own ? time_to_answer : Millis{20'000};
  program->stop = stop;
  auto ran = process::run_in_time(*program);
  if (!ran) return tl::unexpected(ran.error());
  if (taker.own && ran->ended.status == status_denied)
    return fail(Kind::denied, "the desktop did not allow a screenshot");
  if (!ran->ended.well()) return std::string{};
  return place ? read_picture(place->file()) : std::move(ran->output);
}

bool is_there(const Desktop& desktop) {
  const char* value = std::getenv(desktop.variable);
  return value != nullptr && *value != '\0';
}

Result<Screenshot> take_of(const Desktop& desktop, int stop) {
  std::string tried;
  for (const Taker& taker : desktop.takers) {
    const std::string& name = taker.words.front();
    if (!taker.own && !process::find_in_path(name)) continue;
    auto picture = take_by(taker, stop);
    if (picture && !picture->empty()) return Screenshot{std::move(*picture), taker.own ? "the desktop" : name};
    // Stopped, or refused by the user: the next program must not try what they have just forbidden.
    if (!picture && (picture.error().kind == Kind::unavailable || picture.error().kind == Kind::denied))
      return tl::unexpected(picture.error());
    if (taker.own) continue;  // there is no portal
    tried += (tried.empty() ? "" : ", ") + name;
  }
  if (tried.empty())
    return fail(Kind::other, std::string("nothing was found that takes a screenshot on ") + desktop.name, desktop.hint);
  return fail(Kind::other, "no screenshot could be taken: " + tried + " failed on this desktop", desktop.hint);
}

}  // namespace

Result<Screenshot> take_screenshot(int stop) {
  for (const Desktop& desktop : desktops())
    if (is_there(desktop)) return take_of(desktop, stop);
  return fail(Kind::other, "there is no screen here: no desktop was found (WAYLAND_DISPLAY and DISPLAY are not set)",
              "take a screenshot where the code is shown, and use -i PICTURE");
}

}  // namespace qrx::cli
