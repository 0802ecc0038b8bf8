#include "poster/page_drawing.h"

#include <algorithm>
#include <memory>

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <cairo.h>
#include <pango/pangocairo.h>

namespace qrx::poster {
namespace {

constexpr double points_per_mm = 72.0 / 25.4;
// A4 (ISO 216)
constexpr double page_width = 210, page_height = 297;  // mm, as everything here
constexpr double margin = 20;
constexpr double text_width = page_width - 2 * margin;
constexpr double code_width = 130;  // with its quiet zone: scanned from two metres and more
constexpr int quiet_zone = 4;       // modules; the standard asks for 4
constexpr double png_dots_per_mm = 200 / 25.4;

struct Free {
  void operator()(cairo_surface_t* it) const { cairo_surface_destroy(it); }
  void operator()(cairo_t* it) const { cairo_destroy(it); }
  void operator()(PangoLayout* it) const { g_object_unref(it); }
  void operator()(PangoFontDescription* it) const { pango_font_description_free(it); }
};
template <class T>
using Held = std::unique_ptr<T, Free>;

cairo_status_t append(void* to, const unsigned char* bytes, unsigned int size) {
  static_cast<std::string*>(to)->append(reinterpret_cast<const char*>(bytes), size);
  return CAIRO_STATUS_SUCCESS;
}

Held<cairo_surface_t> surface_for(Form form, std::string& out) {
  const double width = page_width * points_per_mm, height = page_height * points_per_mm;
  switch (form) {
    case Form::svg:
      return Held<cairo_surface_t>(cairo_svg_surface_create_for_stream(append, &out, width, height));
    case Form::pdf:
      return Held<cairo_surface_t>(cairo_pdf_surface_create_for_stream(append, &out, width, height));
    case Form::png:
      break;
  }
  return Held<cairo_surface_t>(cairo_image_surface_create(CAIRO_FORMAT_RGB24,
                                                          static_cast<int>(page_width * png_dots_per_mm),
                                                          static_cast<int>(page_height * png_dots_per_mm)));
}

class Page {
 public:
  explicit Page(cairo_t* to) : to_(to) {}

  // Centred, broken over lines where it must be, no higher than `most` mm: it shrinks until it is. Gives its height.
  double text(const std::string& text, double y, double size, double most, bool bold, const char* family) {
    double height = 0;
    Held<PangoLayout> layout;
    // In steps of a tenth, until it fits: names of any length in any script, and pango alone knows their width.
    for (;; size *= 0.9) {
      layout = laid_out(text, size, bold, family);
      int width = 0, rows = 0;
      pango_layout_get_size(layout.get(), &width, &rows);
      height = static_cast<double>(rows) / PANGO_SCALE;
      if (height <= most || size < 1) break;
    }
    cairo_move_to(to_, margin, y);
    pango_cairo_show_layout(to_, layout.get());
    return height;
  }

  void code(const PosterPage& page, double y) {
    const double module = code_width / (page.side + 2 * quiet_zone);
    const double left = (page_width - code_width) / 2;
    const auto dark = [&](int column, int row) {
      return column < page.side && page.dark[static_cast<std::size_t>(row * page.side + column)];
    };
    // One path, filled at once: of rectangles that are filled one by one the seams would show.
    for (int row = 0; row < page.side; ++row)
      for (int column = 0; column < page.side; ++column) {
        if (!dark(column, row)) continue;
        const int from = column;
        while (dark(column + 1, row)) ++column;
        cairo_rectangle(to_, left + (from + quiet_zone) * module, y + (row + quiet_zone) * module,
                        (column + 1 - from) * module, module);
      }
    cairo_fill(to_);
  }

 private:
  Held<PangoLayout> laid_out(const std::string& text, double size, bool bold, const char* family) {
    Held<PangoLayout> layout(pango_cairo_create_layout(to_));
    const Held<PangoFontDescription> font(pango_font_description_new());
    pango_font_description_set_family(font.get(), family);
    pango_font_description_set_absolute_size(font.get(), size * PANGO_SCALE);
    if (bold) pango_font_description_set_weight(font.get(), PANGO_WEIGHT_BOLD);
    pango_layout_set_font_description(layout.get(), font.get());
    pango_layout_set_width(layout.get(), static_cast<int>(text_width * PANGO_SCALE));
    pango_layout_set_wrap(layout.get(), PANGO_WRAP_WORD_CHAR);
    pango_layout_set_alignment(layout.get(), PANGO_ALIGN_CENTER);
    pango_layout_set_text(layout.get(), text.data(), static_cast<int>(text.size()));
    return layout;
  }

  cairo_t* to_;
};

void draw_on(cairo_t* to, const PosterPage& page) {
  cairo_set_source_rgb(to, 1, 1, 1);
  cairo_paint(to);
  cairo_set_source_rgb(to, 0, 0, 0);
  Page paper(to);
  paper.text(page.above, 18, 7, 10, false, "Sans");
  paper.text(page.name, 30, 18, 42, true, "Sans");
  paper.code(page, 72);
  double y = 72 + code_width + 2;
  y += paper.text(page.words, y, 7, 16, true, "Monospace") + 5;
  for (std::size_t i = 0; i < page.lines.size() && y < page_height - margin; ++i)
    // What does not fit below is left out, and not printed over the edge.
    y += paper.text(page.lines[i], y, 4.6, std::max(page_height - margin - y, 5.0), false, "Sans") + 2.5;
}

}  // namespace

Result<std::string> draw(const PosterPage& page) {
  std::string out;
  const auto surface = surface_for(page.form, out);
  const Held<cairo_t> to(cairo_create(surface.get()));
  const double scale = page.form == Form::png ? png_dots_per_mm : points_per_mm;
  cairo_scale(to.get(), scale, scale);
  // The edges of the code's modules are sharp, as blurred ones are harder to scan; letters have a setting of their own.
  if (page.form == Form::png) cairo_set_antialias(to.get(), CAIRO_ANTIALIAS_NONE);
  draw_on(to.get(), page);
  cairo_show_page(to.get());
  cairo_status_t status = cairo_status(to.get());
  // Vector surfaces write when they are finished, pictures only when asked.
  if (status == CAIRO_STATUS_SUCCESS && page.form == Form::png)
    status = cairo_surface_write_to_png_stream(surface.get(), append, &out);
  cairo_surface_finish(surface.get());
  if (status == CAIRO_STATUS_SUCCESS) status = cairo_surface_status(surface.get());
  if (status != CAIRO_STATUS_SUCCESS)
    return fail(Kind::other, std::string("cannot draw the page: ") + cairo_status_to_string(status));
  return out;
}

}  // namespace qrx::poster
