/* MPC scores (editscope-method(7) 3.6): of attr.strategy = mpc, and as the preview that the screen
 * shows until a layer has its LPS or PSA scores. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/edit/attribute_internal.h"
#include "core/model/lens.h"

bool attribute_project(struct attribute_run *run, struct layer_work *w, struct attribution *a,
                       struct err *err)
{
    const struct model *m = run->view->model;
    int kind = params_choice(&run->params, P_MPC_KIND);
    size_t nm = (size_t)run->rows * (size_t)run->neurons;
    struct mat head = mat_new(m->dev, DT_F32, run->rows, run->hidden);
    struct mat u = mat_new(m->dev, DT_F32, run->rows, run->neurons);
    float *uy = xmalloc(nm * sizeof(float));
    bool ok;

    device_gather(m->dev, m->head, run->target, head);
    device_gemm(m->dev, 1, head, false, w->values, false, 0, u);
    device_fetch(m->dev, uy, u, "layer %d: projections of values (a column a neuron)", a->layer);
    ok = device_sync(m->dev, err);
    for (size_t at = 0; ok && at < nm; at++) {
        double coeff = (double)a->activation[at];

        if (kind == MPC_COEFF_NORM)
            coeff = fabs(coeff) * (double)a->value_norm[at % (size_t)run->neurons];
        else if (kind == MPC_COEFF_PROJ)
            coeff *= (double)uy[at];
        a->score[at] = (float)coeff;
    }
    free(uy);
    mat_free(m->dev, &head);
    mat_free(m->dev, &u);
    return ok && attribution_is_finite(a, err);
}

/* The values' norms and the values diag(g) W_l themselves, for the kinds of MPC that take them. */
static bool preview_values(struct attribute_run *run, int layer, struct attribution *a,
                           struct layer_work *w, struct err *err)
{
    struct device *dev = run->view->model->dev;
    bool ok;

    w->values = mat_new(dev, DT_F32, run->hidden, run->neurons);
    device_copy(dev, state_matrix(run->view, layer, MATRIX_DOWN), w->values);
    ok = attribute_norms(run, w->values, a->value_norm, err);
    lens_contribution(run->view->model, layer, w->values);
    device_scale_rows(dev, run->view->model->final_norm.gain, w->values);
    return ok;
}

struct attribution *attribute_estimate(struct attribute_run *run, int layer, struct job *job,
                                       struct err *err)
{
    struct device *dev = run->view->model->dev;
    struct attribution *a = attribute_empty(run, layer, STRATEGY_MPC, false);
    size_t nm = (size_t)run->rows * (size_t)run->neurons;
    struct layer_work w = {0};
    double start = clock_seconds();
    bool ok;

    attribute_fetch_activation(run, layer, a);
    ok = device_sync(dev, err);
    if (params_choice(&run->params, P_MPC_KIND) == MPC_COEFF)
        memcpy(a->score, a->activation, nm * sizeof(float));
    else
        ok = ok && !job_cancelled(job, err) && preview_values(run, layer, a, &w, err) &&
             attribute_project(run, &w, a, err);
    layer_work_free(&w, dev);
    a->seconds = clock_seconds() - start;
    if (ok && attribution_is_finite(a, err))
        return a;
    attribution_unref(a);
    return NULL;
}
