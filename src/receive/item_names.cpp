#include "receive/item_names.h"

#include "wire/id.h"

namespace qrx::receive {

namespace {

constexpr std::string_view age_ending = ".age";

}  // namespace

bool has_age_ending(std::string_view name) {
  return name.size() > age_ending.size() && name.ends_with(age_ending);
}

std::string without_age_ending(std::string_view name) {
  if (has_age_ending(name)) name.remove_suffix(age_ending.size());
  return std::string(name);
}

bool is_item_name(std::string_view wire_name) {
  return has_age_ending(wire_name) && Id::parse(without_age_ending(wire_name)).has_value();
}

std::string known_name(std::string_view wire_name) {
  return is_item_name(wire_name) ? "" : without_age_ending(wire_name);
}

}  // namespace qrx::receive
