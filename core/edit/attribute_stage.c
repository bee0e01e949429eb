/* Prepares a layer for its tiles: value vectors, the unperturbed lens, and the coefficient c of
 * each row and neuron (editscope-method(7) 3.5). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/attribute_internal.h"
#include "core/model/lens.h"

void attribute_centre(const struct attribute_run *run, float *x)
{
    double mean = 0;

    if (run->view->model->final_norm.kind != NORM_LAYER)
        return;
    for (int j = 0; j < run->hidden; j++)
        mean += (double)x[j] / run->hidden;
    for (int j = 0; j < run->hidden; j++)
        x[j] = (float)((double)x[j] - mean);
}

double attribute_square(const float *x, int n)
{
    double sum = 0;

    for (int j = 0; j < n; j++)
        sum += (double)x[j] * (double)x[j];
    return sum;
}

bool attribute_base_is_fixed(const struct attribute_run *run)
{
    return params_choice(&run->params, P_ATTR_NORM) != NORM_OWN &&
           !(run->view->model->config->logit_softcap > 0);
}

/* Per row and neuron: c = amplify m / rms, m times `post` [N] of post_scales(). With `own` the rms
 * is that of the perturbed vector, |x + a m v|^2 = |x|^2 + 2 a m <x, v> + a^2 m^2 |v|^2, and the
 * base is scaled by 1 / rms too. */
static void stage_coefficients(struct attribute_run *run, const float *h, const float *m,
                               const float *post, const float *xv, const float *vnorm, float *coeff,
                               float *scale)
{
    bool own = params_choice(&run->params, P_ATTR_NORM) == NORM_OWN;
    double amplify = run->params.value[P_ATTR_AMPLIFY];

    for (int b = 0; b < run->rows; b++) {
        double fixed = 1 / sqrt((double)run->rms2[b] + (double)run->eps);
        double x2 = attribute_square(h + b * run->hidden, run->hidden);

        for (int i = 0; i < run->neurons; i++) {
            size_t at = (size_t)b * (size_t)run->neurons + (size_t)i;
            double am = amplify * (double)post[b] * (double)m[at], inv = fixed;

            if (own) {
                double v2 = (double)vnorm[i] * (double)vnorm[i];
                double q = x2 + 2 * am * (double)xv[at] + am * am * v2;

                inv = 1 / sqrt(fmax(q, 0) / run->hidden + (double)run->eps);
                scale[at] = (float)inv;
            }
            coeff[at] = (float)(am * inv);
        }
    }
}

/* h [N][d] becomes what the head is multiplied with, but for the gain: h / rms of the final state
 * (fixed_final), or h (own). */
static void stage_lens(struct attribute_run *run, float *h)
{
    if (params_choice(&run->params, P_ATTR_NORM) == NORM_OWN)
        return;
    for (int b = 0; b < run->rows; b++) {
        float inv = (float)(1 / sqrt((double)run->rms2[b] + (double)run->eps));

        for (int j = 0; j < run->hidden; j++)
            h[b * run->hidden + j] *= inv;
    }
}

/* scale [N] = 1 / rms of what a norm behind the FFN reads, in the unperturbed run
 * (editscope-method(7) 3.3); 1 where there is no such norm. */
static bool post_scales(struct attribute_run *run, int layer, float *scale, struct err *err)
{
    const struct block *k = &run->view->model->block[layer];
    struct device *dev = run->view->model->dev;
    struct mat sum;
    float *host;
    bool ok;

    for (int b = 0; b < run->rows; b++)
        scale[b] = 1;
    if (!k->post_ffn_norm.gain.data)
        return true;
    sum = mat_new(dev, DT_F32, run->rows, run->hidden);
    host = xmalloc((size_t)run->rows * (size_t)run->hidden * sizeof(float));
    forward_ffn_sum(run->view, layer, mat_rows(run->m, layer * run->rows, run->rows), sum);
    device_fetch(dev, host, sum, "layer %d: the FFN's output", layer);
    ok = device_sync(dev, err);
    for (int b = 0; ok && b < run->rows; b++)
        scale[b] =
            (float)(1 / sqrt(attribute_square(host + b * run->hidden, run->hidden) / run->hidden +
                             (double)k->post_ffn_norm.eps));
    free(host);
    mat_free(dev, &sum);
    return ok;
}

bool attribute_norms(struct attribute_run *run, struct mat values, float *norm, struct err *err)
{
    struct device *dev = run->view->model->dev;
    struct mat norms = mat_new(dev, DT_F32, 1, run->neurons);

    device_col_norms(dev, values, norms);
    device_fetch(dev, norm, norms, "the lengths of value vectors (a column a neuron)");
    mat_free(dev, &norms);
    return device_sync(dev, err);
}

