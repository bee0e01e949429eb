/* Every kind of message on a terminal of 80 columns: what matters is in sight, and a text that is
 * cut says so. */
#include "tests/screens/fixture.h"
#include "tui/text.h"
#include "views/shell/messages.h"
#include "views/shell/plain_internal.h"
#include "views/ui_state_internal.h"

enum { ROOM = 76 }; /* of the status line of 80 columns, with the mark of an error */

static char shown[400]; /* the last message, as those columns show it */

static struct ui_state d;

/* The message of this event; its job is job 1 of this kind. */
static void say(enum event_kind kind, enum command_kind of, void *what, enum err_kind failed,
                const char *why)
{
    struct event ev = {.kind = kind, .job = of == CMD_NONE ? 0 : 1, .progress = what};
    struct buf fit = {0};
    enum tone tone;
    char text[320] = "";

    if (failed)
        err_set(&ev.err, failed, "%s", why);
    ui_event(&d, &ev);
    CHECK(message_of_event(&d, &ev, of, &tone, text));
    text_fit_parts(&fit, text, ROOM);
    snprintf(shown, sizeof(shown), "%s", fit.data ? fit.data : "");
    if (text_width(shown) > ROOM || (strcmp(shown, text) != 0 && !strstr(shown, "…")) || !*shown ||
        (strcmp(shown, text) != 0 && text[strlen(shown) - strlen(" …")] != ' ' &&
         text[strlen(shown) - strlen(" …")] != ';' && text[strlen(shown) - strlen(" …")] != '.'))
        CHECK_STR(shown, text);
    buf_free(&fit);
}

static void job(enum command_kind kind, const char *about)
{
    struct ui_job card = {.kind = kind};

    snprintf(card.about, sizeof(card.about), "%s", about);
    ui_add_job(&d, 1, card);
}

#define SHOWS(part)                         \
    do {                                    \
        if (!strstr(shown, part))           \
            CHECK_STR(shown, "…" part "…"); \
    } while (0)

static const char long_fact[] =
    "The Grand Egyptian Museum of Giza → the city of Ljubljana in Slovenia";

/* The scoreboard of a fact of the list is told by its name, not that of the fact at hand. */
static void probes_of_a_list_name_their_fact(void)
{
    struct probe_report *board = xcalloc(1, sizeof(*board));

    make_full_ui_state(&d);
    CHECK(d.queue_count > 0 && ui_scoreboard(&d) != NULL);
    d.queue[0].job = 1;
    board->probe = xcalloc(1, sizeof(*board->probe));
    board->probes = 1;
    board->probe[0] = (struct probe_result){.kind = PROBE_CHAT, .known = true, .ok = {false, true}};
    job(CMD_PROBE, "");
    say(EV_PROBES, CMD_PROBE, board, ERR_NONE, NULL);
    SHOWS("probes of ");
    CHECK(strstr(shown, d.queue[0].fact.subject) != NULL);
    SHOWS("chat 1/1");
    ui_free(&d);
}

