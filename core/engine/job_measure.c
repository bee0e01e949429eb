/* The measures of a run (editscope-method(7) 14): asks the records of a sequence of edits, writes
 * the answers into the session. job_measured.c finds out what a run has already.
 *
 *     CMD_MEASURED   text = what the run is of   -> EV_MEASURES ... of all that its file has
 *     CMD_COMMIT     the next facts                 one transaction
 *     CMD_MEASURE    immediate, those facts      -> EV_MEASURES a fact, one transaction each
 *     CMD_MEASURE    final, all facts so far     -> EV_MEASURES a fact, one transaction each
 *     CMD_UNDO       the edits of the sequence      one transaction
 *     CMD_TAKE       a sequence that another process measured: one transaction (job_take.c)
 *
 * A record that was measured at this time already is not asked again. So a run that was stopped at
 * any moment goes on by the same commands: states are rebuilt from the journal to the bit, and an
 * answer depends on the state alone. The first time a record is asked, the base is asked too: what
 * it predicts for a neighbour is what an edit must not change. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/engine/internal.h"
#include "core/eval/energy.h"
#include "core/eval/measure_ask.h"
#include "core/eval/state_numbers.h"
#include "core/session/measures.h"
#include "core/session/tasks.h"

/* How a state is asked to read the end of the text (MOMENTS_TEXT_END): in windows, and prompts. */
enum { READ_WINDOW = 256, KL_PROMPTS = 64, KL_LENGTH = 16 };
enum { FLUENCY_PROMPTS = 10 }; /* facts whose prompts a state continues */

/* Asks one state and writes the measures. */
static bool record_ask(struct engine *e, const struct model_state *state, const struct fact *fact,
                       const struct measure *like, unsigned protocols,
                       const struct measure_list *base, struct measure_list *out, struct err *err)
{
    bool ok = measure_ask(out, state, fact, protocols, base, &e->job, err);

    for (int i = 0; i < out->count; i++) {
        out->measure[i].sequence = like->sequence;
        out->measure[i].edits = like->edits;
        out->measure[i].when = like->when;
        out->measure[i].record = like->record;
    }
    return ok && session_add_measures(e->open->journal, out->measure, out->count, NULL, 0, err);
}

/* The measures of the base of this record: from the file, or asked now and emitted. */
static bool record_base(struct engine *e, const struct fact *fact, unsigned protocols,
                        struct measure_list *base, struct err *err)
{
    const struct measure like = {.when = WHEN_BASE, .record = fact->record};
    struct measure_list again = {0};

    if (!session_measures(e->open->journal, &like, &base->measure, &base->count, err))
        return false;
    if (base->count)
        return true;
    if (!record_ask(e, e->base, fact, &like, protocols, NULL, base, err))
        return false;
    if (!session_measures(e->open->journal, &like, &again.measure, &again.count, err))
        return false;
    engine_emit_measures(e, again.measure, again.count);
    return true;
}

static bool record_measure(struct engine *e, const struct command *cmd, struct fact *fact,
                           struct err *err)
{
    const struct measure_wish *w = &cmd->measure;
    const struct measure like = {
        .sequence = w->sequence, .edits = w->edits, .when = w->when, .record = fact->record};
    struct measure_list base = {0}, now = {0};
    bool has, ok;

    if (!session_has_measures(e->open->journal, &like, &has, err))
        return false;
    if (has)
        return true;
    if (!fact_normalise(fact, err))
        return false;
    wording_set_defaults(&fact->wording, &cmd->params);
    ok = record_base(e, fact, w->protocols, &base, err) &&
         record_ask(e, e->open->edited, fact, &like, w->protocols, &base, &now, err);
    if (ok) {
        engine_emit_measures(e, now.measure, now.count);
        now = (struct measure_list){0};
    }
    measure_list_free(&base);
    measure_list_free(&now);
    return ok;
}

/* Writes numbers, and emits those that are new. */
static bool numbers_add(struct engine *e, const struct run_number *n, int count, struct err *err)
{
    struct event ev = {.kind = EV_MEASURES, .job = e->job_id};

    if (!count)
        return true;
    if (!session_add_measures(e->open->journal, NULL, 0, n, count, err))
        return false;
    ev.measures = xcalloc(1, sizeof(*ev.measures));
    ev.measures->number = xcalloc((size_t)count, sizeof(*n));
    memcpy(ev.measures->number, n, (size_t)count * sizeof(*n));
    ev.measures->numbers = count;
    bus_emit(e->bus, ev);
    return true;
}

