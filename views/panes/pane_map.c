/* Draws the map of layers and neurons.
 *
 *   ╭─ Attribution  LPS   Δ log p(·Paris), nats ────── max of each bin of 10 ╮
 *   │ L0  ▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀ ▂  0.5 │
 *   │ L2  ▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀ ▃  1.0 │
 *   │ L4 ›▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀ ▅  1.5 │
 *   │ L4–6   peak L11   scale √  0 ███████████████ 3+  clip 99.98 %          │
 *   │     N0        ▴L4N101          N320                          N639      │
 *   ╰────────────────────────────────────────────────────────────────────────╯
 *    left: 4 columns (5 from 100 layers on), "›" marks edited layers      RIGHT: 7, the row's peak
 *
 * With many layers two share a row of cells, the upper and lower half of "▀"; with few, a layer is
 * up to three rows tall. heat_grid.c makes the numbers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/utf8.h"
#include "core/edit/editors/editors.h"
#include "tui/box.h"
#include "tui/heatmap.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/panes/heat_grid.h"
#include "views/panes/panes.h"

enum { RIGHT = 7, WIDEST = 8, TALLEST = 3, LINES = 2 };

/* What the drawing functions share. */
struct map {
    const struct ui_state *d;
    const struct map_window *window;
    struct surface *s;
    struct rect in, plot;
    int left;       /* columns of the layers' names */
    int wide, tall; /* cell columns of a bin, half rows of a layer */
    enum heat_mode mode;
    bool focus;
    struct heat_grid g;
};

/* Where the window of `rows` layers begins, of n: at the top if that shows the edited layers and
 * the cursor's; else so that it shows the edited ones, if that shows the cursor's too; else around
 * the cursor's. Even, so that pairs do not change while scrolling. */
static int map_first(const struct ui_state *d, const int *layer, int n, int rows)
{
    int here = 0, low = n, high = 0, first;

    for (int i = 0; i < n; i++) {
        if (layer[i] <= d->at_layer)
            here = i;
        if (ui_edits_layer(d, layer[i])) {
            low = low < i ? low : i;
            high = i;
        }
    }
    low = low < here ? low : here;
    high = high > here ? high : here;
    first = high < rows ? 0 : high - low < rows ? high - rows + 1 : here - rows / 2;
    first = first > n - rows ? n - rows : first;
    return first < 1 ? 0 : (first + 1) & ~1;
}

/* Which layers and columns are shown, and how large they are. */
struct map_shape map_shape(const struct ui_state *d, const struct map_window *w, struct rect area)
{
    struct map_shape m = {.left = d->layers > 100 ? 5 : 4};
    int allowed[PARAM_MAX_LAYERS], n = 0, rows, columns, lines;

    m.in = (struct rect){area.y + 1, area.x + 2, area.h - 2, area.w - 4};
    for (int l = 0; l < d->layers && n < PARAM_MAX_LAYERS; l++)
        if (map_window_has(w, l))
            allowed[n++] = l;
    lines = w->compact ? m.in.h - n : LINES;
    lines = lines < 0 ? 0 : lines < LINES ? lines : LINES;
    m.plot = (struct rect){m.in.y, m.in.x + m.left, m.in.h - lines, m.in.w - m.left - RIGHT};
    m.plot.w = m.plot.w > 8 ? m.plot.w : 8;
    if (!d->ready || m.in.h < 3 || m.in.w < 8)
        return m;
    rows = m.plot.h / (n ? n : 1);
    m.tall = rows < 1 ? 1 : 2 * (rows < TALLEST ? rows : TALLEST);
    m.rows = rows < 1 ? m.plot.h * 2 : n;
    m.rows = m.rows < n ? m.rows : n;
    m.first = m.rows < n ? map_first(d, allowed, n, m.rows) : 0;
    m.rows = m.rows < n - m.first ? m.rows : n - m.first;
    m.below = n - m.first - m.rows;
    memcpy(m.layer, allowed + m.first, (size_t)m.rows * sizeof(*allowed));
    m.from = w->from;
    m.to = w->to ? w->to : d->model.neurons;
    columns = m.to - m.from > 0 ? m.plot.w / (m.to - m.from) : 1;
    m.wide = columns < 1 ? 1 : columns < WIDEST ? columns : WIDEST;
    return m;
}

