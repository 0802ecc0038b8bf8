#include "wire/multipart.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "wire/limits.h"

namespace qrx::wire {
namespace {

tl::unexpected<Error> malformed(const char* what) {
  return fail(Kind::usage, std::string("the form is malformed: ") + what);
}

bool is_boundary_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("'()+_,-./:=? ").find(c) != std::string_view::npos;
}

// Tokens (RFC 9110, 5.6.2): field names, and values without quotes.
bool is_token_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// Takes a token or a quoted string off the front of text. Nothing: there is none.
std::optional<std::string> take_value(std::string_view& text) {
  std::string out;
  if (!text.starts_with('"')) {
    while (!text.empty() && is_token_char(text.front())) {
      out += text.front();
      text.remove_prefix(1);
    }
    if (out.empty()) return std::nullopt;
    return out;
  }
  for (text.remove_prefix(1); !text.empty(); text.remove_prefix(1)) {
    if (text.front() == '"') {
      text.remove_prefix(1);
      return out;
    }
    // curl escapes a quote and a backslash; a browser writes a backslash as it is, and a quote as %22.
    if (text.front() == '\\' && text.size() > 1 && (text[1] == '"' || text[1] == '\\')) text.remove_prefix(1);
    out += text.front();
  }
  return std::nullopt;
}

// "; name=value; name=value" into visit(name, value); false when malformed.
template <class Visit>
bool each_parameter(std::string_view text, const Visit& visit) {
  for (text = trim(text); !text.empty(); text = trim(text)) {
    if (text.front() != ';') return false;
    text = trim(text.substr(1));
    // Some clients end with a semicolon.
    if (text.empty()) return true;
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) return false;
    const std::string_view name = text.substr(0, equals);
    text.remove_prefix(equals + 1);
    const auto value = take_value(text);
    if (!value || !visit(name, *value)) return false;
  }
  return true;
}

// What the HTML standard lets a browser escape in names: CR, LF and the quote, and nothing else.
std::string unescape_name(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i, 3);
    char c = text[i];
    if (rest == "%22") c = '"';
    if (rest == "%0D" || rest == "%0d") c = '\r';
    if (rest == "%0A" || rest == "%0a") c = '\n';
    if (c != text[i]) i += 2;
    out += c;
  }
  return out;
}

std::string from_latin_1(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xC0 | byte >> 6);
      out += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return out;
}

// "C:\\Users\\me\\photo.jpg" and "\\\\server\\share\\photo.jpg", as Internet Explorer sent them; "a\\b.txt" is a name
// elsewhere.
std::string without_windows_path(std::string name) {
  const bool has_drive =
      name.size() > 2 && name[1] == ':' && name[2] == '\\' && ((name[0] | 0x20) >= 'a' && (name[0] | 0x20) <= 'z');
  // The directories of the sender's machine are no part of the name.
  if (has_drive || name.starts_with("\\\\")) name.erase(0, name.rfind('\\') + 1);
  return name;
}

// RFC 8187: charset'language'percent-encoded. Nothing: malformed, or another charset.
std::optional<std::string> read_extended(std::string_view value) {
  const auto first = value.find('\'');
  const auto second = first == std::string_view::npos ? first : value.find('\'', first + 1);
  std::string decoded;
  if (second == std::string_view::npos || !percent_decode(value.substr(second + 1), decoded)) return std::nullopt;
  const std::string_view charset = value.substr(0, first);
  if (equal_ignoring_case(charset, "iso-8859-1")) return from_latin_1(decoded);
  if (!equal_ignoring_case(charset, "utf-8") || !is_valid_utf8(decoded)) return std::nullopt;
  return decoded;
}

