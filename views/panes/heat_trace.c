/* Draws the causal trace (Meng et al. 2022): the subject is corrupted with noise, then one hidden
 * state at a time, of one layer and token, is restored from the clean run. A cell shows how much
 * of p(answer) returns; large values show where the fact is stored.
 *
 *   ╭─ Causal trace   Δ p(·Paris), one state restored ──────── 9 of 12 layers ╮
 *   │ L0  ▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀ █ 0.50   │
 *   │ L4 ›▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀ ▇ 0.38   │
 *   │ L9  ···················· (not computed yet) ···················         │
 *   │     The       ·E*       iffel*    ·Tower*   ·is       ·in               │
 *   │ scale √  0 ███████████████ 0.5   * noise here                           │
 *   │ L4 ·Tower  +0.380 of p(·Paris) returns when this state is restored      │
 *   ╰─────────────────────────────────────────────────────────────────────────╯
 *    LEFT: 4   a row per layer, a column per token           RIGHT: 7, the row's largest effect */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/utf8.h"
#include "tui/box.h"
#include "tui/heatmap.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/panes/panes.h"

enum { LEFT = 4, RIGHT = 7, NARROWEST = 4, WIDEST = 14 };

/* Where everything lies: the same for drawing and for clicks. */
struct trace_shape {
    struct rect in, plot;
    int wide, tall;        /* columns of a token, half rows of a layer */
    int token, tokens;     /* first one shown, how many */
    int first, rows, left; /* layers shown */
};

/* Tokens are 4 to 14 columns wide; if not all fit, those around the cursor are shown. Layers are
 * up to 3 rows tall, or two share a row of cells. */
static struct trace_shape trace_shape_of(const struct ui_state *d, int token, struct rect area)
{
    const struct trace *t = d->trace;
    struct trace_shape m = {.in = {area.y + 1, area.x + 2, area.h - 2, area.w - 4},
                            .left = d->layers > 100 ? 5 : LEFT};
    int rows;

    m.plot = (struct rect){m.in.y, m.in.x + m.left, m.in.h - 3, m.in.w - m.left - RIGHT};
    if (!t || t->tokens < 1 || t->layers < 1 || m.plot.h < 1 || m.plot.w < NARROWEST)
        return m;
    m.wide = m.plot.w / t->tokens;
    m.wide = m.wide < NARROWEST ? NARROWEST : m.wide > WIDEST ? WIDEST : m.wide;
    m.tokens = m.plot.w / m.wide < t->tokens ? m.plot.w / m.wide : t->tokens;
    m.token = token - m.tokens / 2;
    m.token = m.token + m.tokens > t->tokens ? t->tokens - m.tokens : m.token;
    m.token = m.token < 0 ? 0 : m.token;
    rows = m.plot.h / t->layers;
    m.tall = rows < 1 ? 1 : 2 * (rows > 3 ? 3 : rows);
    m.rows = rows < 1 ? m.plot.h * 2 : t->layers;
    m.rows = m.rows < t->layers ? m.rows : t->layers;
    m.first = (d->at_layer - m.rows / 2) & ~1;
    m.first = m.first + m.rows > t->layers ? t->layers - m.rows : m.first;
    m.first = m.first < 0 ? 0 : m.first;
    return m;
}

int trace_token_at(const struct ui_state *d, int token, struct rect area, int y, int x, int *layer)
{
    struct trace_shape m = trace_shape_of(d, token, area);
    int row = m.tall ? (y - m.plot.y) * 2 / m.tall : 0, column = m.wide ? x - m.plot.x : -1;

    if (!m.wide || column < 0 || column / m.wide >= m.tokens || y < m.plot.y || row >= m.rows)
        return -1;
    *layer = m.first + row;
    return m.token + column / m.wide;
}

/* The largest effect among a layer's tokens, and which token; NAN: nothing computed yet. */
static double strongest_token(const struct trace *t, int layer, int *token)
{
    double most = (double)NAN;

    *token = -1;
    for (int i = 0; i < t->tokens; i++) {
        double v = (double)t->effect[(size_t)layer * (size_t)t->tokens + (size_t)i];

        if (isfinite(v) && !(v <= most)) {
            most = v;
            *token = i;
        }
    }
    return most;
}

