/* SPDX-License-Identifier: Apache-2.0 */
/* html -- the words of a self-contained page.   [html] -> report */
#include "stages/eval/html.h"
#include <math.h>
#include <stdlib.h>

static const char style[] =
    ":root{--ink:#1d2430;--soft:#667085;--line:#e3e7ee;--paper:#fff;--wash:#f6f8fb;--red:#d62f2f;--blue:#2c6fbb}"
    "*{box-sizing:border-box}body{margin:0;background:var(--wash);color:var(--ink);font:15px/1.5 "
    "system-ui,-apple-system,'Segoe UI',sans-serif}"
    "main{max-width:1080px;margin:0 auto;padding:32px 24px 64px}h1{font-size:28px;margin:0 0 4px;letter-spacing:-.01em}"
    "h2{font-size:18px;margin:0 0 12px}section{background:var(--paper);border:1px solid "
    "var(--line);border-radius:10px;padding:20px 24px;margin:20px 0}"
    "p{margin:6px "
    "0;color:var(--soft)}p.say{color:var(--ink)}.badge{display:inline-block;background:#fff3d6;color:#7a5200;border:"
    "1px solid #f0d48a;"
    "border-radius:6px;padding:2px "
    "10px;font-weight:600;font-size:14px}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}"
    "th,td{padding:6px 10px;text-align:right;border-bottom:1px solid "
    "var(--line)}th:first-child,td:first-child{text-align:left}"
    "th{font-weight:600;color:var(--soft);font-size:13px}td "
    "small{color:var(--soft)}.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(320px,1fr));gap:24px}"
    "svg{max-width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:var(--soft)}svg "
    "text.axis{font-size:12px;fill:var(--ink)}"
    "table.confusion{width:auto}table.confusion "
    "td{text-align:center;min-width:76px}td.good{background:#e8f3ec}td.bad{background:#fbeaea}"
    "details "
    "summary{cursor:pointer;color:var(--soft)}pre{font-size:12px;line-height:1.45;overflow:auto;background:var(--wash);"
    "padding:12px;border-radius:8px}"
    "canvas{background:#fff;border:1px solid "
    "var(--line);border-radius:8px;touch-action:none}select,input[type=range]{font:inherit}"
    "#tip{position:fixed;display:none;pointer-events:none;background:#1d2430;color:#fff;font-size:12px;padding:6px "
    "9px;border-radius:6px;z-index:9}"
    ".key{display:inline-block;width:10px;height:10px;border-radius:2px;margin:0 5px 0 12px}";

void html_begin(FILE *to, const char *title)
{
    fprintf(to, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>");
    html_text(to, title);
    fprintf(to, "</title><style>%s</style></head><body><div id=\"tip\"></div><main>\n", style);
}

void html_end(FILE *to)
{
    fprintf(to, "</main></body></html>\n");
}

void html_text(FILE *to, const char *text)
{
    for (; *text != '\0'; text++)
        switch (*text) {
        case '<': fputs("&lt;", to); break;
        case '>': fputs("&gt;", to); break;
        case '&': fputs("&amp;", to); break;
        case '"': fputs("&quot;", to); break;
        case '\'': fputs("&#39;", to); break;
        default: fputc(*text, to);
        }
}

void base64_put(FILE *to, const void *data, size_t size)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *from = data;
    for (size_t i = 0; i < size; i += 3) {
        uint32_t v = (uint32_t)from[i] << 16;
        v |= i + 1 < size ? (uint32_t)from[i + 1] << 8 : 0;
        v |= i + 2 < size ? from[i + 2] : 0;
        fputc(letters[v >> 18], to);
        fputc(letters[v >> 12 & 63], to);
        fputc(i + 1 < size ? letters[v >> 6 & 63] : '=', to);
        fputc(i + 2 < size ? letters[v & 63] : '=', to);
    }
}

/* Where the plot's frame lies in the drawing. */
struct frame {
    double left, right, top, bottom, x_low, x_high, y_low, y_high;
};

static double at_x(const struct frame *f, double x)
{
    return f->left + (f->right - f->left) * (x - f->x_low) / (f->x_high - f->x_low);
}

static double at_y(const struct frame *f, double y)
{
    return f->bottom - (f->bottom - f->top) * (y - f->y_low) / (f->y_high - f->y_low);
}

/* The step of 1, 2 or 5 times a power of ten that gives four to eight ticks. */
static double tick_step(double range)
{
    double step = pow(10.0, floor(log10(range / 4.0)));
    static const double times[] = {1, 2, 5, 10};
    for (size_t i = 0; i < COUNT_OF(times); i++)
        if (range / (step * times[i]) <= 8.0)
            return step * times[i];
    return step;
}

static void widen(double v, double *low, double *high)
{
    if (!isfinite(v))
        return;
    *low = isnan(*low) || v < *low ? v : *low;
    *high = isnan(*high) || v > *high ? v : *high;
}

