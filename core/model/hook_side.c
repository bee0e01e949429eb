/* The hook "side" (WISE, editscope-method(7) 7.26): a side matrix W' beside W_down of one layer. A
 * sequence for which both say different things goes through W':
 *
 *   D = mean over the prompt's tokens of |silu(W m) - silu(W' m)|       W: the base model's
 *   D >= threshold:  x = h + W' m          h: the stream before the FFN
 *
 * A hook holds one edit: params {"layer": L, "matrix": K, "seed": S, "share": p, "threshold": t};
 * the blob is what the edit adds to the elements that seed and share choose, as float32. A state
 * joins its hooks of a layer: W' of matrix K is the base's plus the changes in the order of the
 * edits, its threshold the smallest. Of several matrices the one with the largest D in units of its
 * threshold is taken. When an even matrix K begins, K - 2 and K - 1 become one. A prompt decides
 * for the tokens after it in the same pass; tokens of a later pass are a sequence of their own. */
#include "core/model/hook_side.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/mem.h"
#include "core/device/finite.h"
#include "core/model/forward.h"

/* W' of some edits. */
struct side {
    int number, edits;
    double threshold;
    float *w;       /* [d * M] */
    struct mat mat; /* the same on the device, from the first pass on */
};

/* Rows of one pass, from its first site to its gradient. */
struct pass {
    const struct batch *batch;            /* its address tells passes apart that are under way */
    int rows, seqs, most_rows, most_seqs; /* of the batch at hand; of the memory */
    int *seq, *counted;      /* [rows] the sequence of each row; the same, `seqs` behind a prompt */
    struct mat h, z;         /* [rows, d] */
    struct mat own, other;   /* [d, rows] */
    struct mat norms;        /* [1, rows] */
    struct mat mean, scale;  /* [seqs + 1, 1], [1, seqs + 1] */
    struct mat over, units;  /* [seqs, 2], [seqs, sides] */
    struct mat flag, choice; /* [seqs, 1], [seqs, sides] */
    struct mat *hit, *y, *raw, *back; /* [sides] of [1, rows], [rows, d] */
};

struct sides {
    const struct model *model;
    int layer, count, passes;
    struct side *side;
    int single;            /* of one edit alone: how many elements it changes, else 0 */
    float *change;         /* [single] */
    int *element;          /* [single] */
    struct mat base, ones; /* [d, M], [1, rows] of the largest pass */
    struct mat limit, far, pick, endless; /* keys and radii: [2, 1], [1, 2], [sides, sides], ... */
    struct pass **pass;
};

/* ---- matrices on the host ---- */

static size_t matrix_size(const struct model *m)
{
    return (size_t)m->config->hidden * (size_t)m->config->ffn;
}

static void side_change(struct side *s, const struct sides *of)
{
    for (int i = 0; i < of->single; i++)
        s->w[of->element[i]] += of->change[i];
}

/* ---- the device's side ---- */

/* A dense column as a row, or a row as a column. */
static struct mat turned(struct mat m)
{
    return m.rows == 1 ? (struct mat){m.data, m.type, m.cols, 1, 1}
                       : (struct mat){m.data, m.type, 1, m.rows, m.rows};
}

/* The sizes of a batch in the memory of the largest. */
static void pass_shape(struct pass *p, const struct sides *s, int rows, int seqs)
{
    int d = s->model->config->hidden;

    p->rows = rows;
    p->seqs = seqs;
    mat_reshape(&p->h, rows, d);
    mat_reshape(&p->z, rows, d);
    mat_reshape(&p->own, d, rows);
    mat_reshape(&p->other, d, rows);
    mat_reshape(&p->norms, 1, rows);
    mat_reshape(&p->mean, seqs + 1, 1);
    mat_reshape(&p->scale, 1, seqs + 1);
    mat_reshape(&p->over, seqs, 2);
    mat_reshape(&p->units, seqs, s->count);
    mat_reshape(&p->flag, seqs, 1);
    mat_reshape(&p->choice, seqs, s->count);
    for (int k = 0; k < s->count; k++) {
        mat_reshape(&p->hit[k], 1, rows);
        mat_reshape(&p->y[k], rows, d);
        mat_reshape(&p->raw[k], p->raw[k].data ? rows : 0, p->raw[k].data ? d : 0);
        mat_reshape(&p->back[k], rows, d);
    }
}

