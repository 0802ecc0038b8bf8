// Who has downloaded: a table at a terminal that is redrawn in place.
#pragma once

#include <string>
#include <vector>

namespace qrx::cli {

struct ShareLine {
  std::string to;  // escaped here
  std::string state;
  std::string detail;  // why, or how often; escaped here
};

// The lines of the table, each at most `columns` wide, at most `rows` of them: who has not downloaded yet comes first
// when there is not room for all.
std::vector<std::string> share_table(const std::vector<ShareLine>& shares, int columns, int rows);

// Not thread-safe. Nothing is written unless `shown`.
class LiveTable {
 public:
  LiveTable(int fd, bool shown) : fd_(fd), shown_(shown) {}
  ~LiveTable() = default;
  bool shown() const { return shown_; }
  void draw(const std::vector<ShareLine>& shares);  // over what stands there
  void leave();                                     // what stands there stays

 private:
  int fd_;
  bool shown_;
  std::size_t lines_ = 0;
};

}  // namespace qrx::cli
