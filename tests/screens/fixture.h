/* A ui_state as if an engine had spoken, for tests of the screens: made-up events that give every
 * view something to show, a host that does nothing, and the comparison with golden screens.
 *
 * A test makes a state (make_full_ui_state, or make_ui_state and some give_…), opens a view on it,
 * and compares what screen_draw() draws with tests/screens/NAME-COLUMNSxROWS.screen. No engine,
 * model or terminal is involved, so the picture depends on nothing but the code under test. `make
 * screens` writes the golden files; the difference is then reviewed as text.
 *
 * Included by several test programs; each uses the part it needs. */
#ifndef TESTS_SCREENS_FIXTURE_H
#define TESTS_SCREENS_FIXTURE_H

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/engine/bus.h"
#include "views/hint.h"
#include "views/shell/frame.h"

#include "tests/test.h"

#pragma GCC diagnostic ignored "-Wunused-function"

#ifndef FIXTURE_LAYERS
#define FIXTURE_LAYERS 12
#endif
enum { LAYERS = FIXTURE_LAYERS, NEURONS = 640, ROWS = 6 };

static char last_said[400];           /* the last message, as users see it */
static char last_prompt[96];          /* the sign and the text of the last input line */
static struct question last_question; /* the last one */

static unsigned no_post(struct host *host, struct command *cmd)
{
    (void)host;
    command_free(cmd);
    return 0;
}
static void no_open(struct host *host, const char *view)
{
    (void)host;
    (void)view;
}
static void note_message(struct host *host, enum tone tone, const char *fmt, ...)
{
    va_list ap;

    (void)tone;
    va_start(ap, fmt);
    hint_vprint(host->ui, last_said, sizeof(last_said), fmt, ap);
    va_end(ap);
}
static void note_message_of_job(struct host *host, unsigned job, const char *fmt, ...)
{
    va_list ap;

    (void)job;
    va_start(ap, fmt);
    hint_vprint(host->ui, last_said, sizeof(last_said), fmt, ap);
    va_end(ap);
}
static void note_prompt(struct host *host, const char *sign, const char *text)
{
    (void)host;
    snprintf(last_prompt, sizeof(last_prompt), "%s%s", sign, text);
}
static void note_question(struct host *host, const struct question *question)
{
    (void)host;
    last_question = *question;
}
static void no_knobs(struct host *host)
{
    ui_remask(host->ui);
}

/* A host that takes everything and does nothing, but for the last message, input line and question,
 * which it keeps. */
static struct host host_of(struct ui_state *d)
{
    return (struct host){.ui = d,
                         .post = no_post,
                         .open = no_open,
                         .message = note_message,
                         .message_of_job = note_message_of_job,
                         .confirm = note_question,
                         .prompt = note_prompt,
                         .params_changed = no_knobs};
}

static struct shown_token shown_token_of(const char *text, double p, bool subject)
{
    struct shown_token w = {.p = p, .subject = subject};

    snprintf(w.text, sizeof(w.text), "%s", text);
    return w;
}

/* Hands ui_state an event of this kind with this payload, which moves there. */
static void give(struct ui_state *d, enum event_kind kind, void *what)
{
    struct event ev = {.kind = kind, .job = 1, .progress = what};

    ui_event(d, &ev);
}

/* A model of LAYERS layers and an open session with moments. */
static void give_model(struct ui_state *d)
{
    struct model_info *m = xcalloc(1, sizeof(*m));
    struct state_info *s = xcalloc(1, sizeof(*s));

    *m = (struct model_info){.name = "Tiny-12L",
                             .arch = "llama",
                             .device = "cpu",
                             .type = "Q4_1",
                             .layers = LAYERS,
                             .neurons = NEURONS,
                             .hidden = 256,
                             .vocab = 49152,
                             .threads = 2};
    *s = (struct state_info){.checksum = "003da5ed7f3a91c2",
                             .state = "0011223344556677",
                             .session = "/tmp/paris.es",
                             .moment_tokens = 153600,
                             .moment_goal = 153600,
                             .edited_layers = {4, 5, 6},
                             .edited_count = 3};
    give(d, EV_MODEL, m);
    give(d, EV_STATE, s);
}

