/* The Run view: what is drawn of a run's file, and that it is what the file holds. */
#include "tests/screens/fixture.h"

#include <ctype.h>
#include <unistd.h>

#include "tui/text.h"
#include "views/screens/run_internal.h"
#include "views/view_tables.h"

enum { FACTS = 6, ARMS = 2 };
static const char *const places[FACTS] = {"Egypt", "Kenya", "Peru", "Chad", "Fiji", "Cuba"};

/* Two arms, one order, checkpoints 3 and 6. */
static const char text[] =
    "{\"data\":\"d\",\"edits\":[3,6],\"batch\":1,\"orders\":1,\"seed\":0,\"protocol\":[\"teacher\","
    "\"generated\"],\"state\":true,\"arms\":[{\"name\":\"nmke\",\"parameters\":{}},{\"name\":"
    "\"alphaedit\",\"parameters\":{}}]}";

static struct command posted; /* the last one; what it points to is freed at the next */
static int posts;

static unsigned keep_post(struct host *host, struct command *cmd)
{
    (void)host;
    command_free(&posted);
    posted = *cmd;
    return (unsigned)++posts;
}

static struct host recording(struct ui_state *d)
{
    struct host host = host_of(d);

    host.post = keep_post;
    posts = 0;
    return host;
}

/* An answer of which `right` of two tokens are right. */
static struct measure answer_of(int sequence, int edits, int when, int record, int probe, int right)
{
    struct measure m = {.sequence = sequence,
                        .edits = edits,
                        .when = when,
                        .record = record,
                        .probe = probe,
                        .predicteds = 2,
                        .labels = 2,
                        .logp = -0.5 * (3 - right),
                        .answers = 2,
                        .rival = -3,
                        .rivals = 2,
                        .said = xstrdup(right == 2 ? "so it"
                                        : right    ? "so"
                                                   : "no"),
                        .wanted = xstrdup("so it")};

    m.predicted = xcalloc(2, sizeof(int));
    m.label = xcalloc(2, sizeof(int));
    m.label[0] = m.label[1] = 7;
    for (int i = 0; i < 2; i++)
        m.predicted[i] = i < right ? 7 : 3;
    return m;
}

/* What is right of a record: the first arm forgets, the second one does worse at the fourth. */
static int right_of(int sequence, int when, int record, int probe)
{
    if (when == WHEN_BASE)
        return record % 2;
    if (probe == MEASURE_LOC)
        return sequence == 1 && record == 2 ? 1 : 2;
    return when == WHEN_IMMEDIATE         ? 2
           : sequence == 1 && record < 3  ? 1
           : sequence == 2 && record == 4 ? 0
                                          : 2;
}

static void add_record(struct measures *all, int sequence, int edits, int when, int record)
{
    static const int probe[] = {MEASURE_REL, MEASURE_LOC};

    for (int i = 0; i < 2; i++) {
        all->measure = xrealloc(all->measure, (size_t)(all->count + 1) * sizeof(*all->measure));
        all->measure[all->count++] = answer_of(sequence, edits, when, record, probe[i],
                                               right_of(sequence, when, record, probe[i]));
    }
}

/* All measures of the first `sequences` arms, the last of them up to `facts`. */
static struct measures *measures_of_run(int sequences, int facts)
{
    struct measures *all = xcalloc(1, sizeof(*all));

    for (int i = 1; i <= FACTS; i++)
        add_record(all, 0, 0, WHEN_BASE, i);
    for (int s = 1; s <= sequences; s++)
        for (int i = 1; i <= (s == sequences ? facts : FACTS); i++) {
            add_record(all, s, i, WHEN_IMMEDIATE, i);
            for (int k = 1; i % 3 == 0 && k <= i; k++)
                add_record(all, s, i, WHEN_FINAL, k);
        }
    return all;
}

static void add_number(struct run_info *r, int sequence, int edits, const char *name, double value)
{
    struct run_number *n;

    r->number = xrealloc(r->number, (size_t)(r->numbers + 1) * sizeof(*r->number));
    n = &r->number[r->numbers++];
    *n = (struct run_number){.sequence = sequence, .edits = edits, .layer = -1, .value = value};
    snprintf(n->name, sizeof(n->name), "%s", name);
}

/* Edits 1 to 6 are the first arm's, the others the second one's. */
static struct run_info *info_of_run(int sequences, int facts, int first)
{
    struct run_info *r = xcalloc(1, sizeof(*r));
    int edits = (sequences - 1) * FACTS + facts;

    *r = (struct run_info){.path = xstrdup("/tmp/facts.run"),
                           .text = xstrdup(text),
                           .whole = first == 1,
                           .changed = 1700000000,
                           .last = 100};
    r->fact = xcalloc((size_t)edits + 1, sizeof(*r->fact));
    for (int i = first; i <= edits; i++)
        r->fact[r->facts++] = (struct run_fact){.edit = i,
                                                .subject = xstrdup(places[(i - 1) % FACTS]),
                                                .prompt = xstrdup("The capital of {} is"),
                                                .target = xstrdup("so it"),
                                                .locality = xcalloc(1, sizeof(struct run_probe))};
    for (int s = 1; s <= sequences; s++) {
        if (s < sequences || facts == FACTS)
            add_number(r, s, FACTS, "complete", 1);
        for (int k = 3; k <= (s < sequences ? FACTS : facts); k += 3) {
            add_number(r, s, k, "delta_norm", 0.1 * k * s);
            add_number(r, s, k, "perplexity", 20 + k);
        }
    }
    return r;
}

static void give_run_file(struct ui_state *d, int sequences, int facts)
{
    give(d, EV_RUN, info_of_run(sequences, facts, 1));
    give(d, EV_MEASURES, measures_of_run(sequences, facts));
}