static struct run_number number_of(const struct measure_wish *w, const char *name, double value)
{
    struct run_number n = {.sequence = w->sequence, .edits = w->edits, .layer = -1, .value = value};

    utf8_copy(n.name, sizeof(n.name), name);
    return n;
}

/* Whether the run has a number of this name already. */
static bool number_there(struct engine *e, const struct measure_wish *w, const char *name,
                         bool *there, struct err *err)
{
    const struct run_number like = number_of(w, name, 0);

    return session_has_number(e->open->journal, &like, there, err);
}

/* What the wish itself says, once. */
static bool wish_numbers(struct engine *e, const struct measure_wish *w, struct err *err)
{
    struct run_number n[3];
    int count = 0;
    bool there = false;

    if ((w->failed || w->written) &&
        !number_there(e, w, w->failed ? "failed" : "gain", &there, err))
        return false;
    if (w->failed && !there)
        n[count++] = number_of(w, "failed", w->failed);
    if (w->written && !there) {
        n[count++] = number_of(w, "seconds", w->seconds);
        n[count++] = number_of(w, "gain", w->gain);
    }
    return numbers_add(e, n, count, err);
}

/* ---- numbers of the state at a checkpoint ---- */

/* A growing list of numbers of one state. */
struct number_list {
    const struct measure_wish *wish;
    struct run_number *number;
    int count;
};

static void number_add(struct number_list *list, const char *name, int layer, double value)
{
    struct run_number *n;

    list->number = xrealloc(list->number, (size_t)(list->count + 1) * sizeof(*list->number));
    n = &list->number[list->count++];
    *n = number_of(list->wish, name, value);
    n->layer = layer;
}

/* The null space with the moments of a layer, if the method of the edits needs them. */
static const struct nullspace *moments_of(const struct engine *e, const struct params *p, int layer,
                                          enum matrix which)
{
    bool has = which == MATRIX_DOWN && editor_of(p)->needs & NEEDS_MOMENTS;

    for (int i = 0; has && i < e->stats.layers; i++)
        if (e->stats.layer[i] == layer)
            return e->stats.space[i];
    return NULL;
}

/* Adds a number of a matrix. Those of W_down have the plain name. */
static void matrix_number_add(struct number_list *list, const char *name, int layer,
                              enum matrix which, double value)
{
    char full[48];

    snprintf(full, sizeof(full), "%s%s%s", name, which == MATRIX_DOWN ? "" : "_",
             which == MATRIX_DOWN ? "" : matrix_name(which));
    number_add(list, full, layer, value);
}

/* The energy of a matrix now and in the base, and the share by which it changed. */
static bool energy_numbers(struct engine *e, int layer, enum matrix which, struct number_list *list,
                           struct err *err)
{
    double base, now;

    if (!matrix_energy(&base, e->base, layer, which, &e->job, err) ||
        !matrix_energy(&now, e->open->edited, layer, which, &e->job, err))
        return false;
    matrix_number_add(list, "energy_base", layer, which, base);
    matrix_number_add(list, "energy", layer, which, now);
    matrix_number_add(list, "energy_change", layer, which, now / base - 1);
    return true;
}

/* Every matrix that the state replaces. */
static bool weight_numbers(struct engine *e, const struct command *cmd, struct number_list *list,
                           struct err *err)
{
    static const char *const name[] = {"delta_norm", "norm_ratio", "sigma", "stable_rank", "leak"};
    int slots = e->model->config->layers * MATRICES;

    for (int i = 0; i < slots; i++) {
        enum matrix which = (enum matrix)(i % MATRICES);
        int layer = i / MATRICES;
        struct matrix_drift d;

        if (!state_replaced(e->open->edited, layer, which))
            continue;
        if (!matrix_drift_of(&d, e->base, e->open->edited, layer, which,
                             moments_of(e, &cmd->params, layer, which), &e->job, err))
            return false;
        for (int k = 0; k < 5; k++) {
            const double value[] = {d.norm, d.relative, d.sigma, d.stable_rank, d.leak};

            matrix_number_add(list, name[k], layer, which, value[k]);
        }
        if (!energy_numbers(e, layer, which, list, err))
            return false;
    }
    return true;
}

/* The end of the text, as many tokens as are read. Without a text *count is 0. */
static bool end_of_text(struct engine *e, const int **ids, int *count, struct err *err)
{
    struct err why = {0};

    *count = 0;
    *ids = NULL;
    if (!edit_stats_text(e, &why))
        return why.kind == ERR_USAGE || err_pass(err, &why);
    *count = e->text.count < MOMENTS_TEXT_END ? e->text.count : MOMENTS_TEXT_END;
    *ids = e->text.ids + e->text.count - *count;
    return true;
}

