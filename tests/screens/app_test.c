/* The program of the screen without a terminal and without an engine: what it asks before a session
 * is left, and what is part of a figure. */
#include "core/base/file.h"
#include "core/edit/relations.h"
#include "tests/folder.h"
#include "tests/screens/fixture.h"
#include "views/requests.h"
#include "views/screens/facts_list.h"
#include "views/shell/app_internal.h"

#define MODEL "tests/data/architectures/llama3/model.gguf"

static char folder[64];
static struct app_options options_of_app;

static struct engine *no_engine(void *ctx, const char *model, const char *session,
                                struct params *params, struct err *err)
{
    (void)ctx;
    (void)model;
    (void)session;
    (void)params;
    err_set(err, ERR_MODEL, "no engine here");
    return NULL;
}

static struct app *start(bool present)
{
    struct app *app;

    options_of_app = (struct app_options){.theme = "dark", .reopen = no_engine, .present = present};
    params_default(&options_of_app.params);
    app = app_start(NULL, &options_of_app);
    app->offscreen = true;
    CHECK(app_theme(app, "dark", NULL));
    app_paint(app, 36, 120);
    return app;
}

/* A list of facts is nowhere but in memory, and so is a commit that has not begun. */
static void what_is_lost_is_asked_about(void)
{
    struct app *app = start(false);
    struct ui_state *d = &app->ui;

    app_reopen_ask(app, MODEL);
    CHECK(!app->asking && app->reopen.confirmed); /* nothing to lose */
    d->queue = xcalloc(1, sizeof(*d->queue));
    d->queue_count = 1;
    app_reopen_ask(app, MODEL);
    CHECK(app->asking && !app->reopen.confirmed);
    CHECK(strstr(app->question.text, "1 fact of the list that waits") != NULL);
    CHECK(strstr(app->question.text, MODEL) != NULL);
    app_answer(app, false);
    ui_queue_remove(d, 0);
    ui_add_job(d, 7, (struct ui_job){.kind = CMD_COMMIT, .about = "Eiffel Tower → Rome"});
    app_reopen_ask(app, MODEL);
    CHECK(app->asking && strstr(app->question.text, "it is not written yet") != NULL);
    CHECK(strstr(app->question.text, "The running job is stopped.") != NULL);
    app_answer(app, false);
    app_finish(app);
}

/* What is written under this name; the caller frees it. */
static char *exported(struct app *app, const char *name)
{
    char *path = xasprintf("%s/%s", folder, name), *text;

    app_export(app, path, true);
    text = file_read_text(path, 1 << 20, NULL, NULL);
    CHECK(text != NULL);
    free(path);
    return text;
}

static void a_figure_is_of_the_view_alone(void)
{
    struct app *app = start(true);
    char *with, *without;
    int lines = 0;

    app_tour_begin(app);
    app->terms.open = true;
    app_paint(app, 36, 120);
    CHECK(app->captioned);
    with = exported(app, "with.txt");
    app->captioned = app->terms.open = app->tour.on = false;
    without = exported(app, "without.txt");
    if (with && without)
        CHECK_STR(with, without);
    free(with);
    free(without);
    ui_free(&app->ui);
    make_full_ui_state(&app->ui);
    app_open(app, "verdict"); /* longer than the screen: a figure has all of it */
    app_paint(app, 16, 80);
    with = exported(app, "long.txt");
    for (const char *p = with; p && (p = strchr(p, '\n')); p++)
        lines++;
    CHECK(lines > 16);
    CHECK(app->surface->h == 16 && app->surface->w == 80);
    free(with);
    app_finish(app);
}

/* Keys on the screen; in plain mode the words that stand for them. */
static void the_tour_says_what_to_press(void)
{
    struct app *app = start(false);

    app_tour_begin(app);
    app_caption(app);
    CHECK_STR(app->caption.press, "[ x ]  Esc ends");
    app->ui.without_keys = true;
    app_caption(app);
    CHECK_STR(app->caption.press, "[ attribute ]  back ends");
    app->tour.step = tour_step_count;
    app_caption(app);
    CHECK_STR(app->caption.press, "[ back ] ends it");
    app_finish(app);
}