/* Tokens, answer and ranks of the prompt. One token has an escape sequence: it must not reach a
 * terminal as it is. */
static void give_prompt_info(struct ui_state *d)
{
    static const char *const token[] = {"The", " E", "iffel", " Tower", " is", " in"};
    struct prompt_info *l = xcalloc(1, sizeof(*l));

    l->tokens = 6;
    l->lookup = 3;
    l->token = xcalloc(6, sizeof(*l->token));
    for (int i = 0; i < 6; i++)
        l->token[i] = shown_token_of(token[i], 0, i >= 1 && i <= 3);
    l->nexts = 2;
    l->next = xcalloc(2, sizeof(*l->next));
    l->next[0] = shown_token_of(" Paris", 0.7, false);
    l->next[1] = shown_token_of(" \033[31mMont", 0.03, false);
    l->p_target = 0.0057;
    l->rank = 12;
    l->old = shown_token_of(" Paris", 0.7, false);
    l->layers = LAYERS;
    l->rank_old = xcalloc(LAYERS, sizeof(int));
    l->rank_new = xcalloc(LAYERS, sizeof(int));
    for (int i = 0; i < LAYERS; i++) {
        l->rank_old[i] = i < 6 ? 20000 - 3000 * i : i < 10 ? 400 >> (i - 6) : 1;
        l->rank_new[i] = i < 8 ? 30000 - 3500 * i : 900 >> (i - 7);
    }
    give(d, EV_PROMPT, l);
}

/* Scores of a layer: noise from a fixed generator, and every 97th neuron stands out. */
static void give_layer(struct ui_state *d, int layer)
{
    struct attribution *a = attribution_new(layer, ROWS, NEURONS, false);
    unsigned state = 1234u + (unsigned)layer * 77u;

    a->amplify = 30;
    a->layers = LAYERS;
    for (int i = 0; i < ROWS * NEURONS; i++) {
        state = state * 1664525u + 1013904223u;
        a->score[i] = (float)(state >> 8) / 16777216.0f * 0.5f - 0.2f;
        if (i % NEURONS % 97 == layer)
            a->score[i] += 0.25f * (float)layer;
        a->activation[i] = a->score[i] * 2;
    }
    for (int i = 0; i < NEURONS; i++)
        a->value_norm[i] = 0.5f + 0.1f * (float)(i % 7);
    give(d, EV_LAYER, a);
}

/* An attribution with this many layers scored; with all of them it is complete. */
static void give_run(struct ui_state *d, int layers)
{
    struct attribution_header *m = xcalloc(1, sizeof(*m));
    struct event done = {.kind = EV_ATTRIBUTED, .id = 1};

    m->rows = ROWS;
    m->neurons = NEURONS;
    m->layers = LAYERS;
    m->prompt = xcalloc(ROWS, sizeof(*m->prompt));
    m->target = xcalloc(ROWS, sizeof(*m->target));
    m->target[0] = shown_token_of(" Paris", 0.7, false);
    give(d, EV_HEADER, m);
    for (int l = 0; l < layers; l++)
        give_layer(d, l < 3 ? l + 4 : l < 7 ? l - 3 : l);
    if (layers == LAYERS)
        ui_event(d, &done);
}

/* One side of the preview: next tokens, ranks, an answer. */
static struct edit_side edit_side_of(bool after)
{
    struct edit_side s = {.said = xstrdup(after ? " Rome, Italy. It is a historic Roman monument"
                                                : " Paris, France."),
                          .accuracy = after,
                          .holds = after};
    struct prompt_info *l = &s.prompt;