static void pass_free(struct pass *p, const struct sides *s)
{
    struct device *dev = s->model->dev;
    struct mat *all[] = {&p->h,     &p->z,    &p->own,   &p->other, &p->norms, &p->mean,
                         &p->scale, &p->over, &p->units, &p->flag,  &p->choice};
    struct mat *each[] = {p->hit, p->y, p->raw, p->back};

    pass_shape(p, s, p->most_rows, p->most_seqs);
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        mat_free(dev, all[i]);
    for (size_t i = 0; i < sizeof(each) / sizeof(*each); i++) {
        for (int k = 0; k < s->count; k++)
            mat_free(dev, &each[i][k]);
        free(each[i]);
    }
    free(p->seq);
    free(p->counted);
    free(p);
}

static void sides_close(void *ctx)
{
    struct sides *s = ctx;
    struct device *dev = s->model->dev;
    struct mat *all[] = {&s->base, &s->ones, &s->limit, &s->far, &s->pick, &s->endless};

    for (int i = 0; i < s->passes; i++)
        pass_free(s->pass[i], s);
    for (int k = 0; k < s->count; k++) {
        mat_free(dev, &s->side[k].mat);
        free(s->side[k].w);
    }
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        mat_free(dev, all[i]);
    free(s->side);
    free(s->change);
    free(s->element);
    free(s->pass);
    free(s);
}

/* The matrices, once. Nearest to the first of the keys 2 t and 0 is whatever is at least t; nearest
 * to the largest of several numbers is its unit vector, far enough out. */
static void sides_upload(struct sides *s)
{
    struct device *dev = s->model->dev;
    struct mat w = s->model->block[s->layer].w[MATRIX_DOWN];

    if (s->base.data)
        return;
    s->base = mat_new(dev, DT_F32, w.rows, w.cols);
    device_copy(dev, w, s->base);
    s->limit = mat_new(dev, DT_F32, 2, 1);
    s->far = mat_new(dev, DT_F32, 1, 2);
    s->pick = mat_new(dev, DT_F32, s->count, s->count);
    s->endless = mat_new(dev, DT_F32, 1, s->count);
    device_fill(dev, s->far, 1e30);
    device_fill(dev, s->endless, 1e30);
    device_fill(dev, mat_rows(s->limit, 0, 1), 2);
    for (int k = 0; k < s->count; k++) {
        device_fill(dev, mat_cols(mat_rows(s->pick, k, 1), k, 1), 1e4);
        s->side[k].mat = mat_new(dev, DT_F32, w.rows, w.cols);
        device_upload(dev, s->side[k].mat, s->side[k].w);
    }
}

static struct pass *pass_new(struct sides *s, const struct batch *batch)
{
    struct device *dev = s->model->dev;
    int d = s->model->config->hidden, rows = batch->rows, seqs = batch->seqs;
    bool post = s->model->block[s->layer].post_ffn_norm.gain.data != NULL;
    struct pass *p = xcalloc(1, sizeof(*p));
    size_t n = (size_t)s->count;

    *p = (struct pass){.batch = batch, .most_rows = rows, .most_seqs = seqs};
    p->seq = xcalloc((size_t)rows, sizeof(int));
    p->counted = xcalloc((size_t)rows, sizeof(int));
    p->h = mat_new(dev, DT_F32, rows, d);
    p->z = mat_new(dev, DT_F32, rows, d);
    p->own = mat_new(dev, DT_F32, d, rows);
    p->other = mat_new(dev, DT_F32, d, rows);
    p->norms = mat_new(dev, DT_F32, 1, rows);
    p->mean = mat_new(dev, DT_F32, seqs + 1, 1);
    p->scale = mat_new(dev, DT_F32, 1, seqs + 1);
    p->over = mat_new(dev, DT_F32, seqs, 2);
    p->units = mat_new(dev, DT_F32, seqs, s->count);
    p->flag = mat_new(dev, DT_F32, seqs, 1);
    p->choice = mat_new(dev, DT_F32, seqs, s->count);
    p->hit = xcalloc(n, sizeof(*p->hit));
    p->y = xcalloc(n, sizeof(*p->y));
    p->raw = xcalloc(n, sizeof(*p->raw));
    p->back = xcalloc(n, sizeof(*p->back));
    for (int k = 0; k < s->count; k++) {
        p->hit[k] = mat_new(dev, DT_F32, 1, rows);
        p->y[k] = mat_new(dev, DT_F32, rows, d);
        p->raw[k] = post ? mat_new(dev, DT_F32, rows, d) : (struct mat){0};
        p->back[k] = mat_new(dev, DT_F32, rows, d);
    }
    if (s->ones.cols < rows) {
        mat_free(dev, &s->ones);
        s->ones = mat_new(dev, DT_F32, 1, rows);
        device_fill(dev, s->ones, 1);
    }
    return p;
}

