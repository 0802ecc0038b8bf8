// The names that sealed files have on the wire.
#pragma once

#include <string>
#include <string_view>

namespace qrx::receive {

bool has_age_ending(std::string_view name);
std::string without_age_ending(std::string_view name);  // "photo.jpg.age" -> "photo.jpg"; others stay
bool is_item_name(std::string_view wire_name);          // "<id>.age", as the items of a manifest are called
std::string known_name(std::string_view wire_name);     // before the manifest is read; empty for an item of one

}  // namespace qrx::receive
