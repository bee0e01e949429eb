/* The line at the bottom: `:` commands and `/` searches, with history and completion. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "views/shell/app_internal.h"

enum { HISTORY_MOST = 1 << 20 };

static void forget_typed(struct app *app)
{
    free(app->typed);
    app->typed = NULL;
    app->recalled = app->line_count;
    app->offered = -1;
}

/* What could follow, as it is being typed. */
static void suggest(struct app *app)
{
    const char *text = field_text(&app->line);

    if (text[0] == ':')
        completions_find(&app->candidates, text + 1);
    else
        completions_free(&app->candidates);
}

void app_line_open(struct app *app, const char *text)
{
    field_set(&app->line, text);
    app->typing = true;
    app->dirty = true;
    forget_typed(app);
    suggest(app);
}

static void keep(struct app *app, const char *text)
{
    if (app->line_count && !strcmp(app->lines[app->line_count - 1], text))
        return;
    if (app->line_count == LINES_KEPT) {
        free(app->lines[0]);
        memmove(&app->lines[0], &app->lines[1], (LINES_KEPT - 1) * sizeof(app->lines[0]));
        app->line_count--;
    }
    app->lines[app->line_count++] = xstrdup(text);
}

void app_line_start(struct app *app)
{
    char *path = file_state_path("history"), *text = file_read_text(path, HISTORY_MOST, NULL, NULL);

    for (char *p = text, *end; p && *p; p = end) {
        end = p + strcspn(p, "\n");
        if (*end)
            *end++ = '\0';
        if (*p == ':' || *p == '/' || *p == '\\')
            keep(app, p);
    }
    free(text);
    free(path);
    app->recalled = app->line_count;
    app->offered = -1;
}

/* A line is appended when it is entered, so two programs at once lose nothing of each other; the
 * file is cut to what is kept when it has grown to twice that. */
static void remember(struct app *app, const char *text)
{
    struct buf line = {0};
    char *path;
    int fd;

    keep(app, text);
    if (app->driven) /* typed by another hand */
        return;
    path = file_state_path("history");
    buf_printf(&line, "%s\n", text);
    fd = file_make_parents(path, NULL) ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)
                                       : -1;
    if (fd >= 0 && write(fd, line.data, line.len) < 0)
        app_say(app, TONE_WARN, "the line could not be kept for the next run");
    if (fd >= 0)
        close(fd);
    buf_free(&line);
    free(path);
}

void app_line_finish(struct app *app)
{
    char *path = file_state_path("history"), *text = file_read_text(path, HISTORY_MOST, NULL, NULL);
    struct buf all = {0};
    int lines = 0;

    for (const char *p = text; p && (p = strchr(p, '\n')); p++)
        lines++;
    for (int i = 0; i < app->line_count; i++)
        buf_printf(&all, "%s\n", app->lines[i]);
    if (lines > 2 * LINES_KEPT)
        file_write(path, all.data, all.len, NULL); /* beside and renamed; made for us alone */
    buf_free(&all);
    for (int i = 0; i < app->line_count; i++)
        free(app->lines[i]);
    free(text);
    free(path);
    free(app->typed);
    free(app->sought);
    free(app->theme_before);
    completions_free(&app->candidates);
    field_free(&app->line);
}

/* While ":theme NAME" is being typed or completed the screen wears it; what cannot be worn yet
 * changes nothing. Leaving the line without Enter puts the old one back on. */
static void preview_theme(struct app *app)
{
    static const char command[] = ":theme ";
    const char *text = field_text(&app->line);
    struct theme *before = app->theme_before;

    if (app->typing && !strncmp(text, command, sizeof(command) - 1)) {
        if (!before) {
            app->theme_before = xmalloc(sizeof(*before));
            *app->theme_before = app->theme;
        }
        app_theme(app, text + sizeof(command) - 1, NULL);
    } else if (before) {
        app_apply_theme(app, before);
        free(before);
        app->theme_before = NULL;
    }
}

void app_line_leave(struct app *app)
{
    app->typing = false;
    preview_theme(app);
}

static void enter(struct app *app)
{
    char *text = xstrdup(field_text(&app->line));

    app_line_leave(app);
    if (text[0] && text[1])
        remember(app, text);
    if (text[0] == '/')
        app_find(app, text + 1);
    else if (text[0] == '\\')
        app_filter(app, text + 1);
    else if (text[0] == ':')
        app_run_command(app, text + 1);
    free(text);
}

/* The nearest line before or after that begins with what was typed. */
static void recall(struct app *app, int by)
{
    int at = app->recalled + by;
    size_t n;

    if (!app->typed)
        app->typed = xstrdup(field_text(&app->line));
    n = strlen(app->typed);
    while (at >= 0 && at < app->line_count && strncmp(app->lines[at], app->typed, n) != 0)
        at += by;
    if (at < 0)
        return;
    app->recalled = at < app->line_count ? at : app->line_count;
    field_set(&app->line, at < app->line_count ? app->lines[at] : app->typed);
}

/* First as far as all candidates agree; then one after the other, and back to what was typed. */
static void complete(struct app *app, int by)
{
    const struct completions *c = &app->candidates;
    const char *text = field_text(&app->line);
    char *line;

    if (text[0] != ':' || !c->count)
        return;
    if (app->offered < 0 && !app->typed) {
        size_t same = strlen(c->line[0]);

        for (int i = 1; i < c->count; i++)
            for (size_t k = 0; k < same; k++)
                if (c->line[i][k] != c->line[0][k])
                    same = k;
        if (same > strlen(text + 1) || c->count == 1) {
            line = xasprintf(":%.*s", (int)same, c->line[0]);
            field_set(&app->line, line);
            free(line);
            suggest(app);
            return;
        }
        app->typed = xstrdup(text);
    }
    app->offered += by;
    if (app->offered >= c->count)
        app->offered = -1;
    else if (app->offered < -1)
        app->offered = c->count - 1;
    line = app->offered < 0 ? xstrdup(app->typed) : xasprintf(":%s", c->line[app->offered]);
    field_set(&app->line, line);
    free(line);
}

void app_line_key(struct app *app, const struct key *key)
{
    if (key->code == K_ENTER) {
        enter(app);
    } else if (key->code == K_ESCAPE || key->code == key_ctrl('c')) {
        app->typing = false;
    } else if (key->code == K_UP || key->code == key_ctrl('p')) {
        recall(app, -1);
    } else if (key->code == K_DOWN || key->code == key_ctrl('n')) {
        recall(app, 1);
    } else if (key->code == K_TAB || key->code == K_BACK_TAB) {
        complete(app, key->code == K_TAB ? 1 : -1);
    } else if (field_key(&app->line, key)) {
        forget_typed(app);
        suggest(app);
    }
    if (!*field_text(&app->line)) /* the : itself was erased */
        app->typing = false;
    if (key->code != K_ENTER)
        preview_theme(app);
}
