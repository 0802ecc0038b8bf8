#include "vision/picture_webp.h"

#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>

#include "vision/alpha_ground.h"

namespace qrx::vision {
namespace {

struct CloseDemuxer {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};

struct FrameGuard {
  WebPIterator frame{};
  ~FrameGuard() { WebPDemuxReleaseIterator(&frame); }
};

Picture faulty(PictureFault fault) {
  Picture picture;
  picture.format = PictureFormat::webp;
  picture.fault = fault;
  return picture;
}

Picture decode_still(const std::uint8_t* data, std::size_t size, std::uint64_t pixel_limit) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) return faulty(PictureFault::damaged);
  if (WebPGetFeatures(data, size, &config.input) != VP8_STATUS_OK) return faulty(PictureFault::damaged);
  const auto width = static_cast<std::size_t>(config.input.width);
  const auto height = static_cast<std::size_t>(config.input.height);
  if (!within_limit(width, height, pixel_limit)) return faulty(PictureFault::too_large);

  Picture picture = faulty(PictureFault::none);
  picture.gray = Gray(config.input.width, config.input.height, 128);
  const bool has_alpha = config.input.has_alpha != 0;
  const std::size_t half_width = (width + 1) / 2;
  const std::size_t half_size = half_width * ((height + 1) / 2);
  std::vector<std::uint8_t> colours(2 * half_size);
  std::vector<std::uint8_t> alpha(has_alpha ? width * height : 0);
  // Gray needs only the first plane; the colours are decoded because libwebp has no other way.
  config.options.no_fancy_upsampling = 1;
  config.output.colorspace = has_alpha ? MODE_YUVA : MODE_YUV;
  config.output.is_external_memory = 1;
  WebPYUVABuffer& planes = config.output.u.YUVA;
  planes.y = picture.gray.pixels.data();
  planes.y_stride = config.input.width;
  planes.y_size = width * height;
  planes.u = colours.data();
  planes.v = colours.data() + half_size;
  planes.u_stride = planes.v_stride = static_cast<int>(half_width);
  planes.u_size = planes.v_size = half_size;
  planes.a = has_alpha ? alpha.data() : nullptr;
  planes.a_stride = has_alpha ? config.input.width : 0;
  planes.a_size = alpha.size();
  const VP8StatusCode status = WebPDecode(data, size, &config);
  WebPFreeDecBuffer(&config.output);
  // Cut short: the lines that are there are searched.
  if (status == VP8_STATUS_NOT_ENOUGH_DATA)
    picture.complete = false;
  else if (status != VP8_STATUS_OK)
    return faulty(PictureFault::damaged);

  if (has_alpha) {
    AlphaGround chooser;
    for (std::size_t i = 0; i < alpha.size(); ++i) {
      const std::uint8_t pair[2] = {picture.gray.pixels[i], alpha[i]};
      chooser.see(pair, 1);
    }
    const std::uint8_t ground = chooser.ground();
    for (std::size_t i = 0; i < alpha.size(); ++i)
      picture.gray.pixels[i] = AlphaGround::mix(picture.gray.pixels[i], alpha[i], ground);
  }
  return picture;
}

}  // namespace

Picture decode_webp(ByteView bytes, std::uint64_t pixel_limit) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(data, bytes.size(), &features) != VP8_STATUS_OK) return faulty(PictureFault::damaged);
  if (!features.has_animation) return decode_still(data, bytes.size(), pixel_limit);

  const WebPData whole{data, bytes.size()};
  const std::unique_ptr<WebPDemuxer, CloseDemuxer> demuxer(WebPDemux(&whole));
  FrameGuard first;
  if (!demuxer || !WebPDemuxGetFrame(demuxer.get(), 1, &first.frame)) return faulty(PictureFault::damaged);
  return decode_still(first.frame.fragment.bytes, first.frame.fragment.size, pixel_limit);
}

}  // namespace qrx::vision
