/* For truth_test.c: what the engine's events said, with the stamps of their jobs, and reading the
 * cells of the screen. Nothing here asks struct ui_state what it believes, except for the fact, the
 * parameters and the overrides that are at hand. */
#ifndef TESTS_SCREENS_CLAIMS_H
#define TESTS_SCREENS_CLAIMS_H

#include <stdlib.h>

#include "core/base/mem.h"
#include "tests/folder.h"
#include "tui/text.h"
#include "views/shell/app_internal.h"

#pragma GCC diagnostic ignored "-Wunused-function"

enum { FACT = STAMP_FACT | STAMP_OBJECT, ROW = STAMP_FACT | STAMP_SCORES | STAMP_STATE };

/* ---- what the engine said ---- */

struct claim { /* a result that came, with the stamp of its job */
    enum event_kind kind;
    unsigned job;
    int key; /* a layer, or a bit of enum which_state */
    struct stamp stamp;
    double p[2];
    struct attribution *score;
    char said[2][8]; /* EV_SIDES: p of the likeliest next token before and after */
    int layers;      /* of the report of an edit */
    struct layer_report layer[8];
    char text[64];
    char fact[100]; /* of the job: "Eiffel Tower → Rome" */
    /* EV_VARIANT: how many its job tries, the edit after which, and that state; "": not tried */
    int of, edit;
    char state[17];
    bool failed;
    struct params *params;
    int count[4]; /* EV_DRIFT: facts and neighbours of the last point, those that hold and all;
                     EV_PROBES: rephrases passed and all, known neighbours kept and all */
};

struct edit_row { /* an edit of the newest EV_HISTORY */
    int edit;
    bool active;
    char state[17], numbers[40]; /* "0.0060→0.890" */
};

static struct {
    struct claim *claim;
    int claims;
    struct job_stamp {
        unsigned job;
        struct stamp stamp;
        char fact[100];
    } * begun;
    int jobs;
    struct edit_row row[256];
    int rows;
    char base[17]; /* the name of the base alone; "": no history yet */
    char state[17];
    bool preview;  /* EV_STATE: there is one */
    int previewed; /* the claim of the newest preview; -1: none */
} heard;

static void heard_clear(void)
{
    for (int i = 0; i < heard.claims; i++)
        attribution_unref(heard.claim[i].score), free(heard.claim[i].params);
    free(heard.claim);
    free(heard.begun);
    memset(&heard, 0, sizeof(heard));
    heard.previewed = -1;
}

static const struct job_stamp *stamp_of_job(unsigned job)
{
    for (int i = heard.jobs - 1; i >= 0; i--)
        if (heard.begun[i].job == job)
            return &heard.begun[i];
    return NULL;
}

static struct claim *claim_new(const struct event *ev, int key)
{
    const struct job_stamp *begun = stamp_of_job(ev->job);
    struct claim *c;

    heard.claim = xrealloc(heard.claim, (size_t)(heard.claims + 1) * sizeof(*heard.claim));
    c = &heard.claim[heard.claims++];
    *c = (struct claim){.kind = ev->kind, .job = ev->job, .key = key};
    CHECK(begun != NULL);
    if (begun) {
        c->stamp = begun->stamp;
        memcpy(c->fact, begun->fact, sizeof(c->fact));
    }
    return c;
}

static void note_report(const struct event *ev)
{
    const struct edit_report *a = ev->edit_report;
    struct claim *c = claim_new(ev, 0);

    c->p[0] = a->p_target[0];
    c->p[1] = a->p_target[1];
    c->edit = a->edit;
    c->layers = a->layers;
    for (int i = 0; i < a->layers && i < 8; i++)
        c->layer[i] = a->layer[i];
    if (ev->kind == EV_PREVIEW)
        heard.previewed = heard.claims - 1;
}

static void note_begun(const struct event *ev)
{
    const struct job_begun *b = ev->begun;
    struct job_stamp *s;

    heard.begun = xrealloc(heard.begun, (size_t)(heard.jobs + 1) * sizeof(*heard.begun));
    s = &heard.begun[heard.jobs++];
    *s = (struct job_stamp){.job = ev->job, .stamp = b->stamp};
    if (b->subject)
        snprintf(s->fact, sizeof(s->fact), "%s → %s", b->subject, b->target ? b->target : "?");
}