    l->nexts = 2;
    l->next = xcalloc(2, sizeof(*l->next));
    l->next[0] = shown_token_of(after ? " Rome" : " Paris", after ? 0.891 : 0.7, false);
    l->next[1] = shown_token_of(after ? " \033[31mMont" : " the", 0.03, false);
    l->p_target = l->p_first = after ? 0.891 : 0.0057;
    l->rank = after ? 1 : 12;
    l->old = shown_token_of(" Paris", 0.7, false);
    l->layers = LAYERS;
    l->rank_old = xcalloc(LAYERS, sizeof(int));
    l->rank_new = xcalloc(LAYERS, sizeof(int));
    for (int i = 0; i < LAYERS; i++) {
        l->rank_old[i] = after ? 20000 - 1500 * i : i < 6 ? 20000 - 3000 * i : i < 10 ? 40 : 1;
        l->rank_new[i] = i < 8 ? 30000 - 3500 * i : after ? 1 : 900 >> (i - 7);
    }
    return s;
}

/* A preview that holds: p(Rome) from 0.006 to 0.891. */
static void give_preview(struct ui_state *d)
{
    struct edit_report *a = xcalloc(1, sizeof(*a));
    struct state_info *s = xcalloc(1, sizeof(*s));
    struct edit_sides *sides;

    a->layers = 3;
    for (int i = 0; i < 3; i++)
        a->layer[i] =
            (struct layer_report){.layer = 4 + i,
                                  .kept = 210,
                                  .gain = 0.93,
                                  .gain_mask = 0.29,
                                  .leak = 0.0021,
                                  .leak_ratio = 6.2 + i * 0.7,
                                  .percentile_gain = 97,
                                  .percentile_leak = 12.5,
                                  .residual = 9.3,
                                  .delta_norm = 0.4 + 0.2 * i,
                                  .weight_norm = 36,
                                  .hits = 2,
                                  .hit = {{.edit = 2, .hit = 0.041, .moved = 0.38},
                                          {.edit = 1, .hit = 0.007, .moved = (double)NAN}}};
    a->p_before = 0.0057;
    a->p_after = 0.891;
    a->p_target[0] = 0.0057;
    a->p_target[1] = 0.891;
    a->facts = a->held = 1;
    snprintf(a->generated, sizeof(a->generated), " Rome, Italy. It is a historic Roman monument");
    *s = d->state;
    s->preview = true;
    give(d, EV_STATE, s);
    give(d, EV_PREVIEW, a);
    sides = xcalloc(1, sizeof(*sides));
    sides->before = edit_side_of(false);
    sides->after = edit_side_of(true);
    give(d, EV_SIDES, sides);
}

/* One of 12 facts of other edits is overwritten by the preview, one was weak before. */
static void give_overwritten(struct ui_state *d)
{
    struct overwritten *o = xcalloc(1, sizeof(*o));

    *o = (struct overwritten){
        .state = STATE_PREVIEW, .facts = 12, .asked = 12, .held = 10, .weak = 1, .lost = 1};
    o->fact = xcalloc(1, sizeof(*o->fact));
    o->fact[0] = (struct overwritten_fact){.edit = 2,
                                           .subject = xstrdup("Mount Fuji"),
                                           .prompt = xstrdup("{} is in"),
                                           .target = xstrdup("Peru"),
                                           .said = {xstrdup(" Peru"), xstrdup(" Rome, Italy")},
                                           .p = {0.71, 0.02}};
    give(d, EV_OVERWRITTEN, o);
}