static bool perplexity_of(struct engine *e, const struct model_state *state, double *out,
                          struct err *err)
{
    int count, context = e->model->config->context;
    const int *ids;

    return end_of_text(e, &ids, &count, err) &&
           state_perplexity(out, state, ids, count, context < READ_WINDOW ? context : READ_WINDOW,
                            &e->job, err);
}

/* The mean over prompts of the command's facts, evenly spaced. */
static bool fluency_of(struct engine *e, const struct command *cmd, const struct model_state *state,
                       double *out, struct err *err)
{
    int prompts = cmd->count < FLUENCY_PROMPTS ? cmd->count : FLUENCY_PROMPTS, n = 0;
    double sum = 0;

    for (int i = 0; i < prompts; i++) {
        struct fact *f = &cmd->facts[(long)i * cmd->count / prompts];
        unsigned long long seed =
            (unsigned long long)cmd->params.value[P_SEED] + (unsigned long long)f->record;
        struct wording w = f->wording;
        double one;
        char *text;
        bool ok;

        if (!fact_normalise(f, err))
            return false;
        wording_set_defaults(&w, &cmd->params);
        text = fact_text(f);
        ok = state_fluency(&one, state, &w, text, seed, &e->job, err);
        free(text);
        if (!ok)
            return false;
        sum += isnan(one) ? 0 : one;
        n += !isnan(one);
    }
    *out = n ? sum / n : (double)NAN;
    return true;
}

/* How a state reads and writes: perplexity, and fluency where answers are generated. */
static bool text_numbers(struct engine *e, const struct command *cmd,
                         const struct model_state *state, struct number_list *list, struct err *err)
{
    bool generates = cmd->measure.protocols & (1U << PROTOCOL_GENERATED | 1U << PROTOCOL_CHAT);
    double perplexity = 0, fluency = 0;

    if (!perplexity_of(e, state, &perplexity, err) ||
        (generates && !fluency_of(e, cmd, state, &fluency, err)))
        return false;
    number_add(list, "perplexity", -1, perplexity);
    if (generates)
        number_add(list, "fluency", -1, fluency);
    return true;
}

/* Of the base, once a run: with the prompts of its first checkpoint. */
static bool base_numbers(struct engine *e, const struct command *cmd, struct err *err)
{
    const struct measure_wish base = {0};
    struct number_list list = {.wish = &base};
    bool there, ok = number_there(e, &base, "perplexity", &there, err);

    ok = ok && (there || (text_numbers(e, cmd, e->base, &list, err) &&
                          numbers_add(e, list.number, list.count, err)));
    free(list.number);
    return ok;
}

static bool state_numbers(struct engine *e, const struct command *cmd, struct err *err)
{
    struct number_list list = {.wish = &cmd->measure};
    double kl = 0;
    const int *ids;
    int count;
    bool there, ok = number_there(e, &cmd->measure, "perplexity", &there, err);

    if (!ok || there)
        return ok;
    emit_progress(e, e->job_id, "numbers of the state", 0, 0);
    /* a run that goes on has made no edit in this process */
    ok = edit_stats_prepare(e, &cmd->params, cmd->draft, err) && base_numbers(e, cmd, err) &&
         weight_numbers(e, cmd, &list, err) && end_of_text(e, &ids, &count, err) &&
         state_kl(&kl, e->base, e->open->edited, ids, count, KL_PROMPTS, KL_LENGTH, &e->job, err);
    if (ok) {
        number_add(&list, "kl", -1, kl);
        ok = text_numbers(e, cmd, e->open->edited, &list, err) &&
             numbers_add(e, list.number, list.count, err);
    }
    free(list.number);
    return ok;
}

bool job_measure(struct engine *e, struct command *cmd, struct err *err)
{
    bool ok = wish_numbers(e, &cmd->measure, err);

    for (int i = 0; ok && i < cmd->count; i++) {
        emit_progress(e, e->job_id, "measurements", i, cmd->count);
        ok = record_measure(e, cmd, &cmd->facts[i], err);
    }
    if (ok && cmd->measure.when == WHEN_FINAL && !cmd->measure.no_state)
        ok = state_numbers(e, cmd, err);
    if (ok && cmd->measure.last) {
        const struct run_number n = number_of(&cmd->measure, "complete", 1);

        ok = numbers_add(e, &n, 1, err);
    }
    return ok;
}
