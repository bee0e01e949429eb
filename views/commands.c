/* Completes what is typed after `:`: names of commands, views and actions, then values, files,
 * themes and states, according to the kind of the command's argument. */
#include "views/commands.h"

#include <glob.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/closest_name.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/params.h"
#include "tui/theme.h"
#include "views/view.h"
#include "views/view_tables.h"

const struct command_info command_infos[] = {
#define O(name, argument, kind, view, help) {name, argument, kind, #view, help},
#define X(name, argument, kind, run, help)  {name, argument, kind, "", help},
    COMMANDS(O, X, X)
#undef O
#undef X
        {NULL, NULL, ARG_NONE, NULL, NULL},
};

const struct command_info *command_find(const char *name)
{
    for (const struct command_info *c = command_infos; c->name; c++)
        if (!strcmp(c->name, name))
            return c;
    return NULL;
}

bool command_needs_argument(const struct command_info *info)
{
    const char *last = strrchr(info->argument, ']');

    return *info->argument && !(info->argument[0] == '[' && last && !last[1]);
}

const char *command_renamed(const char *word)
{
    static const char *const renamed[][2] = {{"write", "save"}};

    for (size_t i = 0; i < sizeof(renamed) / sizeof(*renamed); i++)
        if (!strcmp(renamed[i][0], word))
            return renamed[i][1];
    return NULL;
}

const char *command_nearest(const char *word)
{
    struct closest_name near = {word, "", INT_MAX};

    for (const struct command_info *c = command_infos; c->name; c++)
        closest_name_try(&near, c->name);
    for (int a = 1; a < ACTION_COUNT; a++)
        closest_name_try(&near, action_infos[a].name);
    for (int i = 0; view_names[i]; i++)
        closest_name_try(&near, view_names[i]);
    return near.name;
}

/* Offers "BEFORE WORD" if it begins with what is typed and was not offered yet. */
static void offer(struct completions *c, const char *typed, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds a formatted line to the completions if it begins with what was typed and is not there yet.
 */
static void offer(struct completions *c, const char *typed, const char *fmt, ...)
{
    char line[1024];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(line) || strncmp(line, typed, strlen(typed)) != 0)
        return;
    for (int i = 0; i < c->count; i++)
        if (!strcmp(c->line[i], line))
            return;
    if (c->count == c->room) {
        c->room = c->room ? 2 * c->room : 32;
        c->line = xrealloc(c->line, (size_t)c->room * sizeof(*c->line));
    }
    c->line[c->count++] = xstrdup(line);
}

/* The first word: commands, views, actions. A blank follows a command that needs an argument. */
static void offer_names(struct completions *c, const char *typed)
{
    for (const struct command_info *info = command_infos; info->name; info++)
        offer(c, typed, "%s%s", info->name, command_needs_argument(info) ? " " : "");
    for (int i = 0; view_names[i]; i++)
        offer(c, typed, "%s", view_names[i]);
    for (int a = 1; a < ACTION_COUNT; a++)
        offer(c, typed, "%s", action_infos[a].name);
}

/* Names of parameters, or after "NAME=" the words that this parameter can be set to. */
static void offer_params(struct completions *c, const char *typed, const char *word)
{
    for (int i = 0; i < PARAM_COUNT; i++) {
        const struct param_info *info = param_info((enum param)i);
        size_t n = strlen(info->name);
        const char *p = info->words;

        if (strncmp(word, info->name, n) != 0 || word[n] != '=') {
            offer(c, typed, "set %s=", info->name);
            if (*info->alias)
                offer(c, typed, "set %s=", info->alias);
            continue;
        }
        while (*p) {
            size_t w = strcspn(p, " ");

            offer(c, typed, "set %s=%.*s", info->name, (int)w, p);
            p += w + (p[w] == ' ');
        }
    }
}

