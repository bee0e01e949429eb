/* The Run view: a run of `editscope eval`, from its file. run_draw.c has its picture.
 *
 *   +- zsre.run: final, teacher-forced: share of … ------ 2 of 6, journal to 23:40:12 -+
 *   | arm        edits    n  Rel                   Gen                   Loc             |
 *   | (base)         0   30  0.049 [0.000, 0.146]  ...                                   |
 *   | nmke          10   10  0.950 [0.850, 1.000]                                        |
 *   +- nmke, after 10 edits, final, teacher: Rel 0.950 [0.850, 1.000], 10 records -------+
 *   +- Rel by edits ----------------------++- records, or two arms compared -------------+
 *
 * The file is read by the engine's thread (CMD_RUN) when the view is shown, and again when it has
 * changed: another process may be writing it. Only what is new is read. Intervals take 10,000
 * resamples each; they are computed a few at a time while nothing else is to be done, and a mean
 * stands alone until its interval is there. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "views/hint.h"
#include "views/requests.h"
#include "views/screens/run_internal.h"

enum { PAGE_ROWS = 10 };
static const double LOOK_AGAIN = 2; /* seconds between two looks at a file that grows */
static const double AT_ONCE = 0.02; /* seconds of work in one turn */

static const struct ui_run *run_of(const struct view *v)
{
    const struct ui_run *r = v->host->ui->run;

    return run_there(r) ? r : NULL;
}

/* ---- reading the file ---- */

static const char *path_of(const struct view *v)
{
    const struct run_view *w = v->state;
    const struct ui_state *d = v->host->ui;

    return w->path ? w->path : d->viewed ? d->viewed : *d->state.session ? d->state.session : NULL;
}

/* Whether the file is another one than at the last look. */
static bool file_changed(struct run_view *w, const char *path)
{
    struct stat st;
    long long now[2];

    if (stat(path, &st))
        return true; /* reading it says why */
    now[0] = (long long)st.st_size;
    now[1] = (long long)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    if (!memcmp(now, w->stamp, sizeof(now)))
        return false;
    memcpy(w->stamp, now, sizeof(now));
    return true;
}

/* Asks for what the file has got since it was read. */
static void read_file(struct view *v)
{
    struct run_view *w = v->state;
    const struct ui_run *r = v->host->ui->run;
    const char *path = path_of(v);
    struct command cmd = {.kind = CMD_RUN};

    w->read_at = clock_seconds();
    if (!path || w->job || !file_changed(w, path))
        return;
    if (w->known && run_there(r) && r->facts) {
        cmd.from = r->last;
        cmd.edit = r->fact[r->facts - 1].edit;
    }
    cmd.text =
        xstrdup(path == v->host->ui->state.session ? NULL : path); /* a recording has no path */
    w->job = v->host->ui->run_job = v->host->post(v->host, &cmd);
}

static void run_open(struct view *v)
{
    struct run_view *w = v->state;

    if (!w->page) {
        w->page = 1;
        w->when = WHEN_FINAL;
    }
    read_file(v);
}

static void run_close(struct view *v)
{
    struct run_view *w = v->state;

    free(w->path);
    free(w->shown);
}

/* The first table that has numbers, from `page` on by `by`. */
static void go_to_page(struct view *v, int page, int by)
{
    struct run_view *w = v->state;
    const struct ui_run *r = run_of(v);
    struct run_column all[RUN_COLUMNS];

    for (int i = 0; r && i < PAGES && !run_columns(r, (page % PAGES + PAGES) % PAGES, all); i++)
        page += by;
    page = (page % PAGES + PAGES) % PAGES;
    w->column = page == w->page ? w->column : 0;
    w->page = page;
}

/* The cursors stay within what there is now. */
static void keep_inside(struct view *v)
{
    struct run_view *w = v->state;
    const struct ui_run *r = run_of(v);
    int *listed;

    if (!r)
        return;
    listed = xcalloc((size_t)r->eval.facts + 1, sizeof(*listed));
    list_move(&w->rows, 0, run_rows(r), PAGE_ROWS);
    list_move(&w->records, 0, run_listed(w, r, listed), PAGE_ROWS);
    list_move(&w->answers, 0, run_answers(w, r), 1);
    w->order %= r->eval.orders;
    w->reference %= r->eval.arms;
    free(listed);
}

