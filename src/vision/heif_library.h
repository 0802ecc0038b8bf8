// libheif, loaded only where a picture needs it: with its codecs it would take as long to load as all else together,
// and a system may lack it. Private to src/vision.
#pragma once

#if QRX_HEIF

#include <libheif/heif.h>

namespace qrx::vision {

// The functions of libheif's public interface that decode a picture, by their own names; those of libheif 1.15 (Debian
// 12) and later.
struct HeifLibrary {
#define QRX_HEIF_FUNCTIONS(each)                                                                               \
  each(heif_init) each(heif_context_alloc) each(heif_context_free) each(heif_context_set_max_decoding_threads) \
      each(heif_context_read_from_memory_without_copy) each(heif_context_get_primary_image_handle)             \
          each(heif_image_handle_release) each(heif_image_handle_get_width) each(heif_image_handle_get_height) \
              each(heif_decoding_options_alloc) each(heif_decoding_options_free) each(heif_decode_image)       \
                  each(heif_image_release) each(heif_image_get_width) each(heif_image_get_height)              \
                      each(heif_image_get_plane_readonly)
#define QRX_HEIF_POINTER(name) decltype(&::name) name = nullptr;
  QRX_HEIF_FUNCTIONS(QRX_HEIF_POINTER)
#undef QRX_HEIF_POINTER
};

// Nothing when it is not installed, or was not loaded before the sandbox shut.
const HeifLibrary* heif_library();

}  // namespace qrx::vision

#endif

namespace qrx::vision {

// When descriptor 0 is a file that begins as HEIC or AVIF does, loads the library with its codecs and keeps this thread
// on one processor, so that the codecs start no threads. For before the sandbox: reads nothing but the first bytes, and
// leaves the descriptor where it stands.
void prepare_for_heif();

}  // namespace qrx::vision
