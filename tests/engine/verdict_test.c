/* What a verdict is made from: both sides of an edit, neighbours that the base knows, and the facts
 * of other edits that it overwrote. */
#include "core/engine/engine.h"
#include "tests/engine/small.h"

#define SPEAKS "tests/data/architectures/llama3" /* of bytes, and says such as can be printed */

/* A fact of one byte, edited in one layer as strongly as it goes. */
static struct command edit_of(enum command_kind kind, const char *prompt, const char *target)
{
    struct command c = command(kind, NULL, NULL);

    c.facts = xcalloc(1, sizeof(*c.facts));
    c.facts[0] = (struct fact){
        .subject = xstrdup("Lily"), .prompt = xstrdup(prompt), .target = xstrdup(target)};
    c.facts[0].wording.join = JOIN_NONE;
    c.count = 1;
    c.params.value[P_EDIT_METHOD] = METHOD_ALPHAEDIT;
    c.params.value[P_EDIT_LAMBDA] = 1e-6;
    c.params.value[P_EDIT_V_STEPS] = 60;
    c.params.value[P_ACCEPT_P_MIN] = 0;
    c.params.value[P_ATTR_PREFIXES] = 0;
    CHECK(params_set(&c.params, "stats.window", "64", FROM_CONFIG, NULL));
    CHECK(params_set(&c.params, "edit.layers", "1", FROM_CONFIG, NULL));
    CHECK(params_set(&c.params, "edit.v_clamp", "50", FROM_CONFIG, NULL));
    CHECK(params_set(&c.params, "edit.v_wd", "0", FROM_CONFIG, NULL));
    CHECK(params_set(&c.params, "edit.v_kl", "0", FROM_CONFIG, NULL));
    return c;
}

static void add_neighbour(struct command *c, const char *prompt, const char *answer)
{
    struct fact *f = &c->facts[0];

    f->locality = xrealloc(f->locality, (size_t)(f->localities + 1) * sizeof(*f->locality));
    f->locality[f->localities++] =
        (struct probe){.prompt = xstrdup(prompt), .answer = answer ? xstrdup(answer) : NULL};
}

struct seen { /* the events of one job; owned */
    struct edit_sides *sides;
    struct edit_report *report;
    struct probe_report *probes;
    struct overwritten *overwritten;
};

/* Takes what the event points to if it is of this kind. */
static void keep(struct event *ev, enum event_kind kind, void *slot)
{
    if (ev->kind != kind)
        return;
    memcpy(slot, &ev->progress, sizeof(ev->progress));
    ev->kind = EV_NONE;
}

static struct seen run(struct engine *e, struct command c)
{
    unsigned job = engine_post(e, &c);
    struct seen s = {0};
    struct event ev;

    for (bool over = false; !over && next_event(e, &ev);) {
        over = ends_job(&ev, job);
        CHECK_STR(ev.kind == EV_FAILED ? ev.err.text : "", "");
        keep(&ev, EV_SIDES, &s.sides);
        keep(&ev, EV_PREVIEW, &s.report);
        keep(&ev, EV_COMMIT, &s.report);
        keep(&ev, EV_PROBES, &s.probes);
        keep(&ev, EV_OVERWRITTEN, &s.overwritten);
        keep(&ev, EV_RECHECKED, &s.overwritten);
        event_free(&ev);
    }
    return s;
}

static void seen_free(struct seen *s)
{
    event_free(&(struct event){.kind = EV_SIDES, .sides = s->sides});
    event_free(&(struct event){.kind = EV_COMMIT, .edit_report = s->report});
    event_free(&(struct event){.kind = EV_PROBES, .probes = s->probes});
    event_free(&(struct event){.kind = EV_OVERWRITTEN, .overwritten = s->overwritten});
    *s = (struct seen){0};
}

static struct engine *begin(void)
{
    struct engine *e = start(SPEAKS, &device_cpu, NULL, false);

    wait_until_open(e);
    return e;
}

