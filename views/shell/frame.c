/* Draws what surrounds every view. The rows of a screen, from the top:
 *
 *   0      banner    editscope  model llama 12×640 …      ● EDITED +2 3f9a01bc   paris.es
 *                    ▶ RECORDED 0:12/1:40  model 12×640   ○ BASE f1ee64a0
 *   1      body      the shown view; screen_body() says how high it is
 *   h-3    status    the last message; right: the running job, its bar and the time left
 *   h-2    footer    keys of the view's most useful actions: x attribute  P preview
 *   h-1    tabs      1 Edit  2 Heatmap  3 Neurons …   (not on screens under 20 rows)
 *
 * While a line is typed, status shows it, footer its completions, and tabs explain the command. A
 * dialog lies over all. Footer and tabs are drawn and clicked by the same function, so that a
 * click always finds what is seen. */
#include "views/shell/frame.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/show.h"
#include "core/base/utf8.h"
#include "tui/box.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/commands.h"
#include "views/interventions.h"
#include "views/keymap.h"

struct rect screen_body(int h, int w)
{
    int foot = h >= 20 ? 3 : 2; /* small screens have no tabs */

    return (struct rect){1, 0, h - 1 - foot > 0 ? h - 1 - foot : 0, w};
}

/* "○ BASE", "● EDITED +2" or "◐ PREVIEW", and 8 digits of the checksum that proves it. */
static void draw_state(const struct ui_state *d, struct pen *p)
{
    if (!d->ready) {
        pen_text(p, ROLE_DIM, "loading");
        return;
    }
    if (d->state.preview)
        pen_text(p, ROLE_PREVIEW, "◐ PREVIEW");
    else if (d->state.edits)
        pen_printf(p, ROLE_EDITED, "● EDITED +%d", d->state.edits);
    else
        pen_text(p, ROLE_BASE, "○ BASE");
    pen_printf(p, ROLE_BANNER, " %.8s", *d->state.checksum ? d->state.checksum : d->state.state);
}

