/* The logit lens at every layer and position: what the model would predict if each block were the
 * last (final norm and unembedding applied to the block's output).
 *
 *   ╭─ Top token: BASE → PREVIEW ──────────────────────────── d ranks  v side ╮
 *   │     The        ·E         iffel      ·Tower     ·is        ·in          │
 *   │ L0  ·          ·          ·          ·          ·          ·            │
 *   │ L4 ›+0.02      ·          ·          →·Rome     +0.31      ·            │
 *   │ L9  ·          ·          ·          ·          ·          →·Rome       │
 *   │ p falls ████████████ rises                                              │
 *   │ before L9 ·in: ·Paris 0.410  Paris rank 1  Rome rank 312                │
 *   │ after  L9 ·in: ·Rome 0.620  Paris rank 4  Rome rank 1                   │
 *   ╰─────────────────────────────────────────────────────────────────────────╯
 *
 * A cell shows the likeliest token, or the rank of the old or the new object. With a state to
 * compare it shows what changed: "→TOKEN" another token, "+0.31" another probability of the same,
 * "12→1" another rank, "·" nothing. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/float_order.h"
#include "core/base/show.h"
#include "core/base/utf8.h"
#include "tui/box.h"
#include "tui/heatmap.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/panes/panes.h"

enum { TIGHTEST = 5, NARROWEST = 7, WIDEST = 14 };

const struct lens_grid *lens_shown(const struct ui_state *d, enum neuron_side side)
{
    const struct lens_grid *base = ui_lens(d, STATE_BASE);
    const struct lens_grid *edited = ui_lens(d, STATE_EDITED);
    const struct lens_grid *preview = ui_lens(d, STATE_PREVIEW);

    return side == SIDE_BEFORE        ? base
           : preview                  ? preview
           : edited && d->state.edits ? edited
                                      : base;
}

/* Goes down from the last layer as long as the new object ranks before the old one. */
int lens_overtakes(const int *rank_old, const int *rank_new, int layers, int step)
{
    int from = -1;

    for (int l = layers - 1; rank_old && rank_new && l >= 0; l--) {
        if (rank_new[l * step] >= rank_old[l * step])
            break;
        from = l;
    }
    return from;
}

/* Where everything lies: the same for drawing and for clicks. */
struct lens_shape {
    const struct lens_grid *g, *base; /* base: compared with it; NULL: not */
    struct rect in, plot;
    int left, wide;
    int token, tokens, first, rows;
};

/* Positions are 7 to 14 columns wide, and down to 5 if all fit then. If not all fit, those around
 * the cursor are shown and the first one beside them. */
static void lens_shape_columns(struct lens_shape *m, int token)
{
    int all = m->g->tokens, wide = m->plot.w / all;

    m->wide = wide >= WIDEST ? WIDEST : wide >= TIGHTEST ? wide : NARROWEST;
    m->tokens = m->plot.w / m->wide < all ? m->plot.w / m->wide : all;
    m->token = token - m->tokens / 2;
    m->token = m->token + m->tokens > all ? all - m->tokens : m->token;
    m->token = m->token < 0 ? 0 : m->token;
}

static struct lens_shape lens_shape_of(const struct ui_state *d, struct lens_cursor at,
                                       struct rect area)
{
    struct lens_shape m = {.g = lens_shown(d, d->side),
                           .in = {area.y + 1, area.x + 2, area.h - 2, area.w - 4},
                           .left = d->layers > 100 ? 5 : 4};

    if (m.g && d->side == SIDE_BOTH && m.g != ui_lens(d, STATE_BASE))
        m.base = ui_lens(d, STATE_BASE);
    if (m.base && (m.base->tokens != m.g->tokens || m.base->layers != m.g->layers))
        m.base = NULL;
    m.plot = (struct rect){m.in.y + 1, m.in.x + m.left, m.in.h - 4, m.in.w - m.left};
    if (!m.g || m.g->tokens < 1 || m.g->layers < 1 || m.plot.h < 1 || m.plot.w < NARROWEST)
        return (struct lens_shape){.g = m.g, .in = m.in};
    lens_shape_columns(&m, at.token);
    m.rows = m.plot.h < m.g->layers ? m.plot.h : m.g->layers;
    m.first = at.layer - m.rows / 2;
    m.first = m.first + m.rows > m.g->layers ? m.g->layers - m.rows : m.first;
    m.first = m.first < 0 ? 0 : m.first;
    return m;
}

