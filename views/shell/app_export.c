/* What is seen, as a file: the picture (SVG, ANSI, text) or the rows behind it (CSV, JSON,
 * Markdown, LaTeX). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "tui/svg.h"
#include "views/shell/app_internal.h"
#include "views/view_tables.h"

/* The screen without the command line that asked for it. */
static void picture(struct app *app)
{
    struct screen screen = app_screen(app);

    screen.line = NULL;
    screen.said = ""; /* what was said before is not part of a figure */
    screen_draw(&screen, app->surface);
}

static void as_svg(struct app *app, struct buf *out)
{
    char title[200];

    picture(app);
    show_print(title, sizeof(title), "editscope: %s, %s", views[app->at]->title,
               *app->ui.model.name ? app->ui.model.name : "no model");
    svg_surface(app->surface, &app->theme, app->palette.caps.ascii, title, out);
}

static void as_ansi(struct app *app, struct buf *out)
{
    picture(app);
    surface_ansi(app->surface, &app->palette, out);
}

static void as_text(struct app *app, struct buf *out)
{
    picture(app);
    surface_dump(app->surface, out);
}

void app_write(struct app *app, const char *what, const char *path, const struct buf *text)
{
    struct err err = {0};

    if (app->driven) /* whoever recorded it does not write where it is played */
        app->host.message(&app->host, TONE_WARN,
                          "%s: a recorded run writes no file; %s is not touched", what, path);
    else if (file_write(path, text->data, text->len, &err))
        app->host.message(&app->host, TONE_GOOD, "wrote %s, %zu bytes", path, text->len);
    else
        app->host.message(&app->host, TONE_ERROR, "%s: %s", what, err.text);
}

/* The rows of the view shown; nothing where it has none. */
static void as_rows(struct app *app, const struct table_form *form, struct buf *out)
{
    struct table table;

    if (!view_table_of(&table, views[app->at], &app->ui))
        return;
    form->write(&table, out);
    table_free(&table);
}

static void (*const picture_of[PICTURE_FORMS])(struct app *app, struct buf *out) = {
    [PICTURE_SVG] = as_svg, [PICTURE_ANSI] = as_ansi, [PICTURE_TEXT] = as_text};

/* As the path's ending says; false where it says nothing. */
static bool as_ending(struct app *app, const char *path, struct buf *out)
{
    const char *dot = strrchr(path, '.');

    for (int i = 0; dot && i < PICTURE_FORMS; i++)
        if (!strcmp(dot, picture_endings[i])) {
            picture_of[i](app, out);
            return true;
        }
    for (const struct table_form *form = table_forms; dot && *form->ending; form++)
        if (!strcmp(dot, form->ending)) {
            as_rows(app, form, out);
            return true;
        }
    return false;
}

static void say_endings(struct app *app, const char *path)
{
    struct buf endings = {0};

    for (int i = 0; i < PICTURE_FORMS; i++)
        buf_printf(&endings, "%s, ", picture_endings[i]);
    for (const struct table_form *form = table_forms; *form->ending; form++)
        buf_printf(&endings, "%s%s", form->ending,
                   !*form[1].ending   ? ""
                   : !*form[2].ending ? " or "
                                      : ", ");
    app->host.message(
        &app->host, TONE_ERROR,
        "export: '%s' does not end in %s; safetensors, gguf, lora, delta or json and a "
        "place write what was edited",
        path, endings.data);
    buf_free(&endings);
}

/* KIND PATH: the edited model, an adapter, a delta or the journal. */
static bool of_model(struct app *app, const char *words, bool over)
{
    static const char *const kinds[] = {"safetensors", "gguf", "lora", "delta", "json"};
    size_t n = strcspn(words, " ");
    const char *path = words + n + strspn(words + n, " ");
    struct command cmd = {.kind = CMD_EXPORT, .force = over};

    for (size_t i = 0; *path && i < sizeof(kinds) / sizeof(*kinds); i++)
        if (strlen(kinds[i]) == n && !strncmp(kinds[i], words, n))
            cmd.export = xstrdup(kinds[i]);
    if (!cmd.export)
        return false;
    if (app->driven) { /* as of pictures */
        app->host.message(&app->host, TONE_WARN,
                          "export: a recorded run writes no file; %s is not touched", path);
        free(cmd.export);
        return true;
    }
    cmd.text = xstrdup(path);
    app->host.post(&app->host, &cmd);
    return true;
}

void app_export(struct app *app, const char *path, bool over)
{
    struct buf out = {0};

    if (of_model(app, path, over))
        return;
    if (!*path) {
        char line[64];

        snprintf(line, sizeof(line), ":export %s.svg", views[app->at]->name);
        app_line_open(app, line);
        return;
    }
    if (!as_ending(app, path, &out))
        say_endings(app, path);
    else if (!over && file_exists(path))
        app->host.message(&app->host, TONE_ERROR,
                          "export: %s is there already; :export! writes over it", path);
    else if (!out.len)
        app->host.message(&app->host, TONE_ERROR,
                          "export: %s has no rows to write now; .svg, .ansi and .txt are pictures",
                          views[app->at]->title);
    else
        app_write(app, "export", path, &out);
    buf_free(&out);
}
