/* SPDX-License-Identifier: Apache-2.0 */
/* html -- the words of a self-contained page.   [html] -> report */
#ifndef PETREL_EVAL_HTML_H
#define PETREL_EVAL_HTML_H
#include "common/base.h"
#include <stdio.h>

void html_begin(FILE *to, const char *title);
void html_end(FILE *to);
/* Text with <, >, & and quotes made harmless. */
void html_text(FILE *to, const char *text);
void base64_put(FILE *to, const void *data, size_t size);

/* A plot of lines in SVG: axes with round ticks, a legend, lines and bands. */
struct plot_line {
    const char *name, *colour;
    bool dashed;
    const double *x, *y;
    size_t count;
};
struct plot_band {
    const char *colour;
    const double *x, *low, *high;
    size_t count;
};
struct plot {
    const char *across, *up;             /* axis titles */
    double x_low, x_high, y_low, y_high; /* NAN: from the data */
    bool square, diagonal;
    const struct plot_line *line;
    size_t lines;
    const struct plot_band *band;
    size_t bands;
};
void html_plot(FILE *to, const struct plot *p);
#endif