/* The position that column i shows: the first column stays at the first token. */
static int lens_token_of(const struct lens_shape *m, int i)
{
    return i ? m->token + i : 0;
}

bool lens_cell_at(const struct ui_state *d, struct lens_cursor at, struct rect area, int y, int x,
                  struct lens_cursor *cell)
{
    struct lens_shape m = lens_shape_of(d, at, area);

    if (!m.wide || y < m.plot.y || y >= m.plot.y + m.rows || x < m.plot.x ||
        x >= m.plot.x + m.tokens * m.wide)
        return false;
    cell->layer = m.first + y - m.plot.y;
    cell->token = lens_token_of(&m, (x - m.plot.x) / m.wide);
    return true;
}

/* How near a rank is to the first, 0..1: 1 - log(rank) / log(vocabulary). */
static double nearness(const struct ui_state *d, int rank)
{
    double vocab = d->model.vocab > 1 ? d->model.vocab : 2;

    return rank < 1 ? 0 : clamped(1 - log(rank) / log(vocab), 0, 1);
}

/* [layers * tokens] ranks of the old or the new object. */
static const int *grid_ranks(const struct lens_grid *g, enum lens_mode mode)
{
    return mode == LENS_OLD ? g->rank_old : g->rank_new;
}

/* The text of a cell; returns its level on the ramp, 0..255. */
static int lens_cell(const struct ui_state *d, const struct lens_shape *m, enum lens_mode mode,
                     size_t at, char *out, size_t n)
{
    const struct shown_token *top = &m->g->top[at];
    const int *rank = grid_ranks(m->g, mode), *before = m->base ? grid_ranks(m->base, mode) : NULL;
    char piece[64];

    out[0] = '\0';
    if (mode == LENS_TOP && !m->base) {
        utf8_copy(out, n, text_piece(piece, sizeof(piece), top->text));
        return heat_level(top->p, 1, d->scale == SCALE_LOG ? SCALE_LOG : SCALE_LINEAR, NULL, 0);
    }
    if (mode == LENS_TOP) {
        const struct shown_token *was = &m->base->top[at];
        double change = top->p - was->p;

        if (strcmp(was->text, top->text) != 0) {
            show_print(out, n, "→%s", text_piece(piece, sizeof(piece), top->text));
            return heat_level_signed(top->p, 1, SCALE_SQRT, NULL, 0);
        }
        snprintf(out, n, fabs(change) < 0.005 ? "·" : "%+.2f", change);
        return heat_level_signed(change, 1, SCALE_SQRT, NULL, 0);
    }
    if (!rank) {
        snprintf(out, n, "·");
        return 0;
    }
    if (!before) {
        snprintf(out, n, "%d", rank[at]);
        return (int)(nearness(d, rank[at]) * (RAMP_LEVELS - 1));
    }
    if (before[at] == rank[at])
        snprintf(out, n, "·");
    else
        snprintf(out, n, "%d→%d", before[at], rank[at]);
    return heat_level_signed(nearness(d, rank[at]) - nearness(d, before[at]), 1, SCALE_SQRT, NULL,
                             0);
}

/* Writes a cell's text and colours its columns. */
static void put_lens_cell(struct surface *s, struct rect plot, int y, int x, int cols,
                          const char *text, uint16_t slot)
{
    struct pen p = pen_at(s, plot, y, x);

    pen_fit(&p, ROLE_TEXT, cols, text);
    for (int i = 0; i < cols; i++) {
        struct cell *c = surface_at(s, plot.y + y, plot.x + x + i);

        if (c && x + i < plot.w)
            c->bg = slot;
    }
}

/* The prompt's tokens above the grid; "…" where some are left out. */
static void lens_token_row(const struct lens_shape *m, struct lens_cursor at, struct surface *s)
{
    for (int i = 0; i < m->tokens; i++) {
        int token = lens_token_of(m, i);
        const struct shown_token *w = &m->g->token[token];
        struct pen p = pen_at(s, m->in, 0, m->left + i * m->wide);
        char piece[64];

        pen_fit(&p,
                token == at.token ? ROLE_SELECTED
                : w->subject      ? ROLE_SUBJECT
                                  : ROLE_DIM,
                m->wide - 1, text_piece(piece, sizeof(piece), w->text));
        if (!i && m->token)
            pen_text(&p, ROLE_DIM, "…");
    }
}

