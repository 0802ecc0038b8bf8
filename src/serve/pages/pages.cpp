#include "serve/pages/pages.h"

#include <initializer_list>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"
#include "base/units.h"
#include "base/version.h"
#include "serve/pages/assets.h"
#include "serve/pages/pages_data.h"
#include "wire/json_line.h"

namespace qrx::serve {
namespace {

struct Filling {
  std::string_view name;
  std::string text;
};

// {{name}} is filled in escaped, {{{name}}} as it is.
std::string fill(std::string_view page, std::initializer_list<Filling> fillings) {
  std::string out;
  for (;;) {
    const auto open = page.find("{{");
    out += page.substr(0, open);
    if (open == std::string_view::npos) return out;
    const bool raw = page.substr(open).starts_with("{{{");
    const std::string_view closing = raw ? "}}}" : "}}";
    page.remove_prefix(open + closing.size());
    const auto close = page.find(closing);
    for (const Filling& filling : fillings)
      // Escaped unless the page asks for it raw, which it does only for HTML that was made here.
      if (filling.name == page.substr(0, close)) out += raw ? filling.text : escape_html(filling.text);
    page.remove_prefix(close + closing.size());
  }
}

// Text from outside: what cannot be seen is made visible, then it is escaped for HTML.
std::string shown(std::string_view text) {
  return escape_html(escape_untrusted(text));
}

// JSON (in UTF-8) without a byte that is not ASCII: nothing in the page turns its text around, or hides.
std::string in_ascii(std::string_view json) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out;
  const auto escape = [&out, hex](unsigned unit) {
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += hex[(unit >> shift) & 0xFU];
  };
  for (std::size_t at = 0; at < json.size();) {
    const auto lead = static_cast<unsigned char>(json[at++]);
    if (lead < 0x80) {
      out += static_cast<char>(lead);
      continue;
    }
    unsigned point = lead >= 0xF0 ? lead & 0x07U : lead >= 0xE0 ? lead & 0x0FU : lead & 0x1FU;
    for (; at < json.size() && (static_cast<unsigned char>(json[at]) & 0xC0U) == 0x80U; ++at)
      point = point << 6 | (static_cast<unsigned char>(json[at]) & 0x3FU);
    if (point > 0xFFFF) escape(0xD800U + ((point - 0x10000U) >> 10 & 0x3FFU));
    escape(point > 0xFFFF ? 0xDC00U + (point & 0x3FFU) : point);
  }
  return out;
}

// One page on its way: its language, and what stands around its body.
class Page {
 public:
  explicit Page(const Look& look, std::string_view script = {})
      : look_(look), script_(has_asset(script) ? script : std::string_view()) {}

  std::string say(std::string_view key, const Fillings& fillings = {}) const {
    return sentence(look_.language, key, fillings);
  }

  // What the script is told, as JSON. In an attribute: the policy of the pages allows no inline script.
  void tell(const std::string& facts) { facts_ = " data-facts=\"" + escape_html(in_ascii(facts)) + "\""; }
  void foot(std::string text) { foot_ = std::move(text); }

  std::string in_frame(std::string title, std::string body) const {
    std::string scripts;
    if (!script_.empty()) {
      scripts = "<script type=\"module\" src=\"" + escape_html(asset_url(look_.root, script_)) + "\"></script>";
      scripts += "\n<link rel=\"modulepreload\" href=\"" + escape_html(texts()) + "\">";
    }
    return fill(embedded_page("frame.html"), {{"lang", std::string(tag_of(look_.language))},
                                              {"texts", texts()},
                                              {"title", std::move(title)},
                                              {"home", look_.root + "/"},
                                              {"home_word", say("home")},
                                              {"manifest", look_.root + "/app.webmanifest"},
                                              {"icon", asset_url(look_.root, "icon.svg")},
                                              {"style", asset_url(look_.root, "style.css")},
                                              {"licences", asset_url(look_.root, "licences.txt")},
                                              {"licences_word", say("licences")},
                                              {"scripts", std::move(scripts)},
                                              {"facts", facts_},
                                              {"body", std::move(body)},
                                              {"foot", foot_}});
  }

