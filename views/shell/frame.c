/* Draws what surrounds every view. The rows of a screen, from the top:
 *
 *   0      banner    editscope  model llama 12×640 …      ● EDITED +2 3f9a01bc   paris.es
 *                    ▶ RECORDED 0:12/1:40  model 12×640   ○ BASE f1ee64a0
 *   1      body      the shown view; screen_body() says how high it is
 *          caption   while the tour or a recording runs: the last rows of the body (caption.h)
 *   h-3    status    the last message; right: what runs and what waits (panes/job_row.c)
 *   h-2    footer    keys of the view's most useful actions: x attribute  P preview
 *   h-1    tabs      1 Edit  2 Heatmap  3 Neurons …   (not on screens under 20 rows)
 *
 * While a line is typed, status shows it, footer its completions, and tabs explain the command. A
 * dialog lies over all (dialog.c). Footer and tabs are in footer.c. */
#include "views/shell/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/utf8.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/commands.h"
#include "views/hint.h"
#include "views/interventions.h"
#include "views/panes/job_row.h"
#include "views/shell/caption.h"
#include "views/shell/terms.h"

enum { STATUS_MARKS = 4 }; /* columns around the message: an edge, its mark, a blank */

struct rect screen_body(int h, int w)
{
    int foot = h >= 20 ? 3 : 2; /* small screens have no tabs */

    return (struct rect){1, 0, h - 1 - foot > 0 ? h - 1 - foot : 0, w};
}

/* Of what else the preview is than of what is at hand; NULL: it is of that. */
static const char *preview_of(const struct ui_state *d)
{
    unsigned differs = d->state.preview ? ui_differs(d, d->preview) : 0;

    return !differs                                ? NULL
           : differs & (STAMP_FACT | STAMP_OBJECT) ? "other fact"
           : differs & STAMP_STATE                 ? "other weights"
                                                   : "other parameters";
}

/* The same beside the state, "" if there is nothing to say. */
static const char *preview_note(const struct screen *screen, char out[HINT_MAX])
{
    const char *of = preview_of(screen->ui);

    *out = '\0';
    if (of)
        hint_print(screen->ui, out, HINT_MAX,
                   screen->view_only ? " (%s)" : " (%s) · {preview} again", of);
    else if (screen->ui->preview && screen->ui->preview->draft)
        utf8_copy(out, HINT_MAX, " draft"); /* of the second moments */
    return out;
}

/* The same in the status line, or what becomes of the preview. */
static const char *preview_words(const struct screen *screen, char out[HINT_MAX])
{
    const struct ui_state *d = screen->ui;
    const char *of = preview_of(d);

    if (of)
        hint_print(d, out, HINT_MAX,
                   screen->view_only ? "the preview is of %s"
                   : !strcmp(of, "other fact")
                       ? "the preview is of an%s, {preview} previews this one"
                       : "the preview is of %s, {preview} makes it exact",
                   of);
    else
        hint_text(d, out,
                  d->state.readonly || screen->view_only ? "nothing is written"
                                                         : "nothing written yet, {commit} commits");
    return out;
}

/* "○ BASE", "● EDITED +2" or "◐ PREVIEW", and 8 digits of the checksum that proves it. */
static void draw_state(const struct screen *screen, struct pen *p)
{
    const struct ui_state *d = screen->ui;
    char note[HINT_MAX];

    if (!d->ready) {
        pen_text(p, ROLE_DIM, "loading");
        return;
    }
    if (d->state.preview)
        pen_printf(p, preview_of(d) ? ROLE_WARN : ROLE_PREVIEW, "◐ PREVIEW%s",
                   preview_note(screen, note));
    else if (d->state.edits)
        pen_printf(p, ROLE_EDITED, "● EDITED +%d", d->state.edits);
    else
        pen_text(p, ROLE_BASE, "○ BASE");
    pen_printf(p, ROLE_BANNER, " %.8s", *d->state.checksum ? d->state.checksum : d->state.state);
}

/* Columns that draw_state() needs. */
static int state_width(const struct screen *screen)
{
    const struct ui_state *d = screen->ui;
    char text[64], note[HINT_MAX];

    snprintf(text, sizeof(text), "● EDITED +%d 12345678", d->state.edits);
    if (d->state.preview)
        return 18 + text_width(preview_note(screen, note));
    return d->state.edits ? text_width(text) : 18;
}