/* One row per layer: its name, "›" if it is edited, and a cell per position. */
static void lens_cells_draw(const struct ui_state *d, const struct lens_shape *m,
                            enum lens_mode mode, struct lens_cursor cursor, struct surface *s)
{
    enum ramp ramp = m->base ? RAMP_DIVERGE : d->ramp == RAMP_DIVERGE ? RAMP_HEAT : d->ramp;

    for (int r = 0; r < m->rows; r++) {
        int layer = m->first + r;
        bool here = layer == cursor.layer, edited = ui_edits_layer(d, layer);
        struct pen p = pen_at(s, m->in, r + 1, 0);

        pen_printf(&p, here ? ROLE_SELECTED : edited ? ROLE_ACCENT : ROLE_DIM, "L%d", layer);
        if (edited)
            surface_text(s, m->in, r + 1, m->left - 1, ROLE_ACCENT, "›");
        for (int i = 0; i < m->tokens; i++) {
            char text[96];
            int token = lens_token_of(m, i);
            size_t at = (size_t)layer * (size_t)m->g->tokens + (size_t)token;
            int level = lens_cell(d, m, mode, at, text, sizeof(text));

            put_lens_cell(s, m->plot, r, i * m->wide, m->wide - 1, text,
                          colour_slot_ramp(ramp, level));
            if (here && token == cursor.token)
                surface_cursor(s, m->plot, r, i * m->wide);
        }
    }
}

/* What is out of sight, and the keys that show it. */
static void lens_foot(const struct lens_shape *m, struct surface *s, struct rect area)
{
    int below = m->g->layers - m->first - m->rows;
    struct buf text = {0};

    if (m->first)
        buf_printf(&text, "%d layers above", m->first);
    if (below)
        buf_printf(&text, "%s%d layers below", text.len ? ", " : "", below);
    if (m->tokens < m->g->tokens)
        buf_printf(&text, "%s{ } more tokens", text.len ? ", " : "");
    box_foot(s, area, text.data ? text.data : "");
    buf_free(&text);
}

/* "Paris rank 1  Rome rank 312", "#1" in narrow panes. Names are cut, ranks are not. */
static void put_ranks(struct pen *p, const struct ui_state *d, const struct lens_grid *g, size_t at)
{
    const bool has[2] = {g->rank_old && d->prompt_info, g->rank_new && d->fact.target};
    bool narrow = p->area.w < 60;
    int names = has[0] + has[1], room = p->area.w - p->x;
    char piece[2][64], rank[2][40];

    for (int k = 0; k < 2; k++) {
        char number[32];

        if (!has[k])
            continue;
        text_piece(piece[k], sizeof(piece[k]), k ? ui_object_of(d, g) : d->prompt_info->old.text);
        show_print(rank[k], sizeof(rank[k]), "%s%s", narrow ? "#" : "rank ",
                   text_thousands(number, (k ? g->rank_new : g->rank_old)[at]));
        room -= 3 + text_width(rank[k]);
    }
    for (int k = 0; k < 2; k++) {
        int wide;

        if (!has[k])
            continue;
        wide = text_width(piece[k]) < room / names ? text_width(piece[k]) : room / names;
        names--;
        room -= wide;
        p->x += 2;
        pen_fit(p, k ? ROLE_NEW : ROLE_OLD, wide > 2 ? wide : 2, piece[k]);
        pen_printf(p, ROLE_TEXT, " %s", rank[k]);
    }
}

/* The cell under the cursor in words, before and after the edit. */
static void lens_cursor_lines(const struct ui_state *d, const struct lens_shape *m,
                              struct lens_cursor cursor, struct surface *s)
{
    const struct lens_grid *grid[2] = {ui_lens(d, STATE_BASE), lens_shown(d, SIDE_AFTER)};
    static const char *const name[2] = {"before", "after "};
    int layer = cursor.layer, token = cursor.token;
    int rows = grid[1] != grid[0] ? 2 : 1;
    bool narrow = m->in.w < 60;