/* Left of the plot the layers' names ("›" marks edited ones), right of it a bar and the number of
 * each row's largest effect. */
static void trace_layer_names(const struct ui_state *d, const struct trace_shape *m,
                              struct surface *s, double top)
{
    const struct trace *t = d->trace;
    int step = m->tall > 1 ? 1 : 2;

    for (int r = 0; r < m->rows; r += step) {
        int y = m->tall > 1 ? r * m->tall / 2 : r / 2, layer = m->first + r, token, other;
        bool pair = step == 2 && r + 1 < m->rows;
        bool here = layer == d->at_layer || (pair && layer + 1 == d->at_layer);
        double most = strongest_token(t, layer, &token),
               next = pair ? strongest_token(t, layer + 1, &other) : (double)NAN;
        struct pen p = pen_at(s, m->in, y, 0);
        bool edited = ui_edits_layer(d, layer) || (pair && ui_edits_layer(d, layer + 1));

        pen_printf(&p,
                   here     ? ROLE_SELECTED
                   : edited ? ROLE_ACCENT
                            : ROLE_DIM,
                   "L%d", pair && layer + 1 == d->at_layer ? layer + 1 : layer);
        if (edited)
            surface_text(s, m->in, y, m->left - 1, ROLE_ACCENT, "›");
        most = next > most || isnan(most) ? next : most;
        if (isnan(most))
            continue;
        p.x = m->left + m->tokens * m->wide + 1;
        pen_text(&p, ROLE_BAR, bar_glyph(top > 0 ? most / top : 0));
        pen_printf(&p, ROLE_DIM, "%5.2f", most);
    }
}

/* Below the plot; a star marks tokens that got noise. */
static void trace_token_names(const struct trace *t, const struct trace_shape *m, struct surface *s,
                              int y, int at)
{
    for (int i = 0; i < m->tokens; i++) {
        const struct shown_token *w = &t->token[m->token + i];
        struct pen p = pen_at(s, m->in, y, m->left + i * m->wide);
        char piece[64], text[72];

        text_piece(piece, sizeof(piece), w->text);
        show_print(text, sizeof(text), "%s%s", piece, w->subject ? "*" : "");
        if (text_width(text) >= m->wide && w->subject) { /* the star stays */
            pen_text(&p, m->token + i == at ? ROLE_SELECTED : ROLE_SUBJECT, "*");
            utf8_copy(text, sizeof(text), piece);
        }
        pen_fit(&p,
                m->token + i == at ? ROLE_SELECTED
                : w->subject       ? ROLE_SUBJECT
                                   : ROLE_DIM,
                m->left + (i + 1) * m->wide - 1 - p.x, text);
    }
    surface_cursor(s, m->in, y, m->left + (at - m->token) * m->wide);
}

/* The ends of the colour scale, and p(answer) of the clean and the corrupted run. */
static void trace_legend(const struct ui_state *d, struct surface *s, struct rect in, int y,
                         double top)
{
    struct pen p = pen_at(s, in, y, 0);
    const struct trace *t = d->trace;
    int bar = in.w > 60 ? 15 : 8;

    pen_printf(&p, ROLE_DIM, "scale %s  ", heat_scale_name(d->scale));
    if (d->ramp == RAMP_DIVERGE)
        pen_printf(&p, ROLE_DIM, "-%.2g ", top);
    else
        pen_text(&p, ROLE_DIM, "0 ");
    heat_legend(s, in, y, p.x, bar, d->ramp);
    p.x += bar + 1;
    pen_printf(&p, ROLE_DIM, "%.2g", top);
    if (in.w > 100)
        pen_printf(&p, ROLE_DIM, "   p clean %.3g, corrupted %.3g   * noise on the subject",
                   t->p_clean, t->p_corrupt);
    else if (in.w > 60)
        pen_text(&p, ROLE_DIM, "   * noise here");
}

