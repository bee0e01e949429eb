/* What a line of plain mode does. In this order: a word of the table below, a single key, and
 * whatever the screen's command line takes (commands, views, actions, NAME=VALUE).
 *
 * Words of the table are about the fact at hand, whichever view was spoken last. Keys and other
 * lines go to the view that is open, as on the screen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/std.h"
#include "tui/key.h"
#include "views/commands.h"
#include "views/keymap.h"
#include "views/requests.h"
#include "views/shell/plain_internal.h"

static void type_fact(struct app *app, const char *text)
{
    if (ui_set_fact_typed(&app->host, text))
        plain_print_fact(&app->ui);
}

static void ask_undo(struct app *app, const char *text)
{
    confirm_undo_typed(&app->host, text);
}

static void ask_model(struct app *app, const char *text)
{
    if (*text)
        request_query(&app->host, text, 0);
    else
        app_say(app, TONE_ERROR, "query: needs a text to ask");
}

static void set_param(struct app *app, const char *text)
{
    ui_set_param(&app->host, text);
}

static void start_attribute(struct app *app, const char *text)
{
    (void)text;
    request_attribute(&app->host);
}

static void start_preview(struct app *app, const char *text)
{
    (void)text;
    request_preview(&app->host);
}

static void load_facts(struct app *app, const char *path)
{
    char *line = xasprintf("facts %s", path);

    app_run_command(app, line);
    free(line);
}

static void list_relations(struct app *app, const char *typed)
{
    plain_print_relations(&app->ui, typed);
}

/* commit: the fact at hand. commit facts: the list, one edit each. */
static void ask_commit(struct app *app, const char *what)
{
    if (!*what) {
        confirm_commit(&app->host);
    } else if (!strcmp(what, "facts")) {
        app_open(app, "facts");
        app_do(app, ACTION_COMMIT);
    } else {
        app->host.message(&app->host, TONE_ERROR, "commit: '%s' is neither empty nor facts", what);
    }
}

static void ask_scoreboard(struct app *app, const char *text)
{
    (void)text;
    if (app->ui.probes)
        plain_print_scoreboard(&app->ui);
    else
        request_probe(&app->host, &app->ui.fact, NULL);
}

/* The view asks for what is missing; what is there is printed. */
static void ask_lens(struct app *app, const char *text)
{
    (void)text;
    app_open(app, "lens");
    if (!ui_waits_for(&app->ui, CMD_LENS))
        plain_print_lens(&app->ui);
}

static void run_compare(struct app *app, const char *text)
{
    (void)text;
    app_open(app, "compare");
    app_do(app, ACTION_ATTRIBUTE); /* which runs the variants in this view */
}

static void run_sweep(struct app *app, const char *grid)
{
    char *line = xasprintf("sweep %s", grid);

    app_open(app, "sweep");
    if (*grid)
        app_run_command(app, line);
    if (!ui_waits_for(&app->ui, CMD_VARIANTS))
        app_do(app, ACTION_ATTRIBUTE);
    free(line);
}

static void stop_job(struct app *app, const char *text)
{
    (void)text;
    app_do(app, ACTION_CANCEL);
}

static void print_view(struct app *app, const char *text)
{
    (void)text;
    plain_print_view(app);
}

static void print_help(struct app *app, const char *text)
{
    (void)app;
    (void)text;
    plain_print_help();
}

/* The words of plain mode. `run` is used if the line goes on after the word, or if nothing can be
 * printed; else `print`. */
static const struct plain_word {
    const char *word, *help;
    void (*run)(struct app *app, const char *rest);
    void (*print)(const struct ui_state *d);
    bool edits; /* it is about the fact at hand: the view that was open is left */
} plain_words[] = {
    {"fact",
     "fact SUBJECT | PROMPT | OBJECT, where {} stands for the subject; or fact SUBJECT | RELATION "
     "| OBJECT: another fact. The old object may follow, after another |. fact: say it",
     type_fact, plain_print_fact, true},
    {"relations", "relations [WORD]: the relations that a fact can name", list_relations, NULL,
     false},
    {"attribute", "attribute: score the neurons", start_attribute, NULL, true},
    {"neurons", "neurons: the ten strongest", NULL, plain_print_neurons, false},
    {"ratios", "ratios: entropy, ratio, threshold, gain, leak", NULL, plain_print_ratios, false},
    {"why", "why: neurons and ratios", NULL, plain_print_why, false},
    {"parameters", "parameters: the values of the most important ones", NULL,
     plain_print_parameters, false},
    {"set", "set NAME=VALUE: set a parameter", set_param, NULL, false},
    {"preview", "preview: try the edit without writing it", start_preview, NULL, true},
    {"commit",
     "commit: write the edit to the session, asks first. commit facts: the list of facts, one "
     "edit each",
     ask_commit, NULL, true},
    {"undo", "undo [N]: undo the last edit, or edit N, asks first", ask_undo, NULL, true},
    {"query", "query TEXT: ask the model, before and after", ask_model, NULL, true},
    {"probes", "probes: rephrases, question, chat, neighbours, before and after", ask_scoreboard,
     NULL, true},
    {"lens", "lens: what each layer would say, and the ranks of both objects", ask_lens, NULL,
     false},
    {"compare", "compare: the edit by other methods and with other masks", run_compare, NULL,
     false},
    {"sweep",
     "sweep [GRID]: the edit for a grid of parameters, such as alpha_ge=.05,.1;beta_sp=.1..0.5/5",
     run_sweep, NULL, false},
    {"variants", "variants: the results of compare or sweep again", NULL, plain_print_variants,
     false},
    {"facts", "facts [FILE]: read a list of facts. facts: say the list", load_facts,
     plain_print_facts, false},
    {"history", "history: the edits", NULL, plain_print_history, false},
    {"state", "state: edits, checksum and file of the session", NULL, plain_print_state, false},
    {"jobs", "jobs: what runs and what waits", NULL, plain_print_jobs, false},
    {"stop", "stop, or Control C: stop what runs", stop_job, NULL, false},
    {"say", "say: what the open view shows", print_view, NULL, false},
    {"help", "help: these words, and the commands of the screen, which work too", print_help, NULL,
     false},
};
enum { WORDS = sizeof(plain_words) / sizeof(*plain_words) };

