/* KN, knowledge neurons (editscope-method(7) 7.14): the neurons that carry the old object, by
 * integrated gradients, get other value vectors.
 *
 *   A_li    = mean over the tokens y_j of the old object of the integrated gradient of p(y_j) by
 *             neuron i of layer l, at the last position of the prompt and of what the model itself
 *             says after it
 *   chosen  : A_li > kn.threshold max A
 *   v_li   += e(new object) - e(what the model says), sums of embeddings
 *
 * No target is optimised and no key solved for. Several facts are written one after the other. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/editors/editors.h"
#include "core/edit/integrated_gradients.h"
#include "core/edit/neuron_changes.h"

struct chosen {
    int layer, neuron;
};

/* One fact under way. */
struct kn {
    struct model_state *view;
    const struct request *request;
    const struct params *p;
    bool released;       /* baseline.quirks = easyedit */
    struct tokens plain; /* of an object without the blank before it, for `released` */
    int *old, olds;      /* tokens of the old object, */
    int *new, news;      /* of the new one, */
    int *said;           /* [news] and what the model says in its place */
    double *score;       /* [layers * M] */
    struct chosen *chosen;
    int count;
    float *add; /* [d] what each chosen value vector gets */
};

static void kn_free(struct kn *k)
{
    free(k->old);
    free(k->new);
    free(k->said);
    free(k->score);
    free(k->chosen);
    free(k->add);
}

/* The tokens of an object: those of the request, or, as released, without the blank before it. */
static bool object_tokens(const struct kn *k, const char *text, const int *id, int count, int **out,
                          int *outs, struct err *err)
{
    struct tokens t = {0};

    *outs = count;
    if (k->released) {
        text += strspn(text, " ");
        if (!tokenizer_encode(k->view->model->tokenizer, text, strlen(text), ENCODE_CONTINUES, &t,
                              err))
            return false;
        *outs = t.count;
        id = t.ids;
    }
    *out = xcalloc((size_t)*outs + 1, sizeof(int));
    memcpy(*out, id, (size_t)*outs * sizeof(int));
    tokens_free(&t);
    return true;
}

static bool kn_begin(struct kn *k, struct err *err)
{
    const struct request *r = k->request;
    const struct model_config *c = k->view->model->config;

    if (!request_names_old(r, "kn looks for the neurons of", err) ||
        !object_tokens(k, r->fact.old, r->olds, r->old_count, &k->old, &k->olds, err) ||
        !object_tokens(k, r->fact.target, r->target, r->targets, &k->new, &k->news, err))
        return false;
    k->said = xcalloc((size_t)k->news, sizeof(int));
    k->score = xcalloc((size_t)c->layers * (size_t)c->ffn, sizeof(double));
    k->add = xcalloc((size_t)c->hidden, sizeof(float));
    return true;
}

/* The scores, and what the model says after the prompt. */
static bool kn_scores(struct kn *k, struct job *job, struct err *err)
{
    const struct row *row = &k->request->row[0];
    struct integrated_rule rule = {(int)k->p->value[P_KN_STEPS], k->released};
    int most = k->olds > k->news ? k->olds : k->news, next;
    int *id = xcalloc((size_t)(row->count + most), sizeof(*id));
    size_t n = (size_t)k->view->model->config->layers * (size_t)k->view->model->config->ffn;
    bool ok = true;

    memcpy(id, row->id, (size_t)row->count * sizeof(*id));
    for (int j = 0; ok && j < most; j++) {
        ok = integrated_gradients(k->score, &next, k->view, id, row->count + j,
                                  j < k->olds ? k->old[j] : -1, &rule, job, err);
        if (ok)
            id[row->count + j] = next;
    }
    if (ok)
        memcpy(k->said, id + row->count, (size_t)k->news * sizeof(int));
    for (size_t i = 0; i < n; i++)
        k->score[i] /= k->olds;
    free(id);
    return ok;
}

