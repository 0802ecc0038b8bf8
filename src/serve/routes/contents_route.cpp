#include "serve/routes/contents_route.h"

#include "serve/answers.h"
#include "serve/content/read_piece.h"
#include "serve/routes/stored_content.h"
#include "wire/file_batch.h"
#include "wire/file_contents.h"
#include "wire/limits.h"

namespace qrx::serve {
namespace {

constexpr std::size_t piece_bytes = 256U << 10;  // that are in memory at a time, and one file more

// One file after the other, each read whole before anything is said of it: one that cannot be read is left out, and the
// others are not spoilt. Whoever asks for it alone is told why.
class ContentsSource : public front::BodySource {
 public:
  explicit ContentsSource(std::unique_ptr<space::StoredFiles> files) : files_(std::move(files)) {}

  Next next() override {
    std::string out;
    while (at_ < files_->files().size() && out.size() < piece_bytes) {
      if (files_->is_cut()) return Broken{};
      const auto pending = add_file(out);
      if (!pending) continue;
      // What is there goes out before the rest is waited for; the front asks again.
      if (out.empty()) return Pending{*pending};
      break;
    }
    if (out.empty()) return End{};
    return MemoryPiece{std::move(out)};
  }

 private:
  // Goes on with the file at hand; the topic to wait for when some of it is on its way.
  std::optional<Id> add_file(std::string& out) {
    const space::FileRow& file = files_->files()[at_];
    if (file.size > wire::most_small_bytes) return skip();
    if (content_ == nullptr) {
      auto opened = files_->open(at_);
      if (!opened) return skip();
      content_ = std::move(*opened);
    }
    while (bytes_.size() < file.size) {
      const auto pending = read_piece(*content_, bytes_.size(), file.size - bytes_.size(), bytes_);
      if (!pending) return skip();
      if (*pending) return *pending;
    }
    wire::add_contents(out, file.file, file.xxh128, as_bytes(bytes_));
    return skip();
  }
  std::optional<Id> skip() {
    content_.reset();
    bytes_.clear();
    ++at_;
    return std::nullopt;
  }

  const std::unique_ptr<space::StoredFiles> files_;
  std::size_t at_ = 0;
  std::shared_ptr<space::Content> content_;  // of the file at hand
  std::string bytes_;
};

}  // namespace

front::Reply send_contents(const SharedCall& call) {
  const auto token = token_of(*call->request);
  if (!token) return call->no_token();
  // First: without a right here a client is not told what else is wrong.
  if (const auto owned = call->site.spaces.owned(call->target.guid, *token); !owned)
    return call->problem(owned.error());
  const auto ids = wire::parse_contents_query(call->request->query);
  if (!ids) return call->problem(ids.error());
  auto files = call->site.spaces.contents(call->target.guid, *token, call->target.item, *ids);
  if (!files) return call->problem(files.error());
  http::Answer head = content_head(200, std::string(wire::batch_content_type), "contents");
  // Its length is not known before all of them are read.
  return front::Send{std::move(head), std::nullopt, std::make_unique<ContentsSource>(std::move(*files))};
}

}  // namespace qrx::serve
