/* The Models view: models on this machine, and the one that is being downloaded.
 *
 *   +- Models on this machine ---------------------- Enter opens  H downloads -+
 *   |   model                                  size  weights   where           |
 *   | ● SmolLM2-135M-Instruct-Q4_1           101 MB  Q4_1      open now        |
 *   | org/name:Q4_0  ━━━━━━────  61 MB of 101 MB  4.2 MB/s  9 s left           |
 *   | open: SmolLM2-135M, llama, 30 layers of 1536 neurons, Q4_1               |
 *   +--------------------------------------------------------------------------+
 *
 * Enter opens a model in place of the present one (shell/app_model.c). H downloads one from the
 * Hugging Face Hub; it runs beside other jobs, and its model appears in the list when it is
 * complete. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/utf8.h"
#include "core/hub/hub.h"
#include "tui/box.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/screens/model_list.h"
#include "views/view.h"

struct models {
    struct model_list all;
    struct list list;
    unsigned pull; /* the job of the last download */
};

enum { PAGE = 10 };

static void models_open(struct view *v)
{
    struct models *m = v->state;
    const struct ui_state *d = v->host->ui;

    if (v->host->reopen) /* a recording has only its own model */
        model_list_read(&m->all, d->ready ? d->model.path : NULL);
    list_move(&m->list, 0, m->all.count, PAGE);
}

static void models_close(struct view *v)
{
    model_list_free(&((struct models *)v->state)->all);
}

/* Opens a model by path or name, if this program can. */
static void open_model(struct view *v, const char *path)
{
    if (!v->host->reopen)
        v->host->message(v->host, TONE_WARN, "a recording has one model: no other can be opened");
    else
        v->host->reopen(v->host, path);
}

static bool models_action(struct view *v, enum action action)
{
    struct models *m = v->state;
    int by = action_steps(action, PAGE, 10000);

    if (action == ACTION_ENTER) {
        if (m->list.at < m->all.count)
            open_model(v, m->all.file[m->list.at].path);
        else
            v->host->prompt(v->host, ":model ", "");
        return true;
    }
    if (action == ACTION_EXACT) {
        v->host->prompt(v->host, ":model ", "");
        return true;
    }
    if (!by)
        return false;
    list_move(&m->list, by, m->all.count, PAGE);
    return true;
}

/* The next model whose name contains the text. */
static bool models_next(struct view *v, const char *text, int by)
{
    struct models *m = v->state;
    int n = m->all.count;

    for (int i = 1; i <= n; i++) {
        int at = ((m->list.at + by * i) % n + n) % n;

        if (strcasestr(m->all.file[at].name, text)) {
            m->list.at = at;
            return true;
        }
    }
    return false;
}

/* Puts the cursor on the model with this Hub name. */
static void select_model(struct models *m, const char *name)
{
    size_t n = strcspn(name, "@:");
    char called[200];

    for (int i = 0; i < m->all.count; i++)
        if (hub_name_of_path(m->all.file[i].path, called, sizeof(called)) && strlen(called) == n &&
            !strncasecmp(called, name, n))
            m->list.at = i;
}

/* :pull NAME. One download at a time. */
static void start_download(struct view *v, const char *name)
{
    struct command cmd = {.kind = CMD_PULL, .text = xstrdup(name)};
    struct models *m = v->state;
    struct ui_state *d = v->host->ui;
    unsigned job;

    if (!v->host->reopen) {
        free(cmd.text);
        v->host->message(v->host, TONE_WARN, "a recording cannot download models");
        return;
    }
    if (d->pull_job) {
        free(cmd.text);
        v->host->message(v->host, TONE_WARN, "%s is being downloaded; {cancel} stops it",
                         d->pull_name);
        return;
    }
    job = v->host->post(v->host, &cmd);
    if (!job)
        return;
    m->pull = d->pull_job = job;
    utf8_copy(d->pull_name, sizeof(d->pull_name), name);
}

/* The download is complete: the list is read again, with the cursor on the new model. */
static void models_event(struct view *v, const struct event *ev)
{
    struct models *m = v->state;
    const struct ui_state *d = v->host->ui;

    if (ev->kind != EV_DONE || !m->pull || ev->job != m->pull)
        return;
    model_list_read(&m->all, d->ready ? d->model.path : NULL);
    select_model(m, d->pull_name);
    list_move(&m->list, 0, m->all.count, PAGE);
}

static bool models_command(struct view *v, const char *word, const char *rest)
{
    bool download = !strcmp(word, "pull");

    if (!download && strcmp(word, "model") != 0)
        return false;
    if (download)
        start_download(v, rest);
    else
        open_model(v, rest);
    return true;
}

/* Columns: ● if open, name, size, type of the weights, where it is, path. */
/* Columns of the name, so that those after it have theirs. */
static int name_cols(struct rect in)
{
    return in.w >= 100 ? 42 : in.w >= 71 ? 34 : in.w > 49 ? in.w - 37 : 12;
}