/* Works until nothing is left to compute. */
static void work(struct view *v)
{
    double again = 0;

    for (int i = 0; i < 10000 && again >= 0 && again <= 0; i++)
        v->ops->work(v, &again);
    CHECK(again < 0 || again > 0);
}

/* A run that is drawn, with the view on it. */
struct drawn {
    struct ui_state d;
    struct host host;
    struct view *v;
};

static void draw_begin(struct drawn *x, int sequences, int facts)
{
    make_ui_state(&x->d);
    give_model(&x->d);
    give_run_file(&x->d, sequences, facts);
    x->host = recording(&x->d);
    x->v = view_open(view_find("run"), &x->host);
    x->d.viewed = "/nowhere/facts.run"; /* not there: nothing is read */
    x->v->ops->open(x->v);
    setenv("TZ", "UTC", 1);
    work(x->v);
}

static void draw_end(struct drawn *x)
{
    view_close(x->v);
    ui_free(&x->d);
}

static void press(struct drawn *x, enum action action, int times)
{
    for (int i = 0; i < times; i++)
        CHECK(x->v->ops->action(x->v, action));
    work(x->v);
}

static bool shows(struct drawn *x, int h, int w, const char *what)
{
    char *got = screen_text(&(struct screen){.ui = &x->d, .view = x->v}, h, w, false);
    bool there = strstr(got, what) != NULL;

    if (!there)
        printf("not there: %s\n%s", what, got);
    free(got);
    return there;
}

static bool hides(struct drawn *x, int h, int w, const char *what)
{
    char *got = screen_text(&(struct screen){.ui = &x->d, .view = x->v}, h, w, false);
    bool there = strstr(got, what) != NULL;

    if (there)
        printf("there: %s\n%s", what, got);
    free(got);
    return !there;
}

static void to_page(struct drawn *x, int page)
{
    for (int i = 0; i < PAGES && ((struct run_view *)x->v->state)->page != page; i++)
        press(x, ACTION_MODE, 1);
    CHECK(((struct run_view *)x->v->state)->page == page);
}

static void four_sizes(const char *name, struct drawn *x)
{
    static const int size[][2] = {{24, 80}, {20, 60}, {36, 120}, {50, 200}};
    struct screen screen = {.ui = &x->d, .view = x->v, .message = "read", .tone = TONE_GOOD};

    for (int k = 0; k < 4; k++)
        compare_golden(name, &screen, size[k][0], size[k][1]);
}

static void pictures(void)
{
    struct drawn x;

    draw_begin(&x, 2, 6);
    press(&x, ACTION_DOWN, 2);
    four_sizes("run-table", &x);
    press(&x, ACTION_ENTER, 1);
    press(&x, ACTION_DOWN, 1);
    four_sizes("run-records", &x);
    press(&x, ACTION_NEXT_PANE, 1);
    four_sizes("run-compared", &x);
    press(&x, ACTION_BACK, 1);
    press(&x, ACTION_FLIP, 2);
    press(&x, ACTION_NEXT_PANE, 1);
    four_sizes("run-forgotten", &x);
    press(&x, ACTION_PREVIOUS_PANE, 1);
    press(&x, ACTION_MODE, 2);
    four_sizes("run-states", &x);
    draw_end(&x);
}

/* By hand, from right_of(): Rel of the first arm after 6 edits is (2 x 1/2 + 4 x 1) / 6. */
static void numbers_are_those_of_the_file(void)
{
    struct drawn x;

    draw_begin(&x, 2, 6);
    press(&x, ACTION_DOWN, 2);
    CHECK(shows(&x, 36, 120, "Rel 0.833 ["));
    CHECK(shows(&x, 36, 120, "n 6 · nmke after 6 edits · final · teacher"));
    press(&x, ACTION_UP, 1); /* three records: (1/2 + 1/2 + 1) / 3, and no interval */
    CHECK(shows(&x, 36, 120, "Rel 0.667 (too few for an interval) · n 3 · nmke after 3 edits"));
    press(&x, ACTION_DOWN, 3); /* (5 x 1) / 6 */
    CHECK(shows(&x, 36, 120, "Rel 0.833 [") && shows(&x, 36, 120, "alphaedit after 6 edits"));
    press(&x, ACTION_FLIP, 1);
    CHECK(
        shows(&x, 36, 120, "Rel 1.000 [1.000, 1.000] · n 6 · alphaedit after 6 edits · immediate"));
    press(&x, ACTION_FLIP, 1); /* immediate less final: 1/6 */
    CHECK(shows(&x, 36, 120, "Rel 0.167 ["));
    press(&x, ACTION_UP, 4); /* the base: nothing was forgotten */
    CHECK(shows(&x, 36, 120, "Rel – · n 0 · the base"));
    draw_end(&x);
}

/* The base is of the same records as the row under the cursor: records 1 to 3 have Rel 1/2, 0, 1/2
 * there, all six have 1/4. */
static void the_base_is_of_the_same_records(void)
{
    struct drawn x;

    draw_begin(&x, 2, 6);
    CHECK(shows(&x, 36, 120, "(base)            0       6  0.250 ["));
    CHECK(shows(&x, 36, 120, "n 6 · the base · teacher · records of nmke after 6 edits"));
    press(&x, ACTION_DOWN, 1);
    CHECK(shows(&x, 36, 120, "(base)            0       3  0.333"));
    draw_end(&x);
}

static void add_score(struct run_info *r, const char *name, double value, double error, int n)
{
    const double all[TASK_NUMBERS] = {value, error, n};

    for (int i = 0; i < TASK_NUMBERS; i++) {
        char full[64];

        snprintf(full, sizeof(full), "%s%s", name, task_number_ending[i]);
        add_number(r, 0, 0, full, all[i]);
    }
}