/* The numbers of the sides are those of the report, and a commit of a preview has the same. */
static void both_sides_are_those_of_the_report(void)
{
    struct engine *e = begin();
    struct seen p = run(e, edit_of(CMD_PREVIEW, "One day there came {}", "a"));
    struct seen c = run(e, edit_of(CMD_COMMIT, "One day there came {}", "a"));

    CHECK(p.sides && p.report && c.sides && c.report);
    CHECK(p.sides->edit == 0 && c.sides->edit == 1);
    CHECK_NEAR(p.sides->before.prompt.p_target, p.report->p_target[0], 1e-9);
    CHECK_NEAR(p.sides->after.prompt.p_target, p.report->p_target[1], 1e-6);
    CHECK(p.sides->after.prompt.p_target > 2 * p.sides->before.prompt.p_target);
    CHECK(p.sides->after.holds == (p.report->held == 1) && !p.sides->before.holds);
    CHECK(!strncmp(p.sides->after.said, p.report->generated, 8));
    CHECK_STR(c.sides->after.said, p.sides->after.said);
    CHECK_STR(c.sides->before.said, p.sides->before.said);
    CHECK(p.sides->before.prompt.layers > 0 && p.sides->before.prompt.rank_new);
    CHECK(p.sides->before.prompt.rank_new[p.sides->before.prompt.layers - 1] ==
          p.sides->before.prompt.rank);
    CHECK_STR(c.report->checksum, p.report->checksum);
    seen_free(&p);
    seen_free(&c);
    engine_stop(e);
}

/* Of the fact's own neighbours the base knows one, then none; then others are asked for. */
static void neighbours_that_the_base_knows(void)
{
    struct engine *e = begin();
    struct seen p = run(e, edit_of(CMD_PREVIEW, "One day there came {}", "a")), s;
    struct command c = edit_of(CMD_PROBE, "One day there came {}", "a");
    char knows[2] = "";

    add_neighbour(&c, "The dog was", NULL);
    add_neighbour(&c, "The dog was", "zq");
    s = run(e, c);
    CHECK(s.probes->state == STATE_PREVIEW && s.probes->edit == 0);
    CHECK_STR(s.probes->checksum, p.report->checksum);
    CHECK(s.probes->spares_asked == 0);
    CHECK(s.probes->probes >= 2);
    for (int i = 0, n = 0; i < s.probes->probes; i++)
        if (s.probes->probe[i].kind == PROBE_LOCALITY)
            CHECK(s.probes->probe[i].known == !n++);
    snprintf(knows, sizeof(knows), "%s", s.probes->probe[s.probes->probes - 1].said[0]);
    CHECK(knows[0] > ' ');
    seen_free(&s);

    c = edit_of(CMD_PROBE, "One day there came {}", "a");
    add_neighbour(&c, "The dog was", "zq"); /* its own; the next two are spare */
    add_neighbour(&c, "Once upon a time", "qz");
    add_neighbour(&c, "The dog was", knows);
    c.top = 1;
    s = run(e, c);
    CHECK(s.probes->spares_asked == 2);
    CHECK(s.probes->probe[s.probes->probes - 1].known);
    CHECK_STR(s.probes->probe[s.probes->probes - 1].expected, knows);
    seen_free(&s);

    c = edit_of(CMD_PROBE, "One day there came {}", "a");
    c.expect = xstrdup("another checksum"); /* the preview was made again, say */
    s = run(e, c);
    CHECK(!s.probes && !s.overwritten);
    seen_free(&s);
    seen_free(&p);
    engine_stop(e);
}

/* The first edit is overwritten by one of the same subject at nearly the same prompt; a fact that
 * is rewritten on purpose is not asked. */
static void an_overwritten_edit_is_named(void)
{
    struct engine *e = begin();
    struct seen first = run(e, edit_of(CMD_COMMIT, "One day there came {}", "a")), s;
    struct command again = edit_of(CMD_COMMIT, "One day he came {}", "b");
    struct seen second;
    struct command c = edit_of(CMD_PROBE, "One day he came {}", "b");

    again.params.value[P_EDIT_METHOD] = METHOD_MEMIT; /* does not protect past keys */
    second = run(e, again);
    CHECK(first.report->held == 1 && second.report->held == 1);
    c.edit = 2;
    s = run(e, c);
    CHECK(s.overwritten && s.overwritten->state == STATE_EDITED && s.overwritten->edit == 2);
    CHECK(s.overwritten->facts == 1 && s.overwritten->asked == 1);
    CHECK(s.overwritten->held + s.overwritten->weak + s.overwritten->lost == 1);
    CHECK(s.overwritten->lost == 1);
    if (s.overwritten->lost) {
        CHECK(s.overwritten->fact[0].edit == 1);
        CHECK_STR(s.overwritten->fact[0].target, "a");
        CHECK(s.overwritten->fact[0].said[0][0] == 'a' && s.overwritten->fact[0].said[1][0] != 'a');
        CHECK(s.overwritten->fact[0].p[0] > s.overwritten->fact[0].p[1]);
    }
    seen_free(&s);
    seen_free(&second);

    second = run(e, edit_of(CMD_PREVIEW, "One day he came {}", "c")); /* rewrites edit 2 */
    s = run(e, edit_of(CMD_PROBE, "One day he came {}", "c"));
    CHECK(s.overwritten->state == STATE_PREVIEW && s.overwritten->facts == 1);
    CHECK(s.overwritten->weak == 1); /* edit 1 was lost before */
    seen_free(&s);
    seen_free(&second);
    seen_free(&first);
    engine_stop(e);
}

