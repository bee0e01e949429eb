/* The Facts view: its list, and the probes beside it. */
#include "tests/screens/fixture.h"

#include "views/screens/facts_list.h"
#include "views/shell/messages.h"
#include "views/ui_state_internal.h"

enum { LONG = 14 };

struct stage {
    struct ui_state d;
    struct host host;
    struct view *v;
};

static void stage_open(struct stage *t)
{
    make_full_ui_state(&t->d);
    t->host = host_of(&t->d);
    t->v = view_open(view_find("facts"), &t->host);
}

static void stage_close(struct stage *t)
{
    view_close(t->v);
    ui_free(&t->d);
}

/* The whole view at this size. Caller frees. */
static char *drawn(const struct stage *t, int h, int w)
{
    struct surface *s = surface_new(h, w);
    struct buf out = {0};

    t->v->ops->draw(t->v, s, surface_rect(s));
    surface_dump(s, &out);
    surface_free(s);
    return buf_take(&out);
}

static void act(struct stage *t, enum action action)
{
    CHECK(t->v->ops->action(t->v, action));
}

/* Probes whose texts need several lines, each with a word of its own at its end. */
static struct probe_report *long_probes(void)
{
    struct probe_report *p = xcalloc(1, sizeof(*p));

    p->subject = xstrdup("Eiffel Tower");
    p->probes = LONG;
    p->probe = xcalloc(LONG, sizeof(*p->probe));
    for (int i = 0; i < LONG; i++) {
        char prompt[160], after[80];

        snprintf(prompt, sizeof(prompt),
                 "The tall iron tower on the field of Mars, which an engineer had built for a fair "
                 "and which nobody took away again, is now in the city of asked%d",
                 i);
        snprintf(after, sizeof(after), " Rome, in a province of Italy, said%d", i);
        p->probe[i] = probe_of(i < 4 ? PROBE_REPHRASE : PROBE_LOCALITY, prompt, "wanted",
                               " Paris, France", after, true, i % 2);
    }
    return p;
}

static void the_list_is_drawn_at(int h, int w)
{
    struct stage t;
    char *text, word[32];

    stage_open(&t);
    ui_free_payload(EV_PROBES, t.d.queue[0].probes);
    t.d.queue[0].probes = long_probes();
    text = drawn(&t, h, w);
    CHECK(strstr(text, "asked0") && strstr(text, "said0"));
    CHECK(!strstr(text, "said13") == (strstr(text, " more below") != NULL));
    free(text);
    act(&t, ACTION_NEXT_PANE);
    for (int i = 0; i < LONG; i++) {
        text = drawn(&t, h, w);
        snprintf(word, sizeof(word), "asked%d ", i);
        CHECK(strstr(text, word) != NULL);
        snprintf(word, sizeof(word), "said%d", i);
        CHECK(strstr(text, word) != NULL);
        CHECK(!strstr(text, "…"));
        free(text);
        act(&t, ACTION_DOWN);
    }
    act(&t, ACTION_ENTER);
    text = drawn(&t, h, w);
    CHECK(strstr(text, "stays if it says: wanted") && strstr(text, "before: Paris, France"));
    CHECK(!strstr(text, " more below"));
    free(text);
    act(&t, ACTION_NEXT_PANE);
    act(&t, ACTION_DOWN);
    text = drawn(&t, h, w);
    CHECK(strstr(text, "Mount Fuji: Rome") != NULL);
    free(text);
    stage_close(&t);
}

static void probes_are_read_in_full(void)
{
    the_list_is_drawn_at(20, 80);
    the_list_is_drawn_at(32, 120);
    the_list_is_drawn_at(46, 200);
}

/* A click puts the focus into its box and the cursor on its row. */
static void a_click_selects_a_fact_or_a_probe(void)
{
    struct rect area = {0, 0, 32, 120};
    struct stage t;
    char *text;

    stage_open(&t);
    CHECK(t.v->ops->click(t.v, area, 3, 10));
    text = drawn(&t, 32, 120);
    CHECK(strstr(text, "the prompt does not hold the subject") != NULL);
    free(text);
    CHECK(t.v->ops->click(t.v, area, 1, 10));
    text = drawn(&t, 32, 120);
    free(text);
    CHECK(t.v->ops->click(t.v, area, 7, 60));
    act(&t, ACTION_ENTER);
    text = drawn(&t, 32, 120);
    CHECK(strstr(text, "passes if it says: Rome") && strstr(text, "after:  Paris"));
    free(text);
    stage_close(&t);
}

/* A later edit of the list overwrote the first: its row, the count and the pane say so, as long as
 * the weights are those that were asked. */
