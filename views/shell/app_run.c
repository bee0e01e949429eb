/* What an entered line does: : commands (a function run_NAME() for each row X of
 * views/commands.h), / searches and \ filters. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "views/interventions.h"
#include "views/keymap.h"
#include "views/requests.h"
#include "views/shell/app_internal.h"

static void run_set(struct app *app, const char *assignment)
{
    ui_set_param(&app->host, assignment);
}

static void run_undo(struct app *app, const char *rest)
{
    confirm_undo_typed(&app->host, rest);
}

static void run_fact(struct app *app, const char *text)
{
    if (*text)
        ui_set_fact_typed(&app->host, text);
    else
        app_action(app, ACTION_EDIT_FACT);
}

static void run_old(struct app *app, const char *text)
{
    ui_name_old_object(&app->host, text);
}

/* :dump writes the screen as text, for bug reports and papers. */
static void run_dump(struct app *app, const char *path)
{
    struct screen screen = app_screen(app);
    struct buf text = {0};

    screen.line = NULL;
    screen_draw(&screen, app->surface);
    surface_dump(app->surface, &text);
    app_write(app, "dump", path, &text);
    buf_free(&text);
}

static void run_open(struct app *app, const char *name)
{
    if (view_find(name))
        app_open(app, name);
    else
        app->host.message(&app->host, TONE_ERROR, "open: there is no view '%s'; Tab lists them",
                          name);
}

static void run_theme(struct app *app, const char *name)
{
    struct err err = {0};

    if (app_theme(app, name, &err))
        app->host.message(&app->host, TONE_PLAIN, "theme %s", name);
    else
        app->host.message(&app->host, TONE_ERROR, "theme: %s", err.text);
}

static void run_query(struct app *app, const char *text)
{
    app_open(app, "query");
    if (*text)
        request_query(&app->host, text, 0);
}

/* :neuron L5N912 goes there; with = or * it changes the neuron in queries. */
static void run_neuron(struct app *app, const char *address)
{
    if (strpbrk(address, "=*"))
        ui_change_neuron(&app->host, address);
    else if (!ui_go_to_neuron(&app->ui, address))
        app->host.message(
            &app->host, TONE_ERROR,
            "neuron: '%s' is not a neuron of this model; L5N912 is layer 5, neuron 912", address);
}

/* :bind and :unbind, for this run only. */
static void bind_key(struct app *app, const char *rest, bool unbind)
{
    struct buf notes = {0};
    struct err err = {0};

    if (!*rest && !unbind)
        app_open(app, "help");
    else if (!keymap_command(keymap_current(), rest, unbind, &notes, &err))
        app->host.message(&app->host, TONE_ERROR, "%s: %s", unbind ? "unbind" : "bind", err.text);
    else if (notes.len)
        app->host.message(&app->host, TONE_WARN, "%.*s", (int)notes.len - 1, notes.data);
    else
        app->host.message(&app->host, TONE_PLAIN,
                          "%s %s until the program ends; to keep it, add it to [keys] of "
                          "the config file",
                          rest, unbind ? "is unbound" : "is bound");
    buf_free(&notes);
}

static void run_bind(struct app *app, const char *rest)
{
    bind_key(app, rest, false);
}

static void run_unbind(struct app *app, const char *rest)
{
    bind_key(app, rest, true);
}

/* One parameter by its name or alias, or `all` that the Edit view shows, as they are in *from. */
static void reset_named(struct app *app, const char *name, const struct params *from,
                        const char *words)
{
    int id = 0;

    while (id < PARAM_COUNT && strcmp(param_info((enum param)id)->name, name) != 0 &&
           (!*name || strcmp(param_info((enum param)id)->alias, name) != 0))
        id++;
    if (id < PARAM_COUNT) {
        struct buf value = {0};

        param_reset(&app->ui.params, from, (enum param)id);
        app->host.params_changed(&app->host);
        params_show(from, (enum param)id, &value);
        app->host.message(&app->host, TONE_PLAIN, "%s is %s, %s; {untune} undoes this", name,
                          value.data, words);
        buf_free(&value);
    } else if (!strcmp(name, "all")) {
        app_reset_knobs(app, from);
        app->host.message(&app->host, TONE_PLAIN, "parameters %s; {untune} undoes this", words);
    } else {
        app->host.message(&app->host, TONE_ERROR, "reset: no parameter '%s'; {options} lists them",
                          name);
    }
}

