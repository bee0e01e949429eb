/* The options of the screen that do not depend on what it shows: theme, colours, mouse, log, crash
 * report. */
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "views/cli/cli.h"
#include "views/shell/app.h"

/* Whether the option is one of these words, separated by blanks. */
static bool check_choice(const struct cli *c, enum option option, const char *words,
                         struct err *err)
{
    const char *value = c->value[option], *p = words;
    size_t n;

    for (; value && *p; p += n + (p[n] == ' ')) {
        n = strcspn(p, " ");
        if (strlen(value) == n && !strncmp(value, p, n))
            return true;
    }
    return !value || err_set(err, ERR_USAGE, "--%s %.40s: not one of %s", option_infos[option].name,
                             value, words);
}

bool cli_screen_setup(struct cli *c, struct app_options *o, struct err *err)
{
    long frames;
    char *log;

    *o = (struct app_options){.theme = c->value[OPT_THEME],
                              .themes = c->value[OPT_THEME_DIR],
                              .background = c->value[OPT_BACKGROUND],
                              .params = c->params,
                              .present = cli_has(c, OPT_PRESENT),
                              .term = {.mouse = !cli_has(c, OPT_NO_MOUSE),
                                       .color = c->value[OPT_COLOR],
                                       .ascii = cli_has(c, OPT_ASCII)},
                              .notes = c->notes.data};
    if (!check_choice(c, OPT_COLOR, "auto always never 8 16 256 direct", err) ||
        !check_choice(c, OPT_BACKGROUND, "light dark query", err) || !term_check(err) ||
        !cli_number(c, OPT_REFRESH, 1, 120, 0, &frames, err))
        return false;
    o->refresh = (int)frames;
    log = file_state_path("editscope.log");
    if (file_make_parents(log, NULL)) /* messages of libraries go there, not on the screen */
        o->term.log = log;
    else
        free(log);
    o->term.report = file_state_path("crash.txt");
    o->term.version = EDITSCOPE_VERSION;
    term_block_signals();
    return true;
}

void cli_screen_done(struct app_options *o)
{
    free((char *)(size_t)o->term.log);
    free((char *)(size_t)o->term.report);
}
