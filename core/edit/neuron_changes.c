/* Deltas of single columns, and what they amount to. */
#include "core/edit/neuron_changes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

/* The changes of one layer, from the first of `change` on, as a delta. Returns how many they are.
 */
static int add_layer(struct edit_result *out, const struct model_config *c,
                     const struct neuron_change *change, int count)
{
    size_t d = (size_t)c->hidden;
    struct delta *delta;
    int n = 0;

    while (n < count && change[n].layer == change->layer)
        n++;
    out->delta = xrealloc(out->delta, (size_t)(out->deltas + 1) * sizeof(*out->delta));
    delta = &out->delta[out->deltas++];
    *delta = (struct delta){.layer = change->layer,
                            .matrix = MATRIX_DOWN,
                            .kind = DELTA_COLUMNS,
                            .rows = c->hidden,
                            .cols = c->ffn,
                            .scale = 1};
    delta->r = xcalloc((size_t)n * d, sizeof(float));
    delta->column = xcalloc((size_t)n, sizeof(int));
    for (int i = 0; i < n; i++) {
        if (!i || change[i].neuron != change[i - 1].neuron)
            delta->column[delta->rank++] = change[i].neuron;
        for (size_t j = 0; j < d; j++)
            delta->r[(size_t)(delta->rank - 1) * d + j] += change[i].add[j];
    }
    return n;
}

void neuron_changes_write(struct edit_result *out, struct model_state *view,
                          const struct neuron_change *change, int count)
{
    for (int i = 0; i < count;) {
        i += add_layer(out, view->model->config, change + i, count - i);
        delta_apply(view, &out->delta[out->deltas - 1]);
    }
}

/* A column that the edit changes in a layer; several facts may change the same one. */
struct changed {
    int column;
    const float *r; /* [d] */
};

/* Puts a neuron among the report's, if its change is long enough. */
static void note_chosen(struct layer_report *report, int neuron, double moved)
{
    struct chosen_neuron *at = report->chosen_neuron;
    int i = report->chosen < REPORT_CHOSEN ? report->chosen++ : REPORT_CHOSEN - 1;

    if (report->kept > REPORT_CHOSEN && !(moved > at[i].moved))
        return;
    for (; i > 0 && moved > at[i - 1].moved; i--)
        at[i] = at[i - 1];
    at[i] = (struct chosen_neuron){neuron, moved};
}

/* Notes each changed column of a layer; returns the Frobenius norm of all changes. */
static double note_changed(struct layer_report *report, const struct changed *c, int count, int d)
{
    float *sum = xmalloc((size_t)d * sizeof(*sum)); /* of all changes of one column */
    double all = 0;

    for (int a = 0; a < count; a++) {
        bool again = false;
        double square = 0;

        for (int b = 0; b < a; b++)
            again = again || c[b].column == c[a].column;
        if (again)
            continue;
        memset(sum, 0, (size_t)d * sizeof(*sum));
        for (int b = a; b < count; b++)
            for (int j = 0; c[b].column == c[a].column && j < d; j++)
                sum[j] += c[b].r[j];
        for (int j = 0; j < d; j++)
            square += (double)sum[j] * (double)sum[j];
        all += square;
        report->kept++;
        note_chosen(report, c[a].column, sqrt(square));
    }
    free(sum);
    return sqrt(all);
}

/* The layer's report, if some neuron of it was changed. `before`: the state before the edit. */
static bool report_layer(struct edit_result *out, const struct model_state *before, int layer,
                         struct err *err)
{
    int d = before->model->config->hidden, count = 0;
    struct changed *c = NULL;
    struct err why = {0};

    for (int i = 0; i < out->deltas; i++) {
        const struct delta *delta = &out->delta[i];

        if (delta->layer != layer)
            continue;
        c = xrealloc(c, (size_t)(count + delta->rank) * sizeof(*c));
        for (int t = 0; t < delta->rank; t++)
            c[count++] =
                (struct changed){delta->column[t], delta->r + (size_t)t * (size_t)delta->rows};
    }
    if (count) {
        struct layer_report *report = &out->report[out->layers++];

        *report = layer_report_keyless(layer, 0);
        report->delta_norm = note_changed(report, c, count, d);
        report->weight_norm = matrix_norm(before, layer, MATRIX_DOWN, &why);
    }
    free(c);
    return !why.kind || err_pass(err, &why);
}

bool neuron_changes_edit(struct edit_result *out, struct model_state *scratch,
                         const struct edit_context *ctx, edit_fact *one, struct job *job,
                         struct err *err)
{
    struct model_state *before = state_copy(scratch, scratch->generation);
    bool ok = edit_each_fact(out, scratch, ctx, one, job, err);

    for (int l = 0; ok && l < before->model->config->layers; l++)
        ok = report_layer(out, before, l, err);
    state_free(before);
    if (!ok)
        edit_result_free(out);
    return ok;
}