/* :reset without a name is the key: the selected parameter. */
static void run_reset(struct app *app, const char *name)
{
    if (*name)
        reset_named(app, name, &app->ui.first, "as at the start");
    else
        app_do(app, ACTION_RESET);
}

static void run_reset_built_in(struct app *app, const char *name)
{
    struct params built_in;

    params_default(&built_in);
    reset_named(app, name, &built_in, "as built in");
}

static void run_preset(struct app *app, const char *name)
{
    const struct app_options *o = app->options;
    struct params of_preset;
    struct err err = {0};
    int changed, one;

    if (!o->preset || app->ui.recorded) {
        app->host.message(&app->host, TONE_ERROR, "preset: a recording has no presets");
        return;
    }
    if (!o->preset(o->ctx, name, &of_preset, &err)) {
        app->host.message(&app->host, TONE_ERROR, "%s", err.text);
        return;
    }
    changed = params_differing(&app->ui.params, &of_preset, &one);
    app->ui.params = of_preset;
    app->host.params_changed(&app->host);
    app->host.message(&app->host, TONE_PLAIN, "preset %s: %d parameter%s changed; {untune} undoes",
                      name, changed, changed == 1 ? "" : "s");
}

static void run_export(struct app *app, const char *path)
{
    app_export(app, path, false);
}

static void run_export_over(struct app *app, const char *path)
{
    app_export(app, path, true);
}

/* :terms shows all of them. */
static void run_terms(struct app *app, const char *rest)
{
    (void)rest;
    app->terms = (struct terms){.open = true, .all = true};
}

static void run_tour(struct app *app, const char *rest)
{
    (void)rest;
    if (app->tour.on)
        app_tour_end(app);
    else
        app_tour_begin(app);
}

static void run_quit(struct app *app, const char *rest)
{
    (void)rest;
    app->quit = true;
}

/* By index in command_infos. A row with neither function nor command belongs to a view. */
static const struct {
    void (*run)(struct app *app, const char *rest);
    enum command_kind
        post; /* sent with the argument as its text, and with force if the name ends in ! */
} runs[] = {
#define O(name, argument, kind, view, help) {NULL, CMD_NONE},
#define X(name, argument, kind, run, help)  {run_##run, CMD_NONE},
#define P(name, argument, kind, post, help) {NULL, CMD_##post},
    COMMANDS(O, X, P)
#undef O
#undef X
#undef P
};

static void post_command(struct app *app, const struct command_info *info, const char *rest)
{
    enum command_kind kind = runs[info - command_infos].post;
    bool force = info->name[strlen(info->name) - 1] == '!';
    struct command cmd = {.kind = kind, .force = force};

    if (kind == CMD_APPLY) {
        request_apply(&app->host, rest, force);
        return;
    }
    cmd.text = xstrdup(rest);
    if (kind == CMD_SAVE)
        app->host.post(&app->host, &cmd);
    else
        request_replacing(&app->host, &cmd);
}

static bool view_takes_command(struct app *app, const char *word, const char *rest)
{
    struct view *v = app->view[app->shown];

    return v->ops->command && v->ops->command(v, word, rest);
}

/* A command of the table: the shown view first, then its function or engine command, then the view
 * that the table names. False: not possible here. */
static bool run_listed(struct app *app, const struct command_info *info, const char *rest)
{
    if (!*rest && command_needs_argument(info)) {
        if (action_of_name(info->name) != ACTION_NONE || view_find(info->name))
            return false;
        app->host.message(&app->host, TONE_ERROR, "%s needs %s: %s", info->name, info->argument,
                          info->help);
        return true;
    }
    if (view_takes_command(app, info->name, rest))
        return true;
    if (runs[info - command_infos].run) {
        runs[info - command_infos].run(app, rest);
    } else if (runs[info - command_infos].post) {
        post_command(app, info, rest);
    } else if (*rest) {
        app_open(app, info->view);
        return view_takes_command(app, info->name, rest);
    } else {
        return false;
    }
    return true;
}