/* The memory of this batch: kept until the hook goes, since a device may have recorded the pass. A
 * later batch at the same address uses it, too. */
static struct pass *pass_of(struct sides *s, const struct batch *batch)
{
    struct pass *p;
    int at = 0;

    while (at < s->passes && s->pass[at]->batch != batch)
        at++;
    if (at == s->passes) {
        s->pass = xrealloc(s->pass, (size_t)(s->passes + 1) * sizeof(*s->pass));
        s->pass[s->passes++] = NULL;
    }
    p = s->pass[at];
    if (!p || p->most_rows < batch->rows || p->most_seqs < batch->seqs) {
        sides_upload(s);
        if (p)
            pass_free(p, s);
        p = s->pass[at] = pass_new(s, batch);
    }
    pass_shape(p, s, batch->rows, batch->seqs);
    for (int q = 0; q < batch->seqs; q++) {
        const struct attn_seq *a = &batch->seq[q];
        int last = batch->asked[q] >= 0 ? batch->asked[q] : a->q0 + a->n - 1;

        for (int i = a->q0; i < a->q0 + a->n; i++) {
            p->seq[i] = q;
            p->counted[i] = i <= last ? q : batch->seqs;
        }
        device_fill(s->model->dev, mat_cols(p->scale, q, 1), 1.0 / (last + 1 - a->q0));
    }
    return p;
}

void side_sums(const struct model *m, int layer, struct mat w, struct mat coeff, struct mat ones,
               struct mat out)
{
    struct mat bias = m->block[layer].bias[MATRIX_DOWN];

    device_gemm(m->dev, 1, w, false, coeff, true, 0, out);
    if (bias.data)
        device_gemm(m->dev, 1, bias, true, mat_cols(ones, 0, coeff.rows), false, 1, out);
}

/* out [d, rows] = silu(W m + bias), a column a row. */
static void side_output(const struct sides *s, struct mat w, struct mat coeff, struct mat out)
{
    side_sums(s->model, s->layer, w, coeff, s->ones, out);
    device_gated(s->model->dev, ACT_SILU, out, (struct mat){0}, out);
}

/* p->mean = D of each sequence, in units of the matrix's threshold. */
static void pass_distance(const struct sides *s, struct pass *p, int k, struct mat coeff)
{
    struct device *dev = s->model->dev;

    side_output(s, s->side[k].mat, coeff, p->other);
    device_axpy(dev, -1, p->own, p->other);
    device_col_norms(dev, p->other, p->norms);
    device_fill(dev, p->mean, 0);
    device_scatter_add(dev, turned(p->norms), p->counted, p->mean);
    device_scale_rows(dev, p->scale, p->mean);
    device_fill(dev, p->flag, 0);
    device_axpy(dev, (float)(1 / s->side[k].threshold), mat_rows(p->mean, 0, p->seqs), p->flag);
    device_copy(dev, p->flag, mat_rows(p->mean, 0, p->seqs));
}

/* Which matrix each row goes through, and what it gives. */
static void pass_route(const struct sides *s, struct pass *p, struct mat coeff)
{
    struct device *dev = s->model->dev;
    struct mat bias = s->model->block[s->layer].bias[MATRIX_DOWN];
    struct norm post = s->model->block[s->layer].post_ffn_norm;

    side_output(s, s->base, coeff, p->own);
    for (int k = 0; k < s->count; k++) {
        pass_distance(s, p, k, coeff);
        device_copy(dev, mat_rows(p->mean, 0, p->seqs), mat_cols(p->units, k, 1));
    }
    device_nearest(dev, p->units, s->pick, s->endless, p->choice);
    for (int k = 0; k < s->count; k++) {
        struct mat y = p->y[k];

        device_copy(dev, mat_cols(p->units, k, 1), p->flag);
        device_nearest(dev, p->flag, s->limit, s->far, p->over);
        device_copy(dev, mat_cols(p->over, 0, 1), p->flag);
        device_scale_rows(dev, turned(p->flag), mat_cols(p->choice, k, 1));
        device_copy(dev, mat_cols(p->choice, k, 1), p->flag);
        device_gather(dev, p->flag, p->seq, turned(p->hit[k]));
        device_gemm(dev, 1, coeff, false, s->side[k].mat, true, 0, y);
        if (bias.data)
            device_axpy(dev, 1, bias, y);
        if (post.gain.data) {
            device_copy(dev, y, p->raw[k]);
            device_norm(dev, y, post, y);
        }
    }
}