static void what_was_overwritten_is_marked(void)
{
    struct overwritten *o = xcalloc(1, sizeof(*o));
    struct event ev = {.kind = EV_RECHECKED, .overwritten = o};
    enum tone tone;
    char message[320], *text;
    struct stage t;

    stage_open(&t);
    t.d.queue[0].edit = 1;
    t.d.queue[0].state = QUEUE_HOLDS;
    *o = (struct overwritten){.edit = 1, .facts = 2, .asked = 2, .held = 1, .lost = 1};
    o->fact = xcalloc(1, sizeof(*o->fact));
    o->fact[0] = (struct overwritten_fact){.edit = 1,
                                           .subject = xstrdup(t.d.queue[0].fact.subject),
                                           .prompt = xstrdup(t.d.queue[0].fact.prompt),
                                           .target = xstrdup(t.d.queue[0].fact.target),
                                           .said = {xstrdup(""), xstrdup(" Oslo, Norway")},
                                           .p = {0.9, 0.0625}};
    ui_event(&t.d, &ev);
    CHECK(message_of_event(&t.d, &ev, CMD_RECHECK, &tone, message) && tone == TONE_WARN);
    CHECK(strstr(message, "overwritten by a later edit: 1 of 2 that held: edit 1 ("));
    text = drawn(&t, 32, 120);
    CHECK(strstr(text, "▽ overwritten") && strstr(text, "0.062"));
    CHECK(strstr(text, "0 of 3 hold · 1 overwritten ") != NULL);
    CHECK(strstr(text, "held when made, overwritten since"));
    free(text);
    snprintf(t.d.state.state, sizeof(t.d.state.state), "other weights");
    ui_match(&t.d);
    text = drawn(&t, 32, 120);
    CHECK(!strstr(text, "overwritten"));
    free(text);
    stage_close(&t);
}

/* Two facts of the list give one question two objects: the first does not hold any more, and it was
 * no accident. Undoing the second brings it back. */
static void what_a_later_fact_rewrote_is_marked(void)
{
    struct facts_tally t;
    struct stage s;
    char *text, words[80];

    stage_open(&s);
    for (int i = 0; i < 2; i++) {
        struct history_entry *e = &s.d.history->entry[i];
        struct history_fact *f = e->fact;
        struct queued_fact *q = &s.d.queue[i];

        fact_free(&q->fact);
        q->fact = (struct fact){.subject = xstrdup("Colosseum"),
                                .prompt = xstrdup("{} is in"),
                                .target = xstrdup(i ? "Oslo" : "Athens")};
        q->edit = e->edit;
        q->state = QUEUE_HOLDS;
        e->active = e->success = true;
        free(f->subject);
        free(f->target);
        f->subject = xstrdup("Colosseum");
        f->target = xstrdup(q->fact.target);
    }
    s.d.queue_count = 2;
    history_find_rewritten(s.d.history);
    text = drawn(&s, 32, 120);
    CHECK(strstr(text, "→ rewritten     Colosseum → Athens by edit 2"));
    CHECK(strstr(text, "✓ holds         Colosseum → Oslo "));
    CHECK(strstr(text, "1 of 2 holds · 1 rewritten "));
    CHECK(strstr(text, "rewritten by edit 2, a later fact with another object"));
    free(text);
    t = facts_tally(&s.d);
    CHECK_STR(facts_tally_words(&t, " fact", words),
              "1 of 2 facts holds, 1 rewritten by a later fact");
    view_close(s.v);
    s.v = view_open(view_find("history"), &s.host);
    text = drawn(&s, 24, 80);
    CHECK(strstr(text, "→ Eiffel Tower") && strstr(text, " rewritten"));
    free(text);
    view_close(s.v);
    s.v = view_open(view_find("facts"), &s.host);
    s.d.history->entry[1].active = false;
    s.d.history->entry[0].fact->rewritten = 0;
    history_find_rewritten(s.d.history);
    t = facts_tally(&s.d);
    CHECK(t.done == 1 && t.hold == 1 && !t.rewritten);
    s.d.queue_count = 5;
    stage_close(&s);
}

/* The frame counts the facts that hold now, and no key is named for probes that are on their way.
 */
static void the_frame_counts_and_says_what_runs(void)
{
    struct stage t;
    char *text;

    stage_open(&t);
    t.d.queue[0].edit = 1; /* active */
    text = drawn(&t, 32, 120);
    CHECK(strstr(text, "1 of 3 holds · 1 waits") && strstr(text, "before → after"));
    free(text);
    t.d.queue[0].edit = 2; /* undone */
    t.d.queue[0].job = 7;
    for (int k = 0; k < 3; k++) {
        static const char *const want[] = {"asked after the commit", "being asked", "B asks them"};
        static const enum command_kind kind[] = {CMD_COMMIT, CMD_PROBE, CMD_NONE};

        ui_free_payload(EV_PROBES, t.d.queue[0].probes);
        t.d.queue[0].probes = NULL;
        t.d.job[0] = (struct ui_job){.job = kind[k] ? 7 : 0, .kind = kind[k]};
        text = drawn(&t, 32, 120);
        for (int i = 0; i < 3; i++)
            CHECK((strstr(text, want[i]) != NULL) == (i == k));
        CHECK(strstr(text, "0 of 2 hold · 1 waits") != NULL);
        free(text);
    }
    t.d.queue_count = 0; /* of the fact at hand */
    ui_add_job(&t.d, 8, (struct ui_job){.kind = CMD_PROBE, .rank = RANK_YIELDS});
    t.d.job[0].stamp = ui_stamp_now(&t.d);
    text = drawn(&t, 32, 120);
    CHECK(strstr(text, "being asked") && !strstr(text, "B asks them"));
    free(text);
    t.d.queue_count = 5;
    stage_close(&t);
}

static const struct test tests[] = {
    {"the frame counts and says what runs", the_frame_counts_and_says_what_runs},
    {"what a later fact rewrote is marked", what_a_later_fact_rewrote_is_marked},
    {"what was overwritten is marked", what_was_overwritten_is_marked},
    {"a click selects a fact or a probe", a_click_selects_a_fact_or_a_probe},
    {"probes are read in full", probes_are_read_in_full},
};
TEST_MAIN(tests)