static void note_variant(const struct event *ev)
{
    const struct variant_result *v = ev->variant;
    struct claim *c = claim_new(ev, v->variant);

    c->p[0] = v->applied.p_target[1];
    c->of = v->variants;
    c->edit = v->edit;
    memcpy(c->state, v->state, sizeof(c->state));
    c->failed = *v->why;
    c->params = xmalloc(sizeof(*c->params));
    *c->params = v->params;
}

static void note_drift(const struct event *ev)
{
    const struct drift *d = ev->drift;
    struct claim *c = claim_new(ev, 0);
    const struct drift_point *last = d->points ? &d->point[d->points - 1] : NULL;

    if (last)
        memcpy(c->count, (int[4]){last->held, last->asked, last->stayed, last->others},
               sizeof(c->count));
}

static void note_probes(const struct event *ev)
{
    struct claim *c = claim_new(ev, 0);

    for (int i = 0; i < ev->probes->probes; i++) {
        const struct probe_result *p = &ev->probes->probe[i];
        int at = p->kind == PROBE_REPHRASE ? 0 : p->kind == PROBE_LOCALITY ? 2 : -1;

        if (at < 0 || !p->known || p->context)
            continue;
        c->count[at] += p->ok[1];
        c->count[at + 1]++;
    }
}

static void note_history(const struct event *ev)
{
    const struct history *h = ev->history;

    memcpy(heard.base, h->base_state, sizeof(heard.base));
    heard.rows = h->count < 256 ? h->count : 256;
    for (int i = 0; i < heard.rows; i++) {
        const struct history_entry *e = &h->entry[i];
        struct edit_row *r = &heard.row[i];
        char number[2][16];

        *r = (struct edit_row){.edit = e->edit, .active = e->active};
        memcpy(r->state, e->state, sizeof(r->state));
        if (e->facts == 1)
            snprintf(r->numbers, sizeof(r->numbers), "%s→%s",
                     text_probability(number[0], e->fact[0].p_target[0]),
                     text_probability(number[1], e->fact[0].p_target[1]));
    }
}

/* A grid or an answer of the preview is about what the preview is about. */
static void note_state_of(struct claim *c, unsigned state)
{
    if (state == STATE_PREVIEW && heard.previewed >= 0)
        c->stamp = heard.claim[heard.previewed].stamp;
}

static void note_event(const struct event *ev)
{
    struct claim *c;

    switch (ev->kind) {
    case EV_BEGUN:
        note_begun(ev);
        break;
    case EV_HISTORY:
        note_history(ev);
        break;
    case EV_VARIANT:
        note_variant(ev);
        break;
    case EV_DRIFT:
        note_drift(ev);
        break;
    case EV_PROBES:
        note_probes(ev);
        break;
    case EV_STATE:
        memcpy(heard.state, ev->state->state, sizeof(heard.state));
        heard.preview = ev->state->preview;
        break;
    case EV_PROMPT:
        c = claim_new(ev, 0);
        c->p[0] = ev->prompt->p_target;
        if (ev->prompt->nexts)
            snprintf(c->text, sizeof(c->text), "%.2f", ev->prompt->next[0].p);
        break;
    case EV_LAYER:
        c = claim_new(ev, ev->attribution->layer);
        c->score = attribution_ref(ev->attribution);
        break;
    case EV_PREVIEW:
    case EV_ESTIMATE:
    case EV_COMMIT:
        note_report(ev);
        break;
    case EV_SIDES:
        c = claim_new(ev, 0);
        for (int k = 0; k < 2; k++) {
            const struct prompt_info *look =
                k ? &ev->sides->after.prompt : &ev->sides->before.prompt;

            c->p[k] = look->p_target;
            if (look->nexts)
                snprintf(c->said[k], sizeof(c->said[k]), "%.2f", look->next[0].p);
        }
        break;
    case EV_LENS:
        note_state_of(claim_new(ev, (int)ev->lens->state), ev->lens->state);
        break;
    case EV_ANSWER:
        c = claim_new(ev, (int)ev->answer->state);
        note_state_of(c, ev->answer->state);
        break;
    case EV_TRACE:
        claim_new(ev, 0);
        break;
    default:
        break;
    }
}

