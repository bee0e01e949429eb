/* How several layers with norms behind their FFNs share what is wanted of the stream
 * (editscope-method(7) 7.2).
 *
 * For u a norm gives g * b, b = u / rms(u), whatever the length of u. A small turn v of b changes
 * the stream by g * v. Layers l, l+1, ... together are to change it by r, with the least sum of
 * |v_k|^2:
 *
 *   sum_k g_k * v_k = r      so      v_lj = g_lj r_j / sum_k g_kj^2
 *
 * Where all gains are equal that is r over the number of layers, as without norms; a component that
 * a layer hardly reaches is left to the others, and the last layer takes all that is left. What no
 * layer reaches would still ask for a large turn. So no turn is longer than that of z: kappa is the
 * least number >= 0 for which
 *
 *   v_lj = g_lj r_j / (sum_k g_kj^2 + kappa),    |v_l| <= most
 *
 * Then y becomes as long as it was, in the direction of b + v. */
#include "core/edit/post_norm.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/edit/mat_f64.h"

static const double precision = 1e-12; /* of kappa, relative */

bool post_norm_fetch(struct post_norm *n, const struct model *m, int layer, struct err *err)
{
    const struct norm *norm = &m->block[layer].post_ffn_norm;

    n->gain = mat_download(m->dev, norm->gain, "the gain of the norm behind the FFN", err);
    n->width = norm->gain.cols;
    n->eps = (double)norm->eps;
    return n->gain || err_in(err, "layer %d", layer);
}

void post_norm_free(struct post_norm *n)
{
    free(n->gain);
    *n = (struct post_norm){0};
}

static double length_of(const double *x, int n)
{
    double sum = 0;

    for (int j = 0; j < n; j++)
        sum += x[j] * x[j];
    return sqrt(sum);
}

static double rms_of(const struct post_norm *n, const float *u)
{
    double sum = 0;

    for (int j = 0; j < n->width; j++)
        sum += (double)u[j] * (double)u[j];
    return sqrt(sum / n->width + n->eps);
}

void post_norm_apply(const struct post_norm *n, const float *u, double *out)
{
    double rms = rms_of(n, u);

    for (int j = 0; j < n->width; j++)
        out[j] = n->gain[j] * (double)u[j] / rms;
}

double post_norm_way(const struct post_norm *n, const float *y, const float *z)
{
    double rms_y = rms_of(n, y), rms_z = rms_of(n, z), sum = 0;

    for (int j = 0; j < n->width; j++) {
        double way = (double)z[j] / rms_z - (double)y[j] / rms_y;

        sum += way * way;
    }
    return sqrt(sum);
}

/* v [d] = pull / (reach + kappa), 0 where the gain is 0; returns |v|. */
static double turn_of(const double *pull, const double *reach, double kappa, int d, double *v)
{
    for (int j = 0; j < d; j++)
        v[j] = pull[j] == 0 ? 0 : pull[j] / (reach[j] + kappa);
    return length_of(v, d);
}

/* v [d] with the least kappa for which |v| <= most. */
static void bounded_turn(const double *pull, const double *reach, double most, int d, double *v)
{
    double low = 0, high = length_of(pull, d) / most;

    if (turn_of(pull, reach, 0, d, v) <= most)
        return;
    while (high - low > precision * high) {
        double kappa = low + (high - low) / 2;

        if (turn_of(pull, reach, kappa, d, v) > most)
            low = kappa;
        else
            high = kappa;
    }
    turn_of(pull, reach, high, d, v);
}

void post_norm_turn(const struct post_norm *norm, int layers, const float *y, double most,
                    float *share)
{
    int d = norm->width;
    double *pull = xcalloc((size_t)d, sizeof(*pull)), *reach = xcalloc((size_t)d, sizeof(*reach));
    double *v = xcalloc((size_t)d, sizeof(*v)), rms = rms_of(norm, y), before = 0, after;

    for (int j = 0; j < d; j++) {
        pull[j] = norm->gain[j] * (double)share[j];
        for (int k = 0; k < layers; k++)
            reach[j] += norm[k].gain[j] * norm[k].gain[j];
        before += (double)y[j] * (double)y[j];
    }
    if (most > 0)
        bounded_turn(pull, reach, most, d, v);
    for (int j = 0; j < d; j++)
        v[j] = (double)y[j] + rms * v[j];
    after = length_of(v, d);
    for (int j = 0; j < d; j++)
        share[j] = (float)(after > 0 ? v[j] * sqrt(before) / after - (double)y[j] : 0);
    free(pull);
    free(reach);
    free(v);
}