/* x + hit (h + y - x): a row that is not routed keeps its bits. */
static void pass_replace(const struct sides *s, struct pass *p, struct mat x)
{
    struct device *dev = s->model->dev;

    for (int k = 0; k < s->count; k++) {
        device_copy(dev, p->h, p->z);
        device_axpy(dev, 1, p->y[k], p->z);
        device_axpy(dev, -1, x, p->z);
        device_scale_rows(dev, p->hit[k], p->z);
        device_axpy(dev, 1, p->z, x);
    }
}

static void sides_run(void *ctx, const struct batch *batch, int layer, enum tap_site site,
                      struct mat x)
{
    struct sides *s = ctx;
    struct pass *p = layer == s->layer && site != TAP_BLOCK_IN ? pass_of(s, batch) : NULL;

    if (!p)
        return;
    if (site == TAP_FFN_IN)
        device_copy(s->model->dev, x, p->h);
    else if (site == TAP_COEFF)
        pass_route(s, p, x);
    else
        pass_replace(s, p, x);
}

/* What a routed row gets back goes through W' and past the FFN, and nothing through W. */
static void sides_grad(void *ctx, const struct batch *batch, int layer, enum tap_site site,
                       struct mat dx)
{
    struct sides *s = ctx;
    struct device *dev = s->model->dev;
    struct pass *p = layer == s->layer && site != TAP_BLOCK_IN ? pass_of(s, batch) : NULL;

    for (int k = 0; p && k < s->count; k++) {
        struct mat back = p->back[k], through = back;

        if (site == TAP_BLOCK_OUT) {
            device_copy(dev, dx, back);
            device_scale_rows(dev, p->hit[k], back);
            device_axpy(dev, -1, back, dx);
        } else if (site == TAP_FFN_IN) {
            device_axpy(dev, 1, back, dx);
        } else {
            if (p->raw[k].data) {
                through = p->z;
                device_fill(dev, through, 0);
                device_norm_grad(dev, p->raw[k], s->model->block[s->layer].post_ffn_norm, back,
                                 through);
            }
            device_gemm(dev, 1, through, false, s->side[k].mat, false, 1, dx);
        }
    }
}

/* D of each prompt, and the threshold, of the matrix that is the nearest to taking it. */
static bool sides_routes(void *ctx, const struct batch *batch, int layer, struct hook_route *out,
                         struct err *err)
{
    struct sides *s = ctx;
    struct device *dev = s->model->dev;
    struct pass *p = layer < 0 || layer == s->layer ? pass_of(s, batch) : NULL;
    float *units;
    bool ok;

    if (!p)
        return true;
    units = xcalloc((size_t)batch->seqs * (size_t)s->count, sizeof(*units));
    device_fetch(dev, units, p->units, "layer %d: distances to side matrices", s->layer);
    ok = device_sync(dev, err);
    for (int q = 0; ok && q < batch->seqs; q++) {
        const float *of = units + (size_t)q * (size_t)s->count;
        int best = 0;

        for (int k = 1; k < s->count; k++)
            best = of[k] > of[best] ? k : best;
        out[q] = (struct hook_route){.routed = of[best] >= 1,
                                     .value = (double)of[best] * s->side[best].threshold,
                                     .limit = s->side[best].threshold,
                                     .entry = best};
    }
    free(units);
    return ok;
}

/* ---- stored edits ---- */

static bool read_entry(struct sides *s, const struct hook_data *data, struct err *err)
{
    json_t *root = data->params ? json_loads(data->params, 0, NULL) : NULL;
    const struct model_config *c = s->model->config;
    int layer = -1, number = -1;
    long long seed = -1;
    double share = -1, threshold = -1;
    bool ok =
        root && !json_unpack(root, "{s:i, s:i, s:I, s:F, s:F}", "layer", &layer, "matrix", &number,
                             "seed", &seed, "share", &share, "threshold", &threshold);

    json_decref(root);
    if (!ok || layer < 0 || layer >= c->layers || number < 0 || seed < 0 || seed > UINT32_MAX ||
        !(share > 0 && share <= 1) || !(threshold > 0) || !isfinite(threshold))
        return err_set(err, ERR_FORMAT,
                       "hook side: a layer of 0 to %d, a matrix, a seed, a share and a threshold "
                       "are needed, not %.80s",
                       c->layers - 1, data->params ? data->params : "nothing");
    s->layer = layer;
    s->element = side_elements((unsigned)seed, share, matrix_size(s->model), &s->single);
    if (data->bytes != (size_t)s->single * sizeof(float) ||
        not_finite(data->blob, (size_t)s->single) >= 0)
        return err_set(
            err, ERR_FORMAT,
            "hook side, layer %d: %zu bytes; the changes of %d elements, finite numbers, "
            "have %zu",
            layer, data->bytes, s->single, (size_t)s->single * sizeof(float));
    s->change = memcpy(xmalloc(data->bytes + 1), data->blob, data->bytes);
    s->side = xcalloc(1, sizeof(*s->side));
    s->side[0] = (struct side){.number = number, .edits = 1, .threshold = threshold};
    s->count = 1;
    return true;
}

