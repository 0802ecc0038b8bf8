#include "notify/protocol.h"

#include <array>

#include "base/text.h"
#include "wire/json_text.h"

namespace qrx::notify {
namespace {

using wire::json;

constexpr std::array<std::string_view, 4> states = {"sent", "failed", "later", "unknown"};
constexpr std::size_t most_reason_bytes = 200;
// A week: no wait of a transport is longer.
constexpr std::int64_t longest_wait = 7 * 86400;

std::string line_of(const json& value) {
  return wire::dump(value) + "\n";
}

template <class T, class Read>
Result<T> read_line(std::string_view line, Read&& read) {
  const auto malformed = [] { return fail(Kind::usage, "malformed line between a tool and qrx-notify"); };
  if (line.size() > most_line_bytes) return malformed();
  const auto in = wire::parse_object(line);
  if (!in) return malformed();
  try {
    T out;
    if (read(*in, out)) return out;
    // What is thrown for a missing or wrong member says nothing more to anybody.
  } catch (const json::exception&) {
  }
  return malformed();
}

std::optional<wire::Channel> channel_of(std::string_view name) {
  for (auto number = static_cast<int>(wire::Channel::link); number <= static_cast<int>(wire::Channel::exec); ++number)
    if (const auto channel = static_cast<wire::Channel>(number); wire::to_text(channel) == name) return channel;
  return std::nullopt;
}

}  // namespace

std::string_view to_text(Outcome::State state) {
  return states[static_cast<std::size_t>(state)];
}

std::string one_line(std::string_view text) {
  std::string out;
  // Reasons are hostile: they stand in JSON, in logs and on terminals.
  for (const char c : text) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    if (control && (out.empty() || out.back() == ' ')) continue;
    out += control ? ' ' : c;
  }
  std::size_t end = std::min(out.size(), most_reason_bytes);
  // Not within a character.
  while (end > 0 && end < out.size() && (static_cast<unsigned char>(out[end]) & 0xC0U) == 0x80U) --end;
  out.resize(end);
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return is_valid_utf8(out) ? out : escape_untrusted(out);
}

std::string to_line(const Settings& settings) {
  return line_of({{"v", 1},
                  {"transports", settings.transports},
                  {"allow_private", settings.private_addresses},
                  {"networks", settings.allowed_networks},
                  {"commands", settings.commands}});
}

std::string to_line(const Notice& notice) {
  json out = {{"id", notice.id.text()},       {"channel", wire::to_text(notice.to.channel)},
              {"address", notice.to.address}, {"from", notice.from},
              {"message", notice.message},    {"link", notice.link},
              {"summary", notice.summary}};
  if (notice.expires) out["expires"] = to_rfc3339(*notice.expires);
  return line_of(out);
}

std::string to_line(const Outcome& outcome) {
  json out = {{"state", to_text(outcome.state)}, {"reason", one_line(outcome.reason)}};
  if (outcome.retry_after) out["retry_after"] = outcome.retry_after->count();
  return line_of(out);
}

Result<Settings> read_settings(std::string_view line) {
  return read_line<Settings>(line, [](const json& in, Settings& out) {
    in.at("transports").get_to(out.transports);
    in.at("allow_private").get_to(out.private_addresses);
    in.at("networks").get_to(out.allowed_networks);
    in.at("commands").get_to(out.commands);
    return true;
  });
}

Result<Notice> read_notice(std::string_view line) {
  return read_line<Notice>(line, [](const json& in, Notice& out) {
    const auto id = Id::parse(in.at("id").get_ref<const std::string&>());
    const auto channel = channel_of(in.at("channel").get_ref<const std::string&>());
    if (!id || !channel) return false;
    out.id = *id;
    out.to.channel = *channel;
    in.at("address").get_to(out.to.address);
    in.at("from").get_to(out.from);
    in.at("message").get_to(out.message);
    in.at("link").get_to(out.link);
    in.at("summary").get_to(out.summary);
    if (in.contains("expires")) {
      out.expires = from_rfc3339(in.at("expires").get_ref<const std::string&>());
      if (!out.expires) return false;
    }
    return true;
  });
}

Result<Outcome> read_outcome(std::string_view line) {
  return read_line<Outcome>(line, [](const json& in, Outcome& out) {
    const std::string& state = in.at("state").get_ref<const std::string&>();
    const auto found = std::find(states.begin(), states.end(), state);
    if (found == states.end()) return false;
    out.state = static_cast<Outcome::State>(found - states.begin());
    // Again here: the helper may be any program that says these lines.
    out.reason = one_line(in.at("reason").get_ref<const std::string&>());
    if (in.contains("retry_after")) {
      const auto wait = in.at("retry_after").get<std::int64_t>();
      if (wait < 0 || wait > longest_wait) return false;
      out.retry_after = Seconds(wait);
    }
    return true;
  });
}

}  // namespace qrx::notify
