// The languages of the pages, and their sentences (src/web/texts).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace qrx::serve {

enum class Language : std::uint8_t { english, chinese };

// Of an Accept-Language header, by its weights; English when it names none of ours.
Language choose_language(std::string_view accept_language);
std::string_view tag_of(Language language);   // "en", "zh-Hans"
std::string_view code_of(Language language);  // "en", "zh": as the files of texts are called

// The sentence of that key, with each {name} filled in as it is; what is filled in is not looked at again. A key that
// is not there gives the key.
using Fillings = std::initializer_list<std::pair<std::string_view, std::string>>;
std::string sentence(Language language, std::string_view key, const Fillings& fillings = {});

// How a page is to look to whoever asks.
struct Look {
  Language language = Language::english;
  std::string root;  // the path prefix of --public-url: "" or "/prefix"
};

}  // namespace qrx::serve