/* The name of the layers in one row of cells, and a bar and a number for the stronger one at the
 * right edge; "≈ MPC" where only free MPC scores are known; hatched where the scores are stale. */
static void map_label(const struct map *m, int y, int r, int n)
{
    const struct heat_grid *g = &m->g;
    int strongest = r;
    bool edited = false, here = false;
    struct pen p = pen_at(m->s, m->in, y, 0);
    double peak;

    for (int k = r; k < r + n; k++) {
        edited |= ui_edits_layer(m->d, g->layer[k]);
        here |= g->layer[k] == m->d->at_layer;
        if (g->kind[k] > g->kind[strongest] ||
            (g->kind[k] == g->kind[strongest] && g->peak[k] > g->peak[strongest]))
            strongest = k;
    }
    pen_printf(&p, here ? ROLE_SELECTED : edited ? ROLE_ACCENT : ROLE_DIM, "L%d", g->layer[r]);
    if (edited && p.x < m->left)
        surface_text(m->s, m->in, y, m->left - 1, ROLE_ACCENT, "›");
    if (g->kind[strongest] == ROW_EMPTY || m->in.w < m->left + g->cols * m->wide + RIGHT)
        return;
    p.x = m->left + g->cols * m->wide + 1;
    if (g->kind[strongest] == ROW_MPC) {
        pen_text(&p, ROLE_DIM, "≈ MPC");
        return;
    }
    peak = g->peak[strongest];
    if (g->kind[strongest] == ROW_STALE)
        pen_text(&p, ROLE_STALE, STALE_HATCH);
    else
        pen_text(&p, ROLE_BAR, bar_glyph(g->highest > 0 ? peak / g->highest : 0));
    pen_printf(&p, g->kind[strongest] == ROW_STALE ? ROLE_STALE : ROLE_DIM,
               peak >= 99.95 || peak == 0 ? "%5.0f"
               : peak >= 0.05             ? "%5.1f"
                                          : " %.0e",
               peak);
}

static void map_labels(const struct map *m)
{
    int step = m->tall > 1 ? 1 : 2;

    for (int r = 0; r < m->g.rows; r += step)
        map_label(m, m->tall > 1 ? r * m->tall / 2 : r / 2, r, r + step <= m->g.rows ? step : 1);
}

/* Writes the text if it ends before column `end`. */
static void put_if_fits(struct pen *p, int end, enum role role, const char *text)
{
    if (p->x + text_width(text) <= end)
        pen_text(p, role, text);
}

/* The colour scale with its upper end; "+" and "clip" where larger values have the same colour. */
static void map_legend_bar(const struct map *m, struct pen *p)
{
    const struct heat_grid *g = &m->g;
    double top = g->exact_rows ? g->top : 0;
    int bar = m->in.w > p->x + 22 ? 15 : m->in.w - p->x - 6;
    char text[32];

    if (bar < 2)
        return;
    heat_legend(m->s, m->in, p->y, p->x, bar, g->exact_rows ? m->d->ramp : RAMP_GREY);
    p->x += bar + 1;
    if (m->d->per_layer || !g->exact_rows) {
        put_if_fits(p, m->in.w, ROLE_DIM, "row's peak");
        return;
    }
    show_print(text, sizeof(text), "%.2g%s", top, g->clipped < 100 ? "+" : "");
    put_if_fits(p, m->in.w, ROLE_DIM, text);
    if (g->clipped < 100) {
        snprintf(text, sizeof(text), "  clip %g %%", g->clipped);
        put_if_fits(p, m->in.w, ROLE_DIM, text);
    }
}