/* Answers of the base and of the preview to one prompt. */
static void give_answers(struct ui_state *d)
{
    static const char *const said[2] = {" Paris, the capital of France.", " Rome, Italy."};

    for (int k = 0; k < 2; k++) {
        struct answer *a = xcalloc(1, sizeof(*a));

        a->state = k ? STATE_PREVIEW : STATE_BASE;
        a->prompt = xstrdup("The Eiffel Tower is in");
        a->completion = xstrdup(said[k]);
        a->nexts = 2;
        a->next = xcalloc(2, sizeof(*a->next));
        a->next[k] = shown_token_of(" Paris", k ? 0.05 : 0.7, false);
        a->next[!k] = shown_token_of(" Rome", k ? 0.891 : 0.006, false);
        a->next[k].id = 1;
        a->next[!k].id = 2;
        give(d, EV_ANSWER, a);
    }
}

/* Two edits, the second undone. */
static void give_history(struct ui_state *d)
{
    struct history *h = xcalloc(1, sizeof(*h));

    h->count = 2;
    h->entry = xcalloc(2, sizeof(*h->entry));
    for (int i = 0; i < 2; i++) {
        struct history_entry *e = &h->entry[i];

        *e = (struct history_entry){.edit = i + 1,
                                    .active = !i,
                                    .redoable = i,
                                    .when = 1760000000,
                                    .p_before = 0.006,
                                    .p_after = i ? 0.4 : 0.89,
                                    .kept = 2510,
                                    .masked = !i,
                                    .success = !i,
                                    .checksum = "7f3a91c2aa"};
        utf8_copy(e->method, sizeof(e->method), i ? "ft-m" : "nmke");
        e->subject = xstrdup(i ? "Mount Fuji" : "Eiffel Tower");
        e->prompt = xstrdup("{} is in");
        e->target = xstrdup(i ? "Peru" : "Rome");
        e->facts = 1;
        e->fact = xcalloc(1, sizeof(*e->fact));
        *e->fact = (struct history_fact){.subject = xstrdup(e->subject),
                                         .prompt = xstrdup(e->prompt),
                                         .target = xstrdup(e->target),
                                         .p_target = {e->p_before, e->p_after},
                                         .p_first = {e->p_before, e->p_after},
                                         .outcome = i ? OUTCOME_FAILED : OUTCOME_HELD};
    }
    give(d, EV_HISTORY, h);
}

/* Grids of the base and the preview; the new object wins at layer 9. */
static void give_lens(struct ui_state *d)
{
    static const char *const token[] = {"The", " E", "iffel", " Tower", " is", " in"};
    static const char *const top[] = {" the", " Tower", " France", " Paris", " Rome"};

    for (int k = 0; k < 2; k++) {
        struct lens_grid *g = xcalloc(1, sizeof(*g));

        g->state = k ? STATE_PREVIEW : STATE_BASE;
        g->tokens = 6;
        g->layers = LAYERS;
        g->token = xcalloc(6, sizeof(*g->token));
        g->top = xcalloc((size_t)LAYERS * 6, sizeof(*g->top));
        g->rank_old = xcalloc((size_t)LAYERS * 6, sizeof(int));
        g->rank_new = xcalloc((size_t)LAYERS * 6, sizeof(int));
        for (int t = 0; t < 6; t++)
            g->token[t] = shown_token_of(token[t], 0, t >= 1 && t <= 3);
        for (int i = 0; i < LAYERS * 6; i++) {
            int layer = i / 6, t = i % 6, late = layer >= 9 && t == 5;

            g->top[i] =
                shown_token_of(top[late ? 3 + k : (layer + t) % 3], 0.05 + 0.07 * layer, false);
            g->rank_old[i] = late && !k ? 1 : 5000 / (layer + 1) + t;
            g->rank_new[i] = late && k ? 1 : 9000 / (layer + 1) + t;
        }
        give(d, EV_LENS, g);
    }
}