static bool kn_choose(struct kn *k, struct err *err)
{
    int layers = k->view->model->config->layers, m = k->view->model->config->ffn;
    double most = 0, least;

    for (int i = 0; i < layers * m; i++)
        most = fmax(most, k->score[i]);
    if (!(most > 0))
        return err_set(err, ERR_USAGE,
                       "kn: no neuron makes the old object \"%s\" of \"%s\" more probable",
                       k->request->fact.old, k->request->fact.subject);
    least = k->p->value[P_KN_THRESHOLD] * most;
    for (int i = 0; i < layers * m; i++)
        k->count += k->score[i] > least;
    k->chosen = xcalloc((size_t)k->count, sizeof(*k->chosen));
    for (int i = 0, at = 0; i < layers * m; i++)
        if (k->score[i] > least)
            k->chosen[at++] = (struct chosen){i / m, i % m};
    return true;
}

/* Adds `weight` times the embedding of each of the tokens to k->add. */
static bool add_embeddings(struct kn *k, const int *id, int count, float weight, struct err *err)
{
    const struct model *m = k->view->model;
    int d = m->config->hidden;
    struct mat rows = mat_new(m->dev, DT_F32, count, d);
    float *host = xcalloc((size_t)count * (size_t)d, sizeof(float));
    bool ok;

    device_gather(m->dev, m->embed, id, rows);
    device_fetch(m->dev, host, rows, "the embeddings of an object (a row a token)");
    mat_free(m->dev, &rows);
    ok = device_sync(m->dev, err);
    for (int t = 0; t < count; t++)
        for (int j = 0; j < d; j++)
            k->add[j] += weight * host[t * d + j];
    free(host);
    return ok;
}

/* What a value vector gets. An object of one token counts twice; the released code forgets that of
 * the new one. */
static bool kn_vector(struct kn *k, struct err *err)
{
    float twice = k->news == 1 ? 2 : 1;

    return add_embeddings(k, k->new, k->news, k->released ? 1 : twice, err) &&
           add_embeddings(k, k->said, k->news, -twice, err);
}

/* The changes into result and state. */
static void kn_write(const struct kn *k, struct edit_result *out)
{
    struct neuron_change *change = xcalloc((size_t)k->count, sizeof(*change));

    for (int i = 0; i < k->count; i++)
        change[i] = (struct neuron_change){k->chosen[i].layer, k->chosen[i].neuron, k->add};
    neuron_changes_write(out, k->view, change, k->count);
    free(change);
}

static bool kn_fact(struct edit_result *out, struct model_state *scratch,
                    const struct edit_context *ctx, const struct request *r, struct job *job,
                    struct err *err)
{
    const struct params *p = ctx->params;
    struct kn k = {.view = scratch,
                   .request = r,
                   .p = p,
                   .released = params_choice(p, P_BASELINE_QUIRKS) == QUIRKS_EASYEDIT};
    bool ok =
        kn_begin(&k, err) && kn_scores(&k, job, err) && kn_choose(&k, err) && kn_vector(&k, err);

    if (ok)
        kn_write(&k, out);
    ok = ok && device_sync(scratch->model->dev, err);
    kn_free(&k);
    return ok;
}

static bool kn_edit(struct edit_result *out, struct model_state *scratch, struct edit_context *ctx,
                    struct job *job, struct err *err)
{
    return neuron_changes_edit(out, scratch, ctx, kn_fact, job, err);
}

static int kn_layers(const struct params *p, int layers, int *layer)
{
    (void)p;
    for (int l = 0; l < layers; l++)
        layer[l] = l;
    return layers;
}

extern const struct editor_ops editor_kn;
const struct editor_ops editor_kn = {
    .name = "kn",
    .title = "KN",
    .paper = "Dai et al. 2022",
    .needs = NEEDS_OLD,
    .edit = kn_edit,
    .layers = kn_layers,
    .chooses = true,
};
