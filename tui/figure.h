/* A figure for papers: panels of lines over a common kind of x, with bands, axes and a legend, as
 * SVG 1.1. Lines are told apart by colour (Okabe and Ito's, which colour-blind eyes tell apart), by
 * the shape of their marks and, from the ninth on, by dashes. Where no line of a panel has more
 * than one point, they stand beside each other. */
#ifndef TUI_FIGURE_H
#define TUI_FIGURE_H

struct buf;

enum { FIGURE_POINTS = 33 };

struct figure_line {
    int count;
    double x[FIGURE_POINTS], y[FIGURE_POINTS];      /* x ascends */
    double low[FIGURE_POINTS], high[FIGURE_POINTS]; /* of the band; NAN: none there */
};

struct figure_panel {
    char title[96], y_name[96];
    double low, high;         /* the range of y; NAN: as far as the lines go */
    struct figure_line *line; /* [lines] */
};

struct figure {
    const char *title, *caption, *x_name; /* the caption may have lines */
    double x_most;                        /* x begins at 0 */
    int lines, panels;
    const char *const *name;          /* [lines] */
    const struct figure_panel *panel; /* [panels] */
};

/* Appends the whole document. All text is escaped. */
void figure_svg(const struct figure *f, struct buf *out);

#endif