/* The preset of a model and the command line are the start, not the built-in values. */
static void a_reset_goes_back_to_the_start(void)
{
    static const enum param id[] = {P_RATIO_GE_B, P_MASK_COMPENSATE, P_EDIT_PASSES};
    struct app *app;
    struct params *p;

    options_of_app = (struct app_options){.theme = "dark", .reopen = no_engine};
    params_default(&options_of_app.params);
    CHECK(params_set(&options_of_app.params, "beta_ge", "0.35", FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&options_of_app.params, "mask.compensate", "gain", FROM_PRESET, NULL));
    CHECK(params_set(&options_of_app.params, "edit.passes", "3", FROM_CONFIG, NULL));
    app = app_start(NULL, &options_of_app);
    p = &app->ui.params;
    app_run_command(app, "set beta_ge=0.5");
    app_run_command(app, "set mask.compensate=none");
    app_do(app, ACTION_RESET_ALL);
    CHECK(strstr(app->message.text, "as at the start") != NULL);
    for (int i = 0; i < 2; i++)
        CHECK(param_same(p, &options_of_app.params, id[i]));
    CHECK(p->source[P_RATIO_GE_B] == FROM_COMMAND_LINE && p->source[id[1]] == FROM_PRESET);
    app_run_command(app, "set edit.passes=2");
    app_run_command(app, "reset edit.passes");
    CHECK_STR(app->message.text, "edit.passes is 3, as at the start; Z undoes this");
    CHECK(param_same(p, &options_of_app.params, P_EDIT_PASSES));
    app_run_command(app, "set beta_ge=0.5");
    for (int knob = 0; knob < 6; knob++) {
        app_do(app, ACTION_RESET);
        app_do(app, ACTION_DOWN);
    }
    CHECK(param_same(p, &options_of_app.params, P_RATIO_GE_B));
    app_run_command(app, "reset! all");
    CHECK(p->value[P_RATIO_GE_B] >= 0.3 && p->value[P_RATIO_GE_B] <= 0.3);
    CHECK(params_choice(p, P_MASK_COMPENSATE) == COMPENSATE_NONE);
    CHECK(params_choice(p, P_EDIT_PASSES) == 3); /* not one of the Edit view */
    app_run_command(app, "reset! edit.passes");
    CHECK_STR(app->message.text, "edit.passes is 1, as built in; Z undoes this");
    app_finish(app);
}

static bool preset_of_four_passes(void *ctx, const char *name, struct params *p, struct err *err)
{
    (void)ctx;
    if (strcmp(name, "four") != 0)
        return err_set(err, ERR_USAGE, "--preset %s: no such preset", name);
    params_default(p);
    return params_set(p, "edit.passes", "4", FROM_COMMAND_LINE, err);
}

/* Its parameters are those of the screen then, as one step that can be taken back. */
static void a_preset_by_its_name(void)
{
    struct app *app;

    options_of_app = (struct app_options){.theme = "dark", .reopen = no_engine};
    params_default(&options_of_app.params);
    app = app_start(NULL, &options_of_app);
    app_run_command(app, "preset four");
    CHECK_STR(app->message.text, "preset: a recording has no presets");
    options_of_app.preset = preset_of_four_passes;
    app_run_command(app, "set beta_ge=0.5");
    app_run_command(app, "preset three");
    CHECK_STR(app->message.text, "--preset three: no such preset");
    CHECK(app->ui.params.value[P_RATIO_GE_B] > 0.49);
    app_run_command(app, "preset four");
    CHECK_STR(app->message.text, "preset four: 2 parameters changed; Z undoes");
    CHECK_NEAR(app->ui.params.value[P_EDIT_PASSES], 4, 0);
    CHECK_NEAR(app->ui.params.value[P_RATIO_GE_B], 0.3, 0);
    app_finish(app);
}

