/* The log probability shift: U = head values, some rows of the vocabulary at a time.
 *
 * Tiles of U come from cuBLAS on the device's stream, and each is read once for all rows b by a
 * kernel on a stream of its own, beside the product of the next tile: U has scratch for two. Every
 * state element is one thread's, and the tiles follow one another on that stream, so the bits do
 * not depend on how the two overlap.
 *
 * A tile has as many rows as keep two of them in the second cache, but at least LEAST_ROWS: each
 * tile reads all values again, and at fewer rows that costs more than U's way through memory does
 * (2 rows flops for 2 bytes of a bfloat16 term: 1024 flops a byte at 1024 rows, where an H100 has
 * 300 for each byte of its memory). Values are split into terms once a matrix, not once a tile. */
#include "gpu/internal.h"
#include "gpu/kernels.h"

enum { LEAST_ROWS = 1024 };

struct tile_job {
    struct device *dev;
    struct mat head, values, base, coeff;
    const int *target; /* on the device */
    int v0;
    struct lps_state state;
    bool split; /* products of terms */
};

static bool start(struct device *dev)
{
    struct lps_streams *s = &cuda_of(dev)->lps;
    int cache = 0, lowest = 0, highest = 0;

    if (s->side)
        return true;
    if (!cuda_ok(dev, cudaDeviceGetAttribute(&cache, cudaDevAttrL2CacheSize, cuda_of(dev)->index),
                 "ask for the cache") ||
        !cuda_ok(dev, cudaDeviceGetStreamPriorityRange(&lowest, &highest), "ask for priorities"))
        return false;
    s->cache = cache;
    for (int i = 0; i < 2; i++)
        if ((!s->made[i] && /* not by an earlier call that failed further down */
             !cuda_ok(dev, cudaEventCreateWithFlags(&s->made[i], cudaEventDisableTiming),
                      "create an event")) ||
            (!s->reduced[i] &&
             !cuda_ok(dev, cudaEventCreateWithFlags(&s->reduced[i], cudaEventDisableTiming),
                      "create an event")))
            return false;
    /* before the blocks of the next product, which would otherwise all go first */
    return cuda_ok(dev, cudaStreamCreateWithPriority(&s->side, cudaStreamNonBlocking, highest),
                   "create a stream");
}

void lps_close(struct cuda *self)
{
    struct lps_streams *s = &self->lps;

    for (int i = 0; i < 2; i++) {
        if (s->made[i])
            cudaEventDestroy(s->made[i]);
        if (s->reduced[i])
            cudaEventDestroy(s->reduced[i]);
    }
    if (s->side)
        cudaStreamDestroy(s->side);
}

/* Terms of the values: those of the call before where they are still good. */
static bool split_values(struct tile_job *j)
{
    struct lps_streams *s = &cuda_of(j->dev)->lps;
    struct mat head = {.type = j->head.type == DT_BF16 ? DT_BF16 : DT_F32};
    int terms = split_terms(j->dev, head, j->values);
    char *scratch;

    /* A recording makes its own: when it is launched, the scratch may hold another's. */
    if (j->state.same_values && !cuda_of(j->dev)->graph && s->values == j->values.data &&
        s->split.terms == terms && s->split.term[0].rows == j->values.rows &&
        s->split.term[0].cols == j->values.cols)
        return true;
    s->values = NULL;
    scratch = cuda_scratch(j->dev, SCRATCH_TERMS, split_bytes(j->values, terms));
    if (!scratch)
        return false;
    s->split = split_into(j->dev, j->values, terms, scratch);
    s->values = cuda_of(j->dev)->graph ? NULL : j->values.data; /* recorded is not made */
    return true;
}

/* Rows of the head as something that can be multiplied, in the operation's scratch: as floats, and
 * behind them as terms. */
static bool some_head(struct tile_job *j, int first, int rows, struct mat *piece,
                      struct split *terms)
{
    struct device *dev = j->dev;
    struct mat plain = {NULL, DT_F32, rows, j->head.cols, j->head.cols};
    size_t floats = 0;
    int count;
    char *scratch;

    *piece = mat_rows(j->head, first, rows);
    if (piece->type != DT_F32 && !(j->split && piece->type == DT_BF16))
        floats = mat_bytes(plain);
    count = split_terms(dev, floats ? plain : *piece, j->values);
    scratch =
        cuda_scratch(dev, SCRATCH_WORK,
                     floats + (j->split ? split_bytes(floats ? plain : *piece, count) : 0) + 1);
    if (!scratch)
        return false;
    if (floats) {
        plain.data = scratch;
        kernel_unpack(cuda_of(dev)->stream, *piece, NULL, plain);
        *piece = plain;
    }
    if (j->split)
        *terms = split_into(dev, *piece, count, scratch + floats);
    return true;
}

