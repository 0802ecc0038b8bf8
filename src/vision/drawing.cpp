#include "vision/drawing.h"

#include <chafa.h>

#include <algorithm>
#include <memory>

namespace qrx::vision {
namespace {

template <auto release>
struct Release {
  template <class T>
  void operator()(T* held) const {
    release(held);
  }
};
using Config = std::unique_ptr<ChafaCanvasConfig, Release<chafa_canvas_config_unref>>;
using Canvas = std::unique_ptr<ChafaCanvas, Release<chafa_canvas_unref>>;
using Symbols = std::unique_ptr<ChafaSymbolMap, Release<chafa_symbol_map_unref>>;
using Terminal = std::unique_ptr<ChafaTermInfo, Release<chafa_term_info_unref>>;

ChafaPixelMode mode_of(ShownAs as) {
  switch (as) {
    case ShownAs::sixel:
      return CHAFA_PIXEL_MODE_SIXELS;
    case ShownAs::kitty:
      return CHAFA_PIXEL_MODE_KITTY;
    case ShownAs::iterm2:
      return CHAFA_PIXEL_MODE_ITERM2;
    case ShownAs::symbols:
      break;
  }
  return CHAFA_PIXEL_MODE_SYMBOLS;
}

ChafaCanvasMode depth_of(const ShowPlan& plan) {
  if (plan.as != ShownAs::symbols || plan.colours > 256) return CHAFA_CANVAS_MODE_TRUECOLOR;
  if (plan.colours == 256) return CHAFA_CANVAS_MODE_INDEXED_240;  // the first 16 are the user's own
  if (plan.colours == 16) return CHAFA_CANVAS_MODE_INDEXED_16;
  if (plan.colours == 8) return CHAFA_CANVAS_MODE_INDEXED_8;
  return CHAFA_CANVAS_MODE_FGBG;
}

Terminal terminal_for(const ShowPlan& plan) {
  if (plan.colours == 0) return Terminal(chafa_term_info_new());  // knows no escape at all
  // A terminal that knows everything, as the caller has decided already: chafa's own fallback.
  return Terminal(chafa_term_db_get_fallback_info(chafa_term_db_get_default()));
}

}  // namespace

std::string draw_picture(const SmallPicture& picture, const ShowPlan& plan) {
  chafa_set_n_threads(1);
  const int cell_width = std::clamp(plan.cell_width, 1, 100), cell_height = std::clamp(plan.cell_height, 1, 200);
  // Small pictures stay small: an icon is no wall.
  gint columns = std::clamp(std::min(plan.columns, (picture.width + cell_width - 1) / cell_width), 1, 1000);
  gint rows = std::clamp(std::min(plan.rows, (picture.height + cell_height - 1) / cell_height), 1, 1000);
  chafa_calc_canvas_geometry(picture.width, picture.height, &columns, &rows,
                             static_cast<float>(cell_width) / static_cast<float>(cell_height), FALSE, FALSE);

  const Config config(chafa_canvas_config_new());
  chafa_canvas_config_set_geometry(config.get(), columns, rows);
  chafa_canvas_config_set_cell_geometry(config.get(), cell_width, cell_height);
  chafa_canvas_config_set_pixel_mode(config.get(), mode_of(plan.as));
  chafa_canvas_config_set_canvas_mode(config.get(), depth_of(plan));
  chafa_canvas_config_set_work_factor(config.get(), 0.5F);
  const Symbols symbols(chafa_symbol_map_new());
  const auto tags =
      plan.utf8 ? CHAFA_SYMBOL_TAG_BLOCK | CHAFA_SYMBOL_TAG_BORDER | CHAFA_SYMBOL_TAG_SPACE : CHAFA_SYMBOL_TAG_ASCII;
  chafa_symbol_map_add_by_tags(symbols.get(), static_cast<ChafaSymbolTags>(tags));
  chafa_canvas_config_set_symbol_map(config.get(), symbols.get());
  const Canvas canvas(chafa_canvas_new(config.get()));
  chafa_canvas_draw_all_pixels(canvas.get(), CHAFA_PIXEL_RGBA8_UNASSOCIATED, picture.rgba.data(), picture.width,
                               picture.height, 4 * picture.width);
  const Terminal terminal = terminal_for(plan);
  GString* drawn = chafa_canvas_print(canvas.get(), terminal.get());
  std::string out(drawn->str, drawn->len);
  g_string_free(drawn, TRUE);
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

}  // namespace qrx::vision