/* None of 20 questions: 0 to .161 (Wilson). An interval that is wider than its cell has fewer
 * digits. */
static void scores_of_tasks_have_intervals(void)
{
    struct run_info *r = info_of_run(2, 6, 1);
    struct buf csv = {0};
    struct table t;
    struct drawn x;

    add_score(r, "mmlu.acc", 0, 0, 20);
    add_score(r, "mmlu_cloze.acc", 0.5, 0.5, 4);
    add_score(r, "mmlu_cloze.logp", -5.797, 0.348, 16);
    add_score(r, "commonsense_qa_cloze.logp", -10.797, 5.508, 16); /* 10.7954 to each side */
    draw_begin(&x, 2, 6);
    give(&x.d, EV_RUN, r);
    give(&x.d, EV_MEASURES, measures_of_run(2, 6));
    work(x.v);
    to_page(&x, PAGE_TASKS);
    CHECK(shows(&x, 36, 120, "(base)            0      20  0.000 [0.000, 0.161]"));
    CHECK(shows(&x, 36, 120, "-5.797 [-6.48, -5.11]"));
    CHECK(shows(&x, 36, 120, "mmlu.acc 0.000 [0.000, 0.161] · n 20 · the base"));
    CHECK(shows(&x, 36, 120, "-10.797 [-21.6, 0.0]")); /* and no -0.0 */
    press(&x, ACTION_RIGHT, 1);
    CHECK(shows(&x, 36, 120, "mmlu_cloze.acc 0.500 (too few for an interval) · n 4 · the base"));
    CHECK(view_table_of(&t, x.v->ops, &x.d));
    table_to_csv(&t, &csv);
    table_free(&t);
    CHECK(strstr(csv.data, ",0,state,,mmlu.acc,0,0,0.161"));
    buf_free(&csv);
    draw_end(&x);
}

/* It is known if all three are, and then 0 if one is. */
static void a_score_has_one_definition(void)
{
    static const double none = (double)NAN;

    CHECK_NEAR(eval_score_of((double[]){1, 0.5, 0.25}), 3. / 7, 1e-12);
    CHECK_NEAR(eval_score_of((double[]){1, 0, 0.25}), 0, 0);
    CHECK(isnan(eval_score_of((double[]){0, none, 0.25})));
    CHECK(isnan(eval_score_of((double[]){none, 0, 0.25})));
}

/* Four of six facts are written: what is immediate is of four edits, and the records that are there
 * are those at the checkpoint of three. */
static void half_a_run(void)
{
    struct drawn x;

    draw_begin(&x, 1, 4);
    CHECK(shows(&x, 36, 120, "(base)            0       3  0.333"));
    CHECK(shows(&x, 36, 120, "Records: nmke after 3 edits, final"));
    press(&x, ACTION_FLIP, 1);
    CHECK(shows(&x, 36, 120, "nmke ★            3       3  1.000"));
    CHECK(shows(&x, 36, 120, "nmke ★            4     4/6  1.000"));
    press(&x, ACTION_DOWN, 2);
    CHECK(shows(&x, 36, 120, "n 4 · 4 of 6 records so far"));
    CHECK(shows(&x, 36, 120, "nmke after 4 edits · immediate"));
    CHECK(shows(&x, 36, 120, "Records: nmke after 4 edits, immediate"));
    draw_end(&x);
}

/* Circles of the figure: the points of the first arm. */
static int points_of_figure(struct drawn *x)
{
    struct buf out = {0};
    int n = 0;

    CHECK(x->v->ops->figure(&x->d, &out));
    for (const char *p = out.data; (p = strstr(p, "<circle")); p++)
        n++;
    buf_free(&out);
    return n;
}

/* All six facts are written, and two of them asked at the end: their mean is no final one yet. */
static void half_a_checkpoint(void)
{
    struct measures *all = measures_of_run(1, 6);
    struct drawn x, whole;

    for (int i = 0; i < 8; i++) /* four records of two questions */
        measure_free(&all->measure[--all->count]);
    draw_begin(&x, 1, 5);
    give(&x.d, EV_RUN, info_of_run(1, 6, 1));
    for (int i = 0; i < x.d.run->eval.numbers; i++) /* nothing is complete */
        if (!strcmp(x.d.run->eval.number[i].name, "complete"))
            x.d.run->eval.number[i].edits = 0;
    give(&x.d, EV_MEASURES, all);
    work(x.v);
    CHECK(shows(&x, 36, 120, "nmke ★            3       3  0.667"));
    CHECK(shows(&x, 36, 120, "nmke ★            6     2/6  0.500"));
    press(&x, ACTION_DOWN, 2);
    CHECK(shows(&x, 36, 120, "n 2 · 2 of 6 records so far · nmke after 6 edits · final"));
    CHECK(shows(&x, 36, 120, "Records: nmke after 6 edits, final, 2 of 6 records so far"));
    draw_begin(&whole, 1, 6); /* the figure has the points after three edits alone */
    CHECK(points_of_figure(&whole) - points_of_figure(&x) == 5); /* Rel, Loc, log p, ES, NS */
    draw_end(&whole);
    draw_end(&x);
}