bool __real_engine_next(struct engine *e, struct event *ev);
bool __wrap_engine_next(struct engine *e, struct event *ev);

bool __wrap_engine_next(struct engine *e, struct event *ev)
{
    bool some = __real_engine_next(e, ev);

    if (some)
        note_event(ev);
    return some;
}

/* ---- what is at hand, and which results fit it ---- */

static struct stamp at_hand(const struct app *app)
{
    struct stamp_source from = {.facts = &app->ui.fact,
                                .count = 1,
                                .params = &app->ui.params,
                                .mask_overrides = app->ui.mask_override,
                                .mask_override_count = app->ui.mask_override_count,
                                .state = heard.state};

    return stamp_of(&from);
}

/* The newest result before claim number `before` that depends on these parts and fits; NULL: none.
 */
static const struct claim *fitting(const struct app *app, enum event_kind kind, int key,
                                   unsigned parts, int before)
{
    struct stamp now = at_hand(app);

    for (int i = before - 1; i >= 0; i--)
        if (heard.claim[i].kind == kind && heard.claim[i].key == key &&
            !stamp_differs(&heard.claim[i].stamp, &now, parts))
            return &heard.claim[i];
    return NULL;
}

/* ---- reading the screen ---- */

static struct app *on; /* the program, for reports */
static struct {        /* which kinds of claims were checked, so that the test cannot pass idle */
    const char *what;
    int count;
} seen[64];

static const struct cell *cell(int y, int x)
{
    return surface_at(on->surface, y, x);
}

/* The text of columns [x, x + w) of a row. */
static const char *row_text(int y, int x, int w, char out[1024])
{
    size_t n = 0;

    for (int i = x; i < x + w && n < 1000; i++) {
        const struct cell *c = cell(y, i);

        n += (size_t)snprintf(out + n, 1024 - n, "%s", c ? c->text : "");
    }
    out[n] = '\0';
    return out;
}

/* The column of the first cell of the text in a row of an area; -1: it is not there. */
static int column_of(struct rect in, int y, const char *text)
{
    char row[1024], head[1024];
    const char *at = strstr(row_text(in.y + y, in.x, in.w, row), text);

    if (!at)
        return -1;
    snprintf(head, sizeof(head), "%.*s", (int)(at - row), row);
    return text_width(head);
}

static enum role role_at(struct rect in, int y, int x)
{
    const struct cell *c = cell(in.y + y, in.x + x);

    return c ? (enum role)c->role : ROLE_TEXT;
}

/* The inside of the pane whose title begins so; an empty one: it is not on the screen. */
static struct rect pane(const char *title)
{
    struct surface *s = on->surface;
    char text[1024];

    for (int y = 0; y < s->h; y++)
        for (int x = 0; x < s->w - 4; x++) {
            int right, bottom;

            if (strcmp(cell(y, x)->text, "╭") != 0 || strcmp(cell(y, x + 2)->text, " ") != 0)
                continue;
            row_text(y, x + 3, 60, text);
            if (strncmp(text, title, strlen(title)) != 0)
                continue;
            for (right = x + 1; right < s->w && strcmp(cell(y, right)->text, "╮") != 0;)
                right++;
            for (bottom = y + 1; bottom < s->h && strcmp(cell(bottom, x)->text, "╰") != 0;)
                bottom++;
            return (struct rect){y + 1, x + 2, bottom - y - 1, right - x - 3};
        }
    return (struct rect){0};
}

static bool title_has(struct rect in, const char *text)
{
    char row[1024];

    return strstr(row_text(in.y - 1, in.x, in.w, row), text) != NULL;
}

/* A claim of the screen that no event bears out: says what, with the screen, once a test. */
static void false_claim(const char *what, struct rect in, int y)
{
    struct buf out = {0};
    char row[1024];

    if (test_failures++)
        return;
    surface_dump(on->surface, &out);
    printf("shown as exact, but it is not: %s: '%s'\n%s", what, row_text(in.y + y, in.x, in.w, row),
           out.data);
    buf_free(&out);
}

static void expect_claim(bool holds, const char *what, struct rect in, int y)
{
    int i = 0;

    while (i < 63 && seen[i].what && strcmp(seen[i].what, what) != 0)
        i++;
    seen[i].what = what;
    seen[i].count++;
    if (!holds)
        false_claim(what, in, y);
}

#endif
