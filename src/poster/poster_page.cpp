#include "poster/poster_page.h"

#include <charconv>

#include "base/text.h"

namespace qrx::poster {
namespace {

// ISO/IEC 18004: 21 + 4 * 39 modules.
constexpr int most_side = 177;  // of version 40
constexpr std::size_t most_line = 4096;
constexpr std::size_t most_lines = 16;

// The bytes are lines that begin with what they are: a line break in a text of the user's would begin another one.
std::string one_line(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  return out;
}

std::string bits_of(const PosterPage& page) {
  std::string bits;
  for (const bool dark : page.dark) bits += dark ? '1' : '0';
  return bits;
}

bool take_code(PosterPage& page, std::string_view bits) {
  int side = 0;
  const auto [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), side);
  if (error != std::errc() || side < 1 || side > most_side) return false;
  bits.remove_prefix(static_cast<std::size_t>(end - bits.data()));
  if (bits.size() != 1 + static_cast<std::size_t>(side) * static_cast<std::size_t>(side) || bits[0] != ' ')
    return false;
  page.side = side;
  for (const char bit : bits.substr(1)) {
    if (bit != '0' && bit != '1') return false;
    page.dark.push_back(bit == '1');
  }
  return true;
}

bool take_line(PosterPage& page, std::string_view what, std::string_view text) {
  // Only once: a second code of another side would not fit the first.
  if (what == "code") return page.side == 0 && take_code(page, text);
  if (text.size() > most_line) return false;
  if (what == "form") {
    const auto form = form_of("." + std::string(text));
    if (form) page.form = *form;
    return form.has_value();
  }
  if (what == "above") page.above = text;
  if (what == "name") page.name = text;
  if (what == "words") page.words = text;
  if (what != "line") return what == "above" || what == "name" || what == "words";
  page.lines.emplace_back(text);
  return page.lines.size() <= most_lines;
}

}  // namespace

std::string to_bytes(const PosterPage& page) {
  constexpr const char* forms[] = {"svg", "pdf", "png"};
  std::string out = std::string("form ") + forms[static_cast<int>(page.form)] + "\nabove " + one_line(page.above) +
                    "\nname " + one_line(page.name) + "\ncode " + std::to_string(page.side) + " " + bits_of(page) +
                    "\nwords " + one_line(page.words) + "\n";
  for (const auto& line : page.lines) out += "line " + one_line(line) + "\n";
  return out;
}

std::optional<PosterPage> from_bytes(std::string_view bytes) {
  PosterPage page;
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    // A page that ends within a line was cut short.
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    const auto blank = line.find(' ');
    if (blank == std::string_view::npos || !take_line(page, line.substr(0, blank), line.substr(blank + 1)))
      return std::nullopt;
  }
  if (page.side == 0) return std::nullopt;
  return page;
}

std::optional<Form> form_of(std::string_view path) {
  const std::string name = to_lower_ascii(path);
  if (name.ends_with(".svg")) return Form::svg;
  if (name.ends_with(".pdf")) return Form::pdf;
  if (name.ends_with(".png")) return Form::png;
  return std::nullopt;
}

}  // namespace qrx::poster