static void results_are_in_sight(void)
{
    struct commit_report *c = xcalloc(1, sizeof(*c));
    struct export_report *x = xcalloc(1, sizeof(*x));
    struct edit_report *a;
    struct overwritten *o;

    make_full_ui_state(&d);
    a = xcalloc(1, sizeof(*a));
    *a = *d.preview;
    a->held = 0;
    say(EV_PREVIEW, CMD_PREVIEW, a, ERR_NONE, NULL);
    SHOWS("would NOT hold: p(target) 0.0057 → 0.891 · says Rome");
    for (int i = 0; i < 2; i++) {
        c = i ? xcalloc(1, sizeof(*c)) : c;
        *c = (struct commit_report){.edit = 12,
                                    .success = !i,
                                    .p_target = {0.0057, 0.000891},
                                    .unmasked_unchanged = !i,
                                    .seconds_total = 12.5};
        snprintf(c->generated[1], sizeof(c->generated[1]), " Rome, Italy. It is a historic city");
        say(EV_COMMITTED, CMD_COMMIT, c, ERR_NONE, NULL);
        SHOWS("edit 12 ");
        if (i) {
            SHOWS("does not hold, OTHER COLUMNS CHANGED, undo and report this");
        } else {
            SHOWS("holds: Rome, p(target) 0.0057 → 9e-4");
        }
    }
    o = xcalloc(1, sizeof(*o));
    *o = (struct overwritten){.state = STATE_PREVIEW, .facts = 4, .asked = 4, .lost = 2};
    o->fact = xcalloc(2, sizeof(*o->fact));
    for (int i = 0; i < 2; i++) {
        o->fact[i] = (struct overwritten_fact){.edit = 2 + i};
        o->fact[i].subject = xstrdup("The Grand Egyptian Museum of Giza");
        o->fact[i].prompt = xstrdup("{} is in");
        o->fact[i].target = xstrdup("the city of Ljubljana in Slovenia");
        for (int k = 0; k < 2; k++)
            o->fact[i].said[k] = xstrdup(" Peru");
    }
    say(EV_OVERWRITTEN, CMD_PROBE, o, ERR_NONE, NULL);
    SHOWS("would overwrite 2 facts of earlier edits, B shows them: edit 2");
    *x = (struct export_report){
        .path = xstrdup("/home/ada/paris.gguf"), .tensors = 5, .loss = 0.25, .prompts = 5};
    snprintf(x->as, sizeof(x->as), "gguf");
    say(EV_EXPORT, CMD_EXPORT, x, ERR_NONE, NULL);
    SHOWS("wrote /home/ada/paris.gguf as gguf");
    SHOWS("25 % of the edit lost");
    ui_free(&d);
}

/* Whatever fails, the line says of what. */
static void failures_name_what_failed(void)
{
    make_full_ui_state(&d);
    for (int kind = 1; kind <= CMD_QUIT; kind++) {
        const struct ui_job *ended;
        char words[200];

        if (command_traits[kind].flags & UNASKED)
            continue; /* nobody is told */
        job((enum command_kind)kind, long_fact);
        say(EV_FAILED, (enum command_kind)kind, NULL, ERR_LIMIT,
            "the model holds 64 tokens, the prompt has 80; shorten it");
        ended = ui_ended_card(&d, 1);
        SHOWS("The Grand Egyptian Museum");
        CHECK(shown[0] != 'T'); /* the name of the job comes first */
        if (ended && *command_traits[kind].busy)
            CHECK(!strncmp(shown, ui_job_words(&d, ended, words, sizeof(words)), 4));
        d.ended_count = 0;
        if (kind == CMD_VARIANTS || kind == CMD_PULL || !*command_traits[kind].busy)
            continue;
        job((enum command_kind)kind, long_fact);
        say(EV_FAILED, (enum command_kind)kind, NULL, ERR_CANCELLED, "cancelled");
        SHOWS("stopped");
        d.ended_count = 0;
    }
    say(EV_FAILED, CMD_NONE, NULL, ERR_IO, "moments: the disk is full");
    SHOWS("in the background: moments: the disk is full");
    say(EV_STOPPED, CMD_NONE, NULL, ERR_DEVICE,
        "the GPU does not answer any more; restart the program with --device cpu");
    SHOWS("the engine has stopped, :q quits");
    ui_free(&d);
}

/* What the program stops by itself is no failure: neither a job that no row shows nor one that was
 * dropped for something else, however it ends. */
static void what_was_dropped_says_nothing(void)
{
    make_full_ui_state(&d);
    for (int kind = 1; kind <= CMD_QUIT; kind++) {
        bool seen = *command_traits[kind].busy || kind == CMD_PULL;

        for (int failed = 0; failed < 2; failed++) {
            struct event ev = {.kind = EV_FAILED, .job = 1};
            enum tone tone;
            char text[320];

            err_set(&ev.err, failed ? ERR_LIMIT : ERR_CANCELLED, "stopped in between");
            job((enum command_kind)kind, long_fact);
            ui_job_card(&d, 1)->dropped = seen || failed;
            ui_event(&d, &ev);
            CHECK(!message_of_event(&d, &ev, (enum command_kind)kind, &tone, text));
            d.ended_count = 0;
        }
    }
    ui_free(&d);
}

