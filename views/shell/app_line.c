/* The line at the bottom: : commands, / searches and \ filters, with history and completion. Lines
 * are kept in the file "history" of the state folder, where the next run finds them.
 *
 * A line is a sign and a text. The sign says what Enter does with the text, so it stands outside
 * the field: C-u and Backspace empty the text and the line stays open. Besides : / and \, a sign
 * may be the beginning of a command, such as ":set beta_ge=" for the key =. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "views/shell/app_internal.h"

enum { HISTORY_MOST = 1 << 20 };

/* The line was edited: Up and Tab start again from what it holds now. */
static void line_edited(struct app *app)
{
    free(app->typed_text);
    app->typed_text = NULL;
    app->recalled = app->line_count;
    app->offered = -1;
}

/* The whole line, its sign first. Caller frees. */
static char *line_text(const struct app *app)
{
    return xasprintf("%s%s", app->line_sign, field_text(&app->line));
}

/* Replaces the whole line. The sign stays where the new line begins with it; else only its first
 * character does, and the rest becomes text. */
static void line_set(struct app *app, const char *whole)
{
    if (strncmp(whole, app->line_sign, strlen(app->line_sign)) != 0)
        app->line_sign[1] = '\0';
    field_set(&app->line, whole + strlen(app->line_sign));
}

/* Completions of what has been typed; only commands have them. */
static void update_completions(struct app *app)
{
    char *text = line_text(app);

    if (text[0] == ':')
        completions_find(&app->completions, text + 1);
    else
        completions_free(&app->completions);
    free(text);
}

void app_line_open(struct app *app, const char *sign, const char *text)
{
    utf8_copy(app->line_sign, sizeof(app->line_sign), sign);
    field_set(&app->line, text);
    app->typing = true;
    app->dirty = true;
    line_edited(app);
    update_completions(app);
}

/* Backspace before the first character: a sign such as ":set beta_ge=" becomes text that can be
 * edited, so that its last character is deleted. The : itself stays. */
static bool line_open_sign(struct app *app, const struct key *key)
{
    size_t at = strlen(app->line_sign) - 1;
    char *text;

    if ((key->code != K_ERASE && key->code != '\b') || app->line.at || !at)
        return false;
    text = line_text(app);
    app->line_sign[1] = '\0';
    field_set(&app->line, text + 1);
    app->line.at = at;
    free(text);
    return field_key(&app->line, key);
}

/* Adds a line in memory, unless it repeats the last one. The oldest goes when LINES_KEPT are full.
 */
static void history_add(struct app *app, const char *text)
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

/* Reads the history file. A line that begins with none of : / \ is skipped. */
void app_line_start(struct app *app)
{
    char *path = file_state_path("history"), *text = file_read_text(path, HISTORY_MOST, NULL, NULL);

    for (char *p = text, *end; p && *p; p = end) {
        end = p + strcspn(p, "\n");
        if (*end)
            *end++ = '\0';
        if (*p == ':' || *p == '/' || *p == '\\')
            history_add(app, p);
    }
    free(text);
    free(path);
    app->recalled = app->line_count;
    app->offered = -1;
}

/* Adds a line in memory and appends it to the file at once, so two programs that run at the same
 * time lose nothing of each other. app_line_finish() shortens a file that has grown to twice
 * LINES_KEPT. Lines of a recording or a script are not saved. */
static void history_save(struct app *app, const char *text)
{
    struct buf line = {0};
    char *path;
    int fd;

    history_add(app, text);
    if (app->replaying || app->offscreen)
        return;
    path = file_state_path("history");
    buf_printf(&line, "%s\n", text);
    fd = file_make_parents(path, NULL) ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)
                                       : -1;
    if (fd >= 0 && write(fd, line.data, line.len) < 0)
        app_say(app, TONE_WARN, "the line could not be saved to the history file");
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
        file_write(path, all.data, all.len, NULL); /* atomically; mode 0600 */
    buf_free(&all);
    for (int i = 0; i < app->line_count; i++)
        free(app->lines[i]);
    free(text);
    free(path);
    free(app->typed_text);
    free(app->searched);
    free(app->theme_before);
    completions_free(&app->completions);
    field_free(&app->line);
}

/* While ":theme NAME" is typed or completed, the screen shows that theme. A name that is no theme
 * yet changes nothing. Closing the line without Enter restores the old theme. */
static void preview_theme(struct app *app)
{
    static const char command[] = ":theme ";
    char *text = line_text(app);
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
    free(text);
}

void app_line_close(struct app *app)
{
    app->typing = false;
    preview_theme(app);
}

/* Enter: closes the line, remembers it, and runs it by its first character. */
static void line_enter(struct app *app)
{
    char *text = line_text(app);

    app_line_close(app);
    if (text[0] && text[1])
        history_save(app, text);
    if (text[0] == '/')
        app_find(app, text + 1);
    else if (text[0] == '\\')
        app_filter(app, text + 1);
    else if (text[0] == ':')
        app_run_command(app, text + 1);
    free(text);
}

/* Up and Down: the nearest older or newer line that begins with what was typed; past the newest
 * comes the typed text itself. */
static void line_recall(struct app *app, int by)
{
    int at = app->recalled + by;
    size_t n;

    if (!app->typed_text)
        app->typed_text = line_text(app);
    n = strlen(app->typed_text);
    while (at >= 0 && at < app->line_count && strncmp(app->lines[at], app->typed_text, n) != 0)
        at += by;
    if (at < 0)
        return;
    app->recalled = at < app->line_count ? at : app->line_count;
    line_set(app, at < app->line_count ? app->lines[at] : app->typed_text);
}

/* Tab: first extends the line as far as all candidates agree; then offers one candidate after the
 * other, and after the last one the typed text again. */
static void line_complete(struct app *app, int by)
{
    const struct completions *c = &app->completions;
    char *line;

    if (app->line_sign[0] != ':' || !c->count)
        return;
    line = line_text(app);
    if (app->offered < 0 && !app->typed_text) {
        size_t same = strlen(c->line[0]);

        for (int i = 1; i < c->count; i++)
            for (size_t k = 0; k < same; k++)
                if (c->line[i][k] != c->line[0][k])
                    same = k;
        if (same > strlen(line + 1) || c->count == 1) {
            free(line);
            line = xasprintf(":%.*s", (int)same, c->line[0]);
            line_set(app, line);
            free(line);
            update_completions(app);
            return;
        }
        app->typed_text = xstrdup(line);
    }
    free(line);
    app->offered += by;
    if (app->offered >= c->count)
        app->offered = -1;
    else if (app->offered < -1)
        app->offered = c->count - 1;
    line = app->offered < 0 ? xstrdup(app->typed_text) : xasprintf(":%s", c->line[app->offered]);
    line_set(app, line);
    free(line);
}

/* A key while the line is open. */
void app_line_key(struct app *app, const struct key *key)
{
    if (key->code == K_ENTER) {
        line_enter(app);
    } else if (key->code == K_ESCAPE || key->code == key_ctrl('c')) {
        app->typing = false;
    } else if (key->code == K_UP || key->code == key_ctrl('p')) {
        line_recall(app, -1);
    } else if (key->code == K_DOWN || key->code == key_ctrl('n')) {
        line_recall(app, 1);
    } else if (key->code == K_TAB || key->code == K_BACK_TAB) {
        line_complete(app, key->code == K_TAB ? 1 : -1);
    } else if (line_open_sign(app, key) || field_key(&app->line, key)) {
        line_edited(app);
        update_completions(app);
    }
    if (key->code != K_ENTER)
        preview_theme(app);
}
