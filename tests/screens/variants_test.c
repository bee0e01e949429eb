/* Compare, Sweep and History with results in them: what they post, what they draw. */
#include <stdarg.h>

#include "tests/screens/fixture.h"
#include "views/requests.h"
#include "views/shell/messages.h"

#include "core/base/param_grid.h"

static struct command posted; /* the last one; what it points to is freed at the next */
static int posts;

static unsigned keep_post(struct host *host, struct command *cmd)
{
    (void)host;
    command_free(&posted);
    posted = *cmd;
    posts++;
    return 1; /* the job that give() speaks for */
}

static struct question asked;

static void keep_question(struct host *host, const struct question *question)
{
    (void)host;
    asked = *question;
}

static char said[400]; /* the last message */

static void keep_message(struct host *host, enum tone tone, const char *fmt, ...)
{
    va_list ap;

    (void)host;
    (void)tone;
    va_start(ap, fmt);
    vsnprintf(said, sizeof(said), fmt, ap);
    va_end(ap);
}

static struct host recording(struct ui_state *d)
{
    struct host host = host_of(d);

    host.post = keep_post;
    host.confirm = keep_question;
    host.message = keep_message;
    posts = 0;
    return host;
}

static void tell(struct view *v, enum event_kind kind)
{
    struct event ev = {.kind = kind, .job = 1};

    v->ops->event(v, &ev);
}

static void three_sizes(const char *name, struct ui_state *d, struct view *v)
{
    static const int size[][2] = {{36, 120}, {24, 80}, {60, 200}};
    struct screen screen = {.ui = d, .view = v, .message = "tried", .tone = TONE_GOOD};

    for (int k = 0; k < 3; k++)
        compare_golden(name, &screen, size[k][0], size[k][1]);
}

static void masks_are_compared(void)
{
    struct ui_state d;
    struct host host = recording(&d);
    struct view *v = view_open(view_find("compare"), &host);
    char *got;

    make_full_ui_state(&d);
    CHECK(v->ops->action(v, ACTION_ENTER));
    CHECK(posts == 1 && posted.kind == CMD_VARIANTS && posted.variant_count == 40);
    CHECK(params_choice(&posted.variants[1], P_EDIT_METHOD) == METHOD_ALPHAEDIT);
    CHECK(params_choice(&posted.variants[2], P_EDIT_METHOD) == METHOD_MEMIT);
    CHECK(params_choice(&posted.variants[3], P_MASK_MODE) == MODE_RANDOM);
    CHECK(params_choice(&posted.variants[5], P_MASK_COMPENSATE) == COMPENSATE_GAIN);
    CHECK(posted.variants[8].value[P_SEED] < posted.variants[9].value[P_SEED]);
    CHECK(v->ops->action(v, ACTION_ENTER) && posts == 1); /* one at a time */
    give_variants(&d, posted.variants, posted.variant_count);
    tell(v, EV_VARIANT);
    tell(v, EV_DONE);
    three_sizes("compared", &d, v);
    CHECK(v->ops->action(v, ACTION_MODE));
    for (int i = 0; i < 9; i++)
        v->ops->action(v, ACTION_RIGHT);
    three_sizes("compared-answers", &d, v);
    /* the column at hand is key size at equal gain; taking it over asks first */
    CHECK(v->ops->action(v, ACTION_ENTER) && posts == 1 && asked.view == v);
    CHECK(params_choice(&d.params, P_MASK_MODE) == MODE_UNION);
    asked.confirmed(v->host, &asked);
    CHECK(params_choice(&d.params, P_MASK_MODE) == MODE_KEYMAG);
    CHECK(params_choice(&d.params, P_MASK_COMPENSATE) == COMPENSATE_GAIN);
    /* results stay when the fact goes, and say whose they are */
    free(d.fact.target);
    d.fact.target = xstrdup("Oslo");
    got = screen_text(&(struct screen){.ui = &d, .view = v}, 36, 120, false);
    CHECK(strstr(got, "Compare: Eiffel Tower → Rome") && strstr(got, "for another fact"));
    free(got);
    view_close(v);
    ui_free(&d);
}