/* The number under the cursor in words. */
static void trace_cursor(const struct ui_state *d, int token, struct surface *s, struct rect in,
                         int y)
{
    const struct trace *t = d->trace;
    struct pen p = pen_at(s, in, y, 0);
    int layer = d->at_layer < t->layers ? d->at_layer : t->layers - 1;
    double v = (double)t->effect[(size_t)layer * (size_t)t->tokens + (size_t)token];
    char piece[64];

    pen_printf(&p, ROLE_STRONG, "L%d %s", layer,
               text_piece(piece, sizeof(piece), t->token[token].text));
    if (isnan(v))
        pen_text(&p, ROLE_DIM, "  not computed yet");
    else
        pen_printf(&p, ROLE_BAR, "  %+.3f", v);
    if (isfinite(v))
        pen_printf(&p, ROLE_DIM, " of p(%s) returns when this state is restored",
                   text_piece(piece, sizeof(piece), t->answer.text));
}

/* The matrix [layers shown][tokens shown] and all that surrounds it. */
static void trace_plot(const struct ui_state *d, const struct trace_shape *m, int token,
                       struct surface *s)
{
    const struct trace *t = d->trace;
    struct heatmap map = {.rows = m->rows,
                          .cols = m->tokens,
                          .scale = d->scale,
                          .ramp = d->ramp,
                          .wide = m->wide,
                          .tall = m->tall};
    float *value = xcalloc((size_t)(m->rows * m->tokens) + 1, sizeof(*value));
    int under = m->tall > 1 ? m->rows * m->tall / 2 : (m->rows + 1) / 2;

    for (int r = 0; r < m->rows; r++)
        for (int i = 0; i < m->tokens; i++) {
            float v =
                t->effect[(size_t)(m->first + r) * (size_t)t->tokens + (size_t)(m->token + i)];

            value[r * m->tokens + i] = isinf(v) ? INFINITY : v;
        }
    map.value = value;
    map.high = heat_clip(t->effect, t->layers * t->tokens, 1);
    heatmap_draw(&map, s, (struct rect){m->plot.y, m->plot.x, m->plot.h, m->tokens * m->wide});
    free(value);
    trace_layer_names(d, m, s, map.high);
    trace_token_names(t, m, s, under, token);
    trace_legend(d, s, m->in, under + 1, map.high);
    trace_cursor(d, token, s, m->in, under + 2);
}

void pane_trace(const struct ui_state *d, int token, struct surface *s, struct rect area,
                bool focus)
{
    const struct trace *t = d->trace;
    struct trace_shape m;
    char title[160 + UI_WORDS] = "Causal trace", hint[96] = "", piece[64];
    bool stale;
    struct rect in;

    token = t && token >= t->tokens ? t->tokens - 1 : token < 0 ? 0 : token;
    m = trace_shape_of(d, token, area);
    if (t) {
        show_print(title, sizeof(title), "%s   Δ p(%s), one state restored",
                   area.w < 60 ? "Trace" : "Causal trace",
                   text_piece(piece, sizeof(piece), t->answer.text));
        snprintf(hint, sizeof(hint), "noise %.2g, %d draws", t->noise, t->samples);
        if (t->done < t->layers)
            snprintf(hint, sizeof(hint), "%d of %d layers", t->done, t->layers);
    }
    stale = pane_stale_title(d, t, title, sizeof(title));
    if (stale)
        hint_print(d, hint, sizeof(hint), "{attribute} traces again");
    in = box_draw(s, area, title, hint, focus);
    if (t && m.wide && m.rows) {
        trace_plot(d, &m, token, s);
        if (stale)
            surface_stale(s, in);
    } else if (in.h > 2 && !t) {
        hint_draw(d, s, in, 1, 2, ROLE_DIM,
                  !ui_waits_for(d, CMD_TRACE)
                      ? "not computed yet: {attribute} traces which states carry this fact"
                  : ui_busy(d) == CMD_TRACE
                      ? "corrupting the subject and restoring one state at a time"
                      : "waits its turn: {jobs} lists the jobs");
    }
}