static void draw_row(const struct model_file *f, bool current, bool here, struct surface *s,
                     struct rect in, int y)
{
    struct pen p = list_row(s, in, y, here, 2);
    struct buf name = {0}, path = {0};
    char size[16];

    show_escape(&name, f->name, strlen(f->name)); /* file names may hold anything */
    show_escape(&path, f->path, strlen(f->path));
    pen_text(&p, ROLE_GOOD, current ? "● " : "  ");
    pen_fit(&p, here ? ROLE_ACCENT : ROLE_STRONG, name_cols(in), name.data ? name.data : "");
    pen_right(&p, ROLE_TEXT, 9, show_bytes(f->bytes, size));
    p.x += 2;
    pen_fit(&p, ROLE_TEXT, 10, f->type);
    pen_fit(&p, ROLE_DIM, 14, current ? "open now" : f->place);
    if (in.w - p.x > 8)
        pen_fit(&p, ROLE_DIM, in.w - p.x, path.data ? path.data : "");
    buf_free(&name);
    buf_free(&path);
}

/* Name, bar, how much has come, speed and time left; before the first byte what it waits for. */
static void draw_download(const struct ui_state *d, struct surface *s, struct rect in, int y)
{
    struct pen p = pen_at(s, in, y, 0);
    const struct progress *g = &d->pull;
    double left = g->seconds_left;
    char done[16], total[16], text[HINT_MAX];
    int bar = in.w >= 100 ? 20 : 10;

    pen_fit(&p, ROLE_ACCENT, in.w >= 100 ? 44 : 26, d->pull_name);
    if (!(g->total > 0)) {
        bool waits = *g->what && strncmp(d->pull_name, g->what, strlen(g->what)) != 0;

        hint_print(d, text, sizeof(text), "%s  {cancel} stops", waits ? g->what : "asking the Hub");
        pen_text(&p, waits ? ROLE_WARN : ROLE_DIM, text);
        return;
    }
    for (int i = 0; i < bar; i++)
        pen_text(&p, i < g->done / g->total * bar ? ROLE_FILL : ROLE_TRACK,
                 i < g->done / g->total * bar ? "━" : "─");
    pen_printf(&p, ROLE_TEXT, " %s of %s", show_bytes(g->done, done), show_bytes(g->total, total));
    if (left > 0)
        pen_printf(&p, ROLE_DIM, "  %s/s", show_bytes((g->total - g->done) / left, done));
    if (left >= 90)
        pen_printf(&p, ROLE_DIM, "  %.0f min left", left / 60);
    else if (left >= 1)
        pen_printf(&p, ROLE_DIM, "  %.0f s left", left);
}

static void models_draw(const struct view *v, struct surface *s, struct rect area)
{
    const struct models *m = v->state;
    const struct ui_state *d = v->host->ui;
    struct rect in =
        hint_box(d, s, area, "Models on this machine", "{enter} opens  {pull} downloads", true);
    int rows = in.h - 2 - (d->pull_job != 0), top = list_top(&m->list, m->all.count, rows);
    struct pen p = pen_at(s, in, 0, 2);

    if (rows < 1)
        return;
    pen_fit(&p, ROLE_DIM, name_cols(in), "model");
    pen_right(&p, ROLE_DIM, 9, "size");
    p.x += 2;
    pen_fit(&p, ROLE_DIM, 10, "weights");
    pen_fit(&p, ROLE_DIM, 14, "where");
    for (int i = top; i < m->all.count && i - top < rows; i++)
        draw_row(&m->all.file[i], d->ready && !strcmp(m->all.file[i].path, d->model.path),
                 i == m->list.at, s, in, 1 + i - top);
    p = pen_at(s, in, 1, 2);
    if (!m->all.count)
        hint_draw(d, s, in, 1, 2, ROLE_DIM,
                  v->host->reopen
                      ? "no model found; {pull} downloads one, {exact} opens a file or folder"
                      : "a recording has one model");
    if (d->pull_job)
        draw_download(d, s, in, in.h - 2);
    p = pen_at(s, in, in.h - 1, 0);
    if (d->ready)
        pen_printf(&p, ROLE_DIM, "open: %s, %s, %d layers of %d neurons, %s%s%s", d->model.name,
                   d->model.arch, d->model.layers, d->model.neurons, d->model.stored,
                   *d->model.stored ? " computed in " : "", d->model.type);
}

const struct view_ops view_models = {
    .name = "models",
    .title = "Models",
    .tab = "Model",
    .footer = "enter:open pull:download exact:path sessions search back help:keys",
    .size = sizeof(struct models),
    .overlay = true,
    .open = models_open,
    .close = models_close,
    .action = models_action,
    .event = models_event,
    .find_next = models_next,
    .command = models_command,
    .draw = models_draw,
};
