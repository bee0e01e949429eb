/* editscope themes: lists the themes. `themes check` tests contrast, ramps, and colours that look
 * alike to colour-blind eyes (tui/theme_check.c). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/std.h"
#include "core/base/utf8.h"
#include "tui/theme.h"
#include "views/cli/cli.h"

/* Reads a theme as its author wrote it: what the file omits is not filled in from another theme. */
static bool theme_as_written(struct theme *theme, const char *name, const char *path,
                             struct err *err)
{
    const char *text = path ? NULL : theme_builtin(name);
    char *read = NULL;
    bool ok;

    memset(theme, 0, sizeof(*theme));
    utf8_copy(theme->name, sizeof(theme->name), name);
    if (path)
        text = read = file_read_text(path, THEME_MAX, NULL, err);
    ok = text && (theme_parse(theme, text, err) || err_in(err, "%s", path ? path : name));
    free(read);
    return ok;
}

static void print_theme(const struct cli *c, const struct theme_place *p)
{
    const char *path = p->path ? p->path : "compiled in";
    struct theme theme;
    struct err err = {0};
    bool ok = theme_as_written(&theme, p->name, p->path, &err);
    json_t *o;

    if (!cli_json(c)) {
        std_print("%-16s %-6s %s%s%s\n", p->name,
                  !ok           ? "BAD"
                  : theme.light ? "light"
                                : "dark",
                  path, ok ? "" : ": ", ok ? "" : err.text);
        return;
    }
    o = cli_event("theme");
    json_object_set_new(o, "name", cli_text(p->name));
    json_object_set_new(o, "path", p->path ? cli_text(p->path) : json_null());
    json_object_set_new(o, "light", json_boolean(theme.light));
    json_object_set_new(o, "ok", json_boolean(ok));
    cli_print(o);
}

static void print_problems(const struct cli *c, const char *name, const struct buf *said, int bad)
{
    char *save = NULL;
    json_t *o, *lines;

    if (!cli_json(c)) {
        if (!bad)
            std_print("ok   %s\n", name);
        for (char *l = said->data ? strtok_r(said->data, "\n", &save) : NULL; l;
             l = strtok_r(NULL, "\n", &save))
            std_print("BAD  %s: %s\n", name, l);
        return;
    }
    o = cli_event("theme_check");
    lines = json_array();
    for (char *l = said->data ? strtok_r(said->data, "\n", &save) : NULL; l;
         l = strtok_r(NULL, "\n", &save))
        json_array_append_new(lines, cli_text(l));
    json_object_set_new(o, "name", cli_text(name));
    json_object_set_new(o, "ok", json_boolean(!bad));
    json_object_set_new(o, "problems", lines);
    cli_print(o);
}

/* Prints the problems of one theme. Returns how many there are. */
static int check_theme(const struct cli *c, const char *name, const char *path)
{
    struct theme theme;
    struct err err = {0};
    struct buf said = {0};
    int bad;

    if (theme_as_written(&theme, name, path, &err)) {
        bad = theme_check(&theme, &said);
    } else {
        buf_printf(&said, "%s\n", err.text);
        bad = 1;
    }
    print_problems(c, name, &said, bad);
    buf_free(&said);
    return bad;
}

static bool check_themes(struct cli *c, const struct theme_place *place, int count, struct err *err)
{
    int bad = 0;

    for (int i = 0; c->rest_count < 2 && i < count; i++)
        bad += check_theme(c, place[i].name, place[i].path);
    for (int k = 1; k < c->rest_count; k++) {
        const char *name = c->rest[k];
        int i = 0;

        while (i < count && strcmp(place[i].name, name) != 0)
            i++;
        if (i == count && !strchr(name, '/') && !file_exists(name))
            return err_set(err, ERR_USAGE, "no theme and no file '%.60s'", name);
        bad += i < count ? check_theme(c, name, place[i].path) : check_theme(c, name, name);
    }
    return !bad || err_set(err, ERR_FORMAT, "%d problem%s found (lines marked BAD)", bad,
                           bad == 1 ? "" : "s");
}

static bool themes_run(struct cli *c, struct err *err)
{
    struct theme_place *place;
    int count = theme_list(c->value[OPT_THEME_DIR], &place);
    bool ok = true;

    if (c->rest_count && !strcmp(c->rest[0], "check"))
        ok = check_themes(c, place, count, err);
    else if (c->rest_count)
        ok = err_set(err, ERR_USAGE,
                     "themes: unexpected argument '%.60s'; see `editscope themes --help`",
                     c->rest[0]);
    else
        for (int i = 0; i < count; i++)
            print_theme(c, &place[i]);
    for (int i = 0; i < count; i++)
        free(place[i].path);
    free(place);
    return ok;
}

const struct cli_ops cli_themes = {"themes", "[check [NAME|FILE ...]]",
                                   "List the themes; check: test contrast and colour-blind safety",
                                   FOR_THEMES, themes_run};
