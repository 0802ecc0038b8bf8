#include "serve/pages.h"

#include <initializer_list>
#include <utility>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/text.h"
#include "base/units.h"
#include "serve/pages_data.h"
#include "serve/problems.h"

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
      if (filling.name == page.substr(0, close)) out += raw ? filling.text : escape_html(filling.text);
    page.remove_prefix(close + closing.size());
  }
}

std::string frame(std::string title, std::string body, std::string foot = {}) {
  return fill(embedded_page("frame.html"), {{"title", std::move(title)},
                                            {"style", std::string(embedded_page("style.css"))},
                                            {"body", std::move(body)},
                                            {"foot", foot.empty() ? "qrx " QRX_VERSION : std::move(foot)}});
}

// Text from outside: what cannot be seen is made visible, then it is escaped for HTML.
std::string shown(std::string_view text) { return escape_html(escape_untrusted(text)); }

std::string fact(const std::string& text) { return "<li>" + escape_html(text) + "</li>"; }

// A week reads better than 7 d 0 h.
std::string in_words(Seconds duration) {
  const std::int64_t days = duration.count() / 86400;
  if (days >= 2) return std::to_string(days) + " days";
  return format_duration(duration);
}

std::string count_of(std::size_t count, const char* one, const char* many) {
  return std::to_string(count) + ' ' + (count == 1 ? one : many);
}

std::string closed_page(std::string heading, std::string lead) {
  std::string title = heading;
  return frame(std::move(title), fill(embedded_page("closed.html"), {{"heading", std::move(heading)}, {"lead", std::move(lead)}}));
}

}  // namespace

std::string_view page_policy() {
  static const std::string policy =
      "default-src 'none'; style-src 'sha256-" + to_base64(as_bytes(sha256(as_bytes(embedded_page("style.css"))))) +
      "'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
  return policy;
}

std::string home_page(const ServerFacts& facts) {
  std::string list = fact("kept at most " + in_words(facts.max_expire));
  if (facts.max_size > 0) list += fact("up to " + format_size(facts.max_size));
  return frame("qrx", fill(embedded_page("home.html"), {{"base", facts.base}, {"facts", std::move(list)}}));
}

std::string drop_page(const wire::DropInfo& drop, WallTime now) {
  const std::string label = escape_untrusted(drop.label);
  const std::string receiver = label.empty() ? "the receiver" : label;
  if (drop.state == wire::SpaceState::closed)
    return closed_page("Nothing more, thank you", "The space of " + receiver + " has been closed and takes no more files.");
  if (drop.seal == wire::Seal::require)
    return closed_page("Sealed files only", "For " + receiver + " files have to be sealed before they are sent, and this page cannot do that. Use "
                       "qrx-send with the QR code, or seal the file with age to the key in the link and send it with curl.");

  const Seconds left = std::chrono::duration_cast<Seconds>(drop.expires - now);
  std::string facts = fact("open for another " + in_words(std::max(left, Seconds(0))));
  if (drop.limits.max_size > 0) facts += fact("up to " + format_size(drop.limits.max_size));
  if (drop.limits.max_files > 0 && drop.limits.max_files <= 1000)
    facts += fact("up to " + count_of(drop.limits.max_files, "file", "files"));
  std::string warning;
  if (!drop.key.empty())
    warning = "<p class=\"warn\">This page sends files as they are, so the server could read them. <code>qrx-send</code> seals them for the receiver.</p>";
  const std::string heading = label.empty() ? "Send files" : "Send to " + label;
  return frame(heading, fill(embedded_page("drop.html"),
                             {{"heading", heading},
                              {"lead", "What you choose here goes to whoever showed you the QR code."},
                              {"facts", std::move(facts)},
                              {"warning", std::move(warning)}}));
}

std::string sent_page(const wire::DeliveryState& delivery, std::string_view again_href) {
  std::string files;
  std::uint64_t bytes = 0;
  for (const wire::ReceivedFile& file : delivery.files) {
    bytes += file.size;
    files += "<li><b>" + shown(file.name) + "</b><span>" + format_size(file.size) + "</span><code>" +
             to_hex(file.xxh128) + "</code></li>";
  }
  return frame("Sent successfully",
               fill(embedded_page("sent.html"),
                    {{"lead", count_of(delivery.files.size(), "file", "files") + ", " + format_size(bytes) + " in all, arrived in full and checked."},
                     {"files", std::move(files)},
                     {"again", std::string(again_href)}}));
}

std::string owner_page() { return frame("The receiver's link", std::string(embedded_page("owner.html"))); }

std::string error_page(int status, std::string_view detail, std::string_view request_id) {
  std::string heading(title_of(status));
  heading[0] = static_cast<char>(heading[0] >= 'a' && heading[0] <= 'z' ? heading[0] - 'a' + 'A' : heading[0]);
  std::string lead = escape_untrusted(detail);
  std::string hint;
  if (status == 404) {
    heading = "Nothing here";
    lead = "This address leads nowhere: it may be mistyped, or what was here has expired or was deleted.";
    hint = "<p>Scan the QR code again, or ask the receiver for a new one.</p>";
  } else if (status == 413) {
    heading = "Too large";
    hint = "<p>Go back and choose fewer or smaller files.</p>";
  } else if (status >= 500) {
    hint = "<p>Nothing is wrong with your files. Please try again in a moment.</p>";
  }
  if (!lead.empty() && lead[0] >= 'a' && lead[0] <= 'z') lead[0] = static_cast<char>(lead[0] - 'a' + 'A');
  if (!lead.empty() && !lead.ends_with('.')) lead += '.';
  std::string foot = "qrx " QRX_VERSION;
  if (!request_id.empty()) foot += " · request " + std::string(request_id);
  return frame(heading, fill(embedded_page("error.html"), {{"heading", heading}, {"lead", lead}, {"hint", hint}}), foot);
}

}  // namespace qrx::serve