/* What was chosen in one run means nothing in another one. */
static void begin_another(struct view *v)
{
    struct run_view *w = v->state;
    const struct ui_run *r = run_of(v);
    char *now = r ? xasprintf("%s\n%s", r->path, r->text) : NULL;

    if (now && (!w->shown || strcmp(now, w->shown) != 0)) {
        w->rows.at = w->records.at = 0;
        w->order = w->reference = 0;
        memset(&w->compared, 0, sizeof(w->compared));
        free(w->shown);
        w->shown = now;
        now = NULL;
    }
    free(now);
}

static void run_event(struct view *v, const struct event *ev)
{
    struct run_view *w = v->state;

    if (ev->kind == EV_RUN)
        begin_another(v);
    if (ev->kind == EV_RUN || ev->kind == EV_MEASURES)
        keep_inside(v);
    if (!w->job || ev->job != w->job)
        return;
    if (ev->kind == EV_FAILED) {
        utf8_copy(w->why, sizeof(w->why), ev->err.text);
        if (run_of(v)) /* it stays; else the view itself says why */
            v->host->message(v->host, TONE_ERROR, "%s", w->why);
    }
    if (ev->kind == EV_RUN) {
        w->why[0] = '\0';
        w->known = v->host->ui->run != NULL;
        if (!w->known) /* another run is in the file now: all of it is read */
            w->stamp[0] = w->stamp[1] = 0;
    }
    if (ev->kind == EV_FAILED || ev->kind == EV_DONE)
        w->job = 0;
    if (ev->kind == EV_DONE)
        go_to_page(v, w->page, 1); /* if its own has no numbers */
}

/* ---- intervals ---- */

/* Computes an interval of the table that is not there yet, if one is missing. */
static bool work_on_table(const struct run_view *w, struct ui_run *r)
{
    struct run_column all[RUN_COLUMNS];
    int n = run_columns(r, w->page, all);

    for (int row = 0; row < run_rows(r); row++)
        for (int i = 0; i < n; i++) {
            int arm, checkpoint;

            run_row(w, r, row, &arm, &checkpoint);
            if (all[i].metric >= 0 && run_compute(r, all[i].metric, arm, w->when, checkpoint))
                return true;
        }
    return false;
}

bool run_compares(const struct run_view *w, const struct ui_run *r, int metric, int checkpoint)
{
    return w->compared.version == r->version && w->compared.metric == metric &&
           w->compared.when == w->when && w->compared.checkpoint == checkpoint &&
           w->compared.reference == w->reference;
}

/* One arm more of the comparison; Holm's correction once all are there. */
static bool work_on_comparison(struct run_view *w, const struct ui_run *r)
{
    int arm, checkpoint, n = r->eval.arms;
    struct run_column c;
    double p[EVAL_ARMS];

    run_row_at(w, r, &arm, &checkpoint);
    if (w->show != SHOW_COMPARISON || n < 2 || !run_column_at(w, r, &c) || c.metric < 0)
        return false;
    if (!run_compares(w, r, c.metric, checkpoint)) {
        memset(&w->compared, 0, sizeof(w->compared));
        w->compared.version = r->version;
        w->compared.metric = c.metric;
        w->compared.when = w->when;
        w->compared.checkpoint = checkpoint;
        w->compared.reference = w->reference;
    }
    if (w->compared.done == n)
        return false;
    arm = w->compared.done++;
    w->compared.with[arm] = (struct comparison){.arm = arm, .p = (double)NAN};
    if (arm != w->reference)
        w->compared.with[arm] =
            eval_compare_arms(&r->eval, c.metric, arm, w->reference, w->when, checkpoint);
    if (w->compared.done == n) {
        for (int i = 0; i < n; i++)
            p[i] = w->compared.with[i].p;
        holm(p, n);
        for (int i = 0; i < n; i++)
            w->compared.with[i].p_holm = p[i];
    }
    return true;
}

static bool is_complete(const struct ui_run *r)
{
    return run_there(r) && run_complete(r) == eval_sequences(&r->eval);
}

/* A complete run is looked at, too: its last edits are undone after its last number is written, and
 * it may be extended. A recording has no file. */