/* The glyph of a chosen neuron's cell. Where a row of cells has two layers it says which one. */
static const char *mark_glyph(const struct map *m, const struct heat_mark *mark)
{
    if (m->tall > 1)
        return "×";
    for (int i = 0; i < m->g.marks; i++)
        if (m->g.mark[i].col == mark->col && m->g.mark[i].row == (mark->row ^ 1))
            return "×";
    return mark->row % 2 ? "↓" : "↑";
}

static void marks_legend(const struct map *m, struct pen *p)
{
    const char *method = editor_of(&m->d->verdict.params)->title;

    if (!m->g.marks)
        return;
    if (m->tall > 1)
        pen_printf(p, ROLE_WARN, "× chosen by %s   ", method);
    else if (m->in.w > 60)
        pen_printf(p, ROLE_WARN, "chosen by %s: ↑ upper ↓ lower layer × both   ", method);
    else
        pen_printf(p, ROLE_WARN, "%s: ↑ upper ↓ lower × both ", method);
}

/* The line below the plot: edited layers, peak, scale, and what the rule means. */
static void map_legend(const struct map *m, int y)
{
    struct pen p = pen_at(m->s, m->in, y, 0);
    char range[48], text[64];

    if (y >= m->in.h)
        return;
    marks_legend(m, &p);
    ui_edited_range(m->d, range);
    if (m->in.w > 80 && *range)
        pen_text(&p, ROLE_DIM, "edited layers ");
    if (*range)
        pen_printf(&p, ROLE_ACCENT, "%s   ", range);
    if (m->in.w > 50 && m->d->scored_layers) {
        pen_text(&p, ROLE_DIM, "peak ");
        pen_printf(&p, ROLE_BAR, "L%d   ", m->d->peak_layer);
    }
    show_print(text, sizeof(text), "%s %s  ",
               m->d->pool == POOL_ABOVE  ? "count"
               : m->d->pool == POOL_MEAN ? "mean"
                                         : "scale",
               heat_scale_name(m->d->scale));
    put_if_fits(&p, m->in.w - 8, ROLE_DIM, text);
    if (m->g.differs && m->g.exact_rows && !m->d->per_layer)
        pen_printf(&p, ROLE_DIM, "-%.2g ", m->g.top);
    else
        pen_text(&p, ROLE_DIM, m->g.differs && m->g.exact_rows ? "-peak " : "0 ");
    map_legend_bar(m, &p);
    if (m->g.ruled)
        put_if_fits(&p, m->in.w, ROLE_DIM,
                    m->d->order == ORDER_SCORE ? "  │ threshold of ● specific"
                                               : "  │ end of the mask");
}

/* The line below the legend: the first, middle and last column, N for indices and # for places in
 * another order, and the neuron under the cursor. Numbers that touch the cursor's are left out. */
static void map_axis(const struct map *m, int y)
{
    const struct heat_grid *g = &m->g;
    int width = g->cols * m->wide, at = g->cursor < 0 ? -1 : g->cursor * m->wide;
    const char *mark = m->d->order == ORDER_INDEX ? "N" : "#";
    int place[3] = {0, width / 2 - 3, 0}, number[3];
    int wide;
    char text[48], cursor[48];

    if (y >= m->in.h)
        return;
    number[0] = g->from;
    number[1] = (g->from + g->to) / 2;
    number[2] = g->to - 1;
    snprintf(cursor, sizeof(cursor), "▴L%dN%d", m->d->at_layer, m->d->at_neuron);
    wide = at < 0 ? 0 : text_width(cursor);
    if (at + wide > width && at >= wide) {
        snprintf(cursor, sizeof(cursor), "L%dN%d▴", m->d->at_layer, m->d->at_neuron);
        at -= wide - 1;
    }
    for (int i = 0; i < 3; i++) {
        int x, cols;

        show_print(text, sizeof(text), "%s%d", mark, number[i]);
        cols = text_width(text);
        x = i == 2 ? width - cols : place[i];
        if (x >= 0 && (!i || width > 24) && (x + cols < at || x > at + wide))
            surface_text(m->s, m->in, y, m->left + x, ROLE_DIM, text);
    }
    if (at < 0)
        return;
    surface_text(m->s, m->in, y, m->left + at, ROLE_SELECTED, cursor);
    if (m->focus)
        surface_cursor(m->s, m->in, y, m->left + g->cursor * m->wide);
}

