/* What is seen, as a file: the picture (SVG, ANSI, text) or the rows behind it (CSV, JSON). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "tui/svg.h"
#include "views/sheet.h"
#include "views/shell/app_inside.h"

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
               *app->desk.model.name ? app->desk.model.name : "no model");
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

static void as_rows(struct app *app, struct buf *out,
                    void (*write)(const struct sheet *sheet, struct buf *out))
{
    struct sheet sheet;

    if (!sheet_of(&sheet, views[app->at]->name, &app->desk))
        return;
    write(&sheet, out);
    sheet_free(&sheet);
}

static void as_csv(struct app *app, struct buf *out)
{
    as_rows(app, out, sheet_csv);
}

static void as_json(struct app *app, struct buf *out)
{
    as_rows(app, out, sheet_json);
}

void app_write(struct app *app, const char *what, const char *path, const struct buf *text)
{
    struct err err = {0};

    if (app->driven) /* whoever recorded it does not write where it is played */
        app->host.say(&app->host, TONE_WARN, "%s: a recorded run writes no file; %s is not touched",
                      what, path);
    else if (file_write(path, text->data, text->len, &err))
        app->host.say(&app->host, TONE_GOOD, "wrote %s, %zu bytes", path, text->len);
    else
        app->host.say(&app->host, TONE_ERROR, "%s: %s", what, err.text);
}

static void save(struct app *app, const char *path, bool over,
                 void (*make)(struct app *app, struct buf *out))
{
    struct buf out = {0};

    if (!over && file_exists(path)) {
        app->host.say(&app->host, TONE_ERROR,
                      "export: %s is there already; :export! writes over it", path);
        return;
    }
    make(app, &out);
    if (!out.len)
        app->host.say(&app->host, TONE_ERROR,
                      "export: %s has no rows to write now; .svg, .ansi and .txt are pictures",
                      views[app->at]->title);
    else
        app_write(app, "export", path, &out);
    buf_free(&out);
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
        app->host.say(&app->host, TONE_WARN,
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
    static const struct {
        const char *ending;
        void (*make)(struct app *app, struct buf *out);
    } kind[] = {
        {".svg", as_svg}, {".ansi", as_ansi}, {".txt", as_text},
        {".csv", as_csv}, {".json", as_json},
    };
    const char *dot = strrchr(path, '.');

    if (of_model(app, path, over))
        return;
    if (!*path) {
        char line[64];

        snprintf(line, sizeof(line), ":export %s.svg", views[app->at]->name);
        app_line_open(app, line);
        return;
    }
    for (size_t i = 0; dot && i < sizeof(kind) / sizeof(*kind); i++)
        if (!strcmp(dot, kind[i].ending)) {
            save(app, path, over, kind[i].make);
            return;
        }
    app->host.say(&app->host, TONE_ERROR,
                  "export: '%s' does not end in .svg, .ansi, .txt, .csv or .json; safetensors, "
                  "gguf, lora, delta or json and a place write what was edited",
                  path);
}