/* The first of two orders is asked: there are numbers, but no point of a curve is whole. */
static void one_of_two_orders(void)
{
    struct run_info *r = info_of_run(1, 6, 1);
    char *orders = strstr(r->text, "\"orders\":1");
    struct drawn x;

    draw_begin(&x, 1, 6);
    orders[strlen("\"orders\":")] = '2';
    give(&x.d, EV_RUN, r);
    give(&x.d, EV_MEASURES, measures_of_run(1, 6));
    work(x.v);
    press(&x, ACTION_DOWN, 2);
    CHECK(shows(&x, 36, 120, "n 6 in 1 of 2 orders · 6 of 12 records so far · nmke after 6"));
    CHECK(shows(&x, 36, 120, "no checkpoint is asked in all orders yet"));
    press(&x, ACTION_UP, 2);
    CHECK(shows(&x, 36, 120, "in 1 of 2 orders · the base"));
    draw_end(&x);
}

/* Each row of the arm that the others are compared with has its mark; the run has a tab. */
static void what_is_chosen_is_seen(void)
{
    struct drawn x;

    draw_begin(&x, 2, 6);
    CHECK(shows(&x, 24, 80, "nmke ★            3") && shows(&x, 24, 80, "nmke ★            6"));
    press(&x, ACTION_DOWN, 4);
    press(&x, ACTION_TAG, 1);
    CHECK(shows(&x, 24, 80, "alphaedit ★       3") && shows(&x, 24, 80, "alphaedit ★       6"));
    CHECK(shows(&x, 24, 80, "nmke              6"));
    CHECK(shows(&x, 24, 80, "% Run"));
    CHECK(shows(&x, 24, 80, "h metric  l metric")); /* the cursor begins at the first one */
    draw_end(&x);
}

/* In ASCII the mark is no letter: the curves' arms have letters. */
static void the_mark_is_no_letter(void)
{
    struct grapheme mark = {.code = 'A'};
    const char *at;
    struct drawn x;
    char *got;

    draw_begin(&x, 2, 6);
    got = screen_text(&(struct screen){.ui = &x.d, .view = x.v}, 24, 80, false);
    at = strstr(got, "nmke ");
    CHECK(at != NULL);
    at = at ? at + strlen("nmke ") : at;
    CHECK(at && text_next(&at, &mark) && mark.code > 0x80 && ispunct(text_ascii(mark.code)) &&
          text_ascii(mark.code) != '?');
    free(got);
    draw_end(&x);
}

/* Nor does ASCII lose a glyph of the headings. */
static void headings_have_their_ascii(void)
{
    const char *at = "‹›σ(ΔW) ‖W₀‖ − ΔHE/HE ↑↓ … – ✓✗";
    struct grapheme g;

    while (text_next(&at, &g))
        CHECK(text_ascii(g.code) != '?');
}

/* Record 1 lost half of Rel, record 3 nothing: that is no failure. */
static void a_loss_of_nothing_is_good(void)
{
    struct drawn x;

    draw_begin(&x, 2, 6);
    press(&x, ACTION_DOWN, 2);
    press(&x, ACTION_ENTER, 1);
    CHECK(shows(&x, 36, 120, "   3      ✓     ✓")); /* final: right */
    press(&x, ACTION_FLIP, 2);
    CHECK(shows(&x, 36, 120, "   1  +0.50     0"));
    CHECK(shows(&x, 36, 120, "   3      0     0"));
    draw_end(&x);
}

/* Of a prompt that is sent: whether it is sent, and a log p is not counted as whole. */
static void what_is_not_right_or_wrong_has_no_mark(void)
{
    struct measures *m = xcalloc(1, sizeof(*m));
    struct drawn x;

    draw_begin(&x, 1, 6);
    m->measure = xcalloc(4, sizeof(*m->measure));
    for (int i = 0; i < 4; i++) { /* of the base, then of record 1 after its edit */
        struct measure *one = &m->measure[m->count++];

        *one = answer_of(i / 2, i / 2, i < 2 ? WHEN_BASE : WHEN_IMMEDIATE, 1,
                         i % 2 ? MEASURE_LOC : MEASURE_REL, 0);
        one->protocol = PROTOCOL_ROUTED;
        one->predicteds = one->labels = 1;
        one->predicted[0] = i > 1;
        one->label[0] = 1;
    }
    give(&x.d, EV_MEASURES, m);
    work(x.v);
    press(&x, ACTION_FLIP, 1);
    press(&x, ACTION_ENTER, 1);
    press(&x, ACTION_RIGHT, 2); /* log p */
    CHECK(hides(&x, 36, 120, "whole:"));
    to_page(&x, 4);
    CHECK(shows(&x, 36, 120, "   1        sent       sent") && hides(&x, 36, 120, "whole:"));
    draw_end(&x);
}

/* A heading is as wide as its name, so that none runs into the next one. */
static void headings_stand_apart(void)
{
    struct drawn x;

    draw_begin(&x, 2, 6);
    press(&x, ACTION_ENTER, 1);
    for (int i = 0; i < 4 && x.v->state && ((struct run_view *)x.v->state)->page; i++)
        press(&x, ACTION_MODE, 1); /* to the other metrics: names of two words */
    CHECK(shows(&x, 24, 80, " Rel whole Loc whole "));
    draw_end(&x);
}

/* Arms less each other: -1/2 at records 1 and 2, +1 at the fourth. */
static void two_arms_are_compared(void)
{
    struct drawn x;

    draw_begin(&x, 2, 6);
    press(&x, ACTION_DOWN, 4);
    press(&x, ACTION_NEXT_PANE, 3);
    /* (1/2 + 1/2 - 1) / 6 = 0; all 8 ways of three signs have a mean as large */
    CHECK(shows(&x, 50, 200, "0.000 ["));
    CHECK(shows(&x, 50, 200, "p 1.0000 Holm 1.0000 n 6"));
    CHECK(shows(&x, 50, 200, "3 records differ: alphaedit, nmke, difference"));
    CHECK(shows(&x, 50, 200, "1    1.00   0.50  +0.50 Egypt → so it"));
    CHECK(shows(&x, 50, 200, "4    0.00   1.00  -1.00 Chad → so it"));
    press(&x, ACTION_BACK, 1);
    press(&x, ACTION_TAG, 1); /* now the others are compared with alphaedit */
    press(&x, ACTION_PREVIOUS_PANE, 1);
    CHECK(shows(&x, 50, 200, "Each arm less alphaedit"));
    CHECK(shows(&x, 50, 200, "4    1.00   0.00  +1.00 Chad → so it")); /* nmke less alphaedit */
    draw_end(&x);
}

