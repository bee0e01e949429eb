/* The command line: `:` commands and `/` searches, with history and completion. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "views/app_inside.h"
#include "views/verbs.h"

void app_line_open(struct app *app, const char *text)
{
    field_set(&app->line, text);
    app->typing = true;
    app->recalled = -1;
    app->dirty = true;
}

static void set_parameter(struct app *app, const char *assignment)
{
    struct err err = {0};

    if (!params_assign(&app->desk.params, assignment, FROM_COMMAND_LINE, &err)) {
        app_say(app, TONE_ERROR, err.text);
        return;
    }
    app->host.knobs_moved(&app->host);
    app->host.say(&app->host, TONE_PLAIN, "%s", assignment);
}

/* Writes the screen as text: for bug reports and papers. */
static void dump(struct app *app, const char *path)
{
    struct screen screen = app_screen(app);
    struct buf text = {0};
    struct err err = {0};

    screen.line = NULL;
    screen_draw(&screen, app->surface);
    surface_dump(app->surface, &text);
    if (file_write(path, text.data, text.len, &err))
        app->host.say(&app->host, TONE_GOOD, "wrote %s", path);
    else
        app_say(app, TONE_ERROR, err.text);
    buf_free(&text);
}

static bool with_argument(struct app *app, const char *word, const char *rest)
{
    struct err err = {0};

    if (!strcmp(word, "set")) {
        set_parameter(app, rest);
    } else if (!strcmp(word, "open") && view_find(rest)) {
        app_open(app, rest);
    } else if (!strcmp(word, "theme")) {
        if (!app_theme(app, rest, &err))
            app_say(app, TONE_ERROR, err.text);
    } else if (!strcmp(word, "dump")) {
        dump(app, rest);
    } else if (!strcmp(word, "undo")) {
        verb_ask_undo(&app->host, (int)strtol(rest, NULL, 10));
    } else if (!strcmp(word, "query")) {
        verb_query(&app->host, rest, 0);
        app_open(app, "query");
    } else {
        return false;
    }
    return true;
}

static void run(struct app *app, const char *text)
{
    char word[64];
    size_t n = strcspn(text, " ");
    const char *rest = text + n + strspn(text + n, " ");

    snprintf(word, sizeof(word), "%.*s", (int)n, text);
    if (!*word)
        return;
    if (!strcmp(word, "q!") || !strcmp(word, "quit!"))
        app->quit = true;
    else if (!strcmp(word, "q"))
        app_action(app, ACTION_QUIT);
    else if (*rest && with_argument(app, word, rest))
        return;
    else if (view_find(word))
        app_open(app, word);
    else if (action_of_name(word) != ACTION_NONE)
        app_action(app, action_of_name(word));
    else if (strchr(word, '='))
        set_parameter(app, text);
    else if (!verb_go(&app->desk, text))
        app->host.say(&app->host, TONE_ERROR, "no command '%s': ? lists all", word);
}

static void find(struct app *app, const char *text)
{
    struct view *v = app->view[app->at];

    if (v->ops->find)
        v->ops->find(v, text);
    else if (!verb_go(&app->desk, text))
        app->host.say(&app->host, TONE_WARN, "nothing here is called '%s'; L5N912 is a neuron",
                      text);
}

static void enter(struct app *app)
{
    char *text = xstrdup(field_text(&app->line));

    app->typing = false;
    if (text[0] && text[1]) {
        free(app->lines[LINES_KEPT - 1]);
        memmove(&app->lines[1], &app->lines[0], (LINES_KEPT - 1) * sizeof(app->lines[0]));
        app->lines[0] = xstrdup(text);
    }
    if (text[0] == '/')
        find(app, text + 1);
    else if (text[0] == ':')
        run(app, text + 1 + strspn(text + 1, " "));
    free(text);
}

static void recall(struct app *app, int by)
{
    int at = app->recalled + by;

    if (at < -1 || at >= LINES_KEPT || (at >= 0 && !app->lines[at]))
        return;
    app->recalled = at;
    field_set(&app->line, at < 0 ? ":" : app->lines[at]);
}

/* The n-th thing that can follow ":": actions, views, parameters. NULL past the end. */
static const char *candidate(int n, char out[64])
{
    static const char *const words[] = {"q!",    "set ",  "open ", "theme ",
                                        "dump ", "undo ", "query "};
    int count = sizeof(words) / sizeof(*words);

    if (n < count)
        return words[n];
    n -= count;
    if (n < ACTION_COUNT - 1)
        return action_infos[n + 1].name;
    n -= ACTION_COUNT - 1;
    if (n < PARAM_COUNT) {
        snprintf(out, 64, "set %s=", param_info((enum param)n)->name);
        return out;
    }
    n -= PARAM_COUNT;
    if (n < PARAM_COUNT) {
        snprintf(out, 64, "set %s=", param_info((enum param)n)->alias);
        return out;
    }
    return NULL;
}

/* As far as all candidates that begin with what is typed agree; what they are is said. */
static void complete(struct app *app)
{
    const char *typed = field_text(&app->line) + 1, *word;
    char common[64] = "", out[64], said[400] = "";
    size_t len = strlen(typed);

    for (int n = 0; (word = candidate(n, out)) != NULL; n++) {
        size_t same = 0, used = strlen(said);

        if (strncmp(word, typed, len) != 0)
            continue;
        if (!*common)
            snprintf(common, sizeof(common), "%s", word);
        while (common[same] && common[same] == word[same])
            same++;
        common[same] = '\0';
        if (used + strlen(word) + 3 < sizeof(said))
            snprintf(said + used, sizeof(said) - used, "%s  ", word);
    }
    if (strlen(common) > len) {
        snprintf(said, sizeof(said), ":%s", common);
        field_set(&app->line, said);
    }
}

void app_line_key(struct app *app, const struct key *key)
{
    if (key->code == K_ENTER)
        enter(app);
    else if (key->code == K_ESCAPE || key->code == key_ctrl('c'))
        app->typing = false;
    else if (key->code == K_UP || key->code == K_DOWN)
        recall(app, key->code == K_UP ? 1 : -1);
    else if (key->code == K_TAB)
        complete(app);
    else
        field_key(&app->line, key);
    if (!*field_text(&app->line)) /* the : itself was erased */
        app->typing = false;
}
