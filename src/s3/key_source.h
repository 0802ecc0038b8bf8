// Where the keys of an S3 store come from: a file that nobody else may read, or the environment; never an argument.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "s3/signing.h"

namespace qrx::s3 {

// The first section of a file as ~/.aws/credentials: aws_access_key_id, aws_secret_access_key, aws_session_token.
// Other names are passed over. Kind::usage.
Result<Keys> parse_keys(std::string_view text);

// Thread-safe.
class KeySource {
 public:
  // `path`: a file of mode 0600. Empty: s3-credentials in $CREDENTIALS_DIRECTORY, else AWS_ACCESS_KEY_ID,
  // AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. Kind::usage says what to do.
  static Result<Keys> read(const std::string& path);

  KeySource(std::string path, Keys keys) : path_(std::move(path)), keys_(std::move(keys)) {}
  Keys current() const;
  // The store refused them: they are read again, for whoever renews them has replaced the file. True: they are others.
  bool renew();

 private:
  const std::string path_;
  mutable std::mutex mutex_;
  Keys keys_;
  Steady renewed_{};
};

}  // namespace qrx::s3
