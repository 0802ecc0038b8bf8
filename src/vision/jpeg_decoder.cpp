#include "vision/jpeg_decoder.h"

namespace qrx::vision {
namespace {

// Each further scan of a progressive file costs as much as the whole picture; real ones have about ten.
constexpr int most_scans = 100;

JpegDecoder& decoder_of(j_common_ptr jpeg) {
  return *static_cast<JpegDecoder*>(jpeg->client_data);
}

// libjpeg must not return from this.
void stop(j_common_ptr jpeg) {
  std::longjmp(decoder_of(jpeg).jump, 1);
}
void keep_quiet(j_common_ptr) {}
void note_warning(j_common_ptr jpeg, int level) {
  if (level < 0) decoder_of(jpeg).warned = true;
}
void watch_scans(j_common_ptr jpeg) {
  if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number > most_scans) stop(jpeg);
}

}  // namespace

JpegDecoder::JpegDecoder() {
  jpeg.err = jpeg_std_error(&errors_);
  errors_.error_exit = stop;
  errors_.output_message = keep_quiet;
  errors_.emit_message = note_warning;
  jpeg.client_data = this;
}

JpegDecoder::~JpegDecoder() {
  if (created_) jpeg_destroy_decompress(&jpeg);
}

void JpegDecoder::open(ByteView bytes) {
  jpeg_create_decompress(&jpeg);
  created_ = true;
  jpeg.progress = &progress_;
  progress_.progress_monitor = watch_scans;
  jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

}  // namespace qrx::vision
