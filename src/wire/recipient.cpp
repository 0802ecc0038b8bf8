#include "wire/recipient.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "wire/domain.h"
#include "wire/limits.h"
#include "wire/link.h"

namespace qrx::wire {
namespace {

struct Form {
  Channel channel;
  std::string_view name;
  std::string_view scheme;  // as to_text() writes it; empty: the address says it all
};
constexpr std::array<Form, 15> forms = {{{Channel::link, "link", "link:"},
                                         {Channel::mail, "mail", ""},
                                         {Channel::sms, "sms", ""},
                                         {Channel::xmpp, "xmpp", "xmpp:"},
                                         {Channel::matrix, "matrix", "matrix:"},
                                         {Channel::telegram, "telegram", "tg:"},
                                         {Channel::ntfy, "ntfy", "ntfy:"},
                                         {Channel::slack, "slack", "slack:"},
                                         {Channel::mattermost, "mattermost", "mattermost:"},
                                         {Channel::discord, "discord", "discord:"},
                                         {Channel::wecom, "wecom", "wecom:"},
                                         {Channel::dingtalk, "dingtalk", "dingtalk:"},
                                         {Channel::feishu, "feishu", "feishu:"},
                                         {Channel::webhook, "webhook", ""},
                                         {Channel::exec, "exec", "exec:"}}};
constexpr std::string_view known_forms =
    "forms: alice@example.org, +8613800138000, xmpp:, matrix:, tg:, ntfy:, wecom:, dingtalk:, feishu:, https://hook, "
    "link:NAME";

constexpr std::size_t most_local_part = 64;     // RFC 5321 4.5.3.1.1
constexpr std::size_t most_mail_address = 254;  // RFC 5321 4.5.3.1.3, without the angle brackets
constexpr std::size_t most_host = 253;
constexpr std::size_t most_host_label = 63;
// E.164 names no least; the shortest numbers in use have seven with their country.
constexpr std::size_t least_digits = 7;
constexpr std::size_t most_digits = 15;  // E.164
constexpr std::size_t most_name = 255;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_word(char c) {
  return is_letter(c) || is_digit(c);
}
bool is_any_of(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}

template <class Test>
bool all(std::string_view text, Test test) {
  return std::all_of(text.begin(), text.end(), test);
}

// Blanks and marks that look like them or like nothing, and the full-width and small twins of ASCII, which some
// programs turn into what they look like.
bool is_trick(char32_t c) {
  constexpr std::u32string_view blanks = U"\u00A0\u1680\u2007\u202F\u205F\u3000\u2800\u2011\uFFFC";
  return blanks.find(c) != std::u32string_view::npos || (c >= 0x2000 && c <= 0x200A) || (c >= 0xFE40 && c <= 0xFE7F) ||
         (c >= 0xFF00 && c <= 0xFF7F);
}

bool holds_tricks(std::string_view text) {
  if (escape_untrusted(text) != text) return true;
  while (!text.empty())
    if (const auto c = take_code_point(text); !c || is_trick(*c)) return true;
  return false;
}

// A host name as DNS has it, in ASCII; not an address of digits.
bool is_domain(std::string_view host) {
  if (host.empty() || host.size() > most_host) return false;
  bool last_has_letter = false;
  while (true) {
    const auto dot = host.find('.');
    const std::string_view label = host.substr(0, dot);
    if (label.empty() || label.size() > most_host_label || label.front() == '-' || label.back() == '-') return false;
    if (!all(label, [](char c) { return is_word(c) || c == '-'; })) return false;
    last_has_letter = std::any_of(label.begin(), label.end(), is_letter);  // "127.1" would be taken for an address
    if (dot == std::string_view::npos) return last_has_letter;
    host.remove_prefix(dot + 1);
  }
}

// RFC 5322 dot-atom without what old relays took for a route ('%', '!') and what a local MTA may take for a command.
bool is_local_part(std::string_view local) {
  if (local.empty() || local.size() > most_local_part || is_any_of(local.front(), "-|/.") || local.back() == '.')
    return false;
  if (local.find("..") != std::string_view::npos) return false;
  return all(local, [](char c) { return is_word(c) || is_any_of(c, ".#$&'*+-/=?^_{|}~"); });
}

tl::unexpected<Error> no(std::string what) {
  return fail(Kind::usage, std::move(what));
}

// --- addresses as people copy them

bool is_digit_or_separator(char c) {
  return is_digit(c) || is_any_of(c, "+ .-()/");
}

// "Anna Beispiel <anna@example.org>," is the address within.
std::string_view without_name(std::string_view text) {
  text = trim(text);
  while (!text.empty() && is_any_of(text.back(), ",;")) text = trim(text.substr(0, text.size() - 1));
  const auto open = text.rfind('<');
  if (open == std::string_view::npos || !text.ends_with('>')) return text;
  const std::string_view name = text.substr(0, open);
  // A second address, or a line break, is no name.
  if (name.find_first_of("@<>\r\n") != std::string_view::npos) return text;
  return trim(text.substr(open + 1, text.size() - open - 2));
}

Result<std::string> mail_address(std::string_view text) {
  const auto at = text.find('@');
  if (at == std::string_view::npos) return no("a mail address has an @");
  if (text.find('@', at + 1) != std::string_view::npos) return no("a mail address has one @ only");
  if (text.size() > most_mail_address) return no("a mail address has at most 254 characters");
  if (!is_local_part(text.substr(0, at))) return no("what stands before the @ is not the name of a mailbox");
  const std::string domain = domain_in_ascii(text.substr(at + 1));
  if (!is_domain(domain)) return no("what stands after the @ is not a domain");
  if (at + 1 + domain.size() > most_mail_address) return no("a mail address has at most 254 characters");
  return std::string(text.substr(0, at + 1)) + domain;
}

Result<std::string> mailto_address(std::string_view text) {
  // A subject and the like is dropped; somebody else to write to is not.
  const auto question = std::min(text.find('?'), text.size());
  const std::string headers = to_lower_ascii(text.substr(question));
  for (const std::string_view other : {"to=", "cc="})  // bcc= too; it would get the link of the first
    if (headers.find(other) != std::string::npos) return no("it names several addresses; give one at a time");
  std::string decoded;
  if (!percent_decode(text.substr(0, question), decoded)) return no("the mailto: address has a broken %-escape");
  return mail_address(decoded);
}

Result<std::string> phone_number(std::string_view given) {
  const std::string plain = in_plain_letters(given);
  std::string_view text = trim(plain);
  if (text.find(';') != std::string_view::npos) return no("a phone number has no extension");  // ";ext=", RFC 3966
  std::string out = "+";
  if (text.starts_with("(+")) text.remove_prefix(1);
  if (text.starts_with("00"))
    text.remove_prefix(2);  // how most of the world dials a +
  else if (text.starts_with('+'))
    text.remove_prefix(1);
  else if (text.starts_with('0'))
    return no("the country code is missing: write + and the code in place of the first 0, such as +49 for Germany");
  else
    return no("a phone number starts with + and the country code, such as +49 or +86");
  if (text.find("(0)") != std::string_view::npos)  // "+49 (0)30": with the zero it would be another number
    return no("leave out the (0): it is not dialled with the country code");
  for (const char c : text) {
    if (is_digit(c))
      out += c;
    else if (!is_any_of(c, " .-()/"))
      return no("a phone number has digits only");
  }
  if (out.size() - 1 < least_digits || out.size() - 1 > most_digits || out[1] == '0')
    return no("a phone number has 7 to 15 digits, the country code first");
  return out;
}

Result<std::string> jabber_id(std::string_view text) {
  const auto at = text.find('@');
  if (text.find('/') != std::string_view::npos || text.find('?') != std::string_view::npos)
    return no("an XMPP address is written without resource and query");
  if (at == std::string_view::npos) return no("an XMPP address has an @");
  const std::string_view local = text.substr(0, at);
  const std::string domain = domain_in_ascii(text.substr(at + 1));
  if (local.size() > most_name || local.find_first_of("&'\"") != std::string_view::npos || !is_local_part(local) ||
      !is_domain(domain))
    return no("this is not an XMPP address like alice@example.org");
  return to_lower_ascii(local) + "@" + domain;
}

Result<std::string> matrix_id(std::string_view text) {
  const auto malformed = [] { return no("a Matrix address is !room:example.org or @alice:example.org"); };
  if (text.size() < 2 || text.size() > most_name || (text[0] != '!' && text[0] != '@')) return malformed();
  const auto colon = text.find(':');
  const std::string_view local = text.substr(1, colon == std::string_view::npos ? colon : colon - 1);
  if (local.empty() || !all(local, [](char c) { return is_word(c) || is_any_of(c, "._=/+~-"); })) return malformed();
  if (colon == std::string_view::npos)  // rooms of version 12 carry no server
    return text[0] == '!' ? Result<std::string>(std::string(text)) : malformed();
  std::string_view server = text.substr(colon + 1);
  if (const auto port = server.find(':'); port != std::string_view::npos) {
    const std::string_view digits = server.substr(port + 1);
    if (digits.empty() || digits.size() > 5 || !all(digits, is_digit)) return malformed();
    server = server.substr(0, port);
  }
  const bool is_number = server.size() >= 7 && all(server, [](char c) { return is_digit(c) || c == '.'; });  // 1.2.3.4
  if (!is_domain(server) && !is_number) return malformed();
  return std::string(text.substr(0, colon + 1)) + to_lower_ascii(text.substr(colon + 1));
}

Result<std::string> telegram_chat(std::string_view text) {
  if (text.starts_with('@')) {
    const std::string_view name = text.substr(1);
    if (name.size() >= 4 && name.size() <= 32 && is_letter(name[0]) &&
        all(name, [](char c) { return is_word(c) || c == '_'; }))
      return std::string(text);
  } else {
    const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
    if (!digits.empty() && digits.size() <= 19 && digits[0] != '0' && all(digits, is_digit)) return std::string(text);
  }
  return no("a Telegram chat is a number or @name");
}

Result<std::string> plain_key(std::string_view text, std::size_t most, std::string_view about) {
  if (text.empty() || text.size() > most || !all(text, [](char c) { return is_word(c) || c == '-' || c == '_'; }))
    return no(std::string(about) + " has letters, digits, - and _ only, at most " + std::to_string(most));
  return std::string(text);
}

Result<std::string> hook(std::string_view text) {
  const auto scheme = text.find("://");
  if (scheme == std::string_view::npos) return no("a hook is an https:// address");
  if (!all(text, [](char c) { return c > 0x20 && c < 0x7F && !is_any_of(c, "\"<>\\^`{|},;"); }))
    return no("the hook holds forbidden characters; write them as %-escapes");  // lists are split at them
  if (text.find('#') != std::string_view::npos) return no("a hook has no fragment");
  if (text.find("://", scheme + 3) != std::string_view::npos) return no("there are two addresses in one hook");
  const auto rest = text.find_first_of("/?", scheme + 3);
  auto origin = Origin::parse(text.substr(0, rest));
  if (!origin) return no("the hook is malformed: " + origin.error().what);
  if (origin->port == 0) return no("the hook's port is malformed");
  return origin->url() +
         (rest == std::string_view::npos ? "/" : (text[rest] == '?' ? "/" : "") + std::string(text.substr(rest)));
}

// What people call somebody, or what a command understands: any script, in one word that looks like no other.
Result<std::string> visible_word(std::string_view text, std::size_t most, std::string_view about) {
  if (text.empty() || text.size() > most)
    return no(std::string(about) + " has 1 to " + std::to_string(most) + " bytes");
  if (holds_tricks(text) || text.find_first_of(" ,;<>\"\\") != std::string_view::npos)
    return no(std::string(about) + " holds blanks, commas, quotes, brackets or invisible characters");
  return std::string(text);
}

Result<std::string> command_address(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return no("a command is named exec:NAME:ADDRESS");
  auto name = plain_key(text.substr(0, colon), 32, "the name of a command");
  if (!name) return name;
  auto address = visible_word(text.substr(colon + 1), most_recipient_bytes, "the address for a command");
  if (!address) return address;
  return *name + ":" + *address;
}

Result<std::string> address_for(Channel channel, std::string_view text) {
  switch (channel) {
    case Channel::link:
      return visible_word(text, most_name, "a name");
    case Channel::mail:
      return mail_address(text);
    case Channel::sms:
      return phone_number(text);
    case Channel::xmpp:
      return jabber_id(text);
    case Channel::matrix:
      return matrix_id(text);
    case Channel::telegram:
      return telegram_chat(text);
    case Channel::ntfy:
      return plain_key(text, 64, "an ntfy topic");
    case Channel::wecom:
      return plain_key(text, 128, "a WeCom key");
    case Channel::dingtalk:
      return plain_key(text, 128, "a DingTalk token");
    case Channel::feishu:
      return plain_key(text, 128, "a Feishu id");
    case Channel::slack:
    case Channel::mattermost:
    case Channel::discord:
    case Channel::webhook:
      return hook(text);
    case Channel::exec:
      return command_address(text);
  }
  return no("no such channel");
}

std::string shortened(std::string_view text) {
  constexpr std::size_t most_shown = 100;
  if (text.size() <= most_shown) return std::string(text);
  std::size_t cut = most_shown;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0U) == 0x80U) --cut;
  return std::string(text.substr(0, cut)) + "...";
}

