#include "notify/settings.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "base/clock.h"
#include "base/networks.h"
#include "base/text.h"
#include "base/units.h"
#include "wire/link.h"

namespace qrx::notify {
namespace {

constexpr Seconds longest_command{100};  // below the two minutes of Courier::send

enum class Form : std::uint8_t {
  text,
  url,
  mail_url,
  file,
  truth,
  number,
  port,
  duration,
  list,
  choice_tls,
  choice_spool,
  sender
};

struct Key {
  std::string_view name;
  Form form;
  bool needed = false;
};

struct TableKeys {
  std::string_view name;
  std::vector<Key> keys;
};

// What each table may say, for whoever sends (enabled) and for the server's outbox (the limits).
const std::vector<Key>& keys_of_all() {
  static const std::vector<Key> keys = {
      {"enabled", Form::truth}, {"per_day", Form::number}, {"per_recipient", Form::number}};
  return keys;
}

const std::vector<TableKeys>& tables() {
  static const std::vector<TableKeys> all = {
      {"mail",
       {{"url", Form::mail_url},
        {"sendmail", Form::file},
        {"from", Form::sender, true},
        {"user", Form::text},
        {"password_file", Form::file},
        {"tls", Form::choice_tls},
        {"ca_file", Form::file},
        {"unsubscribe", Form::text}}},
      {"sms",
       {{"spool", Form::choice_spool},
        {"directory", Form::file},
        {"url", Form::url},
        {"user", Form::text},
        {"password_file", Form::file},
        {"from", Form::text},
        {"ca_file", Form::file},
        {"countries", Form::list}}},
      {"xmpp",
       {{"user", Form::text, true},
        {"password_file", Form::file, true},
        {"host", Form::text},
        {"port", Form::port},
        {"ca_file", Form::file}}},
      {"matrix", {{"url", Form::url, true}, {"token_file", Form::file, true}, {"ca_file", Form::file}}},
      {"telegram", {{"url", Form::url}, {"token_file", Form::file, true}, {"ca_file", Form::file}}},
      {"ntfy",
       {{"url", Form::url},
        {"token_file", Form::file},
        {"user", Form::text},
        {"password_file", Form::file},
        {"ca_file", Form::file}}},
      {"slack", {{"hosts", Form::list}, {"allow_http", Form::truth}, {"ca_file", Form::file}}},
      {"mattermost", {{"hosts", Form::list}, {"allow_http", Form::truth}, {"ca_file", Form::file}}},
      {"discord", {{"hosts", Form::list}, {"allow_http", Form::truth}, {"ca_file", Form::file}}},
      {"wecom", {{"url", Form::url}, {"ca_file", Form::file}}},
      {"dingtalk", {{"url", Form::url}, {"secret_file", Form::file}, {"ca_file", Form::file}}},
      {"feishu", {{"url", Form::url}, {"secret_file", Form::file}, {"ca_file", Form::file}}},
      {"webhook",
       {{"hosts", Form::list}, {"allow_http", Form::truth}, {"secret_file", Form::file}, {"ca_file", Form::file}}},
      {"exec", {}}};
  return all;
}

constexpr std::array<Key, 1> keys_of_a_command = {{{"timeout", Form::duration}}};

tl::unexpected<Error> wrong(const std::string& table, std::string what) {
  return fail(Kind::usage, "notify." + table + ": " + std::move(what));
}

bool is_truth(std::string_view text) {
  return text == "true" || text == "false";
}
bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 9 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_plain(std::string_view text) {
  return !text.empty() && escape_untrusted(text) == text;
}

bool is_mail_url(std::string_view text) {
  // As a host and a port look like in any URL, the parser for links does.
  const auto after = text.find("://");
  if (after == std::string_view::npos) return false;
  const std::string scheme = to_lower_ascii(text.substr(0, after));
  const auto origin = wire::Origin::parse("http" + std::string(text.substr(after)));
  return (scheme == "smtp" || scheme == "smtps") && origin && origin->prefix.empty();
}

// "qrx@example.org" or "Name <qrx@example.org>"
bool is_sender(std::string_view text) {
  if (!is_plain(text)) return false;
  const auto open = text.find('<');
  if (open == std::string_view::npos) {
    const auto recipient = wire::parse_recipient(text);
    return recipient && recipient->channel == wire::Channel::mail;
  }
  if (text.back() != '>') return false;
  const auto recipient = wire::parse_recipient(text.substr(open + 1, text.size() - open - 2));
  return recipient && recipient->channel == wire::Channel::mail;
}

// Empty when the value is one; else what it must be.
std::string must_be(Form form, const std::string& value) {
  switch (form) {
    case Form::text:
      return is_plain(value) ? "" : "a text without control characters";
    case Form::url:
      return wire::Origin::parse(value) ? "" : "an address like https://host:port";
    case Form::mail_url:
      return is_mail_url(value) ? "" : "smtp://host:port or smtps://host:port";
    case Form::file:
      return (value.starts_with('/') || value.starts_with("~/")) && is_plain(value) ? "" : "an absolute path";
    case Form::truth:
      return is_truth(value) ? "" : "true or false";
    case Form::number:
      return is_number(value) ? "" : "a whole number";
    case Form::port:
      return is_number(value) && std::stoul(value) <= 65'535 ? "" : "a port, at most 65535";
    case Form::duration: {
      const auto duration = parse_duration(value);
      return duration && duration->count() > 0 && *duration <= longest_command ? "" : "a duration of at most 100s";
    }
    // Any: what stands in it is compared, and nothing else is done with it.
    case Form::list:
      return "";
    case Form::choice_tls:
      return value == "required" || value == "off" ? "" : "\"required\" or \"off\"";
    case Form::choice_spool:
      return value == "gammu" || value == "smstools" ? "" : "\"gammu\" or \"smstools\"";
    case Form::sender:
      return is_sender(value) ? "" : "an address: \"qrx@example.org\" or \"Name <qrx@example.org>\"";
  }
  return "";
}

using Values = std::map<std::string, std::string>;

Result<void> check_keys(const std::string& table, const Values& values, std::span<const Key> own, bool with_common) {
  const auto find = [&](std::string_view name) -> const Key* {
    for (const Key& key : own)
      if (key.name == name) return &key;
    if (with_common)
      for (const Key& key : keys_of_all())
        if (key.name == name) return &key;
    return nullptr;
  };
  for (const auto& [name, value] : values) {
    const Key* key = find(name);
    if (!key) return wrong(table, "unknown key " + name);
    if (const std::string wish = must_be(key->form, value); !wish.empty())
      return wrong(table, name + " must be " + wish);
  }
  for (const Key& key : own)
    if (key.needed && values.count(std::string(key.name)) == 0)
      return wrong(table, "the key " + std::string(key.name) + " is missing");
  return {};
}

// What goes together in one table, and what excludes each other.
Result<void> check_together(const std::string& table, const Values& values) {
  const auto has = [&](const char* key) { return values.count(key) > 0; };
  if (table == "mail") {
    // Just one of the two.
    if (has("url") == has("sendmail")) return wrong(table, "one of the keys url and sendmail is needed");
  } else if (table == "sms") {
    if (has("url") == has("spool")) return wrong(table, "one of the keys spool and url is needed");
    if (has("spool") && !has("directory")) return wrong(table, "the key directory is missing");
    if (has("url") && !(has("user") && has("password_file") && has("from")))
      return wrong(table, "with url, the keys user, password_file and from are needed");
  }
  if (has("user") && !has("password_file")) return wrong(table, "the key password_file is missing");
  return {};
}

}  // namespace

bool is_limit(std::string_view key) {
  constexpr std::array<std::string_view, 5> limits = {"recipients", "per_space", "per_day", "per_recipient",
                                                      "per_country"};
  return std::find(limits.begin(), limits.end(), key) != limits.end();
}

Result<void> check_settings(const Settings& settings) {
  for (const auto& [key, value] : settings.limits)
    if (!is_limit(key) || !is_number(value)) return fail(Kind::usage, "notify: " + key + " must be a whole number");
  // Said at start: a list that is half understood would let hooks go where nobody meant them to.
  for (const auto& network : settings.allowed_networks)
    if (!Network::parse(network))
      return fail(Kind::usage,
                  "notify: allow_private: '" + network + "' is not an address or network like 10.1.0.0/16");
  for (const auto& [name, values] : settings.transports) {
    if (name.starts_with("exec.")) {
      if (settings.commands.count(name.substr(5)) == 0) return wrong(name, "the key command is missing");
      if (auto checked = check_keys(name, values, keys_of_a_command, true); !checked) return checked;
      continue;
    }
    const auto found = std::find_if(tables().begin(), tables().end(),
                                    [&table_name = name](const TableKeys& t) { return t.name == table_name; });
    if (found == tables().end()) return wrong(name, "unknown transport");
    if (auto checked = check_keys(name, values, found->keys, true); !checked) return checked;
    if (auto checked = check_together(name, values); !checked) return checked;
  }
  for (const auto& [name, command] : settings.commands) {
    if (!wire::parse_recipient("exec:" + name + ":x"))
      return wrong("exec." + name, "the name has letters, digits, - and _ only");
    if (command.empty() || !command.front().starts_with('/'))
      // Without a search in PATH: what runs must not depend on the environment.
      return wrong("exec." + name, "command must be a list that begins with an absolute path");
  }
  return {};
}

bool is_on(const Settings& settings, wire::Channel channel) {
  const auto on = [&](const std::string& name) {
    const auto table = settings.transports.find(name);
    if (table == settings.transports.end()) return false;
    const auto enabled = table->second.find("enabled");
    return enabled == table->second.end() || enabled->second != "false";
  };
  if (channel == wire::Channel::link) return false;
  if (channel != wire::Channel::exec) return on(std::string(wire::to_text(channel)));
  // The table exec switches all commands off.
  if (settings.transports.count("exec") > 0 && !on("exec")) return false;
  return std::any_of(settings.commands.begin(), settings.commands.end(), [&](const auto& command) {
    return settings.transports.count("exec." + command.first) == 0 || on("exec." + command.first);
  });
}

std::vector<std::string> list_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (end != 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

}  // namespace qrx::notify