/* The name of the program; for a recording the badge in its place, which is never left out. */
static void draw_badge(const char *recorded, struct pen *p, int w)
{
    const char *word = recorded ? strstr(recorded, "RECORDED") : NULL;

    if (!recorded)
        pen_text(p, ROLE_BANNER_NAME, "editscope  ");
    else if (w < 76 && word) /* without the position */
        pen_printf(p, ROLE_WARN, "%.*s  ", (int)(word - recorded) + 8, recorded);
    else
        pen_printf(p, ROLE_WARN, "%s  ", recorded);
}

/* Row 0. Model left, state and session file right; the state wins where both do not fit. Of a
 * recorded run device and threads are left out: they are not of this machine. */
static void draw_banner(const struct screen *screen, struct surface *s, int w)
{
    const struct ui_state *d = screen->ui;
    const char *recorded = screen->recorded;
    struct rect line = {0, 0, 1, w};
    struct pen p = pen_at(s, line, 0, 1);
    const char *file = file_name(d->state.session);
    char tail[600];
    int at;

    surface_fill(s, line, ROLE_BANNER);
    draw_badge(recorded, &p, w);
    if (d->state.readonly && !recorded)
        pen_text(&p, ROLE_WARN, "READ-ONLY  ");
    if (d->ready) {
        pen_fit(&p, ROLE_STRONG,
                text_width(d->model.name) < w / 3 ? text_width(d->model.name) : w / 3,
                d->model.name);
        if (w >= 100 && (recorded || !d->model.threads)) /* no model is loaded */
            pen_printf(&p, ROLE_BANNER, " %d×%d", d->model.layers, d->model.neurons);
        else if (w >= 100)
            pen_printf(&p, ROLE_BANNER, " %s %d×%d · %s %s · %d thread%s", d->model.arch,
                       d->model.layers, d->model.neurons, d->model.device, d->model.type,
                       d->model.threads, d->model.threads == 1 ? "" : "s");
    }
    show_print(tail, sizeof(tail), "%s%s",
               *file                          ? file
               : recorded || !*d->state.state ? "" /* not known before the session is open */
                                              : "not saved",
               d->stopped ? "  engine stopped" : "");
    at = w - 2 - text_width(tail);
    if (at > p.x + state_width(screen) + 4) {
        p.x = at - state_width(screen) - 3;
        draw_state(screen, &p);
        p.x = at;
        pen_text(&p, ROLE_BANNER, tail);
    } else {
        p.x = w - 1 - state_width(screen);
        surface_fill(s, (struct rect){0, p.x - 1, 1, w - p.x + 1}, ROLE_BANNER);
        draw_state(screen, &p);
    }
}

/* The typed line from column x on: its sign, then the field. */
static void draw_line(const struct screen *screen, struct surface *s, struct rect line, int x)
{
    struct pen p = pen_at(s, line, 0, x);

    pen_text(&p, ROLE_FIELD, screen->line_sign);
    field_draw(screen->line, s, line, 0, p.x, line.w - p.x - 1, true);
}

/* The last message up to column `end`, from MESSAGE_AGES seconds on with its age. */
static void draw_message(const struct screen *screen, struct pen *p, int end)
{
    static const enum role role[] = {ROLE_STATUS, ROLE_GOOD, ROLE_WARN, ROLE_ERROR};
    static const char *const mark[] = {"", "", "! ", "✗ "};
    double age = screen->message_age;
    char ago[32] = "";
    int room;

    if (age >= 5400)
        snprintf(ago, sizeof(ago), "%.0f h ago", age / 3600);
    else if (age >= 90)
        snprintf(ago, sizeof(ago), "%.0f min ago", age / 60);
    else if (age >= MESSAGE_AGES)
        snprintf(ago, sizeof(ago), "%.0f s ago", age);
    pen_text(p, role[screen->tone], mark[screen->tone]);
    room = end - p->x - (*ago ? text_width(ago) + 2 : 0);
    pen_parts(p, role[screen->tone], room, screen->message);
    if (*ago && room > 0) {
        p->x += 2;
        pen_text(p, ROLE_DIM, ago);
    }
}

