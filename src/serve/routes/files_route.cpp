#include "serve/routes/files_route.h"

#include <algorithm>

#include "serve/answers.h"
#include "serve/bodies.h"
#include "serve/routes/stored_content.h"

namespace qrx::serve {
namespace {

constexpr std::size_t most_form_bytes = 256;

using Growth = space::Content::Growth;

// A range of a stored file: one piece.
class StoredSource : public front::BodySource {
 public:
  StoredSource(std::shared_ptr<space::Content> content, wire::ByteRange range)
      : content_(std::move(content)), range_(range) {}

  Next next() override {
    if (range_.size == 0) return End{};
    const FilePiece piece{content_->fd(), content_->blob_offset() + range_.first, range_.size};
    range_.size = 0;
    return piece;
  }

 private:
  std::shared_ptr<space::Content> content_;
  wire::ByteRange range_;
};

// An upload as it grows.
class GrowingSource : public front::BodySource {
 public:
  GrowingSource(std::shared_ptr<space::Content> content, Id upload, std::uint64_t first,
                std::optional<std::uint64_t> end)
      : content_(std::move(content)), upload_(upload), at_(first), end_(end) {}

  Next next() override {
    if (at_ == end_) return End{};
    const space::Content::Available available = content_->available();
    const std::uint64_t until = std::min(available.bytes, end_.value_or(available.bytes));
    if (until > at_) {
      const FilePiece piece{content_->fd(), content_->blob_offset() + at_, until - at_};
      at_ = until;
      return piece;
    }
    // Fewer bytes than were sent: a chunk was taken back. What went out cannot be.
    if (available.bytes < at_ || available.growth == Growth::ended) return Broken{};
    if (available.growth == Growth::growing) return Pending{upload_};
    if (end_) return Broken{};  // complete, and shorter than was announced
    return End{};
  }

 private:
  std::shared_ptr<space::Content> content_;
  Id upload_;
  std::uint64_t at_;
  std::optional<std::uint64_t> end_;
};

front::Reply send_growing(const SharedCall& call, std::shared_ptr<space::Content> content) {
  const http::Request& request = *call->request;
  const std::optional<std::uint64_t> length = content->length();
  http::Answer head = content_head(200, {}, content->name());
  std::uint64_t first = 0;
  std::optional<std::uint64_t> end = length;
  if (length) {
    // It has no entity tag yet, so with If-Range the whole is sent.
    head.headers.push_back({"Accept-Ranges", "bytes"});
    const wire::ChosenRange chosen = wire::choose_range(
        request.method == "GET" ? request.header("range") : std::nullopt, request.header("if-range"), "", *length);
    if (chosen.choice == wire::RangeChoice::unsatisfiable) {
      http::Answer out = call->problem(416, "the file will have " + std::to_string(*length) + " bytes");
      out.headers.push_back({"Content-Range", wire::content_range_unsatisfied(*length)});
      return out;
    }
    if (chosen.choice == wire::RangeChoice::part) {
      head.status = 206;
      head.headers.push_back({"Content-Range", wire::content_range(chosen.range, *length)});
      first = chosen.range.first;
      end = first + chosen.range.size;
    }
  }
  const std::optional<std::uint64_t> size = end ? std::optional(*end - first) : std::nullopt;
  return front::Send{std::move(head), size,
                     std::make_unique<GrowingSource>(std::move(content), call->target.item, first, end)};
}

front::Reply send_file_to(const SharedCall& call, const std::string& token) {
  const auto content = call->site.spaces.content(call->target.guid, token, call->target.item);
  if (!content) return call->problem(content.error());
  if ((*content)->file() == nullptr) return send_growing(call, *content);
  return send_stored(call, *(*content)->file(),
                     [content = *content](http::Answer head, wire::ByteRange range) -> front::Reply {
                       return front::Send{std::move(head), range.size, std::make_unique<StoredSource>(content, range)};
                     });
}

}  // namespace

front::Reply send_file(const SharedCall& call) {
  const auto token = token_of(*call->request);
  if (!token) return call->problem(401, "the owner's token is needed");
  return send_file_to(call, *token);
}

front::Reply send_file_to_form(const SharedCall& call) {
  if (token_of(*call->request)) return send_file(call);
  if (!call->request->has_body) return call->problem(401, "the owner's token is needed");
  return collect(call, most_form_bytes, [call](const std::string& form) -> front::Reply {
    // A token is letters and digits: nothing of it is escaped in a form.
    const std::string_view field = "token=";
    if (!form.starts_with(field) || form.find_first_of("&%+") != std::string::npos)
      return call->problem(401, "the owner's token is needed");
    return send_file_to(call, form.substr(field.size()));
  });
}

}  // namespace qrx::serve