/* Files and folders that begin with the word, at most 500. A word with wildcards is left alone. */
static void offer_files(struct completions *c, const char *typed, const char *command,
                        const char *word)
{
    char *pattern = xasprintf("%s*", word);
    glob_t found;

    if (!strpbrk(word, "*?[") && !glob(pattern, GLOB_MARK | GLOB_TILDE, NULL, &found)) {
        for (size_t i = 0; i < found.gl_pathc && i < 500; i++)
            offer(c, typed, "%s %s", command, found.gl_pathv[i]);
        globfree(&found);
    }
    free(pattern);
}

/* The name with each ending that begins as typed. After a whole ending, that and all others, the
 * next one first, so that Tab goes from one to the next. */
static void offer_endings(struct completions *c, const char *typed, const char *dot)
{
    const char *ending[EXPORT_ENDINGS];
    int n = 0, at = -1;

    export_endings(ending);
    for (; ending[n]; n++)
        if (!strcmp(dot, ending[n]))
            at = n;
    for (int i = 0; i < n; i++)
        offer(c, at < 0 ? typed : "", "%.*s%s", (int)(dot - typed), typed,
              ending[(at + 1 + i) % n]);
}

/* For :export. First what of the edits can be exported, then files; after a kind, files. A name
 * that ends in a dot, or in the beginning of an ending, is completed with every format there is. */
static void offer_exports(struct completions *c, const char *typed, const char *command,
                          const char *word)
{
    const char *dot = strrchr(typed, '.'), *path = strchr(word, ' ');

    for (int i = 0; export_kinds[i]; i++)
        offer(c, typed, "%s %s ", command, export_kinds[i]);
    if (path) {
        char *before = xasprintf("%.*s", (int)(path - typed), typed);

        offer_files(c, typed, before, path + 1);
        free(before);
        return;
    }
    offer_files(c, typed, command, word);
    if (dot)
        offer_endings(c, typed, dot);
}

static void offer_themes(struct completions *c, const char *typed)
{
    struct theme_place *list;
    int n = theme_list(NULL, &list);

    for (int i = 0; i < n; i++) {
        offer(c, typed, "theme %s", list[i].name);
        free(list[i].path);
    }
    free(list);
}

/* For :bind and :unbind, "[VIEW] KEY ACTION": offers views first. The key in the middle cannot be
 * guessed; after it come actions. */
static void offer_binding(struct completions *c, const char *typed, const char *command,
                          const char *rest)
{
    const char *last = strrchr(rest, ' ');

    if (!last) {
        for (int i = 0; view_names[i]; i++)
            offer(c, typed, "%s %s ", command, view_names[i]);
        return;
    }
    if (strcmp(command, "bind") != 0)
        return;
    for (int a = 1; a < ACTION_COUNT; a++)
        offer(c, typed, "bind %.*s %s", (int)(last - rest), rest, action_infos[a].name);
}

void completions_find(struct completions *c, const char *typed)
{
    static const char *const states[] = {"base", "edited", "preview", "both", "edit:"};
    size_t n = strcspn(typed, " ");
    const char *word = typed + n + strspn(typed + n, " ");
    char name[32];
    const struct command_info *info;

    completions_free(c);
    snprintf(name, sizeof(name), "%.*s", (int)n, typed);
    info = command_find(name);
    if (!typed[n]) {
        offer_names(c, typed);
        return;
    }
    switch (info ? info->kind : ARG_NONE) {
    case ARG_VIEW:
        for (int i = 0; view_names[i]; i++)
            offer(c, typed, "%s %s", name, view_names[i]);
        break;
    case ARG_STATE:
        for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
            offer(c, typed, "%s %s", name, states[i]);
        break;
    case ARG_THEME:
        offer_themes(c, typed);
        break;
    case ARG_PARAM:
        offer_params(c, typed, word);
        break;
    case ARG_FILE:
        if (!strncmp(name, "export", 6))
            offer_exports(c, typed, name, word);
        else
            offer_files(c, typed, name, word);
        break;
    case ARG_BIND:
        offer_binding(c, typed, name, word);
        break;
    case ARG_NONE:
    case ARG_TEXT:
    case ARG_NUMBER:
        break;
    }
}

void completions_free(struct completions *c)
{
    texts_free(c->line, c->count);
    *c = (struct completions){0};
}