/* Ctrl-C names what runs though no key stops it, and says that nothing runs only if that is so. */
static void ctrl_c_names_the_background(void)
{
    struct app *app = start(false);

    app_do(app, ACTION_CANCEL);
    CHECK_STR(app->message.text, "the model is being loaded; :q quits");
    give_model(&app->ui);
    app_do(app, ACTION_CANCEL);
    CHECK_STR(app->message.text, "nothing is running; :q quits");
    app->ui.background = (struct progress){.what = PROGRESS_MOMENTS, .done = 3, .total = 12};
    app_do(app, ACTION_CANCEL);
    CHECK_STR(app->message.text,
              "only background work runs: second moments · it makes way for what is "
              "asked · :q ends it · J shows it");
    app_finish(app);
}

/* The form takes a whole line, wherever its cursor is, and so do the list and :fact. */
static void a_pasted_line_is_a_fact_everywhere(void)
{
    static const char line[] = "Mount Fuji | The {} is a mountain in | Peru\n";
    struct app *app = start(false);
    struct ui_state *d = &app->ui;

    app_do(app, ACTION_EDIT_FACT);
    app_key(app, &(struct key){.code = K_TAB});
    app_key(app, &(struct key){.code = K_PASTE, .paste = line});
    app_paint(app, 24, 80);
    app_key(app, &(struct key){.code = K_ENTER});
    CHECK_STR(d->fact.subject, "Mount Fuji");
    CHECK_STR(d->fact.prompt, "The {} is a mountain in");
    CHECK_STR(d->fact.target, "Peru");
    app_open(app, "facts");
    app_key(app, &(struct key){.code = K_PASTE, .paste = line});
    CHECK(d->queue_count == 1);
    if (d->queue_count)
        CHECK_STR(d->queue[0].fact.prompt, "The {} is a mountain in");
    app_run_command(app, "fact Big Ben; Big Ben is in; Oslo");
    CHECK_STR(d->fact.prompt, "{} is in");
    app_finish(app);
}

static void type_in_form(struct app *app, int field, const char *text)
{
    app_do(app, ACTION_EDIT_FACT);
    for (int i = 0; i < field; i++)
        app_key(app, &(struct key){.code = K_TAB});
    app_key(app, &(struct key){.code = key_ctrl('u')});
    for (const char *p = text; *p; p++)
        app_key(app, &(struct key){.code = (unsigned char)*p});
    app_key(app, &(struct key){.code = K_ENTER});
    app_paint(app, 24, 80);
}

/* It stands behind the new object, in its field of the form, or after :old; with another question
 * it goes. */
static void the_old_object_can_be_typed(void)
{
    struct app *app = start(false);
    struct ui_state *d = &app->ui;

    app->host.post = no_post;
    app_run_command(app, "fact Mount Fuji | The {} is a mountain in | Peru | Japan");
    CHECK_STR(d->fact.target, "Peru");
    CHECK_STR(d->fact.old, "Japan");
    type_in_form(app, 3, "Nippon");
    CHECK_STR(d->fact.old, "Nippon");
    type_in_form(app, 2, "Chile");
    CHECK_STR(d->fact.target, "Chile");
    CHECK_STR(d->fact.old, "Nippon");
    type_in_form(app, 0, "Mount Etna");
    CHECK_STR(d->fact.subject, "Mount Etna");
    CHECK(d->fact.old == NULL);
    app_run_command(app, "old  Italy ");
    CHECK_STR(d->fact.old, "Italy");
    type_in_form(app, 3, "");
    CHECK(d->fact.old == NULL);
    app_finish(app);
}

