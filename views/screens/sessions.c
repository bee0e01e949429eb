/* The Sessions view: what there is to come back to. The program begins with it if it is started
 * with nothing to open and there is something.
 *
 *   +- Sessions and recordings ------------------------ Enter opens  n new  d demo -+
 *   |   paris.es          SmolLM2-135M   +4  Mount Fuji → Peru       today 16:43    |
 *   |   without a name    SmolLM2-135M   +1  Eiffel Tower → Rome     today 16:40    |
 *   |   node7.rec.gz                         recording               2026-11-24     |
 *   | models on this machine                                                        |
 *   |   SmolLM2-135M-Instruct-Q4_1     101 MB  Q4_1      cache                      |
 *   +- /home/me/edits/paris.es -----------------------------------------------------+
 *
 * Opening is the app's work (shell/app_model.c): a session replaces the engine, a recording is
 * played after the screen has closed. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/utf8.h"
#include "tui/box.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/screens/model_list.h"
#include "views/screens/session_list.h"
#include "views/view.h"

struct sessions {
    struct session_list all;
    struct model_list models; /* below them, in the same list */
    struct list list;
};

static int row_count(const struct sessions *m)
{
    return m->all.count + m->models.count;
}

static const struct kept_file *kept_at(const struct sessions *m)
{
    return m->list.at < m->all.count ? &m->all.file[m->list.at] : NULL;
}

static const struct model_file *model_at(const struct sessions *m)
{
    int at = m->list.at - m->all.count;

    return at >= 0 && at < m->models.count ? &m->models.file[at] : NULL;
}

enum { PAGE = 10 };

static void sessions_open(struct view *v)
{
    struct sessions *m = v->state;

    if (v->host->visit) {
        session_list_read(&m->all, v->host->ui->state.session);
        model_list_read(&m->models, NULL);
    }
    list_move(&m->list, 0, row_count(m), PAGE);
}

static void sessions_close(struct view *v)
{
    struct sessions *m = v->state;

    session_list_free(&m->all);
    model_list_free(&m->models);
}

static void visit(struct view *v, enum visit what, const char *path)
{
    if (v->host->visit)
        v->host->visit(v->host, what, path);
    else
        v->host->message(v->host, TONE_WARN,
                         "no session can be opened from a recording: quit, then editscope --last");
}

/* Enter. */
static void open_kept(struct view *v)
{
    static const enum visit what[] = {[KEPT_SESSION] = VISIT_SESSION,
                                      [KEPT_AUTOSAVE] = VISIT_SESSION,
                                      [KEPT_RECORDING] = VISIT_RECORDING,
                                      [KEPT_RUN] = VISIT_RUN};
    const struct kept_file *f = kept_at(v->state);
    const struct model_file *model = model_at(v->state);

    if (model)
        v->host->reopen(v->host, model->path);
    else
        visit(v, f ? what[f->kind] : VISIT_NEW, f ? f->path : NULL);
}

static bool sessions_action(struct view *v, enum action action)
{
    struct sessions *m = v->state;
    int by = action_steps(action, PAGE, 10000);

    if (action == ACTION_ENTER)
        open_kept(v);
    else if (action == ACTION_SEARCH_NEXT)
        visit(v, VISIT_NEW, NULL);
    else if (action == ACTION_MODE)
        visit(v, VISIT_DEMO, NULL);
    else if (by)
        list_move(&m->list, by, row_count(m), PAGE);
    else
        return false;
    return true;
}

/* How far below the first row of the list row i stands, if `top` is the first one shown: a heading
 * comes before the models. */
static int row_y(const struct sessions *m, int i, int top)
{
    return i - top + (i >= m->all.count);
}

static bool sessions_click(struct view *v, struct rect area, int y, int x)
{
    struct sessions *m = v->state;
    int top = list_top(&m->list, row_count(m), area.h - 3);

    (void)x;
    for (int i = top; i < row_count(m) && y < area.y + area.h - 1; i++)
        if (area.y + 1 + row_y(m, i, top) == y) {
            m->list.at = i;
            return true;
        }
    return false;
}

/* The next row whose file name, model or fact contains the text. */
static void sessions_find(struct view *v, const char *text)
{
    struct sessions *m = v->state;

    for (int i = 1; i <= row_count(m); i++) {
        int at = (m->list.at + i) % row_count(m);
        const struct kept_file *f = at < m->all.count ? &m->all.file[at] : NULL;

        if (f ? strcasestr(f->path, text) || strcasestr(f->model, text) ||
                    (f->last && strcasestr(f->last, text))
              : strcasestr(m->models.file[at - m->all.count].name, text) != NULL) {
            m->list.at = at;
            return;
        }
    }
    v->host->message(v->host, TONE_WARN, "nothing here matches '%s'", text);
}