/* What the stale rows were made from, of which the first that is shown tells. */
static void map_stale_title(const struct map *m, char *title, size_t n)
{
    const struct attribution *stale = NULL;
    bool fresh = false;

    for (int r = 0; r < m->g.rows; r++) {
        bool old = m->g.kind[r] == ROW_STALE;

        fresh |= !old && m->g.kind[r] != ROW_EMPTY;
        if (old && !stale)
            stale = m->d->layer[m->g.layer[r]].score;
    }
    pane_stale_part_title(m->d, stale, fresh ? "rows" : "", title, n);
}

/* Of how many drawn words the mode's scores are; 0: of all, or they are no sums over words. */
static int map_words(const struct map *m)
{
    return m->mode <= HEAT_PSA ? ui_scored_words(m->d) : 0;
}

/* What the numbers are: the strategy and its unit; what they were made from if they are stale. */
static void map_title(const struct map *m, bool narrow, char *title, size_t n)
{
    char explained[64], delta[96] = "";
    const char *kind = params_word(&m->d->params, P_MPC_KIND);

    ui_explained_token(m->d, explained);
    if (m->mode <= HEAT_PSA && *explained) {
        snprintf(delta, sizeof(delta), m->mode == HEAT_LPS ? "Δ log p(" : "Δ p(");
        show_print(delta + strlen(delta), sizeof(delta) - strlen(delta), "%s)%s", explained,
                   m->mode == HEAT_LPS && !narrow && !m->g.stale_rows && m->d->pool != POOL_ABOVE
                       ? ", nats"
                       : "");
    } else if (m->mode == HEAT_MPC) {
        show_print(delta, sizeof(delta), "coefficient%s",
                   !strcmp(kind, "coeff_norm")   ? " × ‖value‖"
                   : !strcmp(kind, "coeff_proj") ? " × projection"
                                                 : "");
    } else if (m->mode == HEAT_ACTIVATION) {
        snprintf(delta, sizeof(delta), "coefficients");
    }
    if (!m->g.exact_rows && !m->g.mpc_rows && !m->g.stale_rows && !m->d->scored_layers)
        snprintf(title, n, "Attribution");
    else if (!m->g.exact_rows && m->g.mpc_rows) /* grey rows are not what the mode's name says */
        show_print(title, n, "%s%s not computed, grey: ≈ MPC", narrow ? "" : "Attribution  ",
                   heat_mode_name(m->mode));
    else
        show_print(title, n, "%s%s%s%s%s",
                   narrow || map_words(m) ? "" : "Attribution  ", /* room for the hint */
                   heat_mode_name(m->mode), narrow ? "  " : "   ", delta,
                   m->d->approximate ? "  ≈" : "");
    map_stale_title(m, title, n);
}

/* "3 stale: x scores them · 5 exact · 22 ≈ MPC", of all layers that the window has; "5 exact · 25
 * not scored" where nothing is known of the others. */
static void map_counts(const struct map *m, char *hint, size_t n)
{
    int count[ROW_EXACT + 1] = {0}, words = map_words(m);
    char stale[48] = "", mpc[32] = "", empty[32] = "", exact[32] = "exact";

    for (int l = 0; l < m->d->layers; l++)
        if (map_window_has(m->window, l))
            count[heat_kind(m->d, m->mode, l)]++;
    if (count[ROW_MPC])
        snprintf(mpc, sizeof(mpc), " · %d ≈ MPC", count[ROW_MPC]);
    if (count[ROW_STALE])
        hint_print(m->d, stale, sizeof(stale),
                   m->d->attributing || m->d->viewed ? "%d stale · "
                                                     : "%d stale: {attribute} scores them · ",
                   count[ROW_STALE]);
    if (count[ROW_EMPTY])
        snprintf(empty, sizeof(empty), " · %d not scored", count[ROW_EMPTY]);
    if (words)
        snprintf(exact, sizeof(exact), "scored, %d words", words);
    show_print(hint, n, "%s%d %s%s%s", stale, count[ROW_EXACT], exact, mpc, empty);
}