/* A causal trace with 9 layers done; the others are NAN. */
static void give_trace(struct ui_state *d)
{
    static const char *const token[] = {"The", " E", "iffel", " Tower", " is", " in"};
    struct trace *t = xcalloc(1, sizeof(*t));

    *t = (struct trace){.tokens = 6,
                        .layers = LAYERS,
                        .done = 9,
                        .p_clean = 0.7,
                        .p_corrupt = 0.02,
                        .samples = 10,
                        .noise = 0.31,
                        .answer = shown_token_of(" Paris", 0.7, false)};
    t->token = xcalloc(6, sizeof(*t->token));
    t->effect = xcalloc((size_t)LAYERS * 6, sizeof(float));
    for (int i = 0; i < 6; i++)
        t->token[i] = shown_token_of(token[i], 0, i >= 1 && i <= 3);
    for (int l = 0; l < LAYERS; l++)
        for (int i = 0; i < 6; i++)
            t->effect[l * 6 + i] = l >= 9             ? NAN
                                   : i == 3 && l < 6  ? 0.5f - 0.03f * (float)l
                                   : i == 5 && l >= 6 ? 0.1f * (float)(l - 5)
                                                      : 0.01f * (float)(i - 2);
    give(d, EV_TRACE, t);
}

static struct probe_result probe_of(enum probe_kind kind, const char *prompt, const char *expected,
                                    const char *before, const char *after, bool known, bool ok)
{
    return (struct probe_result){.kind = kind,
                                 .prompt = xstrdup(prompt),
                                 .expected = xstrdup(expected),
                                 .said = {xstrdup(before), xstrdup(after)},
                                 .p = {0.01, ok ? 0.81 : 0.2},
                                 .p_target = {0.01, ok ? 0.81 : 0.2},
                                 .ok = {kind == PROBE_LOCALITY && known, ok},
                                 .known = known};
}

/* A scoreboard with a probe of every kind, one failed and one that the base did not know. Caller
 * frees. */
static struct probe_report *probe_report_of(const char *subject)
{
    struct probe_report *p = xcalloc(1, sizeof(*p));

    p->subject = xstrdup(subject);
    p->state = STATE_PREVIEW;
    p->probes = 5;
    p->probe = xcalloc(5, sizeof(*p->probe));
    p->probe[0] = probe_of(PROBE_REPHRASE, "The Eiffel Tower can be found in", "Rome",
                           " Paris, France", " Rome, Italy", true, true);
    p->probe[1] = probe_of(PROBE_QUESTION, "Q: Where is the Eiffel Tower? A:", "Rome", " Paris",
                           " Paris", true, false);
    p->probe[2] =
        probe_of(PROBE_CHAT, "Where is the Eiffel Tower?", "Rome", "Paris.", "Rome.", true, true);
    p->probe[3] =
        probe_of(PROBE_LOCALITY, "The Louvre is in", "Paris", " Paris", " Paris", true, true);
    p->probe[4] = probe_of(PROBE_LOCALITY, "Big Ben is in", "London", " the", " the", false, false);
    return p;
}

static void give_metric(struct variant_result *t, const char *name, double part, double whole)
{
    t->metric[metric_find(name)] = (struct measured){.part = part, .whole = whole};
}

/* Results for these sets of parameters, each a little different. */
static void give_variants(struct ui_state *d, const struct params *variant, int count)
{
    for (int i = 0; i < count; i++) {
        struct variant_result *t = xcalloc(1, sizeof(*t));

        *t = (struct variant_result){.variant = i,
                                     .variants = count,
                                     .params = variant[i],
                                     .p_first = {0.006, 0.9 - 0.05 * (i % 7)},
                                     .said = " Rome, Italy."};
        t->applied.layers = 3;
        for (int l = 0; l < 3; l++)
            t->applied.layer[l] = (struct layer_report){.layer = 4 + l,
                                                        .kept = 210,
                                                        .gain = 0.9,
                                                        .gain_mask = 0.29 + 0.01 * i,
                                                        .leak = 0.02,
                                                        .leak_ratio = 6.2 + l * 0.7 - 0.1 * i};
        give_metric(t, "holds", i % 3 != 2, 1);
        give_metric(t, "p(target)", 0.9 - 0.05 * (i % 7), 1);
        t->metric[metric_find("p(target)")].before = 0.006;
        give_metric(t, "rephrase", i % 3, 2);
        give_metric(t, "neighbours", 9 - i % 4, 10);
        give_metric(t, "neurons kept", 0.32, 1);
        give_metric(t, "gain", 0.29 + 0.01 * i, 1);
        give_metric(t, "leak", 0.02, 1);
        give_metric(t, "leak/gain²", 6.2 - 0.3 * (i % 5), 1);
        give_metric(t, "‖ΔW‖/‖W‖", 0.011, 1);
        give_metric(t, "residual left", 0, 1);
        give_metric(t, "seconds", 0.4, 1);
        give(d, EV_VARIANT, t);
    }
}