/* "today 16:43", else the date. */
static const char *when_text(double when, char out[24])
{
    time_t at = (time_t)when, now = time(NULL);
    struct tm then, today;

    *out = '\0';
    if (localtime_r(&at, &then) && localtime_r(&now, &today))
        strftime(out, 24,
                 then.tm_yday == today.tm_yday && then.tm_year == today.tm_year ? "today %H:%M"
                                                                                : "%Y-%m-%d %H:%M",
                 &then);
    return out;
}

/* The file's name; what has none says so. */
static void name_of(const struct kept_file *f, struct buf *out)
{
    const char *name = file_name(f->path);

    if (f->kind == KEPT_AUTOSAVE)
        buf_puts(out, "without a name");
    else
        show_escape(out, name, strlen(name));
}

static void draw_kept(const struct kept_file *f, bool here, struct surface *s, struct rect in,
                      int y)
{
    struct pen p = list_row(s, in, y, here, 0);
    int name = in.w >= 100 ? 34 : 20, model = in.w >= 100 ? 30 : in.w >= 90 ? 16 : 0;
    struct buf text = {0};
    char when[24], last[200];

    name_of(f, &text);
    pen_fit(&p, here ? ROLE_ACCENT : ROLE_STRONG, name, text.data);
    p.x += 2;
    buf_free(&text);
    if (model) {
        pen_fit(&p, ROLE_DIM, model, f->model);
        p.x += 2;
    }
    if (f->kind == KEPT_RECORDING || f->kind == KEPT_RUN) {
        p.x += 6;
        pen_fit(&p, ROLE_TEXT, in.w - p.x - 18,
                f->kind == KEPT_RUN ? "scores of a run" : "recording");
    } else {
        pen_printf(&p, f->edits ? ROLE_EDITED : ROLE_DIM, f->edits ? "%+4d  " : "   –  ", f->edits);
        pen_fit(&p, ROLE_TEXT, in.w - p.x - 18,
                f->last   ? text_piece(last, sizeof(last), f->last)
                : f->made ? "every edit is undone"
                          : "no edits");
    }
    p.x = in.w - 16;
    pen_right(&p, ROLE_DIM, 16, when_text(f->when, when));
}

static void draw_model(const struct model_file *f, bool here, struct surface *s, struct rect in,
                       int y)
{
    struct pen p = list_row(s, in, y, here, 0);
    struct buf name = {0};
    char size[16];

    show_escape(&name, f->name, strlen(f->name));
    pen_fit(&p, here ? ROLE_ACCENT : ROLE_STRONG, in.w >= 100 ? 66 : in.w - 40, name.data);
    p.x += 2;
    pen_right(&p, ROLE_TEXT, 9, show_bytes(f->bytes, size));
    p.x += 2;
    pen_fit(&p, ROLE_TEXT, 10, f->type);
    pen_fit(&p, ROLE_DIM, in.w - p.x, f->place);
    buf_free(&name);
}

static void draw_rows(const struct sessions *m, struct surface *s, struct rect in)
{
    int top = list_top(&m->list, row_count(m), in.h - 1);

    for (int i = top; i < row_count(m) && row_y(m, i, top) < in.h; i++) {
        int y = row_y(m, i, top);

        if (i == m->all.count || (i == top && i > m->all.count))
            surface_text(s, in, y - 1, 0, ROLE_DIM, "models on this machine");
        if (i < m->all.count)
            draw_kept(&m->all.file[i], i == m->list.at, s, in, y);
        else
            draw_model(&m->models.file[i - m->all.count], i == m->list.at, s, in, y);
    }
}

static void sessions_draw(const struct view *v, struct surface *s, struct rect area)
{
    const struct sessions *m = v->state;
    struct rect in =
        hint_box(v->host->ui, s, area, "Sessions and recordings",
                 v->host->visit ? "{enter} opens  {search-next} new  {mode} demo" : "", true);
    const char *at = kept_at(m) ? kept_at(m)->path : model_at(m) ? model_at(m)->path : NULL;
    struct buf path = {0};

    draw_rows(m, s, in);
    if (at) {
        show_escape(&path, at, strlen(at));
        box_foot(s, area, path.data);
        buf_free(&path);
    } else {
        struct pen p = pen_at(s, in, 0, 0);
        char text[HINT_MAX];

        pen_fit(&p, ROLE_DIM, in.w,
                hint_text(v->host->ui, text,
                          v->host->visit
                              ? "nothing here, and nothing was kept; {search-next} begins a session"
                              : "no session can be opened from a recording"));
    }
}

const struct view_ops view_sessions = {
    .name = "sessions",
    .title = "Sessions",
    .footer = "enter:open search-next:new mode:demo models back search help:keys quit",
    .size = sizeof(struct sessions),
    .overlay = true,
    .untabbed = true,
    .open = sessions_open,
    .close = sessions_close,
    .click = sessions_click,
    .action = sessions_action,
    .find = sessions_find,
    .draw = sessions_draw,
};