/* Asked again after a later edit, both states are those of its commit, to the bit. */
static void an_edit_is_asked_before_it_and_with_it(void)
{
    struct engine *e = begin();
    struct seen c = run(e, edit_of(CMD_COMMIT, "One day there came {}", "a")), later, again;
    struct command ask = edit_of(CMD_PROBE, "One day there came {}", "a");

    later = run(e, edit_of(CMD_COMMIT, "Once upon a time {}", "q"));
    CHECK(strcmp(later.report->checksum, c.report->checksum) != 0);
    ask.edit = 1;
    ask.sides = true;
    again = run(e, ask);
    CHECK(again.sides && again.probes && again.overwritten);
    CHECK(again.sides->edit == 1 && again.probes->edit == 1);
    CHECK_STR(again.probes->checksum, c.report->checksum);
    CHECK_STR(again.overwritten->checksum, c.report->checksum);
    CHECK_STR(again.sides->before.said, c.sides->before.said);
    CHECK_STR(again.sides->after.said, c.sides->after.said);
    for (int l = 0; l < c.sides->after.prompt.layers; l++)
        CHECK(again.sides->after.prompt.rank_new[l] == c.sides->after.prompt.rank_new[l]);
    CHECK(again.overwritten->facts == 1); /* of the later edit */
    seen_free(&again);

    ask = edit_of(CMD_PROBE, "Once upon a time {}", "q");
    ask.edit = 2;
    ask.others_only = true;
    again = run(e, ask);
    CHECK(!again.sides && !again.probes && again.overwritten && again.overwritten->facts == 1);
    seen_free(&again);
    seen_free(&later);
    seen_free(&c);
    engine_stop(e);
}

/* At the end of a list: what held when it was made and does not now, but neither what the last edit
 * wrote, nor what was rewritten on purpose, nor what never held. */
static void a_list_is_asked_again_at_its_end(void)
{
    struct engine *e = begin();
    struct command weak = edit_of(CMD_COMMIT, "Once upon a time {}", "q");
    struct command ask = {.kind = CMD_RECHECK, .edit = 1};
    struct seen s[4], r;

    weak.params.value[P_EDIT_V_STEPS] = 1;
    weak.params.value[P_ACCEPT_P_MIN] = 1;
    s[0] = run(e, edit_of(CMD_COMMIT, "One day there came {}", "a"));
    s[1] = run(e, weak);
    CHECK(s[0].report->held == 1 && !s[1].report->held);
    r = run(e, ask);
    CHECK(r.overwritten && r.overwritten->facts == 1 && r.overwritten->asked == 1);
    seen_free(&r);
    for (int i = 2; i < 4; i++) { /* the second rewrites the first */
        struct command c = edit_of(CMD_COMMIT, "One day he came {}", i == 2 ? "c" : "b");

        c.params.value[P_EDIT_METHOD] = METHOD_MEMIT; /* does not protect past keys */
        s[i] = run(e, c);
        CHECK(s[i].report->held == 1);
    }
    for (int from = 1; from <= 2; from++) { /* of the list, or of an earlier edit */
        ask = (struct command){.kind = CMD_RECHECK, .edit = from};
        r = run(e, ask);
        CHECK(r.overwritten->facts == 1 && r.overwritten->asked == 1 && !r.overwritten->held);
        CHECK(r.overwritten->lost == 1 && r.overwritten->edit == from);
        if (r.overwritten->lost) {
            CHECK(r.overwritten->fact[0].edit == 1);
            CHECK_STR(r.overwritten->fact[0].target, "a");
            CHECK_NEAR(r.overwritten->fact[0].p[0], s[0].report->p_target[1], 1e-6);
            CHECK(r.overwritten->fact[0].p[1] < r.overwritten->fact[0].p[0]);
            CHECK(r.overwritten->fact[0].said[1][0] != 'a');
        }
        seen_free(&r);
    }
    for (int i = 0; i < 4; i++)
        seen_free(&s[i]);
    engine_stop(e);
}

int main(void)
{
    static const struct test tests[] = {
        {"both sides are those of the report", both_sides_are_those_of_the_report},
        {"neighbours that the base knows", neighbours_that_the_base_knows},
        {"an overwritten edit is named", an_overwritten_edit_is_named},
        {"a list is asked again at its end", a_list_is_asked_again_at_its_end},
        {"an edit is asked before it and with it", an_edit_is_asked_before_it_and_with_it},
    };

    return small_main(tests, sizeof(tests) / sizeof(*tests));
}