/* The new object is no old one, wherever it is named; blanks around it do not make it another. */
static void the_old_object_is_not_the_new_one(void)
{
    static const char refusal[] = "the old object 'cat' is the new one too";
    struct app *app = start(false);
    struct ui_state *d = &app->ui;

    app->host.post = no_post;
    app_run_command(app, "fact The pet | {} is a | cat | dog");
    app_run_command(app, "old cat ");
    CHECK(strstr(app->message.text, refusal) != NULL);
    CHECK_STR(d->fact.old, "dog");
    app_message_drop(app);
    app_run_command(app, "fact The pet | {} is a | cat | cat");
    CHECK(strstr(app->message.text, refusal) != NULL);
    CHECK_STR(d->fact.old, "dog");
    app_message_drop(app);
    type_in_form(app, 3, "cat");
    CHECK(strstr(app->message.text, refusal) != NULL);
    CHECK_STR(d->fact.old, "dog");
    app_key(app, &(struct key){.code = K_ESCAPE});
    app_run_command(app, "old cats");
    CHECK_STR(d->fact.old, "cats");
    app_finish(app);
}

/* What was said of a fact leaves with it, whichever of its parts is changed. */
static void what_was_said_leaves_with_the_old_object(void)
{
    struct app *app = start(false);

    app->host.post = no_post;
    app_run_command(app, "fact Mount Fuji | The {} is a mountain in | Peru | Japan");
    for (int field = 2; field <= 3; field++) {
        app->host.message(&app->host, TONE_PLAIN, "would hold: p(target) 0.1");
        app->message.by_key = false; /* as of a job that has ended */
        CHECK(*app->message.text);
        type_in_form(app, field, field == 2 ? "Chile" : "Nippon");
        CHECK_STR(app->message.text, "");
    }
    app_finish(app);
}

/* The screen names its own ways, before anything is computed. */
static void a_method_that_needs_the_old_object_says_so(void)
{
    static const char *const method[] = {"edit.method=kn", "edit.method=f-learning"};
    struct app *app = start(false);
    struct ui_state *d = &app->ui;

    give_model(d);
    app->host.post = no_post;
    app_run_command(app, "fact Mount Fuji | The {} is a mountain in | Peru");
    for (int i = 0; i < 2; i++) {
        struct buf text = {0};

        ui_set_param(&app->host, method[i]);
        app_do(app, ACTION_PREVIEW);
        CHECK(strstr(app->message.text, "needs the old object: :old TEXT, or e and the field old"));
        app_do(app, ACTION_COMMIT);
        CHECK(!app->asking && strstr(app->message.text, "needs the old object"));
        app_paint(app, 24, 80);
        surface_dump(app->surface, &text);
        CHECK(strstr(text.data, "Peru  no old object") != NULL);
        buf_free(&text);
    }
    d->without_keys = true; /* in plain mode there is no form */
    app_do(app, ACTION_PREVIEW);
    CHECK(strstr(app->message.text, "needs the old object: old TEXT, or fact with a fourth part"));
    d->without_keys = false;
    app_run_command(app, "old Japan");
    app_do(app, ACTION_COMMIT);
    CHECK(app->asking);
    app_finish(app);
}

static void what_is_kept_is_said_as_a_person_would(void)
{
    static const struct {
        int active, all;
        const char *words;
    } row[] = {
        {0, 0, ""},
        {0, 1, "no edit is active: the one that was undone is kept in /tmp/paris.es: "},
        {0, 3, "no edit is active: 3 that were undone are kept in /tmp/paris.es: "},
        {1, 3, "1 edit is kept in /tmp/paris.es: "},
        {2, 0, "2 edits are kept in /tmp/paris.es: "}, /* the history has not come */
    };
    struct history h = {0};
    struct ui_state d = {.history = &h, .state = {.session = "/tmp/paris.es"}};

    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        struct buf out = {0};

        d.state.edits = row[i].active;
        h.count = row[i].all;
        app_kept_words(&d, &out);
        CHECK(!*row[i].words == !out.len);
        if (out.len)
            CHECK(!strncmp(out.data, row[i].words, strlen(row[i].words)));
        buf_free(&out);
    }
}

