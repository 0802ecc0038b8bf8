// What is to be sent: arguments become a checked list of files, trees and streams before anything else happens.
#pragma once

#include <time.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "wire/properties.h"

namespace qrx::send {

// One file or stream to send. The figures are those of the moment of the check; the sender compares them again.
struct Source {
  std::string path;                   // on this machine, absolute; "-" for standard input
  std::string name;                   // on the wire: relative, '/' between parts, passed wire's check
  bool stream = false;                // no known length: standard input, a pipe, a device, a file that is not as long
                                      // as it says (in /proc, /sys, some FUSE file systems); read to its end
  bool regular = false;               // a file: a stream of it can be read again
  std::optional<std::uint64_t> size;  // absent for streams
  std::optional<WallTime> modified;   // as it can be told; absent for streams that are no file
  bool executable = false;            // by its owner
  std::int64_t mtime_ns = 0;          // to be compared, as nanoseconds_of() has them
  std::int64_t ctime_ns = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
};

// Of a time before 1677 or after 2262 not the nanoseconds since 1970, but still the same number for the same time.
std::int64_t nanoseconds_of(const timespec& time);

// What is told of it beside its name and its bytes; with `preserve` also whether it may be run.
wire::FileProperties properties_of(const Source& source, bool preserve);

struct SourceList {
  std::vector<Source> sources;
  std::vector<std::string> warnings;  // what of the trees is not sent, and why; one sentence each, names not escaped
  struct Renamed {
    std::string path;  // as it was given, or within the tree; any bytes
    std::string name;  // under which it is sent
  };
  std::vector<Renamed> renamed;   // names that could not travel as they are
  std::vector<Error> errors;      // all that was asked for and cannot be sent: the caller ends, or goes on without
  std::uint64_t known_bytes = 0;  // of all files
  bool has_stream = false;
};

struct FindOptions {
  std::optional<std::string> name;  // of the one stream among the arguments, or of the only argument
  std::function<bool()> stopped;    // asked at each file; true: Kind::unavailable, soon
};

// Checks every argument: it exists, is readable, no two names are the same. What is not so stands in `errors`, each
// with what it is about; nothing at all to send is Kind::usage. A name that cannot travel is changed
// (wire::sendable_name), and stands in `renamed`. A symbolic link given as an argument is followed; within a tree it is
// sent as what it points to when that is a regular file of the same tree, and skipped with a warning otherwise, so that
// no tree leaks its neighbours or loops. Sockets and devices within trees are skipped with a warning; empty directories
// too, for the wire knows files only.
// "-" is standard input, under the name "stdin" unless there is another.
Result<SourceList> find_sources(const std::vector<std::string>& arguments, const FindOptions& options = {});

// Bytes that stand in memory (memfd_create(2)) as a file to send. `memory` stays open as long as they are sent.
Result<SourceList> source_in_memory(int memory, const std::string& name);

}  // namespace qrx::send
