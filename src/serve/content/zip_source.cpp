#include "serve/content/zip_source.h"

#include <algorithm>

#include "serve/content/read_piece.h"

namespace qrx::serve {
namespace {

constexpr std::size_t piece_bytes = 256U << 10;

}  // namespace

ZipSource::ZipSource(std::shared_ptr<const ZipPlan> plan, Open open) : plan_(std::move(plan)), open_(std::move(open)) {}

Result<std::string> ZipSource::next() {
  std::string out;
  pending_.reset();
  while (out.size() < piece_bytes && entry_ < plan_->entries() && !pending_) {
    if (content_ == nullptr)
      if (auto begun = begin_entry(out); !begun) return tl::unexpected(begun.error());
    if (auto added = add_content(out); !added) return tl::unexpected(added.error());
    if (done_ == plan_->file(entry_).size) end_entry(out);
  }
  if (entry_ == plan_->entries()) add_end(out);
  sent_ += out.size();
  return out;
}

Result<void> ZipSource::begin_entry(std::string& out) {
  auto content = open_(plan_->file(entry_));
  if (!content) return tl::unexpected(content.error());
  content_ = std::move(*content);
  done_ = 0;
  crc_ = {};
  // For the central directory at the end, as the CRCs are.
  offsets_.push_back(sent_ + out.size());
  out += wire::zip_local_header({plan_->name(entry_), plan_->file(entry_).size, plan_->modified(entry_), 0, 0, false});
  return {};
}

Result<void> ZipSource::add_content(std::string& out) {
  const std::uint64_t left = plan_->file(entry_).size - done_;
  std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, piece_bytes));
  while (wanted > 0) {
    const std::size_t before = out.size();
    const auto pending = read_piece(*content_, done_, wanted, out);
    // The length was promised already: the connection is cut, and the client sees that the archive is not whole.
    if (!pending) return tl::unexpected(pending.error());
    if (*pending) {
      pending_ = *pending;
      return {};
    }
    const std::size_t bytes = out.size() - before;
    crc_.update(as_bytes(std::string_view(out).substr(before)));
    done_ += bytes;
    wanted -= bytes;
  }
  return {};
}

void ZipSource::end_entry(std::string& out) {
  crcs_.push_back(crc_.sum());
  // The CRC comes behind the content (APPNOTE 4.3.9), so that nothing must be read twice.
  out += wire::zip_descriptor({plan_->name(entry_), plan_->file(entry_).size, {}, 0, crc_.sum(), false});
  content_.reset();
  ++entry_;
}

void ZipSource::add_end(std::string& out) {
  if (!central_offset_) central_offset_ = sent_ + out.size();
  // Piece by piece, too: of 100,000 entries it has megabytes.
  for (; central_ < plan_->entries() && out.size() < piece_bytes; ++central_)
    out += wire::zip_central_record({plan_->name(central_), plan_->file(central_).size, plan_->modified(central_),
                                     offsets_[central_], crcs_[central_], plan_->file(central_).properties.executable});
  if (central_ < plan_->entries() || ended_) return;
  ended_ = true;
  out += wire::zip_end(plan_->entries(), *central_offset_, sent_ + out.size() - *central_offset_);
}

}  // namespace qrx::serve
