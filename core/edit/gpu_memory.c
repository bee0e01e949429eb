/* Adds up the memory of weights, key stores, batches and scratch, and shares out what the limit
 * leaves. */
#include "core/edit/gpu_memory.h"

#include <string.h>

#include "core/base/buf.h"

/* Assumed: tokens of a prompt with its prefix, of the text read at a time, and of a new object;
 * past keys. */
enum { PROMPT = 24, BATCH = 512, TARGET = 3, KEYS = 64 };

#define GIB       1073741824.0
#define ALLOWANCE (4 * GIB)
#define SYSTEM    (0.45 * GIB)   /* an upper bound, not measured */
#define SLACK     (0.12 * GIB)   /* rounded sizes, and what is too small to count */
#define UNPACKED  (0.0625 * GIB) /* the buffer that stored matrices are converted to floats in */
#define IN_BANDS  (0.42 * GIB)   /* rows, a band and a widened piece: core/edit/moments.c */

static const char *const names[MEMORY_PARTS] = {
    "weights",      "edited layers", "keys",        "reading text",   "scratch",
    "working room", "CUDA itself",   "null spaces", "second moments", "float32 copies"};

void gpu_memory_weights(const struct weights *w, enum precision precision, double *bytes,
                        double *wider)
{
    bool terms = precision == PRECISION_SPLIT || precision == PRECISION_BF16;

    *bytes = *wider = 0;
    for (int i = 0; i < weights_count(w); i++) {
        const struct tensor *t = weights_at(w, i);
        double count = 1;

        for (int k = 0; k < t->ndim; k++)
            count *= (double)t->dim[k];
        *bytes += t->ndim == 1 ? 4 * count : (double)t->bytes;
        if (t->ndim > 1 && !(t->type == DT_BF16 && terms))
            *wider += 4 * count - (double)t->bytes;
    }
}

double plan_held(const struct model_config *c, const bool *held, const int *layer, int layers)
{
    double floats = 0;

    for (int i = 0; i < c->layers * MATRICES; i++) {
        enum matrix which = (enum matrix)(i % MATRICES);
        bool counted = !held[i];
        int rows, cols;

        for (int k = 0; k < layers; k++)
            counted = counted || (which == MATRIX_DOWN && layer[k] == i / MATRICES);
        if (!counted && matrix_shape(c, which, &rows, &cols))
            floats += (double)rows * cols;
    }
    return floats;
}

static double larger_of(double a, double b)
{
    return a > b ? a : b;
}

/* Floats of the forward workspace for one token. */
static double row_floats(const struct model_config *c)
{
    return 3.0 * c->ffn + 2.0 * c->heads * c->head_dim + 2.0 * c->kv_heads * c->head_dim +
           2.0 * c->hidden + (c->parts & PART_POST_NORMS ? c->hidden : 0);
}

/* Floats that the backward pass keeps for one token of one block. */
static double saved_floats(const struct model_config *c)
{
    double heads = (double)c->head_dim * c->heads, keys = (double)c->head_dim * c->kv_heads;

    return 2.0 * c->hidden + heads + 2.0 * c->ffn + (c->parts & PART_QK_NORM ? heads + keys : 0) +
           (c->parts & PART_POST_NORMS ? 2.0 * c->hidden : 0);
}

/* MEMORY_WORK, but for a band: attribution or target, the larger one. */
static double work_bytes(const struct memory_request *r)
{
    const struct model_config *c = r->config;
    double m = c->ffn, d = c->hidden, v = c->vocab, n = r->rows, tokens = n * PROMPT;
    double labels = (c->logit_softcap > 0 ? 3 : 2) * (n * TARGET + 1);
    double cache = tokens * 2 * c->layers * c->kv_heads * c->head_dim;
    double attribution = d * m + n * (c->layers * (d + m) + 2 * v + 10 * m);
    double target =
        r->above * tokens * saved_floats(c) + cache + 2 * tokens * row_floats(c) + labels * v;

    return 4 * larger_of(attribution + cache + tokens * row_floats(c), target);
}