 private:
  // "receive.js" has its sentences in "texts-en-receive.js".
  std::string texts() const {
    if (script_.empty()) return {};
    return asset_url(look_.root, "texts-" + std::string(code_of(look_.language)) + "-" + std::string(script_));
  }

  const Look& look_;
  std::string_view script_;
  std::string facts_;
  std::string foot_ = std::string("qrx ") + version;
};

std::string fact(const std::string& text) {
  return "<li>" + escape_html(text) + "</li>";
}

// "10 minutes", "about 2 hours", "6 hours", "7 days": whole where it is whole, else about. As words.ts has it.
std::string in_words(const Page& page, Seconds duration) {
  const std::int64_t minutes = std::max<std::int64_t>((duration.count() + 30) / 60, 1);
  const auto count = [&](const char* one, const char* many, std::int64_t number) {
    return page.say(number == 1 ? one : many, {{"n", std::to_string(number)}});
  };
  if (minutes < 55 || (minutes > 65 && minutes < 105)) return count("minute", "minutes", minutes);
  const bool in_hours = minutes < 2850;
  const std::int64_t unit = in_hours ? 60 : 1440;
  const std::int64_t number = (minutes + unit / 2) / unit;
  std::string text = in_hours ? count("hour", "hours", number) : count("day", "days", number);
  return minutes == number * unit ? text : page.say("about", {{"time", std::move(text)}});
}

std::string count_of_files(const Page& page, std::size_t count) {
  return page.say(count == 1 ? "file" : "files", {{"n", std::to_string(count)}});
}

std::string closed_page(const Page& page, const std::string& heading, const std::string& lead) {
  return page.in_frame(heading, fill(embedded_page("closed.html"), {{"heading", heading}, {"lead", lead}}));
}

}  // namespace

// Nothing is loaded from elsewhere and no inline script runs: even markup that got into a page by a mistake could do
// nothing. Trusted Types stop scripts from making HTML of text.
std::string_view page_policy(PageKind kind) {
#define QRX_POLICY(script)                                                                                     \
  "default-src 'none'; " script                                                                                \
  "style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; " \
  "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
  switch (kind) {
    case PageKind::plain:
      return "default-src 'none'; style-src 'self'; img-src 'self' data:; manifest-src 'self'; form-action 'self'; "
             "base-uri 'none'; frame-ancestors 'none'";
    case PageKind::scanner:
      return QRX_POLICY("script-src 'self' 'wasm-unsafe-eval'; ");
    case PageKind::scripted:
      break;
  }
  return QRX_POLICY("script-src 'self'; ") "; require-trusted-types-for 'script'; trusted-types qrx";
#undef QRX_POLICY
}

std::string home_page(const Look& look, const ServerFacts& facts) {
  Page page(look, "receive.js");
  page.tell(wire::JsonLine()
                .number("max_expire", static_cast<std::uint64_t>(facts.max_expire.count()))
                .number("max_size", facts.max_size)
                .boolean("token", facts.create_needs_token)
                .object());
  std::string list;
  if (facts.max_expire > Seconds(0)) list += fact(page.say("kept", {{"time", in_words(page, facts.max_expire)}}));
  if (facts.max_size > 0) list += fact(page.say("up_to", {{"what", format_size(facts.max_size)}}));
  return page.in_frame("qrx", fill(embedded_page("home.html"), {{"heading", page.say("home_heading")},
                                                                {"lead", page.say("home_lead")},
                                                                {"no_script", page.say("home_no_script")},
                                                                {"base", facts.base},
                                                                {"facts", std::move(list)}}));
}

std::string owner_page(const Look& look) {
  const Page page(look, "receive.js");
  return page.in_frame("qrx", fill(embedded_page("owner.html"), {{"heading", page.say("owner_heading")},
                                                                 {"lead", page.say("owner_lead")},
                                                                 {"no_script", page.say("owner_no_script")},
                                                                 {"keep_secret", page.say("owner_secret")}}));
}

