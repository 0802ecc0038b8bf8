#include "notify/sms.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "base/text.h"
#include "base/unique_fd.h"
#include "notify/api.h"
#include "notify/wording.h"

namespace qrx::notify {
namespace {

// Without its whole link a message is of no use.
constexpr std::string_view too_long = "the link is too long for one SMS";

std::string hex16(const std::u16string& text) {
  std::string out;
  for (const char16_t unit : text) out += fmt::format("{:04X}", static_cast<unsigned>(unit));
  return out;
}

// Under another name first: the daemon sees whole files only. The name is the notice's, so that a second attempt writes
// over the first while that still waits.
Outcome put_into_spool(const std::string& directory, const std::string& name, const std::string& content) {
  const std::string part = directory + "/.qrx-" + name + ".part";
  const std::string path = directory + "/" + name;
  const auto trouble = [&] {
    const int error = errno;
    ::unlink(part.c_str());
    return later(fail_errno("cannot write into " + directory, error).value().what);
  };
  // O_NOFOLLOW: others of the spool's group may have planted a link.
  UniqueFd file(::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0660));
  if (!file) return trouble();
  std::string_view rest = content;
  while (!rest.empty()) {
    const ssize_t done = ::write(file.get(), rest.data(), rest.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return trouble();
    rest.remove_prefix(static_cast<std::size_t>(done));
  }
  // The daemon runs as another user, of the group that owns the spool.
  struct stat facts {};
  if (::stat(directory.c_str(), &facts) != 0) return trouble();
  // EPERM: we are not in that group; the daemon may be able to read it all the same.
  if (::fchown(file.get(), static_cast<uid_t>(-1), facts.st_gid) != 0 && errno != EPERM) return trouble();
  // Synced before it has its name: a power cut leaves no empty message in the spool.
  if (::fchmod(file.get(), 0660) != 0 || ::fsync(file.get()) != 0 || ::rename(part.c_str(), path.c_str()) != 0)
    return trouble();
  return sent();
}

// The form of gammu-smsd-inject(1): OUTC<date>_<time>_<serial>_<recipient>_<note>.smsbackup.
class Gammu : public Transport {
 public:
  explicit Gammu(const Table& table) : directory_(table.path("directory")) {}

  Outcome send(const Notice& notice) override {
    const std::string text = sms_text(notice);
    if (text.empty()) return failed(std::string(too_long));
    const bool gsm = gsm_septets(text) > 0;
    const std::u16string wide = to_utf16(text);
    const std::time_t now = std::chrono::floor<Seconds>(system_clock().wall()).time_since_epoch().count();
    std::tm parts{};
    gmtime_r(&now, &parts);
    char stamp[32];
    std::strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &parts);
    const std::string& number = notice.to.address;
    const std::string content =
        "[SMSBackup000]\nPDU = Submit\nDateTime = " + std::string(stamp) + "\nState = Sent\nNumber = \"" + number +
        "\"\nNumberUnicode = " + hex16(to_utf16(number)) + "\nName = \"\"\nNameUnicode = \nText00 = " + hex16(wide) +
        "\nCoding = " + (gsm ? "Default_No_Compression" : "Unicode_No_Compression") +
        "\nFolder = 1\nLength = " + std::to_string(wide.size()) +
        "\nClass = -1\nReplySMSC = False\nRejectDuplicates = False\nReplaceMessage = 0\nMessageReference = 0\n";
    // A date long ago: gammu-smsd takes files in the order of their names, and this one waits for nothing.
    return put_into_spool(directory_, "OUTC19700101_000000_00_" + number + "_" + notice.id.text() + ".smsbackup",
                          content);
  }

 private:
  std::string directory_;
};

// smstools 3.1.16 and newer.
class Smstools : public Transport {
 public:
  explicit Smstools(const Table& table) : directory_(table.path("directory")) {}

  Outcome send(const Notice& notice) override {
    const std::string text = sms_text(notice);
    if (text.empty()) return failed(std::string(too_long));
    const bool gsm = gsm_septets(text) > 0;
    std::string content =
        // Without the '+', as smstools has it. "Autosplit: 0": a text that fits in one SMS stays one.
        "To: " + notice.to.address.substr(1) + "\nAlphabet: " + (gsm ? "UTF-8" : "UCS") + "\nAutosplit: 0\n\n";
    if (gsm) {
      content += text;
    } else {  // UCS-2, big-endian
      for (const char16_t unit : to_utf16(text)) {
        content += static_cast<char>(unit >> 8);
        content += static_cast<char>(unit & 0xFF);
      }
    }
    return put_into_spool(directory_, "qrx-" + notice.id.text(), content);
  }

 private:
  std::string directory_;
};

std::string form_field(std::string_view name, const std::string& value) {
  return std::string(name) + "=" + percent_encode_segment(value);
}

class Twilio : public Transport {
 public:
  Twilio(Table table, std::string password) : table_(std::move(table)), password_(std::move(password)) {}

  Outcome send(const Notice& notice) override {
    const std::string text = sms_text(notice);
    if (text.empty()) return failed(std::string(too_long));
    const std::string user = table_.text("user");
    HttpRequest request =
        json_request(table_, "", "/2010-04-01/Accounts/" + percent_encode_segment(user) + "/Messages.json", nullptr);
    // The one API here that takes no JSON.
    request.headers = {"Content-Type: application/x-www-form-urlencoded"};
    request.body = form_field("To", notice.to.address) + "&" + form_field("From", table_.text("from")) + "&" +
                   form_field("Body", text);
    request.user = user;
    request.password = password_;
    const auto answer = ask(request);
    if (!answer) return answer.error();
    const json body = body_of(*answer);
    const Outcome outcome = judge(*answer, false, text_in(body, "message"));
    if (outcome.state != Outcome::State::sent) return outcome;
    const std::string status = text_in(body, "status");
    // An answer of 201 may say already that it failed.
    if (text_in(body, "sid").empty() || status == "failed" || status == "undelivered")
      return failed("the SMS service did not accept the message: " + text_in(body, "error_message"));
    return sent();
  }

 private:
  Table table_;
  std::string password_;
};

}  // namespace

MadeTransport make_sms(const Settings& settings) {
  Table table(settings, "sms");
  if (table.text("spool") == "gammu") return std::make_unique<Gammu>(table);
  if (table.text("spool") == "smstools") return std::make_unique<Smstools>(table);
  auto password = table.secret("password_file");
  if (!password) return tl::unexpected(password.error());
  return std::make_unique<Twilio>(std::move(table), std::move(*password));
}

}  // namespace qrx::notify