static void a_grid_is_swept(void)
{
    struct ui_state d;
    struct host host = recording(&d);
    struct view *v = view_open(view_find("sweep"), &host);
    double before;

    make_full_ui_state(&d);
    v->ops->open(v);
    CHECK(v->ops->action(v, ACTION_NEXT_PANE) && v->ops->action(v, ACTION_MORE));
    CHECK(v->ops->action(v, ACTION_LESS));
    CHECK(v->ops->action(v, ACTION_RIGHT)); /* from the specific bias on to the temperature */
    CHECK(v->ops->action(v, ACTION_PREVIOUS_PANE));
    CHECK(v->ops->action(v, ACTION_ATTRIBUTE));
    CHECK(posts == 1 && posted.kind == CMD_VARIANTS && posted.variant_count == 20);
    CHECK(posted.variants[0].value[P_RATIO_INV_TEMP] > posted.variants[19].value[P_RATIO_INV_TEMP]);
    CHECK(posted.variants[0].value[P_RATIO_GE_B] < posted.variants[1].value[P_RATIO_GE_B]);
    give_variants(&d, posted.variants, 13);
    tell(v, EV_VARIANT);
    v->ops->action(v, ACTION_DOWN);
    v->ops->action(v, ACTION_RIGHT);
    three_sizes("swept", &d, v);
    tell(v, EV_FAILED); /* stopped: what came stays */
    before = d.params.value[P_RATIO_GE_B];
    CHECK(v->ops->action(v, ACTION_ENTER));
    CHECK_NEAR(d.params.value[P_RATIO_GE_B], 0.25, 1e-9);
    CHECK(before > d.params.value[P_RATIO_GE_B]);
    CHECK(v->ops->command(v, "sweep", "alpha_ge=0,.1,.2"));
    CHECK(posts == 2 && posted.variant_count == 3);
    three_sizes("swept-line", &d, v);
    tell(v, EV_DONE);
    CHECK(v->ops->command(v, "sweep", "alpha_gee=0") && posts == 2);
    CHECK(v->ops->command(v, "sweep", "alpha_ge=0;beta_ge=.1;beta_sp=.1") && posts == 2);
    view_close(v);
    ui_free(&d);
}

static void an_edit_that_is_not_active_is_not_undone(void)
{
    struct ui_state d;
    struct host host = recording(&d);

    make_full_ui_state(&d);
    d.state.can_undo = true;
    d.state.edits = 1;
    for (int edit = 2; edit <= 99; edit += 97) { /* undone; never made */
        asked = (struct question){0};
        confirm_undo(&host, edit);
        CHECK(!asked.confirmed);
        CHECK(strstr(said, edit == 2 ? "no active edit 2" : "no active edit 99"));
    }
    CHECK(confirm_undo_typed(&host, "1") && asked.number == 1);
    CHECK_STR(asked.title, "Undo edit 1?");
    CHECK(confirm_undo_typed(&host, "") &&
          asked.number == 1); /* what it names, whatever commits next */
    CHECK_STR(asked.title, "Undo edit 1?");
    CHECK(confirm_undo_typed(&host, "1000001")); /* the limit of undo --edit */
    CHECK_STR(said, "no active edit 1000001");
    d.state.edits = 2; /* the history that names edit 3 has not come yet */
    CHECK(confirm_undo_typed(&host, "3") && asked.number == 3);
    CHECK_STR(asked.title, "Undo edit 3?");
    CHECK(!confirm_undo_typed(&host, "1000000001") && !confirm_undo_typed(&host, "1x"));
    ui_free(&d);
}

/* When the command is posted nothing is saved yet; the journal may still refuse. */
static void a_note_is_said_to_be_saved_when_it_is(void)
{
    struct ui_state d;
    struct host host = recording(&d);
    struct view *v = view_open(view_find("history"), &host);
    struct event done = {.kind = EV_DONE, .job = 1};
    enum tone tone;
    char out[320];

    make_full_ui_state(&d);
    v->ops->open(v);
    CHECK(v->ops->action(v, ACTION_LAST) && v->ops->command(v, "note", "checked"));
    CHECK(posted.kind == CMD_NOTE && strstr(said, "saving the note"));
    CHECK(message_of_event(&d, &done, CMD_NOTE, &tone, out));
    CHECK_STR(out, "note saved");
    view_close(v);
    ui_free(&d);
}

static char prompted[80];

static void keep_prompt(struct host *host, const char *sign, const char *text)
{
    (void)host;
    snprintf(prompted, sizeof(prompted), "%s%s", sign, text);
}