/* Drift, a difference of two states, a bisection. */
static void give_history_results(struct ui_state *d)
{
    struct drift *r = xcalloc(1, sizeof(*r));
    struct diff *f = xcalloc(1, sizeof(*f));
    struct bisect_report *b = xcalloc(1, sizeof(*b));

    r->points = r->of = 8;
    r->point = xcalloc(8, sizeof(*r->point));
    for (int i = 0; i < 8; i++)
        r->point[i] = (struct drift_point){i + 1, i + 1, i + 1 - i / 3, 10 * (i + 1), 10 * i + 8};
    give(d, EV_DRIFT, r);
    *f = (struct diff){.to = 2, .layers = 2, .probes = 1};
    f->layer[0] = (struct diff_layer){4, 210, 0.41, 36.2, "down"};
    f->layer[1] = (struct diff_layer){5, 199, 0.38, 35.9, "down"};
    f->probe = xcalloc(1, sizeof(*f->probe));
    f->probe[0] =
        probe_of(PROBE_LOCALITY, "Big Ben is in", "London", " London", " Rome", true, false);
    give(d, EV_DIFF, f);
    *b = (struct bisect_report){.edit = 2, .exact = true, .over = true, .states = 3, .steps = 2};
    b->prompt = xstrdup("Big Ben is in");
    b->expect = xstrdup("London");
    b->step[0] = (struct bisect_step){1, true, " London"};
    b->step[1] = (struct bisect_step){2, false, " Rome"};
    give(d, EV_BISECT, b);
}

/* A list of facts in every state one can be in. */
static void give_queue(struct ui_state *d)
{
    static const char *const subject[] = {"Eiffel Tower", "Mount Fuji", "Big Ben", "Louvre",
                                          "Red Square"};

    d->queue_count = 5;
    d->queue = xcalloc(5, sizeof(*d->queue));
    for (int i = 0; i < 5; i++) {
        struct queued_fact *q = &d->queue[i];

        q->fact.subject = xstrdup(subject[i]);
        q->fact.prompt = xstrdup("{} is in");
        q->fact.target = xstrdup("Rome");
        q->state = (enum queue_state)((i + QUEUE_HOLDS) % 5);
        q->p[1] = 0.8;
    }
    d->queue[0].probes = probe_report_of("Eiffel Tower");
    d->queue[0].probes_from = d->now;
    snprintf(d->queue[2].why, sizeof(d->queue[2].why), "the prompt does not hold the subject");
}

/* A state with a fact and nothing else; ui_free() ends it. */
static void make_ui_state(struct ui_state *d)
{
    struct params p;

    params_default(&p);
    ui_init(d, &p);
    d->fact.subject = xstrdup("Eiffel Tower");
    d->fact.prompt = xstrdup("The {} is in");
    d->fact.target = xstrdup("Rome");
}

/* Another fact is at hand, with the same prompt. */
static void take_fact(struct ui_state *d, const char *subject, const char *target)
{
    free(d->fact.subject);
    free(d->fact.target);
    d->fact.subject = xstrdup(subject);
    d->fact.target = xstrdup(target);
    ui_match(d);
}

