#include "serve/pages/language.h"

#include "base/text.h"
#include "serve/pages/web_data.h"

namespace qrx::serve {
namespace {

// "0.8" in thousandths; anything odd counts as 0.
int weight_of(std::string_view parameters) {
  const auto q = parameters.find("q=");
  if (q == std::string_view::npos) return 1000;
  const std::string_view number = parameters.substr(q + 2);
  int value = 0;
  int unit = 1000;
  for (const char c : number) {
    if (c == '.') continue;
    if (c < '0' || c > '9' || unit == 0) break;
    value += (c - '0') * unit;
    unit /= 10;
  }
  return value <= 1000 ? value : 0;
}

}  // namespace

// "zh-CN,zh;q=0.9,en;q=0.8" (RFC 9110, 12.5.4). Of equal weights the first counts.
Language choose_language(std::string_view accept_language) {
  Language best = Language::english;
  int best_weight = 0;
  while (!accept_language.empty()) {
    const auto comma = accept_language.find(',');
    const std::string_view item = trim(accept_language.substr(0, comma));
    accept_language = comma == std::string_view::npos ? std::string_view() : accept_language.substr(comma + 1);
    const std::string tag = to_lower_ascii(item.substr(0, item.find(';')));
    const bool chinese = tag == "zh" || tag.starts_with("zh-") || tag.starts_with("zh ");
    const bool english = tag == "en" || tag.starts_with("en-") || tag.starts_with("en ");
    const int weight = chinese || english ? weight_of(to_lower_ascii(item)) : 0;
    if (weight <= best_weight) continue;
    best_weight = weight;
    best = chinese ? Language::chinese : Language::english;
  }
  return best;
}

std::string_view tag_of(Language language) {
  return language == Language::chinese ? "zh-Hans" : "en";
}
std::string_view code_of(Language language) {
  return language == Language::chinese ? "zh" : "en";
}

std::string sentence(Language language, std::string_view key, const Fillings& fillings) {
  std::string_view text = key;
  for (const WebText& row : web_texts())
    if (row.language == static_cast<int>(language) && row.key == key) text = row.text;
  std::string out;
  for (;;) {
    const auto open = text.find('{');
    out += text.substr(0, open);
    if (open == std::string_view::npos) return out;
    const auto close = text.find('}', open);
    if (close == std::string_view::npos) return out + std::string(text.substr(open));
    const std::string_view name = text.substr(open + 1, close - open - 1);
    // What is filled in is not looked through again: a label with "{name}" in it stays as it is.
    for (const auto& [place, filling] : fillings)
      if (place == name) out += filling;
    text.remove_prefix(close + 1);
  }
}

}  // namespace qrx::serve