/* Eight answers, of which a screen of 24 rows shows a few. Each is read to its end, and the next
 * record begins with its first one. */
static void all_answers_of_a_record_are_read(void)
{
    struct measures *m = xcalloc(1, sizeof(*m));
    struct drawn x;

    draw_begin(&x, 1, 6);
    m->measure = xcalloc(8, sizeof(*m->measure));
    for (int i = 0; i < 8; i++) {
        struct measure *one = &m->measure[m->count++];

        *one = answer_of(1, 6, WHEN_FINAL, 1, MEASURE_LOC, 1);
        one->place = i + 1;
        free(one->said);
        one->said = xasprintf("a long answer that goes over the end of any row of the box, as "
                              "answers of models that were edited do, to its end %d",
                              i);
    }
    give(&x.d, EV_MEASURES, m);
    work(x.v);
    press(&x, ACTION_DOWN, 2);
    press(&x, ACTION_ENTER, 1);
    CHECK(shows(&x, 24, 80, "of 8 · } {: next, back") && hides(&x, 24, 80, "end 7"));
    for (int i = 0; i < 8; i++) {
        char end[16];

        press(&x, ACTION_TOKEN_NEXT, i ? 1 : 0);
        snprintf(end, sizeof(end), "end %d", i);
        CHECK(shows(&x, 24, 80, end));
    }
    press(&x, ACTION_TOKEN_NEXT, 1);
    CHECK(shows(&x, 24, 80, "–8 of 8"));
    press(&x, ACTION_TOKEN_BACK, 9);
    CHECK(shows(&x, 24, 80, "answers 1–"));
    press(&x, ACTION_TOKEN_NEXT, 9);
    press(&x, ACTION_DOWN, 1);
    press(&x, ACTION_UP, 1);
    CHECK(shows(&x, 24, 80, "answers 1–"));
    CHECK(shows(&x, 60, 200, "end 0") && shows(&x, 60, 200, "end 7")); /* all in full */
    CHECK(hides(&x, 60, 200, "answers 1–"));
    draw_end(&x);
}

/* No arm could write the fourth fact: the journal has no text of it. */
static void a_fact_that_could_not_be_written(void)
{
    struct run_info *r = info_of_run(2, 6, 1);
    struct drawn x;

    for (int at = 9; at >= 3; at -= 6) { /* of the second arm, then of the first */
        struct run_fact *f = &r->fact[at];

        free(f->subject);
        free(f->prompt);
        free(f->target);
        free(f->locality);
        memmove(f, f + 1, (size_t)(--r->facts - at) * sizeof(*f));
        add_number(r, at / 6 + 1, 4, "failed", 1);
    }
    for (int i = 0; i < r->facts; i++)
        r->fact[i].edit = i + 1;
    draw_begin(&x, 2, 6);
    give(&x.d, EV_RUN, r);
    give(&x.d, EV_MEASURES, measures_of_run(2, 6));
    work(x.v);
    press(&x, ACTION_DOWN, 2);
    press(&x, ACTION_ENTER, 1);
    CHECK(shows(&x, 36, 120, "the fact could not be written"));
    CHECK(hides(&x, 36, 120, "Chad → so it") && shows(&x, 36, 120, "Fiji → so it"));
    press(&x, ACTION_DOWN, 3);
    press(&x, ACTION_ENTER, 1);
    CHECK_STR(last_said, "record 4: the fact could not be written");
    draw_end(&x);
}

/* Five arms: a box of 24 rows has room for all that the first one is compared with. */
static void all_arms_that_fit_are_compared(void)
{
    struct run_info *r = info_of_run(2, 6, 1);
    struct drawn x;

    draw_begin(&x, 2, 6);
    r->text = xrealloc(r->text, sizeof(text) + 100);
    snprintf(strstr(r->text, "]}"), 100, "%s",
             ",{\"name\":\"third\"},{\"name\":\"fourth\"},{\"name\":\"fifth\"}]}");
    give(&x.d, EV_RUN, r);
    give(&x.d, EV_MEASURES, measures_of_run(2, 6));
    work(x.v);
    press(&x, ACTION_DOWN, 4);
    press(&x, ACTION_NEXT_PANE, 3);
    CHECK(shows(&x, 24, 80, "› alphaedit") && shows(&x, 24, 80, "  third") &&
          shows(&x, 24, 80, "  fourth") && shows(&x, 24, 80, "  fifth"));
    CHECK(shows(&x, 24, 80, "+0.50 Egypt") && hides(&x, 24, 80, "arms · ]"));
    CHECK(shows(&x, 18, 80, "› alphaedit") && shows(&x, 18, 80, " of 4 arms · ] [: next, back"));
    press(&x, ACTION_LAYER_NEXT, 6);
    CHECK(shows(&x, 18, 80, "› fifth"));
    draw_end(&x);
}

