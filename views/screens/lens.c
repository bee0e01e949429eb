/* The Lens view: what the model would say if each layer were its last (the logit lens).
 *
 *   +- Rank by layer ---------------++- Top token: PREVIEW ------------ d ranks  v side -+
 *   | curves of the old and the new ||      ·E     iffel  ·Tower ·is    ·in             |
 *   | object's rank, layer by layer,|| L0  ·Tower ·Fran… ·the   ·Tower ·Fran…            |
 *   | at the cursor's token         || L1  one cell: the most probable token there       |
 *   +-------------------------------++---------------------------------------------------+
 *
 * A grid has layers x tokens cells. There is one for each state: base, edited, preview. The view
 * asks for those that are missing when it is opened and when fact, state or preview change
 * (request_missing_grids()). Until the user moves, the cursor is on the last token at the last
 * layer, where the answer appears. */
#include <stdio.h>
#include <string.h>

#include "core/base/utf8.h"
#include "tui/layout.h"
#include "views/panes/panes.h"
#include "views/requests.h"
#include "views/view.h"
#include "views/view_tables.h"

struct lens {
    enum lens_mode mode;
    int token;       /* under the cursor, if moved */
    bool moved;      /* the user has moved it; else the last token */
    bool climbed;    /* the user has chosen a layer here; else the last one */
    char asked[600]; /* fact and states of the last request: it is not repeated */
};

/* The token under the cursor, inside the grid that is shown. */
static int token_of(const struct view *v)
{
    const struct lens *l = v->state;
    const struct ui_state *d = v->host->ui;
    const struct lens_grid *g = lens_shown(d, d->side);
    int last = g ? g->tokens - 1 : d->prompt_info ? d->prompt_info->tokens - 1 : 0;

    last = last < 0 ? 0 : last;
    return l->moved && l->token < last ? l->token : last;
}

/* Whether the grid of this state is not there, or is of something else. That of a preview whose
 * parameters have moved cannot be made: it follows the next preview. */
static bool grid_missing(const struct ui_state *d, unsigned state)
{
    const struct lens_grid *g = ui_lens(d, state);

    return !g || (ui_differs(d, g) && !(state == STATE_PREVIEW && ui_differs(d, d->preview)));
}

/* The cell under the cursor. Until the user moves, it is where the answer appears: the last token
 * at the last layer. */
static struct lens_cursor cursor_of(const struct view *v)
{
    const struct lens *l = v->state;
    const struct ui_state *d = v->host->ui;

    return (struct lens_cursor){l->climbed ? d->at_layer : d->layers - 1, token_of(v)};
}

/* Requests the grids that are missing, once for each fact and state; `again` repeats a request
 * that failed. Only while the view is shown. */
static void request_missing_grids(struct view *v, bool again)
{
    struct lens *l = v->state;
    const struct ui_state *d = v->host->ui;
    unsigned states = 0;
    char key[600];

    if (!d->ready || !d->fact.subject || (d->viewed && !again) ||
        (d->at_view && strcmp(d->at_view, "lens") != 0))
        return;
    states |= grid_missing(d, STATE_BASE) ? STATE_BASE : 0;
    if (d->state.edits && grid_missing(d, STATE_EDITED))
        states |= STATE_EDITED;
    if (d->state.preview && grid_missing(d, STATE_PREVIEW))
        states |= STATE_PREVIEW;
    snprintf(key, sizeof(key), "%.120s|%.300s|%.80s|%s|%d|%u|%.9g", d->fact.subject, d->fact.prompt,
             d->fact.target ? d->fact.target : "", d->state.state, d->state.preview, states,
             d->preview ? report_p_change(d->preview).after : 0);
    if (!states || (!again && !strcmp(key, l->asked)))
        return;
    if (request_lens(v->host, states))
        utf8_copy(l->asked, sizeof(l->asked), key);
}

static void lens_open(struct view *v)
{
    request_missing_grids(v, false);
}

static void lens_event(struct view *v, const struct event *ev)
{
    switch (ev->kind) {
    case EV_PROMPT:
        ((struct lens *)v->state)->moved = false;
        ((struct lens *)v->state)->climbed = false;
        request_missing_grids(v, false);
        break;
    case EV_STATE:
    case EV_PREVIEW:
    case EV_COMMITTED:
    case EV_MODEL:
        request_missing_grids(v, false);
        break;
    default:
        break;
    }
}

static void move_token(struct view *v, int by)
{
    struct lens *l = v->state;
    int at = token_of(v) + by;

    l->token = at < 0 ? 0 : at;
    l->moved = true;
}

static bool lens_action(struct view *v, enum action action)
{
    struct lens *l = v->state;
    struct ui_state *d = v->host->ui;
    int across = action_across(action, 1000000);
    int steps = action == ACTION_LAYER_BACK   ? -1
                : action == ACTION_LAYER_NEXT ? 1
                                              : action_steps(action, 8, d->layers);

    if (steps) {
        d->at_layer = d->layers > 0 ? cursor_of(v).layer : d->at_layer;
        l->climbed = true;
        ui_move_layer(d, steps);
        return true;
    }
    switch (action) {
    case ACTION_TOKEN_BACK:
    case ACTION_TOKEN_NEXT:
        move_token(v, action == ACTION_TOKEN_BACK ? -1 : 1);
        return true;
    case ACTION_MODE:
        l->mode = (enum lens_mode)((l->mode + 1) % LENS_MODES);
        return true;
    case ACTION_ENTER:
        request_missing_grids(v, true);
        return true;
    default:
        if (across)
            move_token(v, across);
        return across != 0;
    }
}

/* Curves at the left, the grid at the right; narrow screens have the grid alone. */
static void lens_areas(struct rect area, struct rect r[2])
{
    static const struct slice columns[2] = {{36, 44, 0, 1}, {44, 60, 1, 0}};

    layout_columns(area, columns, 2, r);
}

static bool lens_click(struct view *v, struct rect area, int y, int x)
{
    struct lens *l = v->state;
    struct ui_state *d = v->host->ui;
    struct lens_cursor cell;
    struct rect r[2];

    lens_areas(area, r);
    if (!lens_cell_at(d, cursor_of(v), r[1], y, x, &cell))
        return false;
    d->at_layer = cell.layer;
    l->token = cell.token;
    l->moved = l->climbed = true;
    return true;
}

static void lens_draw(const struct view *v, struct surface *s, struct rect area)
{
    const struct lens *l = v->state;
    struct rect r[2];

    lens_areas(area, r);
    if (!rect_empty(r[0]))
        pane_curves(v->host->ui, token_of(v), s, r[0], false);
    if (!rect_empty(r[1]))
        pane_lens_grid(v->host->ui, l->mode, cursor_of(v), s, r[1], true);
}

const struct view_ops view_lens = {
    .name = "lens",
    .title = "Lens",
    .footer = "mode flip:before/after token-back:token token-next:token layer-back:layer "
              "layer-next:layer scale ramp fact preview commit help:keys",
    .size = sizeof(struct lens),
    .open = lens_open,
    .event = lens_event,
    .click = lens_click,
    .action = lens_action,
    .draw = lens_draw,
    .table = table_of_lens,
};