Result<void> read_disposition(std::string_view value, FormPart& part) {
  const auto semicolon = value.find(';');
  if (!equal_ignoring_case(trim(value.substr(0, semicolon)), "form-data") || semicolon == std::string_view::npos)
    return malformed("a part is not form-data");
  bool named = false;
  bool has_extended = false;
  std::optional<std::string> extended;
  const bool sound = each_parameter(value.substr(semicolon), [&](std::string_view name, const std::string& text) {
    if (equal_ignoring_case(name, "name")) {
      // Twice the same parameter: which one counts would be a guess, and a proxy may have guessed otherwise.
      if (named) return false;
      named = true;
      part.name = unescape_name(text);
    } else if (equal_ignoring_case(name, "filename")) {
      if (part.filename) return false;
      part.filename = unescape_name(text);
    } else if (equal_ignoring_case(name, "filename*")) {
      if (std::exchange(has_extended, true)) return false;
      extended = read_extended(text);
    }
    return true;
  });
  if (!sound || !named) return malformed("a part's Content-Disposition");
  // RFC 8187, 3.2.1: one that cannot be read is as good as none, if there is the other; so is one that says nothing.
  if (has_extended && !extended && !part.filename)
    return malformed("a part's filename* is neither UTF-8 nor ISO-8859-1");
  if (extended && !(extended->empty() && part.filename)) part.filename = std::move(extended);
  if (part.filename && !is_valid_utf8(*part.filename)) part.filename = from_latin_1(*part.filename);
  if (part.filename) part.filename = without_windows_path(std::move(*part.filename));
  return {};
}

}  // namespace

Result<std::string> multipart_boundary(std::string_view content_type) {
  const auto semicolon = content_type.find(';');
  if (!equal_ignoring_case(trim(content_type.substr(0, semicolon)), "multipart/form-data"))
    return fail(Kind::unsupported, "the body is not multipart/form-data");
  std::optional<std::string> boundary;
  const bool sound =
      semicolon != std::string_view::npos &&
      each_parameter(content_type.substr(semicolon), [&](std::string_view name, const std::string& value) {
        if (!equal_ignoring_case(name, "boundary")) return true;
        const bool first = !boundary;
        boundary = value;
        return first;
      });
  // RFC 2046, 5.1.1: 1 to 70 characters, the last no blank.
  if (!sound || !boundary || boundary->empty() || boundary->size() > 70 || boundary->back() == ' ' ||
      !std::all_of(boundary->begin(), boundary->end(), is_boundary_char))
    return malformed("its boundary");
  return *boundary;
}

FormReader::FormReader(std::string_view boundary, FormEvents& events)
    : events_(events),
      delimiter_("\r\n--" + std::string(boundary)),
      matched_(2) {}  // as if a CRLF stood before the body

Result<void> FormReader::write(ByteView bytes) {
  std::string_view text = as_text(bytes);
  while (!text.empty()) {
    const auto taken = state_ == State::body ? take_body(text) : take(text);
    if (!taken) return tl::unexpected(taken.error());
    text.remove_prefix(*taken);
  }
  return {};
}

Result<void> FormReader::finish() const {
  if (state_ != State::epilogue) return malformed("it ends before its closing boundary");
  return {};
}

// Everything but bodies, byte by byte but for the part's head and the epilogue.
Result<std::size_t> FormReader::take(std::string_view text) {
  const char c = text.front();
  switch (state_) {
    case State::first_delimiter:
      if (c != delimiter_[matched_]) return malformed("it does not begin with its boundary");
      if (++matched_ == delimiter_.size()) state_ = State::after_delimiter;
      return 1;
    case State::after_delimiter:
      if (c != '\r' && c != '-') return malformed("a boundary goes on");
      state_ = c == '-' ? State::closing_dash : State::end_of_line;
      return 1;
    case State::closing_dash:
      if (c != '-') return malformed("a boundary goes on");
      state_ = State::epilogue;
      return 1;
    case State::end_of_line:
      if (c != '\n') return malformed("a boundary goes on");
      if (++parts_ > most_form_parts)
        return fail(Kind::too_large, "the form has over 10,000 parts", "send them in several, or with qrx-send");
      state_ = State::head;
      head_.clear();
      return 1;
    case State::head: {
      // At most one byte more than is allowed is kept, which is enough to refuse it.
      const auto line_end = text.find('\n');
      const std::size_t taken = std::min(line_end == std::string_view::npos ? text.size() : line_end + 1,
                                         most_form_part_head_bytes + 1 - head_.size());
      head_.append(text.substr(0, taken));
      if (head_.size() > most_form_part_head_bytes) return malformed("a part's head is over 8,192 bytes");
      if (head_.ends_with("\r\n\r\n") || head_ == "\r\n") {
        const auto done = take_head();
        if (!done) return tl::unexpected(done.error());
        state_ = State::body;
        matched_ = 0;
      }
      return taken;
    }
    case State::body:
    case State::epilogue:
      break;
  }
  return text.size();
}