/* Columns that draw_state() needs. */
static int state_width(const struct ui_state *d)
{
    char text[64];

    snprintf(text, sizeof(text), "● EDITED +%d 12345678", d->state.edits);
    return d->state.edits && !d->state.preview ? text_width(text) : 18;
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
static void draw_banner(const struct ui_state *d, const char *recorded, struct surface *s, int w)
{
    struct rect line = {0, 0, 1, w};
    struct pen p = pen_at(s, line, 0, 1);
    const char *file = strrchr(d->state.session, '/');
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
    file = file ? file + 1 : d->state.session;
    show_print(tail, sizeof(tail), "%s%s%s",
               *file      ? file
               : recorded ? ""
                          : "not saved",
               d->ready && d->state.moment_tokens < d->state.moment_goal ? "  draft" : "",
               d->stopped ? "  engine stopped" : "");
    at = w - 2 - text_width(tail);
    if (at > p.x + state_width(d) + 4) {
        p.x = at - state_width(d) - 3;
        draw_state(d, &p);
        p.x = at;
        pen_text(&p, ROLE_BANNER, tail);
    } else {
        p.x = w - 1 - state_width(d);
        surface_fill(s, (struct rect){0, p.x - 1, 1, w - p.x + 1}, ROLE_BANNER);
        draw_state(d, &p);
    }
}

/* The running job at the right end: its words, the time left, a bar of 10 columns. Returns the
 * column it starts at; messages end before it. */
static int draw_progress(const struct progress *g, const char *what, struct surface *s,
                         struct rect line)
{
    char text[96], left[32] = "";
    bool bar = g->total > 0;
    struct pen p;

    if (g->seconds_left >= 60)
        snprintf(left, sizeof(left), " %.0f min left", ceil(g->seconds_left / 60));
    else if (g->seconds_left >= 1)
        snprintf(left, sizeof(left), " %.0f s left", g->seconds_left);
    show_print(text, sizeof(text), "%s%s", *g->what ? g->what : what, left);
    p = pen_at(s, line, 0, line.w - text_width(text) - (bar ? 13 : 2));
    if (!*text || p.x < line.w / 3)
        return line.w;
    line.w = p.x;
    pen_text(&p, ROLE_DIM, text);
    for (int i = 0; bar && i < 10; i++)
        surface_text(s, p.area, 0, p.x + 1 + i, ROLE_TRACK, "─");
    for (int i = 0; bar && i < g->done / g->total * 10; i++)
        surface_text(s, p.area, 0, p.x + 1 + i, ROLE_FILL, "━");
    return line.w;
}

/* The status line: the typed line, or the last message with what runs at its right. Changed
 * neurons are shown here on every view, because they change every answer. */
static void draw_status(const struct screen *screen, struct surface *s, struct rect line)
{
    static const enum role role[] = {ROLE_STATUS, ROLE_GOOD, ROLE_WARN, ROLE_ERROR};
    static const char *const mark[] = {"", "", "! ", "✗ "};
    static const char unwritten[] = "nothing written yet, C commits";
    const struct ui_state *d = screen->ui;
    enum command_kind busy = ui_busy(d);
    struct pen p = pen_at(s, line, 0, 1);
    int end = line.w;
    char word[48];

    surface_fill(s, line, ROLE_STATUS);
    if (screen->line) {
        field_draw(screen->line, s, line, 0, 1, line.w - 2, true);
        return;
    }
    if (busy || d->progress.total > 0) {
        end = draw_progress(&d->progress, command_traits[busy].busy, s, line);
    } else if (d->pull_job) {
        end = draw_progress(&d->pull, "", s, line);
    } else if (d->background.total > 0) {
        end = draw_progress(&d->background, "", s, line);
    } else if (d->state.preview && line.w >= 100) {
        end = line.w - (int)sizeof(unwritten);
        surface_text(s, line, 0, end, ROLE_DIM, unwritten);
    }
    if (screen->paused)
        pen_text(&p, ROLE_WARN, "paused, p resumes  ");
    if (d->intervention_count || d->mask_override_count)
        pen_printf(&p, ROLE_WARN, "~ %s  ", interventions_text(d, word));
    if (screen->message && *screen->message) {
        pen_text(&p, role[screen->tone], mark[screen->tone]);
        pen_fit(&p, role[screen->tone], end - p.x - 1, screen->message);
    }
}

/* Draws the actions of the view's footer as "key word", as many as fit. With s NULL it draws
 * nothing and returns the action at column click_x. */
static enum action footer_actions(const struct screen *screen, struct surface *s, struct rect line,
                                  int click_x)
{
    const char *name = screen->view->ops->footer;
    int x = 1;

    while (name && *name) {
        size_t n = strcspn(name, " ");
        char word[32], key[16], label[40];
        enum action action;
        int wide;

        snprintf(word, sizeof(word), "%.*s", (int)strcspn(name, ": "), name);
        utf8_copy(label, sizeof(label), word);
        if (name[strlen(word)] == ':') /* "enter:ask": the action enter, shown as "ask" */
            snprintf(label, sizeof(label), "%.*s", (int)(n - strlen(word) - 1),
                     name + strlen(word) + 1);
        name += n + (name[n] == ' ');
        action = action_of_name(word);
        keymap_key(keymap_current(), screen->view->ops->name, action, key);
        wide = text_width(key) + 1 + text_width(label);
        if (action == ACTION_NONE || !*key || x + wide >= line.w)
            continue;
        if (click_x >= x && click_x < x + wide)
            return action;
        if (s) {
            struct pen p = pen_at(s, line, 0, x);

            pen_text(&p, ROLE_KEY, key);
            p.x++;
            pen_text(&p, ROLE_TEXT, label);
        }
        x += wide + 2;
    }
    return ACTION_NONE;
}

/* The last word of a candidate; the words before it are on the line above. */
static const char *last_word(const struct screen *screen, const char *line)
{
    const char *typed = field_text(screen->line) + 1;
    const char *blank = strrchr(typed, ' ');
    size_t n = strcspn(typed, " ");

    if (screen->offered >= 0 && blank) /* the line holds the candidate itself, blanks included */
        return line + n + (line[n] == ' ');
    return blank && strlen(line) > (size_t)(blank - typed) ? line + (blank - typed) + 1 : line;
}

/* Completions below the line, the chosen one marked. If they need more than one row, the page with
 * the chosen one is drawn. */
static void draw_completions(const struct screen *screen, struct surface *s, struct rect line)
{
    const struct completions *c = screen->completions;
    int first = 0, wide = 0;
    struct pen p = pen_at(s, line, 0, 1);

    for (int i = 0; i <= screen->offered && i < c->count; i++) { /* the page it is on */
        wide += text_width(last_word(screen, c->line[i])) + 2;
        if (wide > line.w - 4) {
            first = i;
            wide = text_width(last_word(screen, c->line[i])) + 2;
        }
    }
    for (int i = first; i < c->count && p.x < line.w - 3; i++) {
        const char *text = last_word(screen, c->line[i]);
        int n = text_width(text);

        if (p.x + n + 2 > line.w && i > first) {
            pen_text(&p, ROLE_DIM, "…");
            return;
        }
        pen_fit(&p, i == screen->offered ? ROLE_SELECTED : ROLE_TEXT, n, text);
        p.x += 2;
    }
    if (!c->count && field_text(screen->line)[1])
        pen_text(&p, ROLE_DIM, "Enter runs it, Esc cancels");
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
static void draw_explanation(const struct screen *screen, struct surface *s, struct rect line)
{
    const char *typed = field_text(screen->line) + 1;
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

/* The first eight views, as tabs; draws or finds the tab at click_x, as footer_actions() does. */
static enum action tab_actions(const struct screen *screen, struct surface *s, struct rect line,
                               int click_x)
{
    int x = 1;

    for (int i = 0; i < 8 && views[i]; i++) {
        bool here = views[i] == screen->view->ops;
        char text[32];
        int wide;

        show_print(text, sizeof(text), line.w >= 76 || here ? "%d %s" : "%d", i + 1,
                   views[i]->title);
        wide = text_width(text);
        if (x + wide >= line.w)
            break;
        if (click_x >= x && click_x < x + wide)
            return (enum action)(ACTION_VIEW_EDIT + i);
        if (s)
            surface_text(s, line, 0, x, here ? ROLE_TAB_ACTIVE : ROLE_TAB, text);
        x += wide + 2;
    }
    return ACTION_NONE;
}

/* The n-th line of a text, at most 200 bytes of it; false past the end. */
static bool line_of(const char *text, int n, char out[200])
{
    while (n-- > 0) {
        text += strcspn(text, "\n");
        if (!*text++)
            return false;
    }
    snprintf(out, 200, "%.*s", (int)strcspn(text, "\n"), text);
    return true;
}

/* Cancel and the yes button in the dialog's last row; screen_button() knows these widths. */
static void draw_buttons(const struct screen *screen, struct surface *s, struct rect in)
{
    struct pen p = pen_at(s, in, in.h - 1, 0);
    bool yes = screen->confirm_selected;

    surface_cursor(s, in, p.y, 1);
    pen_text(&p, yes ? ROLE_BUTTON : ROLE_BUTTON_ACTIVE, " n  Cancel ");
    p.x += 2;
    if (yes)
        surface_cursor(s, in, p.y, p.x + 1);
    pen_printf(&p, yes ? ROLE_BUTTON_ACTIVE : ROLE_BUTTON, " y  %s ", screen->question->yes);
}

/* As large as the text of the question needs, in the middle of the screen. */
static struct rect dialog_area(const struct question *question, int h, int w)
{
    int rows = 0, wide = 44;
    char line[200];

    for (; line_of(question->text, rows, line); rows++)
        wide = text_width(line) + 4 > wide ? text_width(line) + 4 : wide;
    return rect_middle((struct rect){0, 0, h, w}, rows + 4, wide < w - 2 ? wide : w - 2);
}

int screen_button(const struct screen *screen, int h, int w, int y, int x)
{
    struct rect area = dialog_area(screen->question, h, w);
    int from = x - area.x - 2; /* as draw_buttons() lays them out */

    if (y != area.y + area.h - 2 || from < 0)
        return -1;
    if (from < 11)
        return 0;
    return from >= 13 && from < 18 + text_width(screen->question->yes) ? 1 : -1;
}

/* The question over the view: text, then the buttons. */
static void draw_dialog(const struct screen *screen, struct surface *s)
{
    const char *text = screen->question->text;
    struct rect area = dialog_area(screen->question, s->h, s->w), in;
    char line[200];

    surface_fill(s, area, ROLE_DIALOG);
    in = box_draw(s, area, screen->question->title, "", true);
    for (int i = 0; line_of(text, i, line) && i < in.h - 1; i++) {
        struct pen p = pen_at(s, in, i, 0);

        pen_fit(&p, ROLE_DIALOG, in.w, line);
    }
    draw_buttons(screen, s, in);
}

/* Instead of everything else, on a screen below 50 by 16. */
static void draw_too_small(struct surface *s)
{
    struct rect all = surface_rect(s);
    char text[96];
    struct pen p = pen_at(s, all, 0, 0);

    snprintf(text, sizeof(text), "editscope needs %d×%d, this is %d×%d", SCREEN_MIN_W, SCREEN_MIN_H,
             s->w, s->h);
    pen_fit(&p, ROLE_WARN, s->w, text);
    p = pen_at(s, all, 1, 0);
    pen_fit(&p, ROLE_DIM, s->w, "Make the window larger, or run editscope --plain; :q! quits.");
}

void screen_draw(const struct screen *screen, struct surface *s)
{
    struct rect body = screen_body(s->h, s->w);
    int foot = body.y + body.h;

    surface_clear(s);
    if (s->h < SCREEN_MIN_H || s->w < SCREEN_MIN_W) {
        draw_too_small(s);
        if (screen->line && s->h > 2)
            field_draw(screen->line, s, surface_rect(s), s->h - 1, 0, s->w, true);
        return;
    }
    draw_banner(screen->ui, screen->recorded, s, s->w);
    screen->view->ops->draw(screen->view, s, body);
    if (s->cursor_y < 0) /* screen readers follow the cursor: put it where the view begins */
        surface_cursor(s, body, 0, 0);
    draw_status(screen, s, (struct rect){foot, 0, 1, s->w});
    if (screen->line && screen->completions && *field_text(screen->line) == ':') {
        draw_completions(screen, s, (struct rect){foot + 1, 0, 1, s->w});
        if (foot + 2 < s->h)
            draw_explanation(screen, s, (struct rect){foot + 2, 0, 1, s->w});
    } else {
        footer_actions(screen, s, (struct rect){foot + 1, 0, 1, s->w}, -1);
    }
    if (foot + 2 < s->h && !(screen->line && screen->completions))
        tab_actions(screen, s, (struct rect){foot + 2, 0, 1, s->w}, -1);
    if (screen->question)
        draw_dialog(screen, s);
}

enum action screen_click(const struct screen *screen, int h, int w, int y, int x)
{
    struct rect body = screen_body(h, w);
    int foot = body.y + body.h;

    if (y == foot + 1)
        return footer_actions(screen, NULL, (struct rect){y, 0, 1, w}, x);
    if (y == foot + 2)
        return tab_actions(screen, NULL, (struct rect){y, 0, 1, w}, x);
    return ACTION_NONE;
}