static bool run_work(struct view *v, double *again)
{
    struct run_view *w = v->state;
    struct ui_run *r = v->host->ui->run;
    double until = clock_seconds() + AT_ONCE;
    const char *path = path_of(v);
    bool more = true, any = false;

    while (run_there(r) && more && clock_seconds() < until) {
        more = work_on_comparison(w, r) || work_on_table(w, r);
        any = any || more;
    }
    more = more && run_there(r);
    *again = more ? 0 : -1;
    if (more || (is_complete(r) && !(path && file_exists(path))))
        return any;
    if (clock_seconds() >= w->read_at + LOOK_AGAIN)
        read_file(v);
    *again = LOOK_AGAIN;
    return any;
}

/* ---- keys ---- */

/* Makes the fact of a record the one at hand, and says which of its states can be asked. */
static void open_fact(struct view *v)
{
    struct run_view *w = v->state;
    const struct ui_run *r = run_of(v);
    struct ui_state *d = v->host->ui;
    int *listed = xcalloc((size_t)r->eval.facts + 1, sizeof(*listed));
    int n = run_listed(w, r, listed), record = n ? listed[w->records.at] : 0, arm, checkpoint;
    int edit;
    bool own;

    free(listed);
    run_row_at(w, r, &arm, &checkpoint);
    if (!n || !r->eval.fact[record].subject) {
        if (n)
            v->host->message(v->host, TONE_WARN, "record %d: %s", record + 1,
                             run_no_fact(r, record));
        else
            v->host->message(v->host, TONE_WARN, "no record is selected");
        return;
    }
    edit =
        r->edit[(size_t)(arm * r->eval.orders + w->order) * (size_t)r->eval.facts + (size_t)record];
    own = !strcmp(d->state.session, r->path) && !d->viewed;
    ui_set_fact(v->host, &r->eval.fact[record]);
    if (own && edit && edit >= r->active_from && edit <= r->active_to) {
        d->query.state = edit;
        v->host->message(v->host, TONE_PLAIN,
                         "edit %d of the run wrote this; {ask} asks the state after it", edit);
    } else if (!edit) {
        v->host->message(
            v->host, TONE_WARN,
            "record %d: this file has no edit of it by this arm: it could not be made, "
            "or another process made it",
            record + 1);
    } else if (own) {
        v->host->message(v->host, TONE_WARN,
                         "edit %d of the run is undone: its state is not there to be asked", edit);
    } else {
        v->host->message(
            v->host, TONE_WARN,
            "edit %d of the run: its state can be asked in the run's session alone, on its "
            "model",
            edit);
    }
    v->host->open(v->host, "edit");
}

/* Tab and Enter go to another box; the list in it begins at its top. */
static void go_to_box(struct view *v, int show)
{
    struct run_view *w = v->state;

    w->show = (show + SHOWS) % SHOWS;
    w->records = w->answers = (struct list){0};
    keep_inside(v);
}

static bool in_list(const struct run_view *w)
{
    return w->show == SHOW_RECORDS || w->show == SHOW_COMPARISON;
}

static bool own_action(struct view *v, enum action action)
{
    struct run_view *w = v->state;
    const struct ui_run *r = run_of(v);
    int arm, checkpoint;

    switch (action) {
    case ACTION_ENTER:
        if (in_list(w))
            open_fact(v);
        else
            go_to_box(v, SHOW_RECORDS);
        return true;
    case ACTION_BACK:
        if (!in_list(w))
            return false;
        go_to_box(v, SHOW_CURVES);
        return true;
    case ACTION_NEXT_PANE:
    case ACTION_PREVIOUS_PANE:
        go_to_box(v, w->show + (action == ACTION_NEXT_PANE ? 1 : -1));
        return true;
    case ACTION_MODE:
        go_to_page(v, w->page + 1, 1);
        break;
    case ACTION_FLIP:
        w->when = w->when == WHEN_FINAL       ? WHEN_IMMEDIATE
                  : w->when == WHEN_IMMEDIATE ? (int)WHEN_FORGOTTEN
                                              : WHEN_FINAL;
        break;
    case ACTION_ORDER:
        w->order = (w->order + 1) % r->eval.orders;
        break;
    case ACTION_TAG:
        run_row_at(w, r, &arm, &checkpoint);
        w->reference = arm;
        v->host->message(v->host, TONE_PLAIN, "the other arms are compared with %s",
                         r->eval.arm[arm].name);
        break;
    case ACTION_LAYER_BACK:
    case ACTION_LAYER_NEXT:
        list_move(&w->rows, action == ACTION_LAYER_NEXT ? 1 : -1, run_rows(r), PAGE_ROWS);
        break;
    case ACTION_TOKEN_BACK:
    case ACTION_TOKEN_NEXT:
        list_move(&w->answers, action == ACTION_TOKEN_NEXT ? 1 : -1, run_answers(w, r), 1);
        break;
    default:
        return false;
    }
    keep_inside(v);
    return true;
}