/* Two tiles of U, cuBLAS' own, and by precision: the value vectors or another float32 factor as
 * terms, a stored matrix as floats (gpu/lps.c, gpu/algebra.c). */
static double scratch_bytes(const struct memory_request *r)
{
    const struct model_config *c = r->config;
    double dm = (double)c->hidden * c->ffn;
    double tiles = larger_of(0.0625 * GIB, 2.0 * 1024 * 4 * c->ffn);
    double room = 4.0 * c->hidden * larger_of(c->ffn, c->vocab);

    tiles = (tiles < 4.0 * c->vocab * c->ffn ? tiles : 4.0 * c->vocab * c->ffn) + 0.03 * GIB;
    room = room < UNPACKED ? room : UNPACKED;
    if (r->precision != PRECISION_SPLIT && r->precision != PRECISION_BF16)
        return room + tiles;
    if (!(r->wider > 0))
        room = 0;
    if (r->precision == PRECISION_SPLIT)
        return larger_of(6 * dm, room) + room + tiles;
    return larger_of(2 * dm, room / 2) + room + tiles;
}

/* Puts the next part on the device, if the limit allows it. */
static bool plan_take(struct memory_plan *p, enum memory_part part, double bytes)
{
    if (p->total + bytes + SLACK > p->limit)
        return false;
    p->part[part] = bytes;
    p->total += bytes;
    return true;
}

static bool plan_refuse(const struct memory_plan *p, const struct memory_request *r, double there,
                        struct err *err)
{
    struct buf parts = {0};

    for (int i = 0; i < MEMORY_PARTS; i++)
        if (p->part[i] > 0.005e9)
            buf_printf(&parts, "%s%s %.2f", parts.len ? ", " : "", names[i], p->part[i] / 1e9);
    err_set(err, ERR_LIMIT,
            "the GPU cannot hold this model: %.2f GB are needed and %.2f GB are %s (%s); use "
            "--device cpu%s, or fewer edit.layers and attr.prefixes",
            p->total / 1e9, there / 1e9,
            r->allowed > 0 && r->allowed <= there ? "allowed by --memory" : "there",
            parts.data ? parts.data : "",
            r->allowed > 0 && r->allowed <= there ? " or a larger --memory" : "");
    buf_free(&parts);
    return false;
}

bool gpu_memory_plan(struct memory_plan *p, const struct memory_request *r, struct err *err)
{
    const struct model_config *c = r->config;
    double d = c->hidden, m = c->ffn, moment = 8 * m * m * r->edited;
    double there = r->free + SYSTEM, band = IN_BANDS < 8 * m * m ? IN_BANDS : 8 * m * m;

    memset(p, 0, sizeof(*p));
    p->limit = r->allowed > 0 ? r->allowed : r->weights + 4 * r->held + ALLOWANCE;
    if (p->limit > there)
        p->limit = there;
    p->part[MEMORY_WEIGHTS] = r->weights;
    p->part[MEMORY_MASTERS] = 2 * 4 * d * m * r->edited + 4 * r->held;
    p->part[MEMORY_KEYS] = 12 * KEYS * m * r->edited;
    p->part[MEMORY_READING] =
        4 * BATCH * (row_floats(c) + 2.0 * c->layers * c->kv_heads * c->head_dim);
    p->part[MEMORY_SCRATCH] = scratch_bytes(r);
    p->part[MEMORY_WORK] = larger_of(work_bytes(r), band);
    p->part[MEMORY_SYSTEM] = SYSTEM;
    for (int i = 0; i < MEMORY_PARTS; i++)
        p->total += p->part[i];
    if (p->total > p->limit)
        return plan_refuse(p, r, p->limit, err);
    p->spaces_on_host = !plan_take(p, MEMORY_SPACES, 2 * moment);
    p->moments_on_host =
        p->spaces_on_host || !plan_take(p, MEMORY_SUMS, 2 * moment); /* a draft's beside them */
    if (r->wider > 0 && !plan_take(p, MEMORY_FLOATS, r->wider)) {
        double left = p->limit - p->total - SLACK;

        plan_take(p, MEMORY_FLOATS, left > 0 ? left : 0);
    }
    return true;
}
