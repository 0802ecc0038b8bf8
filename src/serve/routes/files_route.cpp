#include "serve/routes/files_route.h"

#include <algorithm>
#include <functional>

#include "serve/answers.h"
#include "serve/bodies.h"
#include "serve/routes/stored_content.h"

namespace qrx::serve {
namespace {

constexpr std::size_t most_form_bytes = 256;

using Growth = space::Content::Growth;

constexpr std::uint64_t piece_bytes = 4U << 20;  // after each it is seen whether the space was blocked

// A range of a stored file.
class StoredSource : public front::BodySource {
 public:
  // `taken` is called when the client has all of it; empty: it is not of interest.
  StoredSource(std::shared_ptr<space::Content> content, wire::ByteRange range, std::function<void()> taken)
      : content_(std::move(content)), range_(range), taken_(std::move(taken)) {}

  Next next() override {
    if (range_.size == 0) return End{};
    if (content_->is_cut()) return Broken{};
    auto taken = take_piece(*content_, range_.first, std::min(piece_bytes, range_.size));
    range_.first += taken.size;
    range_.size -= taken.size;
    return std::move(taken.next);
  }
  bool wants_acknowledgement() const override { return taken_ != nullptr; }
  void completed() override {
    if (taken_) taken_();
  }

 private:
  std::shared_ptr<space::Content> content_;
  wire::ByteRange range_;
  std::function<void()> taken_;
};

// An upload as it grows.
class GrowingSource : public front::BodySource {
 public:
  // `call` is for its file.
  GrowingSource(SharedCall call, std::shared_ptr<space::Content> content, std::uint64_t first,
                std::optional<std::uint64_t> end)
      : call_(std::move(call)), content_(std::move(content)), at_(first), end_(end) {}

  Next next() override {
    if (at_ == end_) return End{};
    if (content_->is_cut()) return Broken{};
    const space::Content::Available available = look();
    const std::uint64_t until = std::min({available.bytes, end_.value_or(available.bytes), at_ + piece_bytes});
    if (until > at_) {
      auto taken = take_piece(*content_, at_, until - at_);
      at_ += taken.size;
      return std::move(taken.next);
    }
    // Fewer bytes than were sent: a chunk was taken back. What went out cannot be.
    if (available.bytes < at_ || available.growth == Growth::ended) return Broken{};
    // The front registers for the topic and asks once more before it rests: growth in between is not missed.
    if (available.growth == Growth::growing) return Pending{call_->target.item};
    if (end_) return Broken{};  // complete, and shorter than was announced
    return End{};
  }

 private:
  // What there is; asking after the space makes this node see what others have taken of it.
  space::Content::Available look() const {
    const auto available = content_->available();
    if (available.bytes > at_ || available.growth != Growth::growing) return available;
    (void)call_->site.spaces.known(call_->target.guid);
    return content_->available();
  }

  const SharedCall call_;
  std::shared_ptr<space::Content> content_;
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
  return front::Send{std::move(head), size, std::make_unique<GrowingSource>(call, std::move(content), first, end)};
}

// A download that a browser does by itself, whose page does not see its end: the sender is told here.
std::function<void()> receipt_for(const SharedCall& call, const std::string& token, const space::FileRow& file) {
  return [call, token, delivery = file.delivery, id = file.file] {
    (void)call->site.spaces.record_receipt(call->target.guid, token, delivery, {wire::ReceiptState::saved, {id}});
  };
}

front::Reply send_file_to(const SharedCall& call, const std::string& token, bool by_form = false) {
  const auto content = call->site.spaces.content(call->target.guid, token, call->target.item);
  if (!content) return call->problem(content.error());
  if ((*content)->file() == nullptr) return send_growing(call, *content);
  return send_stored(
      call, *(*content)->file(),
      [call, token, by_form, content = *content](http::Answer head, wire::ByteRange range) -> front::Reply {
        if (auto elsewhere = redirect_to_store(*call, *content, head, range)) return std::move(*elsewhere);
        // A part may be a browser's resuming, whose other part nobody counts: only the whole is told to the sender.
        const bool whole = by_form && range.size == content->file()->size;
        auto taken = whole ? receipt_for(call, token, *content->file()) : std::function<void()>();
        return front::Send{std::move(head), range.size,
                           std::make_unique<StoredSource>(content, range, std::move(taken))};
      });
}

}  // namespace

front::Reply send_file(const SharedCall& call) {
  const auto token = token_of(*call->request);
  if (!token) return call->no_token();
  return send_file_to(call, *token);
}

// A browser saves a large file to disk by itself only when it navigates, which cannot send a header; and a token in the
// address would be kept in histories and logs. So it comes as a field of a form.
front::Reply send_file_to_form(const SharedCall& call) {
  if (token_of(*call->request)) return send_file(call);
  if (!call->request->has_body) return call->no_token();
  return collect(call, most_form_bytes, [call](const std::string& form) -> front::Reply {
    // A token is letters and digits: nothing of it is escaped in a form.
    const std::string_view field = "token=";
    if (!form.starts_with(field) || form.find_first_of("&%+") != std::string::npos) return call->no_token();
    return send_file_to(call, form.substr(field.size()), true);
  });
}

}  // namespace qrx::serve