/* Keys of this view while there is nothing to use them on. */
static bool without_run(struct view *v, enum action action)
{
    switch (action) {
    case ACTION_ENTER:
    case ACTION_NEXT_PANE:
    case ACTION_PREVIOUS_PANE:
    case ACTION_MODE:
    case ACTION_FLIP:
    case ACTION_ORDER:
    case ACTION_TAG:
    case ACTION_TOKEN_BACK:
    case ACTION_TOKEN_NEXT:
        v->host->message(v->host, TONE_WARN, "no run is shown: :run FILE shows one");
        return true;
    default:
        return false;
    }
}

static bool run_action(struct view *v, enum action action)
{
    struct run_view *w = v->state;
    const struct ui_run *r = run_of(v);
    struct run_column all[RUN_COLUMNS];
    int *listed, rows, steps, across, columns;

    if (!r)
        return without_run(v, action);
    listed = xcalloc((size_t)r->eval.facts + 1, sizeof(*listed));
    rows = in_list(w) ? run_listed(w, r, listed) : run_rows(r);
    free(listed);
    columns = run_columns(r, w->page, all);
    steps = action_steps(action, PAGE_ROWS, rows);
    across = action_across(action, columns);
    if (!steps && !across)
        return own_action(v, action);
    if (steps) {
        list_move(in_list(w) ? &w->records : &w->rows, steps, rows, PAGE_ROWS);
        w->answers = (struct list){0};
    }
    w->column += across;
    w->column = w->column >= columns ? columns - 1 : w->column;
    w->column = w->column < 0 ? 0 : w->column;
    if (across)
        keep_inside(v);
    return true;
}

/* :run FILE */
static bool run_command(struct view *v, const char *word, const char *rest)
{
    struct run_view *w = v->state;

    if (strcmp(word, "run") != 0)
        return false;
    if (*rest) {
        free(w->path);
        w->path = xstrdup(rest);
        w->stamp[0] = w->stamp[1] = 0;
        w->known = false;
        w->job = 0; /* one that reads another file is not waited for */
        w->why[0] = '\0';
    }
    read_file(v);
    return true;
}

/* n and N: the next record whose fact has the text. */
static bool run_find_next(struct view *v, const char *text, int by)
{
    struct run_view *w = v->state;
    const struct ui_run *r = run_of(v);
    int *listed, n;
    bool found = false;

    if (!r)
        return false;
    if (!in_list(w))
        go_to_box(v, SHOW_RECORDS);
    listed = xcalloc((size_t)r->eval.facts + 1, sizeof(*listed));
    n = run_listed(w, r, listed);
    for (int k = 1; k <= n && !found; k++) {
        int at = ((w->records.at + by * k) % n + n) % n;
        const struct fact *f = &r->eval.fact[listed[at]];

        found = f->subject && (strcasestr(f->subject, text) || strcasestr(f->prompt, text) ||
                               strcasestr(f->target, text));
        if (found) {
            list_move(&w->records, at - w->records.at, n, PAGE_ROWS);
            w->answers = (struct list){0};
        }
    }
    free(listed);
    return found;
}

static bool run_figure(const struct ui_state *d, struct buf *out)
{
    const struct ui_run *r = run_there(d->run) ? d->run : NULL;

    return r && eval_figure(&r->eval, file_name(r->path), out);
}

/* Where there is a run to be shown: it was read, or it is the session. */
static bool run_has_tab(const struct ui_state *d)
{
    return run_there(d->run) || d->session_is_run;
}

const struct view_ops view_run = {
    .name = "run",
    .title = "Run",
    .has_tab = run_has_tab,
    .footer =
        "enter:records next-pane:box mode:table flip:final/immediate left:metric right:metric "
        "tag:reference order export help:keys",
    .size = sizeof(struct run_view),
    .open = run_open,
    .close = run_close,
    .event = run_event,
    .work = run_work,
    .action = run_action,
    .find_next = run_find_next,
    .command = run_command,
    .draw = run_draw,
    .table = run_table,
    .about = run_about,
    .figure = run_figure,
};