/* A pane without rows says why, and which key brings some. */
static void facts_without_probes_say_so(void)
{
    struct app *app = start(false);
    struct buf text = {0};

    app_run_command(app, "fact Mount Fuji | The {} is a mountain in | Peru");
    app_open(app, "facts");
    app_paint(app, 24, 80);
    surface_dump(app->surface, &text);
    CHECK(strstr(text.data, "this fact came without a rephrase") != NULL);
    CHECK(strstr(text.data, "picks a relation") != NULL);
    CHECK(!strstr(text.data, "before and after"));
    buf_free(&text);
    app->ui.probes = xcalloc(1, sizeof(*app->ui.probes)); /* asked, and there were none */
    app_paint(app, 24, 80);
    surface_dump(app->surface, &text);
    CHECK(strstr(text.data, "this fact has no probes") != NULL);
    buf_free(&text);
    app_finish(app);
}

static int probes_posted;

static unsigned count_probes(struct host *host, struct command *cmd)
{
    (void)host;
    probes_posted += cmd->kind == CMD_PROBE;
    command_free(cmd);
    return 0;
}

/* The verdict of an earlier run: however it was opened, the key then asks at once; the key that
 * opens it does not ask. */
static void one_press_asks_the_verdict(void)
{
    struct app *app = start(false);
    struct probe_report *probes;

    ui_free(&app->ui);
    make_full_ui_state(&app->ui);
    app->host.post = count_probes;
    app->ui.verdict.recalled = xcalloc(1, sizeof(*app->ui.verdict.recalled));
    CHECK(ui_verdict(&app->ui) != NULL);
    probes = app->ui.verdict.probes; /* not asked in this run */
    app->ui.verdict.probes = NULL;
    app_run_command(app, "open verdict");
    CHECK(!probes_posted && !strcmp(app->ui.at_view, "verdict"));
    app_action(app, ACTION_PROBE);
    CHECK(probes_posted == 1);
    app_open(app, "edit");
    app_action(app, ACTION_PROBE);
    CHECK(probes_posted == 1 && !strcmp(app->ui.at_view, "verdict"));
    app_action(app, ACTION_PROBE);
    CHECK(probes_posted == 2);
    app->ui.verdict.probes = probes;
    app_finish(app);
}

/* A pasted list takes the seed of the parameters. */
static void a_pasted_list_takes_the_seed(void)
{
    static const char line[] = "Eiffel Tower | location | Rome\n";
    struct relations all;
    struct ui_state d;
    struct host host = host_of(&d);
    struct fact typed;

    CHECK(relations_load(&all, "samples/pararel/relations.jsonl", NULL));
    make_ui_state(&d);
    d.relations = &all;
    d.params.value[P_SEED] = 7;
    CHECK(facts_take(&host, line, sizeof(line) - 1) == 1);
    CHECK(fact_from_line(&typed, line, &all, 7, NULL));
    CHECK(typed.localities && d.queue[0].fact.localities == typed.localities);
    for (int i = 0; i < typed.localities; i++)
        CHECK_STR(d.queue[0].fact.locality[i].prompt, typed.locality[i].prompt);
    fact_free(&typed);
    relations_free(&all);
    ui_free(&d);
}

static const struct test tests[] = {
    {"what is lost is asked about", what_is_lost_is_asked_about},
    {"a figure is of the view alone", a_figure_is_of_the_view_alone},
    {"the tour says what to press", the_tour_says_what_to_press},
    {"Ctrl-C names the background", ctrl_c_names_the_background},
    {"a pasted line is a fact everywhere", a_pasted_line_is_a_fact_everywhere},
    {"the old object can be typed", the_old_object_can_be_typed},
    {"the old object is not the new one", the_old_object_is_not_the_new_one},
    {"what was said leaves with the old object", what_was_said_leaves_with_the_old_object},
    {"a method that needs the old object says so", a_method_that_needs_the_old_object_says_so},
    {"what is kept is said as a person would", what_is_kept_is_said_as_a_person_would},
    {"facts without probes say so", facts_without_probes_say_so},
    {"a reset goes back to the start", a_reset_goes_back_to_the_start},
    {"a preset by its name", a_preset_by_its_name},
    {"one press asks the verdict", one_press_asks_the_verdict},
    {"a pasted list takes the seed", a_pasted_list_takes_the_seed},
};
FOLDER_MAIN(folder, tests)