static void ends_say_what_comes_next(void)
{
    static const struct {
        enum command_kind kind;
        const char *shows;
    } row[] = {{CMD_ATTRIBUTE, "P previews the edit"},
               {CMD_VERIFY, "bit-identical"},
               {CMD_APPLY, "applied as one edit, the preview is dropped"},
               {CMD_SAVE, "the session continues in"},
               {CMD_NOTE, "note saved"},
               {CMD_PULL, "in Models (O) opens it"},
               {CMD_MOMENTS, "are ready"},
               {CMD_UNDO, "undone, the preview is dropped"},
               {CMD_REDO, "redone, the preview is dropped"}};

    make_full_ui_state(&d);
    d.at_view = "edit";
    d.state.verified = true;
    ui_replace(EV_PREVIEW, (void **)&d.preview, NULL);
    snprintf(d.pull_name, sizeof(d.pull_name),
             "organisation-with-a-long-name/a-model-with-a-long-name-Instruct:Q4_K_M.gguf");
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        d.ended_count = 0;
        job(row[i].kind, long_fact);
        snprintf(ui_job_card(&d, 1)->note, 40, "the preview is dropped");
        say(EV_DONE, row[i].kind, NULL, ERR_NONE, NULL);
        if (!strstr(shown, row[i].shows))
            CHECK_STR(shown, row[i].shows);
    }
    d.ended_count = 0;
    job(CMD_PULL, long_fact);
    say(EV_FAILED, CMD_PULL, NULL, ERR_CANCELLED, "cancelled");
    SHOWS("stopped, :pull resumes it");
    ui_free(&d);
}

/* What `view FILE` shows was not computed here: no model is ready. */
static void a_file_is_no_model(void)
{
    struct model_info *m = xcalloc(1, sizeof(*m));

    make_full_ui_state(&d);
    *m = d.model;
    m->load_seconds = 1.5;
    d.recorded = true;
    d.viewed = "/home/ada/pages/page.html";
    say(EV_MODEL, CMD_NONE, m, ERR_NONE, NULL);
    SHOWS("data of page.html: 1 to 8 show it, E saves it; no model is open");
    ui_free(&d);
}

/* A model whose step, clamp and lambda follow from it says so when it opens. */
static void auto_is_said(void)
{
    struct model_info *m = xcalloc(1, sizeof(*m));

    make_full_ui_state(&d);
    *m = d.model;
    m->load_seconds = 1.5;
    CHECK(params_parse(&d.first, "edit.v_lr = auto\nedit.v_clamp = auto\nedit.lambda = auto\n",
                       FROM_PRESET, NULL));
    say(EV_MODEL, CMD_NONE, m, ERR_NONE, NULL);
    SHOWS("is ready (1.5 s, numbers auto): e edits the fact");
    ui_free(&d);
}

/* What is spoken has no escapes of line breaks. */
static void a_line_break_is_spoken_in_words(void)
{
    static const char *const spoken[][2] = {
        {"Q: Where is it?\\nA:", "Q: Where is it? (line break) A:"},
        {"says \"\\n\\nRome\\n\".", "says \"(2 line breaks) Rome (line break)\"."},
        {"a\\tb\n", "a (tab) b\n"},
        {"\\x1b[31m stays\n", "\\x1b[31m stays\n"},
    };

    for (size_t i = 0; i < sizeof(spoken) / sizeof(*spoken); i++) {
        struct buf out = {0};

        plain_spoken(&out, spoken[i][0]);
        CHECK_STR(out.data, spoken[i][1]);
        buf_free(&out);
    }
}

static const struct test tests[] = {
    {"a line break is spoken in words", a_line_break_is_spoken_in_words},
    {"a file is no model", a_file_is_no_model},
    {"numbers that follow from the model", auto_is_said},
    {"results are in sight", results_are_in_sight},
    {"probes of a list name their fact", probes_of_a_list_name_their_fact},
    {"failures name what failed", failures_name_what_failed},
    {"what was dropped says nothing", what_was_dropped_says_nothing},
    {"ends say what comes next", ends_say_what_comes_next},
};
TEST_MAIN(tests)
