/* Diff: what lies between two states of a session (editscope-method(7) 11).
 *
 * Both states are rebuilt from the journal. Their weights are compared matrix by matrix: columns
 * that differ in any bit, the Frobenius norm of the difference. Then both are asked every probe of
 * every fact that was edited up to the later one. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/utf8.h"
#include "core/edit/checksum.h"
#include "core/engine/internal.h"

/* Columns whose bits differ, and norms. [rows][cols] */
static void matrix_compare(const float *a, const float *b, int rows, int cols,
                           struct diff_layer *out)
{
    bool *differs = xcalloc((size_t)cols, sizeof(*differs));
    double norm = 0, whole = 0;

    for (int y = 0; y < rows; y++)
        for (int x = 0; x < cols; x++) {
            size_t at = (size_t)y * (size_t)cols + (size_t)x;
            double d = (double)b[at] - (double)a[at];

            differs[x] = differs[x] || memcmp(&a[at], &b[at], sizeof(float));
            norm += d * d;
            whole += (double)a[at] * (double)a[at];
        }
    for (int x = 0; x < cols; x++)
        out->columns += differs[x];
    out->norm = sqrt(norm);
    out->weight_norm = sqrt(whole);
    free(differs);
}

static bool diff_matrix(struct engine *e, struct model_state *const view[2], int layer,
                        enum matrix which, struct diff_layer *out, struct err *err)
{
    struct mat w = state_matrix(view[0], layer, which);
    float *a, *b;

    if (job_cancelled(&e->job, err))
        return false;
    a = weights_fetch(view[0], layer, which, err);
    b = a ? weights_fetch(view[1], layer, which, err) : NULL;
    *out = (struct diff_layer){.layer = layer};
    utf8_copy(out->matrix, sizeof(out->matrix), matrix_name(which));
    if (b)
        matrix_compare(a, b, w.rows, w.cols, out);
    free(a);
    free(b);
    return b != NULL;
}

/* Compares every matrix that either state replaces. */
static bool diff_layers(struct engine *e, struct model_state *const view[2], struct diff *d,
                        struct err *err)
{
    int slots = e->model->config->layers * MATRICES;

    for (int i = 0; i < slots && d->layers < DIFF_MATRICES; i++) {
        enum matrix which = (enum matrix)(i % MATRICES);
        int l = i / MATRICES;

        if (!state_replaced(view[0], l, which) && !state_replaced(view[1], l, which))
            continue;
        if (!diff_matrix(e, view, l, which, &d->layer[d->layers], err))
            return false;
        d->layers++;
    }
    return true;
}

/* Counts what a state keeps beside its weights: the entries of hooks that choose, other hooks,
 * texts. Rows of the same kind and layer are one. */
static void diff_count(struct diff *d, const char *kind, int layer, int side, int count)
{
    int i = 0;

    while (i < d->besides && (strcmp(d->beside[i].kind, kind) != 0 || d->beside[i].layer != layer))
        i++;
    if (i == DIFF_BESIDE)
        return;
    if (i == d->besides) {
        d->beside[d->besides++] = (struct diff_beside){.layer = layer};
        utf8_copy(d->beside[i].kind, sizeof(d->beside[i].kind), kind);
    }
    d->beside[i].count[side] += count;
}

static void diff_beside(struct model_state *const view[2], struct diff *d)
{
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < view[k]->hooks; i++) {
            const struct hook *h = view[k]->hook[i];
            int layer = -1, count = h->ops->kept ? h->ops->kept->count(h->ctx, &layer) : 1;

            diff_count(d, h->ops->kept ? h->ops->kept->many : "hooks", layer, k, count);
        }
        if (view[k]->prefixes)
            diff_count(d, "texts before prompts", -1, k, view[k]->prefixes);
    }
}

const char *diff_beside_words(const struct diff_beside *b, char out[80])
{
    char place[16] = "";

    if (b->layer >= 0)
        snprintf(place, sizeof(place), " at L%d", b->layer);
    return show_print(out, 80, b->count[0] == b->count[1] ? "%s%s: %d in both" : "%s%s: %d → %d",
                      b->kind, place, b->count[0], b->count[1]);
}

/* Asks both states all probes of one fact. */
static bool diff_fact(struct engine *e, struct model_state *const view[2], struct session_facts *q,
                      struct edited_fact *a, struct diff *d, struct err *err)
{
    const struct model_state *const state[2] = {view[0], view[1]};
    struct probe_result *r;

    if (!edited_fact_probes(
            e, q, a, PROBES_FACT | PROBES_REPHRASE | PROBES_PORTABILITY | PROBES_LOCALITY, err))
        return false;
    for (int i = 0; i < a->probes.count; i++) {
        d->probe = xrealloc(d->probe, (size_t)(d->probes + 1) * sizeof(*d->probe));
        r = &d->probe[d->probes++];
        *r = (struct probe_result){0};
        if (!probe_compare(r, &a->probes, i, state, true, &e->job, err))
            return false;
    }
    return true;
}

static bool diff_probes(struct engine *e, struct model_state *const view[2],
                        struct session_facts *q, int until, struct diff *d, struct err *err)
{
    bool ok = true;

    for (int i = 0; ok && i < q->facts && q->edits[q->fact[i].index].id <= until; i++) {
        struct edited_fact *a = &q->fact[i];

        emit_progress(e, e->job_id, "questions", i, q->facts);
        if (a->superseded == q->count || q->edits[a->superseded].id > until)
            ok = diff_fact(e, view, q, a, d, err);
    }
    return ok;
}

bool job_diff(struct engine *e, struct command *cmd, struct err *err)
{
    struct model_state *view[2] = {NULL, NULL};
    struct diff *d = xcalloc(1, sizeof(*d));
    struct event ev = {.kind = EV_DIFF, .job = e->job_id, .diff = d};
    struct session_facts q = {0};
    bool ok = session_facts_load(e, &q, err);

    d->from = cmd->from;
    d->to = cmd->edit;
    if (ok && (cmd->from < 0 || cmd->edit < 0))
        ok = err_set(err, ERR_USAGE, "states are edits from 1, or 0 for the base: not %d",
                     cmd->from < 0 ? cmd->from : cmd->edit);
    if (ok && cmd->from == cmd->edit)
        ok = err_set(err, ERR_USAGE, "two states are needed: both are edit %d", cmd->edit);
    ok = ok && engine_session_state(e, cmd->from, &view[0], err) &&
         engine_session_state(e, cmd->edit, &view[1], err) && diff_layers(e, view, d, err) &&
         diff_probes(e, view, &q, cmd->from > cmd->edit ? cmd->from : cmd->edit, d, err);
    if (ok)
        diff_beside(view, d);
    state_free(view[0]);
    state_free(view[1]);
    session_facts_free(&q);
    if (ok)
        bus_emit(e->bus, ev);
    else
        event_free(&ev);
    return ok;
}