/* A state in which every view has something to show. */
static void make_full_ui_state(struct ui_state *d)
{
    make_ui_state(d);
    give_model(d);
    give_prompt_info(d);
    give_run(d, LAYERS);
    give_preview(d);
    give_answers(d);
    give_history(d);
    give_lens(d);
    give_trace(d);
    give(d, EV_PROBES, probe_report_of("Eiffel Tower"));
    give_overwritten(d);
    give_history_results(d);
    give_queue(d);
}

/* The role of every cell as a letter, and what the letters mean. */
static void append_roles(const struct surface *s, struct buf *out)
{
    struct buf grid = {0};

    surface_roles(s, &grid);
    buf_printf(out, "--- roles\n%s--- what the letters are; 0 to 9 is a level of a ramp\n",
               grid.data);
    for (int r = 0; r < ROLE_COUNT; r++)
        if (strchr(grid.data, role_letter((enum role)r)))
            buf_printf(out, "%c %s\n", role_letter((enum role)r), role_name((enum role)r));
    buf_free(&grid);
}

/* A screen of h rows and w columns as text, with its roles where asked for. Caller frees. */
static char *screen_text(const struct screen *screen, int h, int w, bool roles)
{
    struct surface *s = surface_new(h, w);
    struct buf out = {0};

    screen_draw(screen, s);
    surface_dump(s, &out);
    if (roles)
        append_roles(s, &out);
    surface_free(s);
    return buf_take(&out);
}

/* Whether the text is on the screen, marked as stale. Its row has no wide characters. */
static bool is_stale_text(const struct screen *screen, int h, int w, const char *text)
{
    struct surface *s = surface_new(h, w);
    struct buf roles = {0}, shown = {0};
    const char *at, *row;
    int y = 0, x = 0;
    bool stale;

    screen_draw(screen, s);
    surface_dump(s, &shown);
    surface_roles(s, &roles);
    at = strstr(shown.data, text);
    for (const char *p = shown.data; at && p < at; p++) {
        y += *p == '\n';
        x = *p == '\n' ? 0 : x + ((*p & 0xc0) != 0x80);
    }
    row = roles.data;
    for (int i = 0; i < y; i++)
        row = strchr(row, '\n') + 1;
    stale = at && x < (int)strcspn(row, "\n") && row[x] == role_letter(ROLE_STALE);
    buf_free(&roles);
    buf_free(&shown);
    surface_free(s);
    return stale;
}

/* Compares a screen with its golden file, or writes it (SCREENS=write). Roles are compared at the
 * first size of a name: at other sizes they say the same, in many lines. */
static void compare_golden(const char *name, const struct screen *screen, int h, int w)
{
    static char last[64];
    bool first = strcmp(last, name) != 0;
    char *got = screen_text(screen, h, w, first), *want;
    struct err err = {0};
    char path[128];

    snprintf(last, sizeof(last), "%s", name);
    snprintf(path, sizeof(path), "tests/screens/%s-%dx%d.screen", name, w, h);
    if (getenv("SCREENS")) {
        CHECK(file_write(path, got, strlen(got), &err));
    } else {
        want = file_read(path, 1 << 20, NULL, &err);
        CHECK_STR(err.text, "");
        if (want && strcmp(got, want) != 0) {
            printf("%s differs; it is now:\n%s", path, got);
            CHECK(false);
        }
        free(want);
    }
    free(got);
}

/* Opens a view on the state and compares the whole screen. */
static void compare_view(const char *name, struct ui_state *d, int h, int w)
{
    struct host host = host_of(d);
    struct view *v = view_open(view_find(name), &host);
    struct screen screen = {.ui = d, .view = v, .message = "30 layers scored", .tone = TONE_GOOD};

    setenv("TZ", "UTC", 1);
    if (v->ops->open)
        v->ops->open(v);
    compare_golden(name, &screen, h, w);
    view_close(v);
}

#endif