static void *sides_open(const struct model *m, const struct hook_data *data, struct err *err)
{
    struct sides *s = xcalloc(1, sizeof(*s));

    s->model = m;
    if (read_entry(s, data, err) && (s->side[0].w = side_base(m, s->layer, err)) != NULL) {
        side_change(&s->side[0], s);
        return s;
    }
    sides_close(s);
    return NULL;
}

/* One with a matrix of its own, not yet on the device. */
static struct side side_copy(const struct side *of, size_t bytes)
{
    struct side out = *of;

    out.mat = (struct mat){0};
    out.w = memcpy(xmalloc(bytes), of->w, bytes);
    return out;
}

/* Where matrix `number` begins, an even one, the two before it become one, which has the number of
 * the second and the smaller threshold. They stay apart if the base cannot be read. */
static void sides_merge(struct sides *s, int number)
{
    struct side *a = s->count > 1 ? &s->side[s->count - 2] : NULL, *b;
    float *base, *merged;

    if (!a || number % 2)
        return;
    b = a + 1;
    if (a->number != number - 2 || b->number != number - 1)
        return;
    base = side_base(s->model, s->layer, NULL);
    if (!base)
        return;
    merged = side_merge(base, a->w, b->w, matrix_size(s->model));
    free(base);
    free(a->w);
    free(b->w);
    *a = (struct side){b->number, a->edits + b->edits, fmin(a->threshold, b->threshold), merged,
                       (struct mat){0}};
    s->count--;
}

/* `added` is of one edit. */
static void *sides_join(const void *before, const void *added)
{
    const struct sides *part[2] = {before, added};
    struct sides *s;
    size_t bytes = matrix_size(part[0]->model) * sizeof(float);
    struct side *to = NULL;

    if (part[0]->layer != part[1]->layer || !part[1]->single)
        return NULL;
    s = xcalloc(1, sizeof(*s));
    *s = (struct sides){.model = part[0]->model, .layer = part[0]->layer, .count = part[0]->count};
    s->side = xcalloc((size_t)s->count + 1, sizeof(*s->side));
    for (int k = 0; k < s->count; k++) {
        s->side[k] = side_copy(&part[0]->side[k], bytes);
        if (s->side[k].number == part[1]->side[0].number)
            to = &s->side[k];
    }
    if (to) {
        side_change(to, part[1]);
        to->edits++;
        to->threshold = fmin(to->threshold, part[1]->side[0].threshold);
    } else {
        sides_merge(s, part[1]->side[0].number);
        s->side[s->count++] = side_copy(&part[1]->side[0], bytes);
    }
    return s;
}

static int sides_count(const void *ctx, int *layer)
{
    const struct sides *s = ctx;

    *layer = s->layer;
    return s->count;
}

static const struct hook_kept side_matrices = {"side matrix", "side matrices", "distance",
                                               sides_count};

const struct hook_ops hook_side = {.name = "side",
                                   .open = sides_open,
                                   .run = sides_run,
                                   .grad = sides_grad,
                                   .close = sides_close,
                                   .join = sides_join,
                                   .routes = sides_routes,
                                   .kept = &side_matrices};

/* ---- for editors ---- */

static struct sides *sides_of(const struct model_state *s, int layer)
{
    const struct hook *hook = state_hook_of(s, &hook_side, layer);

    return hook ? hook->ctx : NULL;
}

float *side_matrix(const struct model_state *s, int layer, int *number, double *threshold,
                   struct err *err)
{
    const struct sides *of = sides_of(s, layer);
    const struct side *last = of ? &of->side[of->count - 1] : NULL;
    size_t bytes = matrix_size(s->model) * sizeof(float);

    *threshold = (double)INFINITY;
    *number = last ? last->number + (last->edits >= SIDE_EDITS) : 0;
    if (!last || *number > last->number)
        return side_base(s->model, layer, err);
    *threshold = last->threshold;
    return memcpy(xmalloc(bytes), last->w, bytes);
}

int side_count(const struct model_state *s, int layer)
{
    const struct sides *of = sides_of(s, layer);

    return of ? of->count : 0;
}

void side_forget(struct model_state *s, int layer)
{
    state_drop_hooks(s, &hook_side, layer);
}