static void a_record_opens_its_fact(void)
{
    struct drawn x;

    draw_begin(&x, 2, 6);
    press(&x, ACTION_DOWN, 4);
    press(&x, ACTION_ENTER, 1);
    press(&x, ACTION_DOWN, 3);
    press(&x, ACTION_ENTER, 1);
    CHECK_STR(x.d.fact.subject, "Chad");
    CHECK(strstr(last_said, "edit 10 of the run") && strstr(last_said, "session"));
    x.d.viewed = NULL; /* the run's own session, in which edits 7 to 12 are active */
    snprintf(x.d.state.session, sizeof(x.d.state.session), "/tmp/facts.run");
    x.d.run->active_from = 7;
    x.d.run->active_to = 12;
    press(&x, ACTION_ENTER, 1);
    CHECK(x.d.query.state == 10 && strstr(last_said, "asks the state after it"));
    x.d.run->active_to = 9;
    press(&x, ACTION_ENTER, 1);
    CHECK(strstr(last_said, "undone"));
    draw_end(&x);
}

/* The first arm's edits are in another process of mpirun: the journal has the second one's alone.
 */
static void edits_of_another_process(void)
{
    struct run_info *r = info_of_run(1, 6, 1);
    struct drawn x;

    for (int s = 1; s <= 2; s++)
        add_number(r, s, FACTS, "complete", 1);
    add_number(r, 1, FACTS, "elsewhere", 1);
    draw_begin(&x, 2, 6);
    give(&x.d, EV_RUN, r);
    give(&x.d, EV_MEASURES, measures_of_run(2, 6));
    work(x.v);
    press(&x, ACTION_DOWN, 4);
    press(&x, ACTION_ENTER, 2);
    CHECK(strstr(last_said, "edit 1 of the run"));
    press(&x, ACTION_BACK, 1);
    press(&x, ACTION_UP, 2);
    press(&x, ACTION_ENTER, 2);
    CHECK(strstr(last_said, "another process made it"));
    draw_end(&x);
}

/* Both arms had three facts (edits 1 to 6) before the run was extended; the first one has all six
 * again (7 to 12), the second one none yet. */
static void a_run_that_was_extended(void)
{
    struct run_info *r = info_of_run(1, 6, 1);
    struct drawn x;

    for (int i = 0; i < r->facts; i++) {
        free(r->fact[i].subject);
        r->fact[i].subject = xstrdup(places[i % 3]);
    }
    r->fact = xrealloc(r->fact, 12 * sizeof(*r->fact));
    for (; r->facts < 12; r->facts++)
        r->fact[r->facts] = (struct run_fact){.edit = r->facts + 1,
                                              .subject = xstrdup(places[r->facts - 6]),
                                              .prompt = xstrdup("The capital of {} is"),
                                              .target = xstrdup("so it")};
    add_number(r, 1, 3, "complete", 1);
    add_number(r, 2, 3, "complete", 1);
    add_number(r, 0, 3, "extended", 6);
    draw_begin(&x, 1, 6);
    give(&x.d, EV_RUN, r);
    give(&x.d, EV_MEASURES, measures_of_run(1, 6));
    work(x.v);
    for (int i = 0; i < FACTS; i++) {
        CHECK(x.d.run->edit[i] == 7 + i);
        CHECK(x.d.run->edit[FACTS + i] == (i < 3 ? 4 + i : 0));
        CHECK_STR(x.d.run->eval.fact[i].subject, places[i]);
    }
    CHECK(shows(&x, 36, 120, "1 of 2 sequences, the next 0 of 6 facts"));
    draw_end(&x);
}

/* Half of it, then the rest: as if all had come at once. */
static void a_run_that_goes_on(void)
{
    struct measures *part = measures_of_run(1, 4), *rest = measures_of_run(2, 6);
    struct drawn x, whole;
    int half = part->count;

    draw_begin(&x, 1, 4);
    CHECK(shows(&x, 36, 120, "0 of 2 sequences, the next 4 of 6 facts"));
    give(&x.d, EV_RUN, info_of_run(2, 6, 5));
    for (int i = 0; i < half; i++)
        measure_free(&rest->measure[i]);
    memmove(rest->measure, rest->measure + half,
            (size_t)(rest->count - half) * sizeof(*rest->measure));
    rest->count -= half;
    give(&x.d, EV_MEASURES, rest);
    give(&x.d, EV_RUN, info_of_run(2, 6, 5)); /* as a recording may bring it again */
    work(x.v);
    draw_begin(&whole, 2, 6);
    for (int i = 0; i < 4; i++) {
        struct screen a = {.ui = &x.d, .view = x.v}, b = {.ui = &whole.d, .view = whole.v};
        char *got = screen_text(&a, 36, 120, false), *want = screen_text(&b, 36, 120, false);

        CHECK_STR(got, want);
        free(got);
        free(want);
        press(&x, ACTION_DOWN, 1);
        press(&whole, ACTION_DOWN, 1);
    }
    measures_free(part->measure, part->count);
    free(part);
    draw_end(&whole);
    draw_end(&x);
}

/* Another file that is no run: the one that is shown stays, and a message says why. */
static void another_file_is_refused(void)
{
    struct event failed = {.kind = EV_FAILED, .job = 2};
    struct drawn x;

    draw_begin(&x, 2, 6);
    x.v->ops->event(x.v, &(struct event){.kind = EV_DONE, .job = 1});
    CHECK(x.v->ops->command(x.v, "run", "/nowhere/other.run"));
    CHECK_STR(posted.text, "/nowhere/other.run");
    err_set(&failed.err, ERR_IO, "/nowhere/other.run: no such session");
    x.v->ops->event(x.v, &failed);
    CHECK_STR(last_said, "/nowhere/other.run: no such session");
    CHECK(shows(&x, 36, 120, "facts.run: final"));
    draw_end(&x);
}