Result<void> FormReader::take_head() {
  FormPart part;
  bool disposed = false;
  std::string_view rest = head_;
  for (;;) {
    const auto end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, end);
    if (line.empty()) break;
    rest.remove_prefix(end + 2);
    const auto colon = line.find(':');
    const bool sound = colon != std::string_view::npos && colon > 0 &&
                       std::all_of(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(colon), is_token_char) &&
                       // A bare CR or LF: another reader of the same bytes might see another field there.
                       line.find_first_of(std::string_view("\0\r\n", 3)) == std::string_view::npos;
    if (!sound) return malformed("a part's head");
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trim(line.substr(colon + 1));
    if (equal_ignoring_case(name, "content-disposition")) {
      if (disposed) return malformed("a part has two Content-Dispositions");
      disposed = true;
      if (const auto done = read_disposition(value, part); !done) return done;
    } else if (equal_ignoring_case(name, "content-transfer-encoding") && !equal_ignoring_case(value, "binary") &&
               !equal_ignoring_case(value, "8bit") && !equal_ignoring_case(value, "7bit")) {
      // RFC 7578, 4.7: no client should; saved as it stands, it would be another file.
      return fail(Kind::unsupported, "a part of the form is encoded");
    }
  }
  if (!disposed) return malformed("a part has no Content-Disposition");
  return events_.part_begins(part);
}

Result<void> FormReader::give(std::string_view text) {
  return text.empty() ? Result<void>() : events_.part_bytes(as_bytes(text));
}

// A CR begins the delimiter and stands nowhere else in it, so a match that fails holds no other match.
Result<std::size_t> FormReader::take_body(std::string_view text) {
  std::size_t at = 0;  // looked at up to here; the last matched_ bytes may be the beginning of a delimiter
  while (at < text.size()) {
    if (matched_ == 0) {
      const auto carriage_return = text.find('\r', at);
      if (carriage_return == std::string_view::npos) {
        at = text.size();
        break;
      }
      at = carriage_return + 1;
      matched_ = 1;
      continue;
    }
    while (at < text.size() && matched_ < delimiter_.size() && text[at] == delimiter_[matched_]) {
      ++at;
      ++matched_;
    }
    if (matched_ == delimiter_.size()) {
      if (at > matched_)
        if (const auto done = give(text.substr(0, at - matched_)); !done) return tl::unexpected(done.error());
      if (const auto done = events_.part_ends(); !done) return tl::unexpected(done.error());
      state_ = State::after_delimiter;
      return at;
    }
    if (at == text.size()) break;
    // What had matched is content after all; what of it came with an earlier write is gone, but known: the delimiter's.
    if (matched_ > at)
      if (const auto done = give(std::string_view(delimiter_).substr(0, matched_ - at)); !done)
        return tl::unexpected(done.error());
    matched_ = 0;
  }
  if (at > matched_)
    if (const auto done = give(text.substr(0, at - matched_)); !done) return tl::unexpected(done.error());
  return text.size();
}

}  // namespace qrx::wire
