// The two keys of a sealed space: the recipient, public, which travels in the QR code, and the identity, secret, which
// stays with the receiver. Texts are those of age v1: "age1…" and "AGE-SECRET-KEY-1…".
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "seal/primitives.h"

namespace qrx::seal {

class Recipient {
 public:
  // All lower or all upper case (as QR codes have it). Kind::usage with a sentence otherwise.
  static Result<Recipient> parse(std::string_view text);
  explicit Recipient(const Point& point) : point_(point) {}

  std::string text() const;  // "age1…", lower case, 62 characters
  const Point& point() const { return point_; }
  friend bool operator==(const Recipient&, const Recipient&) = default;

 private:
  Point point_;
};

// Wiped when it goes; moves, and never copies. Never log or print it; text() is for state files and link fragments.
class Identity {
 public:
  static Result<Identity> generate();
  // Kind::usage otherwise; no message repeats any of the text.
  static Result<Identity> parse(std::string_view text);

  const Recipient& recipient() const { return recipient_; }
  const X25519& key() const { return key_; }
  Identity clone() const { return Identity(scalar_.clone(), key_); }
  std::string text() const;  // "AGE-SECRET-KEY-1…", upper case, 74 characters; give it to wipe() after use

 private:
  Identity(Key scalar, const X25519& key) : scalar_(std::move(scalar)), key_(key), recipient_(key.point()) {}
  static Result<Identity> from(Key scalar);

  Key scalar_;
  X25519 key_;
  Recipient recipient_;
};

}  // namespace qrx::seal