static void the_past_is_asked(void)
{
    struct ui_state d;
    struct host host = recording(&d);
    struct view *v = view_open(view_find("history"), &host);
    struct event ev = {.kind = EV_DIFF, .job = 1};

    make_full_ui_state(&d);
    d.history->entry[0].note = xstrdup("for the talk");
    d.history->entry[1].active = true;
    host.prompt = keep_prompt;
    v->ops->open(v);
    CHECK(posts == 1 && posted.kind == CMD_HISTORY);
    CHECK(v->ops->action(v, ACTION_FLIP)); /* untagged: what the last edit changed */
    CHECK(posts == 2 && posted.kind == CMD_DIFF && posted.from == 1 && posted.edit == 2);
    CHECK(v->ops->action(v, ACTION_FIRST) && v->ops->action(v, ACTION_TAG));
    CHECK(v->ops->action(v, ACTION_DOWN) && v->ops->action(v, ACTION_FLIP));
    CHECK(posts == 3 && posted.from == 0 && posted.edit == 2);
    CHECK(v->ops->action(v, ACTION_MODE) && posted.kind == CMD_DRIFT);
    CHECK(v->ops->action(v, ACTION_UP) && v->ops->action(v, ACTION_NOTE));
    CHECK_STR(prompted, ":note for the talk");
    CHECK(v->ops->command(v, "note", "other words"));
    CHECK(posted.kind == CMD_NOTE && posted.edit == 1);
    CHECK_STR(posted.text, "other words");
    CHECK(v->ops->command(v, "bisect", "Big Ben is in  => London "));
    CHECK(posted.kind == CMD_BISECT && posted.from == 0);
    CHECK_STR(posted.text, "Big Ben is in");
    CHECK_STR(posted.expect, "London");
    posts = 0;
    CHECK(v->ops->command(v, "bisect", "Big Ben is in London") && posts == 0);
    CHECK(v->ops->command(v, "diff", "1 x") && posts == 0);
    CHECK(v->ops->command(v, "diff", "0 1") && posts == 1 && posted.edit == 1);
    CHECK(v->ops->action(v, ACTION_ENTER) && posted.kind == CMD_QUERY && posted.edit == 1);
    v->ops->event(v, &ev);
    three_sizes("history-diff", &d, v);
    ev.kind = EV_BISECT;
    v->ops->event(v, &ev);
    v->ops->filter(v, "fuji");
    three_sizes("history-bisect", &d, v);
    CHECK(v->ops->find_next(v, "Peru", 1) && !v->ops->find_next(v, "Eiffel", 1));
    view_close(v);
    ui_free(&d);
}

/* What was written is said with what it says when it is opened again. */
static void an_export_is_reported(void)
{
    struct export_report *x = xcalloc(1, sizeof(*x));
    struct event ev = {.kind = EV_EXPORT, .job = 1, .export = x};
    enum tone tone = TONE_PLAIN;
    char text[320] = "";
    struct ui_state d;

    make_full_ui_state(&d);
    *x = (struct export_report){.path = xstrdup("/home/a/paris.gguf"),
                                .files = 1,
                                .tensors = 5,
                                .loss = 0.25,
                                .prompts = 5,
                                .max_logit_diff = 0.5,
                                .held = {2, 1}};
    snprintf(x->as, sizeof(x->as), "gguf");
    x->file = xcalloc(1, sizeof(*x->file));
    x->file[0].name = xstrdup("paris.gguf");
    x->file[0].bytes = 98.4e6;
    ui_event(&d, &ev);
    CHECK(message_of_event(&d, &ev, CMD_EXPORT, &tone, text) &&
          tone == TONE_WARN); /* a fact is lost */
    CHECK_STR(text, "wrote /home/a/paris.gguf as gguf, 98 MB · opened again: logits differ by 0.5 "
                    "· 25 % of the edit lost");
    d.export_report->loss = d.export_report->tensors = 0;
    d.export_report->file[0].bytes = 40100;
    ev.kind = EV_EXPORT; /* the report is the state's now */
    CHECK(message_of_event(&d, &ev, CMD_EXPORT, &tone, text));
    CHECK_STR(text, "wrote /home/a/paris.gguf as gguf, 40 kB · no edit is in it: the model as it "
                    "was · opened again: logits differ by 0.5");
    ui_free(&d);
}

static const struct test tests[] = {
    {"an export is reported", an_export_is_reported},
    {"the past is asked", the_past_is_asked},
    {"an edit that is not active is not undone", an_edit_that_is_not_active_is_not_undone},
    {"a note is said to be saved when it is", a_note_is_said_to_be_saved_when_it_is},
    {"masks are compared", masks_are_compared},
    {"a grid is swept", a_grid_is_swept},
};

int main(void)
{
    int failed = test_main(tests, (int)(sizeof(tests) / sizeof(*tests)));

    command_free(&posted);
    return failed;
}