static void give_of(struct drawn *x, enum event_kind kind, unsigned job, void *what)
{
    struct event ev = {.kind = kind, .job = job};

    ev.progress = what; /* any member of the union: all are one pointer */
    ui_event(&x->d, &ev);
    x->v->ops->event(x->v, &ev);
    event_free(&ev);
}

/* A file that is asked for before the one asked for first is read: the latter's answer, come late,
 * is dropped. */
static void the_file_asked_for_last_is_shown(void)
{
    struct event failed = {.kind = EV_FAILED, .job = 1};
    struct run_info *late;
    struct drawn x;

    draw_begin(&x, 2, 6); /* asked for a file as job 1 */
    CHECK(x.v->ops->command(x.v, "run", "/nowhere/other.run"));
    CHECK(posts == 2);
    CHECK_STR(posted.text, "/nowhere/other.run");
    *last_said = '\0';
    err_set(&failed.err, ERR_USAGE, "/nowhere/own.es is a session, and no run");
    x.v->ops->event(x.v, &failed);
    CHECK_STR(last_said, "");
    late = info_of_run(1, 4, 1);
    free(late->path);
    late->path = xstrdup("/nowhere/late.run");
    give_of(&x, EV_RUN, 1, late);
    give_of(&x, EV_MEASURES, 1, measures_of_run(1, 4));
    CHECK(shows(&x, 36, 120, "facts.run: final"));
    CHECK(shows(&x, 36, 120, "complete"));
    late = info_of_run(1, 4, 1);
    free(late->path);
    late->path = xstrdup("/nowhere/other.run");
    give_of(&x, EV_RUN, 2, late);
    give_of(&x, EV_MEASURES, 2, measures_of_run(1, 4));
    CHECK(shows(&x, 36, 120, "other.run: final"));
    draw_end(&x);
}

/* The reference arm and the cursors are of one run: another one begins as any. */
static void another_run_begins_as_any(void)
{
    struct run_info *other = info_of_run(2, 6, 1);
    struct drawn x;

    draw_begin(&x, 2, 6);
    give_of(&x, EV_RUN, 1, info_of_run(2, 6, 1));
    give_of(&x, EV_MEASURES, 1, measures_of_run(2, 6));
    press(&x, ACTION_DOWN, 4);
    press(&x, ACTION_TAG, 1);
    press(&x, ACTION_PREVIOUS_PANE, 1);
    CHECK(shows(&x, 50, 200, "Each arm less alphaedit"));
    give_of(&x, EV_RUN, 1, info_of_run(2, 6, 1)); /* the same again */
    give_of(&x, EV_MEASURES, 1, measures_of_run(2, 6));
    work(x.v);
    CHECK(shows(&x, 50, 200, "Each arm less alphaedit"));
    CHECK(((struct run_view *)x.v->state)->rows.at == 4);
    free(other->path);
    other->path = xstrdup("/nowhere/other.run");
    give_of(&x, EV_RUN, 1, other);
    give_of(&x, EV_MEASURES, 1, measures_of_run(2, 6));
    work(x.v);
    CHECK(shows(&x, 50, 200, "Each arm less nmke"));
    CHECK(((struct run_view *)x.v->state)->rows.at == 0);
    draw_end(&x);
}

/* A run undoes its edits after it is complete: then it is read again, with header and History. */
static void a_complete_run_is_read_again(void)
{
    char path[] = "/tmp/editscope-run-test.XXXXXX";
    int fd = mkstemp(path);
    double again = 0;
    struct drawn x;

    CHECK(fd >= 0);
    draw_begin(&x, 2, 6);
    CHECK(x.v->ops->command(x.v, "run", path));
    give_of(&x, EV_RUN, 2, info_of_run(2, 6, 1));
    give_of(&x, EV_MEASURES, 2, measures_of_run(2, 6));
    x.v->ops->event(x.v, &(struct event){.kind = EV_DONE, .job = 2});
    work(x.v);
    CHECK(shows(&x, 36, 120, "complete") && posts == 2);
    ((struct run_view *)x.v->state)->read_at -= 10;
    x.v->ops->work(x.v, &again);
    CHECK(again > 0 && posts == 2); /* as it was */
    CHECK(write(fd, "undone", 6) == 6);
    ((struct run_view *)x.v->state)->read_at -= 10;
    x.v->ops->work(x.v, &again);
    CHECK(posts == 3 && posted.from == 100 && posted.edit == 12);
    close(fd);
    unlink(path);
    draw_end(&x);
}

/* Nothing that a file says may lead outside the tables. */
static void hostile_files(void)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{\"edits\":[3],\"batch\":0,\"orders\":1,\"arms\":[{\"name\":\"a\"}]}",
        "{\"edits\":[3,2],\"batch\":1,\"orders\":1,\"arms\":[{\"name\":\"a\"}]}",
        "{\"edits\":[1000000],\"batch\":1,\"orders\":64,\"arms\":[{},{},{},{}]}",
        "{\"edits\":[3],\"batch\":1,\"orders\":1,\"arms\":[]}"};
    struct measures *m = xcalloc(1, sizeof(*m));
    struct drawn x;

    draw_begin(&x, 2, 6);
    for (int i = -2; i < 9; i++) {
        add_record(m, i, 3, WHEN_FINAL, 8 - i);
        add_record(m, 1, i, WHEN_FINAL, 1);
        add_record(m, 9 - i, i, WHEN_IMMEDIATE, i);
    }
    give(&x.d, EV_MEASURES, m);
    work(x.v);
    CHECK(shows(&x, 36, 120, "nmke"));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct run_info *r = info_of_run(2, 6, 1);

        free(r->text);
        r->text = xstrdup(bad[i]);
        give(&x.d, EV_RUN, r);
        give(&x.d, EV_MEASURES, measures_of_run(2, 6));
        work(x.v);
        CHECK(shows(&x, 36, 120, "damaged, or larger than any run"));
    }
    draw_end(&x);
}