/* The status line: the typed line, or the last message with what runs at its right. Changed
 * neurons are shown here on every view, because they change every answer. */
static void draw_status(const struct screen *screen, struct surface *s, struct rect line)
{
    char word[HINT_MAX];
    const struct ui_state *d = screen->ui;
    struct pen p = pen_at(s, line, 0, 1);
    int end;

    surface_fill(s, line, ROLE_STATUS);
    if (screen->line) {
        draw_line(screen, s, line, 1);
        return;
    }
    end =
        job_row_draw(d, s, line, screen->message ? text_width(screen->message) + STATUS_MARKS : 0);
    if (end == line.w && d->state.preview && line.w >= 100) {
        preview_words(screen, word);
        end = line.w - 1 - text_width(word);
        surface_text(s, line, 0, end, ROLE_DIM, word);
    }
    if (screen->paused)
        pen_text(&p, ROLE_WARN, hint_text(d, word, "paused, {pause} resumes  "));
    if (d->intervention_count || d->mask_override_count)
        pen_printf(&p, ROLE_WARN, "~ %s  ", interventions_text(d, word));
    if (screen->message && *screen->message)
        draw_message(screen, &p, end - 1);
}

/* The last word of a candidate; the words before it are on the line above. */
static const char *last_word(const struct screen *screen, const char *typed, const char *line)
{
    const char *blank = strrchr(typed, ' ');
    size_t n = strcspn(typed, " ");

    if (screen->offered >= 0 && blank) /* the line holds the candidate itself, blanks included */
        return line + n + (line[n] == ' ');
    return blank && strlen(line) > (size_t)(blank - typed) ? line + (blank - typed) + 1 : line;
}

/* Completions below the line, the chosen one marked. If they need more than one row, the page with
 * the chosen one is drawn. */
static void draw_completions(const struct screen *screen, const char *typed, struct surface *s,
                             struct rect line)
{
    const struct completions *c = screen->completions;
    int first = 0, wide = 0;
    struct pen p = pen_at(s, line, 0, 1);

    for (int i = 0; i <= screen->offered && i < c->count; i++) { /* the page it is on */
        wide += text_width(last_word(screen, typed, c->line[i])) + 2;
        if (wide > line.w - 4) {
            first = i;
            wide = text_width(last_word(screen, typed, c->line[i])) + 2;
        }
    }
    for (int i = first; i < c->count && p.x < line.w - 3; i++) {
        const char *text = last_word(screen, typed, c->line[i]);
        int n = text_width(text);

        if (p.x + n + 2 > line.w && i > first) {
            pen_text(&p, ROLE_DIM, "…");
            return;
        }
        pen_fit(&p, i == screen->offered ? ROLE_SELECTED : ROLE_TEXT, n, text);
        p.x += 2;
    }
    if (!c->count)
        pen_text(&p, ROLE_DIM, "Enter runs it  Esc leaves  C-u empties");
}

/* For "set ratio.ge.a=": the present value, the range and the help of the parameter. False: the
 * line names no parameter. */
static bool explain_value(const struct screen *screen, const char *typed, struct pen *p)
{
    const char *name = typed + strcspn(typed, " ");
    size_t n;

    name += strspn(name, " ");
    n = strcspn(name, "=");
    for (int i = 0; n && i < PARAM_COUNT; i++) {
        const struct param_info *info = param_info((enum param)i);
        struct buf value = {0};

        if ((strlen(info->name) != n || strncmp(info->name, name, n)) &&
            (strlen(info->alias) != n || strncmp(info->alias, name, n)))
            continue;
        params_show(&screen->ui->params, (enum param)i, &value);
        pen_printf(p, ROLE_KEY, "%s now", value.data);
        p->x += 2;
        if (info->kind == PARAM_NUMBER || info->kind == PARAM_INTEGER) {
            pen_printf(p, ROLE_TEXT, "%g to %g", info->low, info->high);
            p->x += 2;
        }
        pen_fit(p, ROLE_DIM, p->area.w - p->x - 1, info->help);
        buf_free(&value);
        return true;
    }
    return false;
}

/* The row below the completions: what the typed command does. */
static void draw_explanation(const struct screen *screen, const char *typed, struct surface *s,
                             struct rect line)
{
    struct pen p = pen_at(s, line, 0, 1);
    char word[64];
    const struct command_info *info;

