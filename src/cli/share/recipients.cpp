#include "cli/share/recipients.h"

#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iostream>
#include <set>
#include <utility>

#include "base/text.h"

namespace qrx::cli {
namespace {

constexpr std::size_t most_recipients = 100'000;

struct Named {
  std::vector<wire::Recipient> in_order;
  std::set<std::pair<wire::Channel, std::string>> known;  // twice named is once told
};

Result<void> add(Named& to, std::string_view text, const std::string& where) {
  auto recipient = wire::parse_recipient(text);
  if (!recipient) return fail(Kind::usage, where + recipient.error().what, recipient.error().hint);
  if (to.known.emplace(recipient->channel, recipient->address).second) to.in_order.push_back(std::move(*recipient));
  if (to.in_order.size() > most_recipients) return fail(Kind::usage, "there are more than 100,000 recipients");
  return {};
}

std::string_view without_comment(std::string_view line) {
  for (std::size_t at = 0; (at = line.find('#', at)) != std::string_view::npos; ++at)
    // "a#b@example.org" has no comment in it.
    if (at == 0 || line[at - 1] == ' ' || line[at - 1] == '\t') return line.substr(0, at);
  return line;
}

Result<void> add_lines(Named& to, std::istream& lines, const std::string& name) {
  std::string line;
  for (std::size_t number = 1; std::getline(lines, line); ++number) {
    // The byte order mark of Windows editors.
    if (number == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
    if (line.ends_with('\r')) line.pop_back();
    const std::string_view text = trim(without_comment(line));
    if (text.empty()) continue;
    if (auto added = add(to, text, name + ":" + std::to_string(number) + ": "); !added) return added;
  }
  if (lines.bad()) return fail(Kind::other, "cannot read " + name);
  return {};
}

}  // namespace

Result<std::vector<wire::Recipient>> read_recipients(const std::vector<std::string>& arguments,
                                                     const std::vector<std::string>& files) {
  Named out;
  for (const std::string& argument : arguments) {
    auto added = add(out, argument, "");
    if (added) continue;
    // Whoever has used cp or scp names what is to be shared.
    if (::access(argument.c_str(), F_OK) == 0)
      return fail(Kind::usage, added.error().what, "it is a file here: to share it, put -f before it");
    return tl::unexpected(added.error());
  }
  for (const std::string& name : files) {
    if (name == "-") {
      if (auto added = add_lines(out, std::cin, "standard input"); !added) return tl::unexpected(added.error());
      continue;
    }
    // ifstream says nothing of why; errno mostly does.
    errno = 0;
    std::ifstream file(name);
    if (!file) return fail_errno("cannot read " + name, errno ? errno : EIO);
    if (auto added = add_lines(out, file, name); !added) return tl::unexpected(added.error());
    // A directory opens, and cannot be read.
    if (file.bad() || errno == EISDIR) return fail_errno("cannot read " + name, errno ? errno : EIO);
  }
  return std::move(out.in_order);
}

}  // namespace qrx::cli