std::string drop_page(const Look& look, const wire::DropInfo& drop, WallTime now) {
  Page page(look, "send.js");
  const std::string label = escape_untrusted(drop.label);
  if (drop.state == wire::SpaceState::closed)
    return closed_page(Page(look), page.say("closed_heading"),
                       label.empty() ? page.say("closed_lead") : page.say("closed_lead_of", {{"name", label}}));

  page.tell(wire::to_json(drop));
  const std::string heading = label.empty() ? page.say("drop_heading") : page.say("drop_heading_to", {{"name", label}});
  if (drop.seal == wire::Seal::require)
    return page.in_frame(heading,
                         fill(embedded_page("sealed_only.html"), {{"heading", heading},
                                                                  {"lead", page.say("sealed_only_lead")},
                                                                  {"no_script", page.say("sealed_only_no_script")}}));
  const Seconds left = std::chrono::duration_cast<Seconds>(drop.expires - now);
  const std::string time = in_words(page, std::max(left, Seconds(0)));
  std::string facts =
      fact(time == page.say("hour") ? page.say("open_for_hour") : page.say("open_for", {{"time", time}}));
  if (drop.limits.max_size > 0) facts += fact(page.say("up_to", {{"what", format_size(drop.limits.max_size)}}));
  // A limit that nobody meets is not worth a line.
  if (drop.limits.max_files > 0 && drop.limits.max_files <= 1000)
    facts += fact(page.say("up_to", {{"what", count_of_files(page, drop.limits.max_files)}}));
  std::string warning;
  if (!drop.key.empty())
    warning = "<noscript><p class=\"warn\">" + escape_html(page.say("drop_not_sealed")) + "</p></noscript>";
  return page.in_frame(heading, fill(embedded_page("drop.html"), {{"heading", heading},
                                                                  {"lead", page.say("drop_lead")},
                                                                  {"facts", std::move(facts)},
                                                                  {"warning", std::move(warning)},
                                                                  {"note_word", page.say("note")},
                                                                  {"optional", page.say("optional")},
                                                                  {"files_word", page.say("your_files")},
                                                                  {"send", page.say("send")},
                                                                  {"keep_open", page.say("keep_open")}}));
}

std::string sent_page(const Look& look, const wire::DeliveryState& delivery, std::string_view again_href) {
  const Page page(look);
  std::string files;
  std::uint64_t bytes = 0;
  std::string sums;
  for (const wire::ReceivedFile& file : delivery.files) {
    bytes += file.size;
    const std::string name = "<li><b dir=\"auto\">" + shown(file.name) + "</b>";
    files += name + "<span>" + format_size(file.size) + "</span></li>";
    sums += name + "<code>" + to_hex(file.xxh128) + "</code></li>";
  }
  const std::string heading = page.say("sent_heading");
  return page.in_frame(
      heading, fill(embedded_page("sent.html"),
                    {{"heading", heading},
                     {"lead", delivery.files.empty()
                                  ? page.say("sent_text")
                                  : page.say("sent_lead", {{"files", count_of_files(page, delivery.files.size())},
                                                           {"size", format_size(bytes)}})},
                     {"files", std::move(files)},
                     {"again", std::string(again_href)},
                     {"again_word", page.say("send_more")},
                     {"sums_heading", page.say("sums_heading")},
                     {"sums_lead", page.say("sums")},
                     {"sums", std::move(sums)}}));
}