static struct frame frame_of(const struct plot *p, double width, double height)
{
    double x_low = NAN, x_high = NAN, y_low = NAN, y_high = NAN;
    for (size_t l = 0; l < p->lines; l++)
        for (size_t i = 0; i < p->line[l].count; i++) {
            widen(p->line[l].x[i], &x_low, &x_high);
            widen(p->line[l].y[i], &y_low, &y_high);
        }
    struct frame f = {56,
                      width - 12,
                      12,
                      height - 44,
                      isnan(p->x_low) ? x_low : p->x_low,
                      isnan(p->x_high) ? x_high : p->x_high,
                      isnan(p->y_low) ? y_low : p->y_low,
                      isnan(p->y_high) ? y_high : p->y_high};
    if (!(f.x_high > f.x_low))
        f.x_low = isnan(f.x_low) ? 0.0 : f.x_low, f.x_high = f.x_low + 1.0;
    if (!(f.y_high > f.y_low))
        f.y_low = isnan(f.y_low) ? 0.0 : f.y_low, f.y_high = f.y_low + 1.0;
    if (isnan(p->y_high)) {
        double room = 0.05 * (f.y_high - f.y_low);
        f.y_low -= isnan(p->y_low) ? room : 0.0;
        f.y_high += room;
    }
    return f;
}

static void put_axes(FILE *to, const struct plot *p, const struct frame *f)
{
    double step = tick_step(f->x_high - f->x_low);
    for (double x = ceil(f->x_low / step) * step; x <= f->x_high + 1e-9 * step; x += step)
        fprintf(
            to, "<path d=\"M%.1f %.1fV%.1f\" stroke=\"#eef1f5\"/><text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%g</text>",
            at_x(f, x), f->top, f->bottom, at_x(f, x), f->bottom + 16, fabs(x) < 1e-12 ? 0.0 : x);
    step = tick_step(f->y_high - f->y_low);
    for (double y = ceil(f->y_low / step) * step; y <= f->y_high + 1e-9 * step; y += step)
        fprintf(
            to,
            "<path d=\"M%.1f %.1fH%.1f\" stroke=\"#eef1f5\"/><text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%g</text>",
            f->left, at_y(f, y), f->right, f->left - 6, at_y(f, y) + 4, fabs(y) < 1e-12 ? 0.0 : y);
    fprintf(to, "<path d=\"M%.1f %.1fV%.1fH%.1f\" fill=\"none\" stroke=\"#98a2b3\"/>", f->left, f->top, f->bottom,
            f->right);
    fprintf(to, "<text class=\"axis\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>",
            0.5 * (f->left + f->right), f->bottom + 36, p->across);
    fprintf(to, "<text class=\"axis\" transform=\"translate(14 %.1f) rotate(-90)\" text-anchor=\"middle\">%s</text>",
            0.5 * (f->top + f->bottom), p->up);
}

static void put_line(FILE *to, const struct plot_line *l, const struct frame *f)
{
    fprintf(to, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s d=\"", l->colour,
            l->dashed ? " stroke-dasharray=\"5 4\"" : "");
    bool pen = false;
    for (size_t i = 0; i < l->count; i++) {
        if (!isfinite(l->y[i]))
            continue;
        fprintf(to, "%c%.1f %.1f", pen ? 'L' : 'M', at_x(f, l->x[i]), at_y(f, fmin(fmax(l->y[i], f->y_low), f->y_high)));
        pen = true;
    }
    fprintf(to, "\"/>");
}

static void put_legend(FILE *to, const struct plot *p, const struct frame *f)
{
    double y = p->diagonal ? f->bottom - 10.0 - 18.0 * (double)(p->lines - 1) : f->top + 14.0;
    size_t longest = 0;
    for (size_t l = 0; l < p->lines; l++) {
        size_t n = 0;
        while (p->line[l].name[n] != '\0')
            n++;
        longest = n > longest ? n : longest;
    }
    double x = f->right - 40.0 - 6.2 * (double)longest;
    for (size_t l = 0; l < p->lines; l++, y += 18.0) {
        fprintf(to, "<path d=\"M%.1f %.1fh22\" stroke=\"%s\" stroke-width=\"2\"%s/><text x=\"%.1f\" y=\"%.1f\">", x, y,
                p->line[l].colour, p->line[l].dashed ? " stroke-dasharray=\"5 4\"" : "", x + 28, y + 4);
        html_text(to, p->line[l].name);
        fprintf(to, "</text>");
    }
}

void html_plot(FILE *to, const struct plot *p)
{
    double width = p->square ? 440 : 520, height = p->square ? 420 : 320;
    struct frame f = frame_of(p, width, height);
    fprintf(to, "<svg viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" role=\"img\">", width, height, width);
    put_axes(to, p, &f);
    for (size_t b = 0; b < p->bands; b++) {
        const struct plot_band *band = &p->band[b];
        fprintf(to, "<path fill=\"%s\" opacity=\"0.13\" d=\"M", band->colour);
        for (size_t i = 0; i < band->count; i++)
            fprintf(to, "%.1f %.1f ", at_x(&f, band->x[i]), at_y(&f, band->high[i]));
        for (size_t i = band->count; i-- > 0;)
            fprintf(to, "%.1f %.1f ", at_x(&f, band->x[i]), at_y(&f, band->low[i]));
        fprintf(to, "Z\"/>");
    }
    if (p->diagonal)
        fprintf(to, "<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"#c7cdd6\" stroke-dasharray=\"3 4\"/>", f.left, f.bottom,
                f.right, f.top);
    for (size_t l = 0; l < p->lines; l++)
        put_line(to, &p->line[l], &f);
    put_legend(to, p, &f);
    fprintf(to, "</svg>\n");
}