Result<Recipient> finish(std::string_view text, Channel channel, Result<std::string> address) {
  if (!address)
    return fail(Kind::usage, "'" + shortened(text) + "' is not an address I understand: " + address.error().what);
  return Recipient{channel, std::move(*address)};
}

}  // namespace

std::string_view to_text(Channel channel) {
  for (const Form& form : forms)
    if (form.channel == channel) return form.name;
  return "link";
}

Result<Recipient> parse_recipient(std::string_view given) {
  const std::string_view text = trim(given);
  if (text.empty()) return fail(Kind::usage, "an empty recipient");
  if (text.size() > most_recipient_bytes)
    return fail(Kind::usage, "'" + shortened(text) + "' is not an address I understand: it has more than 2048 bytes");
  const auto take = [&](Channel channel, Result<std::string> address) {
    return finish(text, channel, std::move(address));
  };

  const std::string plain = in_plain_letters(text);
  if (all(plain, is_digit_or_separator)) return take(Channel::sms, phone_number(text));
  if (text.front() == '+') return take(Channel::sms, phone_number(text));
  const std::string_view bare = without_name(plain);
  if (bare.size() != plain.size() && bare.find('@') != std::string_view::npos &&
      bare.find(':') == std::string_view::npos)
    return take(Channel::mail, mail_address(bare));
  const auto colon = text.find(':');
  const auto at = text.find('@');
  if (colon == std::string_view::npos || (at != std::string_view::npos && at < colon)) {
    if (plain.find('@') != std::string::npos) return take(Channel::mail, mail_address(bare));
    return fail(Kind::usage, "'" + shortened(text) + "' is not an address I understand", std::string(known_forms));
  }
  const std::string scheme = to_lower_ascii(text.substr(0, colon + 1));
  const std::string_view rest = text.substr(colon + 1);
  if (scheme == "mailto:") return take(Channel::mail, mailto_address(trim(rest)));
  if (scheme == "sms:" || scheme == "tel:") return take(Channel::sms, phone_number(rest));
  if (scheme == "https:" || scheme == "http:") return take(Channel::webhook, hook(text));  // with its scheme
  for (const Form& form : forms)
    if (!form.scheme.empty() && form.scheme == scheme) return take(form.channel, address_for(form.channel, rest));
  return fail(Kind::usage, "'" + shortened(text) + "' is not an address I understand", std::string(known_forms));
}

std::string to_text(const Recipient& recipient) {
  for (const Form& form : forms)
    if (form.channel == recipient.channel) return std::string(form.scheme) + recipient.address;
  return recipient.address;
}

}  // namespace qrx::wire
