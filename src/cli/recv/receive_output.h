// Where what is received goes, as --output names it: beneath a directory, into one file, or down a stream.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "receive/receiver.h"
#include "receive/saver.h"

namespace qrx::cli {

receive::OnConflict on_conflict_of(std::string_view text);  // "refuse", "overwrite"; "rename" for all else

class ReceiveOutput {
 public:
  // "-" is stdout; what stands there as a pipe, socket or device is a stream; anything else is as Saver::open() says.
  // `several`: more than one delivery may come, so that a name is that of a directory.
  static Result<ReceiveOutput> open(const std::string& output, receive::OnConflict on_conflict, bool several = false);
  // As Saver has them; nothing of a stream.
  void set_passing();
  void remove_stale();
  void discard_parts();
  std::set<std::string> parts() const;

  bool is_stream() const { return !saver_; }
  bool is_directory() const { return saver_ && !saver_->one_file(); }
  bool closed() const;                                          // nobody reads the stream any more
  Result<receive::Received> fill(receive::Receiver& receiver);  // blocks, as Receiver::run()

 private:
  ReceiveOutput() = default;
  std::unique_ptr<receive::Saver> saver_;
  UniqueFd stream_;  // without a saver; none: stdout
};

}  // namespace qrx::cli