    for (int k = 0; k < rows; k++) {
        const struct lens_grid *g = grid[k];
        struct pen p = pen_at(s, m->in, m->in.h - rows + k, 0);
        size_t at = (size_t)layer * (size_t)m->g->tokens + (size_t)token;
        char piece[64], number[16];

        if (!g || g->tokens != m->g->tokens || g->layers != m->g->layers)
            continue;
        if (rows > 1)
            pen_printf(&p, ROLE_DIM, "%s ", name[k]);
        if (!narrow)
            pen_printf(&p, ROLE_DIM, "L%d %s: ", layer,
                       text_piece(piece, sizeof(piece), g->token[token].text));
        pen_printf(&p, ROLE_STRONG, "%s ", text_piece(piece, sizeof(piece), g->top[at].text));
        pen_text(&p, ROLE_BAR, text_probability(number, g->top[at].p));
        put_ranks(&p, d, g, at);
        if (ui_differs(d, g))
            surface_stale(s, (struct rect){m->in.y + p.y, m->in.x, 1, m->in.w});
    }
}

/* What the ends of the colour scale mean. */
static void lens_legend(const struct ui_state *d, const struct lens_shape *m, enum lens_mode mode,
                        struct surface *s, int y)
{
    struct pen p = pen_at(s, m->in, y, 0);
    enum ramp ramp = m->base ? RAMP_DIVERGE : d->ramp == RAMP_DIVERGE ? RAMP_HEAT : d->ramp;
    char number[32];

    if (m->base)
        pen_text(&p, ROLE_DIM, mode == LENS_TOP ? "p falls " : "rank falls ");
    else if (mode == LENS_TOP && m->in.w < 60)
        pen_text(&p, ROLE_DIM, "p of the top token  0 ");
    else if (mode == LENS_TOP)
        pen_printf(&p, ROLE_DIM, "p of the top token, scale %s  0 ",
                   heat_scale_name(d->scale == SCALE_LOG ? SCALE_LOG : SCALE_LINEAR));
    else
        pen_printf(&p, ROLE_DIM, "rank %s ", text_thousands(number, d->model.vocab));
    heat_legend(s, m->in, y, p.x, 12, ramp);
    p.x += 13;
    pen_text(&p, ROLE_DIM, m->base ? "rises" : "1");
}

static const char *state_word(unsigned state)
{
    return state == STATE_BASE ? "BASE" : state == STATE_EDITED ? "EDITED" : "PREVIEW";
}

void pane_lens_grid(const struct ui_state *d, enum lens_mode mode, struct lens_cursor at,
                    struct surface *s, struct rect area, bool focus)
{
    static const char *const what[LENS_MODES] = {"top token", "rank of old", "rank of new"};
    struct lens_shape m = lens_shape_of(d, at, area);
    char title[96 + UI_WORDS], hint[48] = "";
    bool stale;
    struct rect in;

    if (m.g && m.base)
        show_print(title, sizeof(title), "%s: BASE → %s", what[mode], state_word(m.g->state));
    else
        show_print(title, sizeof(title), "%s%s%s", what[mode], m.g ? ": " : "",
                   m.g ? state_word(m.g->state) : "");
    title[0] = (char)(title[0] - 'a' + 'A');
    stale = pane_stale_title(d, m.g, title, sizeof(title)) ||
            pane_stale_title(d, m.base, title, sizeof(title));
    hint_print(d, hint, sizeof(hint), "{mode} %s  {flip} side",
               mode == LENS_TOP ? "ranks" : "next");
    in = box_draw(s, area, title, hint, focus);
    if (rect_empty(in))
        return;
    if (!m.wide) {
        hint_lines(d, s, in, 0, ROLE_DIM,
                   m.g                                          ? ""
                   : ui_busy(d) == CMD_LENS                     ? "reading every block's output"
                   : d->prompt_info && *d->prompt_info->problem ? d->prompt_info->problem
                   : d->viewed                                  ? HINT_NOT_THERE
                               : "not computed yet: {enter} computes it");
        return;
    }
    at.token = at.token < 0 ? 0 : at.token >= m.g->tokens ? m.g->tokens - 1 : at.token;
    at.layer = at.layer < 0 ? 0 : at.layer >= m.g->layers ? m.g->layers - 1 : at.layer;
    lens_foot(&m, s, area);
    lens_token_row(&m, at, s);
    lens_cells_draw(d, &m, mode, at, s);
    if (stale)
        surface_stale(s, in);
    lens_legend(d, &m, mode, s, m.rows + 1);
    lens_cursor_lines(d, &m, at, s);
}