    snprintf(word, sizeof(word), "%.*s", (int)strcspn(typed, " "), typed);
    info = command_find(word);
    if (info && info->kind == ARG_PARAM && explain_value(screen, typed, &p)) {
        return;
    } else if (info) {
        pen_printf(&p, ROLE_KEY, "%s %s", info->name, info->argument);
        p.x += 2;
        pen_fit(&p, ROLE_DIM, line.w - p.x - 1, info->help);
    } else if (action_of_name(word)) {
        pen_fit(&p, ROLE_DIM, line.w - 2, action_infos[action_of_name(word)].help);
    } else {
        pen_fit(&p, ROLE_DIM, line.w - 2, "Tab completes, Up recalls earlier lines");
    }
}

/* Instead of everything else, on a screen below 50 by 16. */
static void draw_too_small(struct surface *s)
{
    struct rect all = surface_rect(s);
    char text[96];
    int y;

    snprintf(text, sizeof(text), "editscope needs %d×%d, this is %d×%d.", SCREEN_MIN_W,
             SCREEN_MIN_H, s->w, s->h);
    y = surface_lines(s, all, 0, ROLE_WARN, text);
    y += surface_lines(
        s, all, y, ROLE_TEXT,
        s->h < SCREEN_MIN_H && s->w < SCREEN_MIN_W ? "Make the window larger or its font smaller."
        : s->h < SCREEN_MIN_H ? "Hide the tab bar, the status line, or the pane above or below."
                              : "Hide the pane or the side bar beside it.");
    surface_lines(s, all, y, ROLE_DIM, ":q! quits; editscope --plain needs no size.");
}

struct rect screen_view(const struct screen *screen, int h, int w)
{
    struct rect body = screen_body(h, w);

    body.h -= screen->caption ? caption_rows(h, w) : 0;
    return body;
}

/* The focused frame has the colour of the state, unless that is the base: what is done there acts
 * on other weights. */
static void colour_frame(const struct ui_state *d, struct surface *s)
{
    enum role role = d->state.preview ? ROLE_PREVIEW : d->state.edits ? ROLE_EDITED : ROLE_COUNT;

    for (int i = 0; role != ROLE_COUNT && i < s->h * s->w; i++)
        if (s->cells[i].role == ROLE_BORDER_FOCUS)
            s->cells[i].role = (uint8_t)role;
}

void screen_draw(const struct screen *screen, struct surface *s)
{
    struct rect all = screen_body(s->h, s->w), body = screen_view(screen, s->h, s->w);
    int foot = all.y + all.h;

    surface_clear(s);
    if (s->h < SCREEN_MIN_H || s->w < SCREEN_MIN_W) {
        draw_too_small(s);
        if (screen->line && s->h > 2)
            draw_line(screen, s, (struct rect){s->h - 1, 0, 1, s->w}, 0);
        return;
    }
    draw_banner(screen, s, s->w);
    screen->view->ops->draw(screen->view, s, body);
    colour_frame(screen->ui, s);
    if (s->cursor_y < 0) /* screen readers follow the cursor: put it where the view begins */
        surface_cursor(s, body, 0, 0);
    if (body.h < all.h)
        caption_draw(screen->caption, s, (struct rect){body.y + body.h, 0, all.h - body.h, s->w});
    draw_status(screen, s, (struct rect){foot, 0, 1, s->w});
    if (screen->line && screen->completions && screen->line_sign[0] == ':') {
        char *typed = xasprintf("%s%s", screen->line_sign + 1, field_text(screen->line));

        draw_completions(screen, typed, s, (struct rect){foot + 1, 0, 1, s->w});
        if (foot + 2 < s->h)
            draw_explanation(screen, typed, s, (struct rect){foot + 2, 0, 1, s->w});
        free(typed);
    } else {
        footer_draw(screen, s, (struct rect){foot + 1, 0, 1, s->w});
    }
    if (foot + 2 < s->h && !(screen->line && screen->completions))
        tabs_draw(screen, s, (struct rect){foot + 2, 0, 1, s->w});
    if (screen->terms)
        terms_draw(screen->ui, screen->terms, view_place(screen->view), s, body);
    if (screen->question)
        dialog_draw(screen, s);
}