static void make_tile(struct tile_job *j, int first, struct mat u)
{
    struct mat piece;
    struct split terms;

    if (!some_head(j, first, u.rows, &piece, &terms))
        return;
    if (j->split)
        split_multiply(j->dev, 1, &terms, false, &cuda_of(j->dev)->lps.split, false, 0, u);
    else
        cuda_product(j->dev, 1, piece, false, j->values, false, 0, u);
}

/* A tile's turn: its product waits until its half of the scratch has been read, its reduction until
 * it is made. While operations are recorded, one after the other on the one stream. */
static void one_tile(struct tile_job *j, int n, int first, struct mat u)
{
    struct device *dev = j->dev;
    struct cuda *self = cuda_of(dev);
    struct lps_streams *s = &self->lps;
    bool beside = !self->graph;
    cudaStream_t stream = beside ? s->side : self->stream;
    struct lps_state state = j->state;
    int half = n % 2;

    if (beside && n >= 2 &&
        !cuda_ok(dev, cudaStreamWaitEvent(self->stream, s->reduced[half], 0), "wait"))
        return;
    make_tile(j, first, u);
    if (beside && (!cuda_ok(dev, cudaEventRecord(s->made[half], self->stream), "record an event") ||
                   !cuda_ok(dev, cudaStreamWaitEvent(stream, s->made[half], 0), "wait")))
        return;
    state.add = mat_cols(state.add, first, u.rows);
    kernel_lps(stream, u, mat_cols(j->base, first, u.rows), j->coeff, j->target, j->v0 + first,
               state);
    if (beside)
        cuda_ok(dev, cudaEventRecord(s->reduced[half], stream), "record an event");
}

static int tile_rows(const struct tile_job *j)
{
    const struct lps_streams *s = &cuda_of(j->dev)->lps;
    long rows = s->rows;

    if (!rows) {
        rows = s->cache / 2 / ((long)j->values.cols * (long)sizeof(float));
        rows = rows < LEAST_ROWS ? LEAST_ROWS : rows / 64 * 64;
    }
    return rows < j->head.rows ? (int)rows : j->head.rows;
}

static void by_tiles(struct tile_job *j)
{
    struct device *dev = j->dev;
    struct cuda *self = cuda_of(dev);
    int step = tile_rows(j), n = 0;
    size_t bytes = (size_t)step * (size_t)j->values.cols * sizeof(float);
    char *scratch = cuda_scratch(dev, SCRATCH_LPS, (step < j->head.rows ? 2 : 1) * bytes);

    for (int r = 0; scratch && r < j->head.rows && !dev->fault.kind; r += step, n++) {
        int rows = j->head.rows - r < step ? j->head.rows - r : step;

        one_tile(j, n, r,
                 (struct mat){scratch + (size_t)(n % 2) * bytes, DT_F32, rows, j->values.cols,
                              j->values.cols});
    }
    if (n && !self->graph) /* what comes next on the stream comes after all reductions */
        cuda_ok(dev, cudaStreamWaitEvent(self->stream, self->lps.reduced[(n - 1) % 2], 0), "wait");
}

/* Whether the fused kernel can read these: 16 bytes at a time. */
static bool fusable(const struct tile_job *j)
{
    bool aligned =
        j->head.type != DT_BF16 || ((uintptr_t)j->head.data % 16 == 0 && j->head.stride % 8 == 0);

    return cuda_of(j->dev)->lps.path == LPS_FUSED && j->split && aligned && !j->state.add.data &&
           !(j->state.cap > 0) && j->values.rows % 8 == 0 && j->values.cols % 8 == 0;
}

static void fused(struct tile_job *j)
{
    struct device *dev = j->dev;
    const struct split *values = &cuda_of(dev)->lps.split;
    void *scratch = cuda_scratch(dev, SCRATCH_LPS,
                                 kernel_lps_fused_bytes(j->head.rows, j->coeff.rows, j->coeff.cols,
                                                        j->state.mean.data != NULL));
    struct mat piece;
    struct split terms;

    if (scratch && some_head(j, 0, j->head.rows, &piece, &terms))
        kernel_lps_fused(cuda_of(dev)->stream, terms.term, terms.terms, values->term, values->terms,
                         j->base, j->coeff, j->target, j->v0, j->state, scratch);
}

void cuda_lps(struct device *dev, struct mat head, struct mat values, struct mat base,
              struct mat coeff, const int *target, int v0, struct lps_state s)
{
    struct mat plain = {.type = head.type == DT_BF16 ? DT_BF16 : DT_F32}; /* once unpacked */
    struct tile_job j = {.dev = dev,
                         .head = head,
                         .values = values,
                         .base = base,
                         .coeff = coeff,
                         .v0 = v0,
                         .state = s,
                         .split = splits(dev, plain, values)};

    if (empty(head) || empty(coeff) || !start(dev))
        return;
    j.target = cuda_stage(dev, target, (size_t)coeff.rows * sizeof(*target));
    if (!j.target || (j.split && !split_values(&j)))
        return;
    if (fusable(&j))
        fused(&j);
    else
        by_tiles(&j);
}