/* A line after the colon. In this order: a command of the table or of the view, q, an assignment
 * (alpha_ge=0.2), the name of a view, the name of an action, the address of a neuron. */
void app_run_command(struct app *app, const char *text)
{
    char *line = xtrimmed(text, strlen(text)), word[64];
    size_t n = strcspn(line, " ");
    const char *rest = line + n + strspn(line + n, " ");
    const struct command_info *info;

    snprintf(word, sizeof(word), "%.*s", (int)n, line);
    if (command_renamed(word)) {
        app->host.message(&app->host, TONE_WARN, "%s is called %s now", word,
                          command_renamed(word));
        snprintf(word, sizeof(word), "%s", command_renamed(word));
    }
    info = command_find(word);
    if (!*word || (info && run_listed(app, info, rest)) ||
        (!info && view_takes_command(app, word, rest)))
        ;
    else if (!strcmp(word, "q"))
        app_action(app, ACTION_QUIT);
    else if (!strcmp(word, "quit!") || !strcmp(word, "qa!"))
        app->quit = true;
    else if (strchr(word, '='))
        run_set(app, line);
    else if (view_find(word) && !*rest)
        app_open(app, word);
    else if (action_of_name(word) != ACTION_NONE && !*rest)
        app_do(app, action_of_name(word));
    else if (info)
        app->host.message(&app->host, TONE_ERROR, "%s: not possible here (%s)", word, info->help);
    else if (ui_go_to_neuron(&app->ui, line))
        ;
    else if ((*word == 'L' || *word == 'l') && word[1] >= '0' && word[1] <= '9')
        app->host.message(&app->host, TONE_ERROR, "no neuron '%s': L0N0 to L%dN%d", word,
                          app->ui.layers - 1, app->ui.model.neurons - 1);
    else if (action_of_name(word) != ACTION_NONE || view_find(word))
        app->host.message(&app->host, TONE_ERROR, "%s: nothing is typed behind it", word);
    else
        app->host.message(&app->host, TONE_ERROR,
                          "no command '%s'; did you mean %s? {help} lists all", word,
                          command_nearest(word));
    free(line);
}

static void set_searched(struct app *app, const char *text)
{
    if (text == app->searched)
        return;
    free(app->searched);
    app->searched = xstrdup(text);
}

/* /: an empty text searches for the last one again, as in vi. Views without rows go to a neuron by
 * its address. */
void app_find(struct app *app, const char *text)
{
    struct view *v = app->view[app->shown];

    if (!*text && app->searched)
        text = app->searched;
    set_searched(app, text);
    text = app->searched;
    if (v->ops->find)
        v->ops->find(v, text);
    else if (v->ops->find_next && !v->ops->find_next(v, text, 1))
        app->host.message(&app->host, TONE_WARN, "%s: nothing matches '%s'", v->ops->title, text);
    else if (!v->ops->find_next && !ui_go_to_neuron(&app->ui, text))
        app->host.message(&app->host, TONE_WARN,
                          "nothing here matches '%s'; a neuron is written L5N912", text);
}

/* n and N: the next match in this direction (1 or -1). */
void app_find_next(struct app *app, int by)
{
    struct view *v = app->view[app->shown];

    if (!app->searched || !*app->searched)
        app->host.message(&app->host, TONE_WARN, "no search yet: {search} starts one");
    else if (v->ops->find_next ? !v->ops->find_next(v, app->searched, by) : !v->ops->find)
        app->host.message(&app->host, TONE_WARN, "no other match for '%s' here", app->searched);
    else if (!v->ops->find_next)
        v->ops->find(v, app->searched);
}

/* \: shows only matching rows where the view can; otherwise searches. */
void app_filter(struct app *app, const char *text)
{
    struct view *v = app->view[app->shown];

    if (*text)
        set_searched(app, text);
    if (v->ops->filter)
        v->ops->filter(v, text);
    else if ((v->ops->find || v->ops->find_next) && *text)
        app_find(app, text);
    else
        app_say(app, TONE_WARN, "this view has no rows to filter");
}
