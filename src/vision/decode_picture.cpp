#include "vision/decode_picture.h"

#include "vision/picture_bmp.h"
#include "vision/picture_gif.h"
#include "vision/picture_heif.h"
#include "vision/picture_jpeg.h"
#include "vision/picture_png.h"
#include "vision/picture_svg.h"
#include "vision/picture_webp.h"

namespace qrx::vision {

Picture decode_picture(ByteView bytes, std::uint64_t pixel_limit) {
  switch (picture_format(bytes)) {
    case PictureFormat::png:
      return decode_png(bytes, pixel_limit);
    case PictureFormat::jpeg:
      return decode_jpeg(bytes, pixel_limit);
    case PictureFormat::webp:
      return decode_webp(bytes, pixel_limit);
    case PictureFormat::gif:
      return decode_gif(bytes, pixel_limit);
    case PictureFormat::bmp:
      return decode_bmp(bytes, pixel_limit);
    case PictureFormat::svg:
      return decode_svg(bytes, pixel_limit);
    case PictureFormat::heif:
      return decode_heif(bytes, pixel_limit);
    case PictureFormat::unknown:
      break;
  }
  Picture picture;
  picture.fault = PictureFault::unknown_format;
  return picture;
}

}  // namespace qrx::vision
