/* Which words of the vocabulary a layer's sums take when attr.words asks for K of them
 * (editscope-method(7) 3.5).
 *
 * The cost of a layer is that of U = W_U diag(g) W_l: 2 V d M operations, nearly all of them for
 * words that no row finds likely. So words are drawn: word j with probability pi_j, and one that
 * was drawn stands for 1 / pi_j words, its logits get log(1 / pi_j) added. The sums over the drawn
 * words then have the sums over all words as their mean.
 *
 *     q_j = max over rows b of p_bj, of the unperturbed lens
 *     pi_j = min(1, s sqrt(q_j)), s so that the pi_j add up to K; 1 for explained tokens
 *
 * The root is between q_j, by which the unperturbed sums would be estimated best, and a constant: a
 * neuron can make an unlikely word likely. Drawing is systematic: one goes along the vocabulary
 * adding up pi_j, and takes the word at which the sum passes a whole number and a half. No random
 * number is needed, and the same lens always gives the same words. */
#include <math.h>
#include <stdlib.h>

#include "core/base/invariant.h"
#include "core/base/mem.h"
#include "core/edit/attribute_internal.h"
#include "core/model/generate.h"

void attribute_words_free(struct attribute_words *s, struct device *dev)
{
    if (!s)
        return;
    mat_free(dev, &s->head);
    free(s->id);
    free(s->weight);
    free(s->target);
    free(s);
}

/* root [V] = sqrt(q_j), from base [N][V]; base_logp [N] on the way. */
static void likely_roots(const struct attribute_run *run, const float *base, double *base_logp,
                         double *root)
{
    for (int b = 0; b < run->rows; b++) {
        const float *row = base + (size_t)b * (size_t)run->vocab;
        double all = log_sum_exp(row, run->vocab);

        base_logp[b] = (double)row[run->target[b]] - all;
        for (int j = 0; j < run->vocab; j++)
            root[j] = fmax(b ? root[j] : 0, exp(((double)row[j] - all) / 2));
    }
}

/* s, for which min(1, s root_j) add up to `count`: those that reach 1 leave the rest less. */
static double draw_scale(const double *root, int vocab, int count)
{
    double s = 0, before = -1;

    while (s > before) {
        double free_sum = 0;
        int whole = 0;

        before = s;
        for (int j = 0; j < vocab; j++)
            if (s * root[j] >= 1)
                whole++;
            else
                free_sum += root[j];
        if (whole >= count || !(free_sum > 0))
            break;
        s = fmax(s, (count - whole) / free_sum);
    }
    return s;
}

/* Draws the words; pi [V] are the roots before. */
static struct attribute_words *draw_words(const struct attribute_run *run, double *pi, int count)
{
    struct attribute_words *s = xcalloc(1, sizeof(*s));
    double scale = draw_scale(pi, run->vocab, count), along = 0.5;
    int room = count + run->rows + 2;

    s->id = xmalloc((size_t)room * sizeof(int));
    s->weight = xmalloc((size_t)room * sizeof(float));
    s->target = xmalloc((size_t)run->rows * sizeof(int));
    for (int j = 0; j < run->vocab; j++)
        pi[j] = fmin(1, scale * pi[j]);
    for (int b = 0; b < run->rows; b++)
        pi[run->target[b]] = 1;
    for (int j = 0; j < run->vocab; j++) {
        double from = floor(along);

        along += pi[j];
        if (pi[j] < 1 && floor(along) <= from)
            continue;
        invariant(s->count < room);
        s->id[s->count] = j;
        s->weight[s->count++] = (float)-log(pi[j]);
    }
    for (int b = 0; b < run->rows; b++)
        for (int k = 0; k < s->count; k++)
            if (s->id[k] == run->target[b])
                s->target[b] = k;
    return s;
}

/* w->base [N, V] becomes [N, K]: the drawn words of base [N][V], with their weights. */
static void shrink_base(struct attribute_run *run, const struct attribute_words *s,
                        const float *base, struct layer_work *w)
{
    struct device *dev = run->view->model->dev;
    float *to = xmalloc((size_t)run->rows * (size_t)s->count * sizeof(float));

    for (int b = 0; b < run->rows; b++)
        for (int k = 0; k < s->count; k++)
            to[(size_t)b * (size_t)s->count + (size_t)k] =
                base[(size_t)b * (size_t)run->vocab + (size_t)s->id[k]] + s->weight[k];
    mat_free(dev, &w->base);
    w->base = mat_new(dev, DT_F32, run->rows, s->count);
    device_upload(dev, w->base, to);
    free(to);
}

bool attribute_words_choose(struct attribute_run *run, struct layer_work *w, double *base_logp,
                            struct attribute_words **out, struct err *err)
{
    const struct model *m = run->view->model;
    double count = run->params.value[P_ATTR_WORDS];
    float *base;
    double *root;
    bool ok;

    *out = NULL;
    if (!(count > 0) || count >= run->vocab || !attribute_base_is_fixed(run))
        return true;
    base = xmalloc((size_t)run->rows * (size_t)run->vocab * sizeof(float));
    root = xmalloc((size_t)run->vocab * sizeof(double));
    device_fetch(m->dev, base, w->base, "the lens (a row a prompt, a column a token)");
    ok = device_sync(m->dev, err);
    if (ok) {
        likely_roots(run, base, base_logp, root);
        *out = draw_words(run, root, (int)count);
        shrink_base(run, *out, base, w);
        (*out)->head = mat_new(m->dev, DT_F32, (*out)->count, run->hidden);
        device_gather(m->dev, m->head, (*out)->id, (*out)->head);
    }
    free(base);
    free(root);
    return ok;
}