/* One of the numbers of a score, of 20 questions. */
static void add_score_of(struct eval *v, int sequence, int edits, const char *name, int which,
                         double value)
{
    struct run_number *n;

    v->number = xrealloc(v->number, (size_t)(v->numbers + 1) * sizeof(*v->number));
    n = &v->number[v->numbers++];
    *n = (struct run_number){.sequence = sequence, .edits = edits, .layer = -1};
    n->value = which == TASK_VALUE ? value : which == TASK_ERROR ? 0.1 : 20;
    snprintf(n->name, sizeof(n->name), "%s%s", name, task_number_ending[which]);
}

/* The figure of :export has a line an arm, and a band where there are five records. */
static void a_figure_is_exported(void)
{
    struct buf out = {0};
    int bands = 0, panels = 0;
    struct drawn x;

    draw_begin(&x, 2, 6);
    CHECK(x.v->ops->figure(&x.d, &out));
    for (const char *p = out.data; (p = strstr(p, "fill-opacity")); p++)
        bands++;
    for (const char *p = out.data; (p = strstr(p, "font-weight=\"bold\">")); p++)
        panels++;
    CHECK(panels == 1 + 3 + 2 + 2); /* the title; Rel, Loc, log p; ES, NS; weights, perplexity */
    CHECK(bands == 0);              /* at 6 edits alone: a line from low to high instead */
    CHECK(strstr(out.data, ">alphaedit</text>") && strstr(out.data, ">number of edits</text>") &&
          strstr(out.data, "Rel (share of tokens that are right)"));
    CHECK(!strstr(out.data, "ability task") && !strstr(out.data, "Of tasks"));
    buf_clear(&out);
    for (int edits = 0; edits <= 6; edits += 3)
        for (int i = 0; i < TASK_NUMBERS; i++)
            add_score_of(&x.d.run->eval, edits ? 1 : 0, edits, "mmlu.acc", i, edits ? 0.5 : 0.75);
    CHECK(x.v->ops->figure(&x.d, &out));
    CHECK(strstr(out.data, ">mmlu, ability task</text>") &&
          strstr(out.data, ">acc (share of questions)</text>") &&
          strstr(out.data, "Of tasks: 95 %"));
    buf_free(&out);
    draw_end(&x);
    make_ui_state(&x.d); /* without a run there is none */
    CHECK(!view_find("run")->figure(&x.d, &out));
    ui_free(&x.d);
}

/* Rows say which run they are of, and nothing of the fact at hand. */
static void an_export_names_its_run(void)
{
    struct buf tex = {0};
    struct table t;
    struct drawn x;

    draw_begin(&x, 2, 6);
    CHECK(view_table_of(&t, x.v->ops, &x.d));
    table_to_latex(&t, &tex);
    CHECK_STR(t.about,
              "run facts.run, journal to 2023-11-14 22:13:20, on Tiny-12L: arms nmke, alphaedit; "
              "records 1 to "
              "6 in batches of 1, asked after 3, 6 edits, 1 order, seed 0; protocol teacher, "
              "generated; 2 of 2 sequences are complete");
    CHECK(!strncmp(tex.data, "% run facts.run, journal to ", 28) && !strstr(tex.data, "BASE"));
    buf_free(&tex);
    table_free(&t);
    draw_end(&x);
}

static void every_size(void)
{
    struct drawn x;

    draw_begin(&x, 2, 6);
    for (int show = 0; show < 4; show++) {
        for (int h = 1; h < 40; h += 3)
            for (int w = 1; w < 150; w += 7)
                free(screen_text(&(struct screen){.ui = &x.d, .view = x.v}, h, w, false));
        press(&x, ACTION_NEXT_PANE, 1);
    }
    draw_end(&x);
}

static const struct test tests[] = {
    {"pictures", pictures},
    {"numbers are those of the file", numbers_are_those_of_the_file},
    {"the base is of the same records", the_base_is_of_the_same_records},
    {"scores of tasks have intervals", scores_of_tasks_have_intervals},
    {"a score has one definition", a_score_has_one_definition},
    {"half a run", half_a_run},
    {"half a checkpoint", half_a_checkpoint},
    {"one of two orders", one_of_two_orders},
    {"what is chosen is seen", what_is_chosen_is_seen},
    {"the mark is no letter", the_mark_is_no_letter},
    {"headings have their ASCII", headings_have_their_ascii},
    {"a loss of nothing is good", a_loss_of_nothing_is_good},
    {"what is not right or wrong has no mark", what_is_not_right_or_wrong_has_no_mark},
    {"headings stand apart", headings_stand_apart},
    {"two arms are compared record by record", two_arms_are_compared},
    {"all answers of a record are read", all_answers_of_a_record_are_read},
    {"a fact that could not be written", a_fact_that_could_not_be_written},
    {"all arms that fit are compared", all_arms_that_fit_are_compared},
    {"a record opens its fact", a_record_opens_its_fact},
    {"a run that goes on", a_run_that_goes_on},
    {"a run that was extended", a_run_that_was_extended},
    {"edits of another process", edits_of_another_process},
    {"a figure is exported", a_figure_is_exported},
    {"an export names its run", an_export_names_its_run},
    {"another file is refused", another_file_is_refused},
    {"the file asked for last is shown", the_file_asked_for_last_is_shown},
    {"a complete run is read again", a_complete_run_is_read_again},
    {"another run begins as any", another_run_begins_as_any},
    {"hostile files", hostile_files},
    {"every size can be drawn", every_size},
};
TEST_MAIN(tests)