static const struct plain_word *plain_word_find(const char *word)
{
    for (int i = 0; i < WORDS; i++)
        if (!strcmp(plain_words[i].word, word))
            return &plain_words[i];
    return NULL;
}

void plain_print_help(void)
{
    for (int i = 0; i < WORDS; i++)
        std_puts(plain_words[i].help);
    for (const struct command_info *c = command_infos; c->name; c++)
        if (!plain_word_find(c->name))
            plain_say("%s%s%s: %s\n", c->name, *c->argument ? " " : "", c->argument, c->help);
    std_puts("quit: end\n"
             "The name of a view opens it and says it. A single key does what it does on the "
             "screen.");
}

/* Keys that open a text field on the screen: here the line with the text is typed at once. */
static bool key_of_field(struct plain *p, enum action action)
{
    const char *word = action == ACTION_EDIT_FACT  ? "fact"
                       : action == ACTION_ASK      ? "query"
                       : action == ACTION_RELATION ? "relations"
                                                   : NULL;

    if (word == NULL)
        return false;
    if (action == ACTION_EDIT_FACT)
        plain_print_fact(&p->app->ui);
    plain_say("%s\n", plain_word_find(word)->help);
    return true;
}

/* A field that the screen would open: here a line is typed as a whole. */
static void close_fields(struct app *app)
{
    const struct view *v = app->view[app->shown];
    const struct key leave = {.code = K_ESCAPE};

    if (app->typing) {
        plain_say("type it in one line: %s%s…\n", app->line_sign + (app->line_sign[0] == ':'),
                  field_text(&app->line));
        app_line_close(app);
    } else if (!app->asking && v->ops->field && v->ops->field(v)) {
        app_key(app, &leave);
    }
}

static void press_key(struct plain *p, int32_t code)
{
    struct app *app = p->app;
    enum action action = keymap_action(keymap_current(), views[app->shown]->name, code);

    if (action == ACTION_NONE)
        plain_say("error: this key does nothing here; help lists what can be typed\n");
    else if (!key_of_field(p, action))
        app_do(app, action);
    if (action != ACTION_NONE && action == action_of_view(views[app->shown]->name))
        p->shown = -1; /* asked for again, it is printed again */
}

/* A question takes yes or no. Whatever else is typed, such as a line that was on its way, neither
 * confirms nor cancels. */
static void answer_question(struct plain *p, const char *word)
{
    bool yes = !strcmp(word, "yes") || (!strcmp(word, "y") && !p->app->question.typed);
    bool no =
        !strcmp(word, "no") || !strcmp(word, "n") || !strcmp(word, "q") || !strcmp(word, "quit");

    if (yes || no)
        app_answer(p->app, yes);
    else
        plain_say("'%s' is no answer: yes or no?\n", word);
    p->asked = p->app->asking;
}

/* A line that neither the table nor the keymap takes. */
static void run_command(struct plain *p, const char *line)
{
    struct app *app = p->app;

    if (!strcmp(line, "quit"))
        app_open(app, "edit"); /* from there, quit ends the program */
    app_run_command(app, line);
    if (!strcmp(line, views[app->shown]->name))
        p->shown = -1;
}

void plain_run_line(struct plain *p, const char *text)
{
    char *line = xtrimmed(text, strlen(text)), word[64];
    const char *at = line + (line[0] == ':' && line[1]), *rest;
    size_t n = strcspn(at, " ");
    const struct plain_word *w;
    int32_t key = key_parse(at);

    snprintf(word, sizeof(word), "%.*s", (int)n, at);
    rest = at + n + strspn(at + n, " ");
    w = plain_word_find(word);
    if (p->app->asking) {
        answer_question(p, word);
    } else if (w) {
        if (w->edits)
            app_open(p->app, "edit");
        if (w->run && (*rest || !w->print))
            w->run(p->app, rest);
        else
            w->print(&p->app->ui);
        p->shown = p->app->shown;
    } else if (key >= 0 && !command_find(word)) {
        press_key(p, key);
    } else if (*word) {
        run_command(p, at);
    }
    close_fields(p->app);
    free(line);
}