/* How far the scores are, else how many neurons a column holds. */
static void map_hint(const struct map *m, char *hint, size_t n)
{
    int bin = m->g.bins > 0 ? (m->g.to - m->g.from + m->g.bins - 1) / m->g.bins : 0;
    int exact = m->g.exact_rows, words = map_words(m);
    size_t used;
    bool counts =
        m->mode < HEAT_TRACE && (m->g.mpc_rows || m->g.stale_rows || (exact && exact < m->g.rows));

    if (words && !counts) { /* first: what does not fit is dropped from the end */
        used = (size_t)snprintf(hint, n, "%d words · ", words);
        hint += used;
        n -= used;
    }
    if (counts)
        map_counts(m, hint, n);
    else if (m->d->attributing &&
             m->mode == (enum heat_mode)params_choice(&m->d->params, P_ATTR_STRATEGY))
        show_print(hint, n, "%d of %d layers", m->d->scored_layers, m->d->layers);
    else if (bin > 1 && m->d->pool == POOL_ABOVE)
        snprintf(hint, n, "count in the mask, of each bin of %d", bin);
    else if (bin > 1)
        show_print(hint, n, "%s of each bin of %d", heat_pool_name(m->d->pool), bin);
    else
        snprintf(hint, n, "one column a neuron");
    if (m->mode < HEAT_TRACE)
        utf8_copy(hint + strlen(hint), n - strlen(hint), scores_of_base(&m->d->params));
}

/* Says that the scores shown are not computed yet, and which key computes them. */
static void map_missing(const struct map *m, int y)
{
    struct pen p = pen_at(m->s, m->in, y, m->left);
    const char *name = heat_mode_name(m->mode);
    char key[HINT_MAX];
    bool strategy = (enum heat_mode)params_choice(&m->d->params, P_ATTR_STRATEGY) == m->mode;

    surface_fill(m->s, (struct rect){m->in.y + y, m->in.x, 1, m->in.w}, ROLE_TEXT);
    if (m->d->viewed) {
        pen_text(&p, ROLE_DIM, HINT_NOT_THERE);
        return;
    }
    if (m->in.w >= 60 && m->g.stale_rows)
        pen_text(&p, ROLE_DIM, "not of what is at hand: ");
    else if (m->in.w >= 60 && strategy)
        pen_text(&p, ROLE_DIM, "not computed yet: ");
    else if (m->in.w >= 60)
        pen_printf(&p, ROLE_DIM, "%s is not computed: ", name);
    pen_text(&p, ROLE_KEY, hint_text(m->d, key, "{attribute}"));
    if (strategy || m->mode >= HEAT_MPC)
        pen_fit(&p, ROLE_DIM, m->in.w - p.x,
                m->in.w < 60 ? " scores every neuron" : " scores every neuron for this fact");
    else
        pen_printf(&p, ROLE_DIM, " scores this fact by %s", name);
}

bool map_neuron_at(const struct ui_state *d, const struct map_window *window, struct rect area,
                   int y, int x, struct neuron_place *out)
{
    struct map_shape m = map_shape(d, window, area);
    int row = m.tall ? (y - m.plot.y) * 2 / m.tall : -1, column, *order;

    if (!m.rows || y < m.plot.y || row >= m.rows || x < m.plot.x || x >= m.plot.x + m.plot.w)
        return false;
    column = m.to - m.from < m.plot.w
                 ? m.from + (x - m.plot.x) / m.wide
                 : m.from + (int)((long long)(x - m.plot.x) * (m.to - m.from) / m.plot.w);
    order = xcalloc((size_t)d->model.neurons + 1, sizeof(*order));
    heat_order(d, map_window_mode(window, d), m.layer[row], order);
    *out = (struct neuron_place){m.layer[row], order[column < m.to ? column : m.to - 1]};
    free(order);
    return true;
}

