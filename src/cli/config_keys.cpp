#include "cli/config_keys.h"

#include <algorithm>
#include <utility>

namespace qrx::cli {
namespace {

// What other tools of ours know: it may stand at the top of the file that all of them read. The keys of all tools are
// compared with this list by a test.
const std::vector<std::string>& keys() {
  static const std::vector<std::string> all = {
      "again",   "any",       "ask",         "bind",     "camera",      "clipboard", "close",      "count",
      "delete",  "downloads", "dry-run",     "exec",     "expect",      "expire",    "extend",     "file",
      "follow",  "forget",    "identity",    "image",    "inbox",       "interval",  "invert",     "json",
      "keep",    "label",     "limit-rate",  "link",     "list",        "max-files", "max-size",   "message",
      "name",    "no-invert", "no-progress", "no-qr",    "on-conflict", "output",    "poster",     "preserve",
      "preview", "print0",    "public-url",  "qr",       "qr-file",     "quiet",     "resume",     "revoke",
      "save-as", "scan-only", "screen",      "seal",     "server",      "sha256",    "show",       "skip-errors",
      "space",   "text",      "thorough",    "timeout",  "to",          "to-file",   "token-file", "verbose",
      "via",     "wait",      "watch",       "with-key", "yes"};
  return all;
}

const std::vector<std::string>& tables() {
  static const std::vector<std::string> all = {"recv", "send", "share", "notify", "to"};
  return all;
}

bool contains(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Insertions, deletions and replacements; two neighbours that changed places count as one (Damerau and Levenshtein's
// distance, the restricted form).
std::size_t slips(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> rows(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) rows[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      rows[i][j] =
          std::min({rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows[a.size()][b.size()];
}

}  // namespace

bool is_shared_key(std::string_view key) {
  return contains(keys(), key);
}

bool is_shared_table(std::string_view table) {
  return contains(tables(), table.substr(0, table.find('.'))) &&
         (table.find('.') == std::string_view::npos || table.starts_with("notify.") || table.starts_with("to."));
}

std::string nearest(std::string_view given, const std::vector<std::string>& words) {
  std::string found;
  std::size_t best = 3;  // more than two slips are another word
  // The distance takes time in the product of both lengths.
  if (given.size() > 60) return found;
  for (const auto& word : words)
    if (const auto far = slips(given, word); far < best && far < std::max(given.size(), std::size_t{3})) {
      best = far;
      found = word;
    }
  return found;
}

std::string nearest_shared_key(std::string_view given) {
  return nearest(given, keys());
}
std::string nearest_shared_table(std::string_view given) {
  return nearest(given, tables());
}

}  // namespace qrx::cli