/* w->base [N, V], the unperturbed lens; w->add [1, V], what the bias of the final norm adds to it,
 * unless that is in the base already. */
static void stage_base(struct attribute_run *run, struct layer_work *w, bool own)
{
    const struct model *m = run->view->model;

    w->base = mat_new(m->dev, DT_F32, run->rows, run->vocab);
    device_gemm(m->dev, 1, w->lens, false, m->head, true, 0, w->base);
    if (!m->final_norm.bias.data)
        return;
    w->add = mat_new(m->dev, DT_F32, 1, run->vocab);
    device_gemm(m->dev, 1, m->final_norm.bias, false, m->head, true, 0, w->add);
    if (own) /* the base will be scaled, this not */
        return;
    device_axpy(m->dev, 1, w->add, w->base);
    mat_free(m->dev, &w->add);
}

/* Host arrays of attribute_stage(). */
struct staging {
    float *h;            /* [N][d] */
    float *xv, *coeff;   /* [N][M] */
    float *scale, *norm; /* [N][M], [M] */
    float *post;         /* [N] */
};

static struct staging staging_new(const struct attribute_run *run)
{
    size_t n = (size_t)run->rows, m = (size_t)run->neurons;

    return (struct staging){xmalloc(n * (size_t)run->hidden * sizeof(float)),
                            xmalloc(n * m * sizeof(float)),
                            xmalloc(n * m * sizeof(float)),
                            xcalloc(n * m, sizeof(float)),
                            xmalloc(m * sizeof(float)),
                            xmalloc(n * sizeof(float))};
}

static void staging_free(struct staging *s)
{
    free(s->h);
    free(s->xv);
    free(s->coeff);
    free(s->scale);
    free(s->norm);
    free(s->post);
}

/* Reads what the coefficients are made of. w->values [d, M] becomes the contribution of each neuron
 * to the stream, not yet times the gain of the final norm. */
static bool stage_values(struct attribute_run *run, int layer, struct attribution *a,
                         struct layer_work *w, struct staging *s, struct err *err)
{
    const struct model *model = run->view->model;
    struct device *dev = model->dev;
    struct mat h = mat_rows(run->h, layer * run->rows, run->rows);
    struct mat xv = mat_new(dev, DT_F32, run->rows, run->neurons);
    bool changed =
        model->block[layer].post_ffn_norm.gain.data || model->final_norm.kind == NORM_LAYER;
    bool ok;

    w->values = mat_new(dev, DT_F32, run->hidden, run->neurons);
    device_copy(dev, state_matrix(run->view, layer, MATRIX_DOWN), w->values);
    ok = post_scales(run, layer, s->post, err) &&
         attribute_norms(run, w->values, a->value_norm, err);
    lens_contribution(model, layer, w->values);
    device_gemm(dev, 1, h, false, w->values, false, 0, xv);
    device_fetch(dev, s->h, h, "layer %d: the stream", layer);
    attribute_fetch_activation(run, layer, a);
    device_fetch(dev, s->xv, xv, "layer %d: the stream along the values (a column a neuron)",
                 layer);
    memcpy(s->norm, a->value_norm, (size_t)run->neurons * sizeof(float));
    ok = ok && (!changed || attribute_norms(run, w->values, s->norm, err)) && device_sync(dev, err);
    for (int b = 0; ok && b < run->rows; b++)
        attribute_centre(run, s->h + b * run->hidden);
    mat_free(dev, &xv);
    return ok;
}

bool attribute_stage(struct attribute_run *run, int layer, struct attribution *a,
                     struct layer_work *w, float *own_base, struct err *err)
{
    const struct model *model = run->view->model;
    struct device *dev = model->dev;
    struct staging s = staging_new(run);
    bool ok = stage_values(run, layer, a, w, &s, err);

    if (ok) {
        stage_coefficients(run, s.h, a->activation, s.post, s.xv, s.norm, s.coeff, s.scale);
        stage_lens(run, s.h);
        device_scale_rows(dev, model->final_norm.gain, w->values);
        w->lens = mat_new(dev, DT_F32, run->rows, run->hidden);
        device_upload(dev, w->lens, s.h);
        device_scale_cols(dev, w->lens, model->final_norm.gain, w->lens);
        w->coeff = mat_new(dev, DT_F32, run->rows, run->neurons);
        device_upload(dev, w->coeff, s.coeff);
        if (own_base) {
            memcpy(own_base, s.scale, (size_t)run->rows * (size_t)run->neurons * sizeof(float));
            w->base_scale = mat_new(dev, DT_F32, run->rows, run->neurons);
            device_upload(dev, w->base_scale, s.scale);
        }
        stage_base(run, w, own_base != NULL);
    }
    staging_free(&s);
    return ok;
}