/* The plot and all lines around it. */
static void map_plot(const struct map *m, const struct map_shape *shape)
{
    struct heatmap map = {.value = m->g.value,
                          .rows = m->g.rows,
                          .cols = m->g.cols,
                          .high = m->g.top,
                          .scale = m->d->scale,
                          .ramp = m->d->ramp,
                          .wide = m->wide,
                          .tall = m->tall,
                          .row_high = m->g.high,
                          .row_ramp = m->g.ramp,
                          .row_stale = m->g.stale};
    int rows = m->tall > 1 ? m->g.rows * m->tall / 2 : (m->g.rows + 1) / 2;

    heatmap_draw(&map, m->s, shape->plot);
    for (int i = 0; i < m->g.marks; i++)
        surface_text(m->s, shape->plot, m->g.mark[i].row * m->tall / 2, m->g.mark[i].col * m->wide,
                     ROLE_WARN, mark_glyph(m, &m->g.mark[i]));
    map_labels(m);
    if (m->g.exact_rows || m->g.mpc_rows || m->g.stale_rows) {
        map_legend(m, rows);
        map_axis(m, rows + 1);
    } else if (rows < m->in.h - 1) { /* what a method chose is known without scores */
        struct pen p = pen_at(m->s, m->in, rows, 0);

        marks_legend(m, &p);
    }
    if (!m->g.exact_rows && !m->d->attributing && rows < m->in.h)
        map_missing(m, m->in.h - 1);
}

/* How many layers are out of sight. */
static void map_foot(const struct map_shape *shape, struct surface *s, struct rect area)
{
    char text[64];

    if (!shape->first && !shape->below)
        return;
    if (!shape->first)
        snprintf(text, sizeof(text), "%d more below", shape->below);
    else if (!shape->below)
        snprintf(text, sizeof(text), "%d more above", shape->first);
    else
        snprintf(text, sizeof(text), "%d more above, %d below", shape->first, shape->below);
    box_foot(s, area, text);
}

void pane_map(const struct ui_state *d, const struct map_window *window, struct surface *s,
              struct rect area, bool focus)
{
    struct map_shape shape = map_shape(d, window, area);
    struct map m = {.d = d,
                    .window = window,
                    .s = s,
                    .in = shape.in,
                    .plot = shape.plot,
                    .left = shape.left,
                    .wide = shape.wide,
                    .tall = shape.tall,
                    .focus = focus,
                    .mode = map_window_mode(window, d)};
    char title[160 + UI_WORDS], hint[128] = "";

    if (d->ready && shape.rows)
        heat_grid_make(&m.g, d, window, shape.layer, shape.rows, shape.plot.w / shape.wide);
    map_title(&m, area.w < 60, title, sizeof(title));
    if (d->ready)
        map_hint(&m, hint, sizeof(hint));
    box_draw(s, area, title, hint, focus);
    if (!window->compact)
        map_foot(&shape, s, area);
    if (!d->ready && area.h > 2 && area.w > 6) {
        struct pen p = pen_at(s, m.in, m.in.h / 2, m.in.w / 2 - 12);

        pen_text(&p, ROLE_DIM, "the model is being loaded");
    } else if (m.g.rows && m.g.bins) {
        for (int r = 0; focus && r < shape.rows; r++) /* until a neuron is selected */
            if (shape.layer[r] == d->at_layer)
                surface_cursor(s, m.in, r * shape.tall / 2, 0);
        map_plot(&m, &shape);
    }
    heat_grid_free(&m.g);
}
