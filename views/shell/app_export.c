/* :export and :dump. The ending of the path decides: the screen as a picture (.svg, .ansi, .txt)
 * or the rows behind the view (.csv, .json, .md, .tex). With a kind before the path (safetensors,
 * gguf, lora, delta, json), the engine exports the edited model instead. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "tui/svg.h"
#include "views/shell/app_internal.h"
#include "views/shell/page.h"
#include "views/view_tables.h"

enum { CHROME = 4 }; /* rows of banner, status line, footer and tabs */

/* A figure of the screen: without the command line that asked for it, the last message, the strip
 * of the tour or of --present, and the box of terms. What is scrolled away is part of it. The
 * caller frees it. */
static struct surface *draw_figure(const struct app *app)
{
    struct screen screen = app_screen(app);
    const struct view *v = screen.view;
    int w = app->surface->w, h = app->surface->h;
    int all = v->ops->height ? v->ops->height(v, w) + CHROME : h;
    struct surface *s = surface_new(all > h ? all : h, w);

    screen.line = NULL;
    screen.caption = NULL;
    screen.terms = NULL;
    screen.message = "";
    screen_draw(&screen, s);
    return s;
}

/* The view's own figure, or the screen in the colours of the theme; then the title names the view,
 * the model, and what is shown. */
static void as_svg(struct app *app, struct buf *out)
{
    const struct view_ops *view = views[app->shown];
    struct surface *s;
    struct buf title = {0};

    if (view->figure && view->figure(&app->ui, out))
        return;
    s = draw_figure(app);

    buf_printf(&title, "editscope: %s, %s: ", views[app->shown]->title,
               *app->ui.model.name ? app->ui.model.name : "no model");
    (view->about ? view->about : ui_about)(&app->ui, &title);
    svg_surface(s, &app->theme, app->palette.caps.ascii, title.data, out);
    buf_free(&title);
    surface_free(s);
}

static void as_ansi(struct app *app, struct buf *out)
{
    struct surface *s = draw_figure(app);

    surface_ansi(s, &app->palette, out);
    surface_free(s);
}

static void as_text(struct app *app, struct buf *out)
{
    struct surface *s = draw_figure(app);

    surface_dump(s, out);
    surface_free(s);
}

/* Writes the text and reports the outcome. While a recording types, nothing is written: its author
 * must not choose files on this machine. */
void app_write(struct app *app, const char *what, const char *path, const struct buf *text)
{
    struct err err = {0};

    if (app->replaying)
        app->host.message(&app->host, TONE_WARN,
                          "%s: a recording cannot write files; %s is unchanged", what, path);
    else if (file_write(path, text->data, text->len, &err))
        app->host.message(&app->host, TONE_GOOD, "wrote %s, %zu bytes", path, text->len);
    else
        app->host.message(&app->host, TONE_ERROR, "%s: %s", what, err.text);
}

/* The table of the shown view in one of the forms of core/base/table.h; nothing if it has no rows
 * yet. */
static void as_rows(struct app *app, const struct table_form *form, struct buf *out)
{
    struct table table;

    if (!view_table_of(&table, views[app->shown], &app->ui))
        return;
    form->write(&table, out);
    table_free(&table);
}

static void (*const picture_of[PICTURE_FORMS])(struct app *app, struct buf *out) = {
    [PICTURE_SVG] = as_svg, [PICTURE_ANSI] = as_ansi, [PICTURE_TEXT] = as_text};

/* Fills `out` in the form that the ending of the path names; false: no such ending. */
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
    if (dot && !strcmp(dot, PAGE_ENDING))
        page_write(&app->ui, &app->theme, out);
    return out->len > 0;
}

/* Lists the endings that are possible. */
static void report_endings(struct app *app, const char *path)
{
    struct buf endings = {0};
    const char *ending[EXPORT_ENDINGS];

    export_endings(ending);
    for (int i = 0; ending[i]; i++)
        buf_printf(&endings, "%s%s", !i ? "" : ending[i + 1] ? ", " : " or ", ending[i]);
    app->host.message(
        &app->host, TONE_ERROR,
        "export: '%s' does not end in %s; to export the edited model, type safetensors, "
        "gguf, lora, delta or json before the path",
        path, endings.data);
    buf_free(&endings);
}

/* "KIND PATH": posts an export of the edited model to the engine. False: the words have no such
 * form. */
static bool export_model(struct app *app, const char *text, bool over)
{
    size_t n = strcspn(text, " ");
    const char *path = text + n + strspn(text + n, " ");
    struct command cmd = {.kind = CMD_EXPORT, .force = over};

    for (int i = 0; !cmd.export && export_kinds[i]; i++)
        if (strlen(export_kinds[i]) == n && !strncmp(export_kinds[i], text, n))
            cmd.export = xstrdup(export_kinds[i]);
    if (!cmd.export)
        return false;
    if (!*path) {
        app->host.message(&app->host, TONE_ERROR,
                          "export %s: needs the file or folder to write: :export %s PATH",
                          cmd.export, cmd.export);
        free(cmd.export);
        return true;
    }
    if (app->replaying) {
        app->host.message(&app->host, TONE_WARN,
                          "export: a recording cannot write files; %s is unchanged", path);
        free(cmd.export);
        return true;
    }
    cmd.text = xstrdup(path);
    app->host.post(&app->host, &cmd);
    return true;
}

/* :export. An existing file is overwritten only with `over` (:export!). */
void app_export(struct app *app, const char *path, bool over)
{
    struct buf out = {0};

    if (export_model(app, path, over))
        return;
    if (!*path) {
        char line[64];

        snprintf(line, sizeof(line), "%s.svg", views[app->shown]->name);
        app_line_open(app, ":export ", line);
        return;
    }
    if (views[app->shown]->about && file_ends_in(path, PAGE_ENDING))
        app->host.message(
            &app->host, TONE_ERROR,
            "export: a page is of an edit, and not of what the %s view shows; .svg writes "
            "its figure, .csv, .json, .md or .tex its rows",
            views[app->shown]->title);
    else if (!as_ending(app, path, &out))
        report_endings(app, path);
    else if (!over && file_exists(path))
        app->host.message(&app->host, TONE_ERROR,
                          "export: %s exists already; :export! overwrites it", path);
    else if (!out.len)
        app->host.message(&app->host, TONE_ERROR,
                          "export: %s has no rows yet; .svg, .ansi and .txt write the picture",
                          views[app->shown]->title);
    else
        app_write(app, "export", path, &out);
    buf_free(&out);
}