std::string share_page(const Look& look, const wire::SharedSpace& shared, const wire::AddressOf& address_of,
                       WallTime now) {
  Page page(look, "pickup.js");
  page.tell(wire::to_json(shared, address_of));
  const std::string label = escape_untrusted(shared.label);
  const std::string heading =
      label.empty() ? page.say("share_heading") : page.say("share_heading_from", {{"name", label}});
  std::string files;
  std::size_t count = 0;
  bool sealed = false;
  for (const wire::DeliveryInfo& delivery : shared.deliveries)
    for (const wire::FileInfo& file : delivery.files) {
      ++count;
      sealed = sealed || file.sealed;
      // Nobody can open what is sealed without script: it is named, not offered.
      files += "<li><b dir=\"auto\">" + shown(file.name) + "</b><span>" + format_size(file.size) + "</span>";
      // A form that posts, not a link: previews of messengers and scanners of mails follow links, and would use up the
      // downloads.
      if (!file.sealed)
        files += "<form method=\"post\" action=\"" + escape_html(address_of(file.file)) +
                 "\"><button class=\"small\">" + escape_html(page.say("download")) + "</button></form>";
      files += "</li>";
    }
  std::string facts = fact(page.say(
      "there_for",
      {{"time", in_words(page, std::max(std::chrono::duration_cast<Seconds>(shared.expires - now), Seconds(0)))}}));
  if (shared.downloads_left > 0)
    facts +=
        fact(page.say(shared.downloads_left == 1 ? "once" : "times", {{"n", std::to_string(shared.downloads_left)}}));
  std::string message =
      shared.message.empty() ? std::string() : "<blockquote dir=\"auto\">" + shown(shared.message) + "</blockquote>";
  if (sealed) message += "<noscript><p class=\"warn\">" + escape_html(page.say("share_sealed")) + "</p></noscript>";
  return page.in_frame(heading, fill(embedded_page("share.html"),
                                     {{"heading", heading},
                                      {"lead", count == 0 ? page.say("share_empty") : count_of_files(page, count)},
                                      {"facts", std::move(facts)},
                                      {"message", std::move(message)},
                                      {"files", std::move(files)}}));
}

std::string scan_page(const Look& look) {
  const Page page(look, "scan.js");
  const std::string heading = page.say("scan_heading");
  return page.in_frame(heading, fill(embedded_page("scan.html"), {{"heading", heading},
                                                                  {"lead", page.say("scan_lead")},
                                                                  {"no_script", page.say("scan_no_script")}}));
}

namespace {

// Texts of a page, by their keys.
struct Words {
  int status;  // 0: of any
  Saying saying;
  std::string_view heading;
  std::string_view lead;
  std::string_view hint;
};
constexpr Words words_of_refusals[] = {
    {0, Saying::link_revoked, "revoked", "revoked_lead", ""},
    {0, Saying::link_used_up, "used_up", "used_up_lead", ""},
    {0, Saying::link_expired, "gone", "link_expired", ""},
    {0, Saying::link_closed, "closed_heading", "closed_problem", ""},
    {0, Saying::nothing_chosen, "error_refused", "no_file", ""},
    {404, Saying::by_status, "nothing_here", "nothing_here_lead", "nothing_here_hint"},
    {410, Saying::by_status, "gone", "gone_lead", ""},
    {413, Saying::by_status, "too_large", "too_large_lead", "too_large_hint"},
    {507, Saying::by_status, "error_server", "no_room_lead", ""},
};

std::string as_sentence(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  if (!text.empty() && static_cast<unsigned char>(text.back()) < 0x80 && !text.ends_with('.')) text += '.';
  return text;
}

}  // namespace

std::string error_page(const Look& look, int status, std::string_view title, std::string_view detail,
                       std::string_view request_id, Saying saying) {
  Page page(look);
  const bool english = look.language == Language::english;
  std::string heading =
      english ? as_sentence(std::string(title)) : page.say(status < 500 ? "error_refused" : "error_server");
  if (english) heading.pop_back();
  // What the server says of it is English.
  std::string lead =
      english ? as_sentence(escape_untrusted(detail)) : page.say(status < 500 ? "refused_lead" : "server_lead");
  std::string hint = status >= 500 && status != 507 ? page.say("error_hint") : std::string();
  for (const Words& words : words_of_refusals) {
    if (words.saying != saying || (words.status != 0 && words.status != status)) continue;
    heading = page.say(words.heading);
    lead = page.say(words.lead);
    if (!words.hint.empty()) hint = page.say(words.hint);
  }
  if (!hint.empty()) hint = "<p>" + escape_html(hint) + "</p>";
  if (!request_id.empty())
    page.foot(std::string("qrx ") + version + " · " + page.say("request") + " " + std::string(request_id));
  return page.in_frame(heading,
                       fill(embedded_page("error.html"), {{"heading", heading}, {"lead", lead}, {"hint", hint}}));
}

}  // namespace qrx::serve
