/* The log probability shift on the GPU (device_lps(), editscope-method(7) 3.5).
 *
 * For each neuron i, U[:, i] = head values[:, i] says how much one unit of i adds to each logit.
 * The score needs, for each row b, log sum_j e^(base[b, j] + coeff[b, i] U[j, i]). At V 128256 and
 * M 14336, U has 1.8e9 elements, 7.4 GB of float32, for each layer. There are two ways to avoid
 * storing it:
 *
 * 1. LPS_TILES (this file, lps.cu). Some thousand rows of U at a time:
 *
 *      main stream   U0 = product | U1 = product | U2 = product | ...      cuBLAS
 *      side stream                | reduce U0    | reduce U1    | ...      kernel_lps()
 *
 *    Two tiles exist, in the two halves of SCRATCH_LPS. Events keep order: product n waits until
 *    tile n - 2 has been reduced, reduction n waits for product n. Each tile is read once for all
 *    rows b. An element of the state belongs to one thread, and tiles are reduced in order, so the
 *    bits do not depend on how the streams overlap. This way works for every type and shape.
 *
 * 2. LPS_FUSED (lps_fused.cu). One kernel computes tiles on the tensor cores and reduces them in
 *    shared memory, so U never reaches memory. It needs a precision that multiplies bfloat16 terms
 *    (split, bf16), d and M that are multiples of 8, and no soft cap or bias of the head.
 *
 * Which is faster depends on the GPU: cuBLAS has the better product, the fused kernel saves writing
 * and reading U. `make bench-gpu` measures both. Recordings use one stream only.
 *
 * A tile of way 1 has so many rows that two tiles fit in the L2 cache, but at least LEAST_ROWS:
 * each product reads all values again, and with fewer rows that costs more than moving U does. (A
 * tile of R rows does 2 R flops for each value of 2 bytes: 1024 flops a byte at R = 1024, where an
 * H100 does about 300 in the time it reads a byte.) Values are split into terms once for all tiles.
 */
#include "gpu/internal.h"
#include "gpu/kernels.h"

enum { LEAST_ROWS = 1024 };

struct tile_job {
    struct device *dev;
    struct mat head, values, base, coeff;
    const int *target; /* [N] on the device */
    int v0;
    struct lps_state state;
    bool split; /* products are made from bfloat16 terms */
};

/* Creates the side stream and the events at the first call. */
static bool lps_open(struct device *dev)
{
    struct lps_streams *s = &cuda_of(dev)->lps;
    int cache = 0, lowest = 0, highest = 0;

    if (s->side)
        return true;
    if (!cuda_ok(dev, cudaDeviceGetAttribute(&cache, cudaDevAttrL2CacheSize, cuda_of(dev)->index),
                 "query the L2 cache") ||
        !cuda_ok(dev, cudaDeviceGetStreamPriorityRange(&lowest, &highest), "query priorities"))
        return false;
    s->cache = cache;
    for (int i = 0; i < 2; i++)
        if ((!s->made[i] && /* an earlier call may have created it and failed later */
             !cuda_ok(dev, cudaEventCreateWithFlags(&s->made[i], cudaEventDisableTiming),
                      "create an event")) ||
            (!s->reduced[i] &&
             !cuda_ok(dev, cudaEventCreateWithFlags(&s->reduced[i], cudaEventDisableTiming),
                      "create an event")))
            return false;
    /* High priority: otherwise all blocks of the next product would run before the reduction. */
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

/* Splits the values into terms, unless those of the previous call can be reused. */
static bool split_values(struct tile_job *j)
{
    struct lps_streams *s = &cuda_of(j->dev)->lps;
    struct mat head = {.type = j->head.type == DT_BF16 ? DT_BF16 : DT_F32};
    int terms = split_terms(j->dev, head, j->values);
    char *scratch;

    /* A recording always splits: when it is launched, the scratch may hold other terms. */
    if (j->state.same_values && !cuda_of(j->dev)->graph && s->values == j->values.data &&
        s->split.terms == terms && s->split.term[0].rows == j->values.rows &&
        s->split.term[0].cols == j->values.cols)
        return true;
    s->values = NULL;
    scratch = cuda_scratch(j->dev, SCRATCH_TERMS, split_bytes(j->values, terms));
    if (!scratch)
        return false;
    s->split = split_into(j->dev, j->values, terms, scratch);
    s->values = cuda_of(j->dev)->graph ? NULL : j->values.data; /* recorded, so not computed yet */
    return true;
}

/* Converts rows of the head to what can be multiplied: *piece float32 (or bfloat16 as stored), and
 * *terms if the product needs them. Both are in SCRATCH_WORK, floats first. */
static bool head_rows(struct tile_job *j, int first, int rows, struct mat *piece,
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

/* u = head values for u.rows rows of the head. */
static void make_tile(struct tile_job *j, int first, struct mat u)
{
    struct mat piece;
    struct split terms;

    if (!head_rows(j, first, u.rows, &piece, &terms))
        return;
    if (j->split)
        split_multiply(j->dev, 1, &terms, false, &cuda_of(j->dev)->lps.split, false, 0, u);
    else
        cuda_product(j->dev, 1, piece, false, j->values, false, 0, u);
}

/* Makes and reduces tile n. Its product waits until its half of the buffer has been reduced; its
 * reduction waits for the product. While recording, both run on the main stream. */
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

static void lps_by_tiles(struct tile_job *j)
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
    if (n && !self->graph) /* later operations on the main stream wait for the last reduction */
        cuda_ok(dev, cudaStreamWaitEvent(self->stream, self->lps.reduced[(n - 1) % 2], 0), "wait");
}

/* Whether the fused kernel can be used. It reads 16 bytes (8 numbers) at a time. */
static bool lps_can_fuse(const struct tile_job *j)
{
    bool aligned =
        j->head.type != DT_BF16 || ((uintptr_t)j->head.data % 16 == 0 && j->head.stride % 8 == 0);

    return cuda_of(j->dev)->lps.path == LPS_FUSED && j->split && aligned && !j->state.add.data &&
           !(j->state.cap > 0) && j->values.rows % 8 == 0 && j->values.cols % 8 == 0;
}

static void lps_fused(struct tile_job *j)
{
    struct device *dev = j->dev;
    const struct split *values = &cuda_of(dev)->lps.split;
    void *scratch = cuda_scratch(dev, SCRATCH_LPS,
                                 kernel_lps_fused_bytes(j->head.rows, j->coeff.rows, j->coeff.cols,
                                                        j->state.mean.data != NULL));
    struct mat piece;
    struct split terms;

    if (scratch && head_rows(j, 0, j->head.rows, &piece, &terms))
        kernel_lps_fused(cuda_of(dev)->stream, terms.term, terms.terms, values->term, values->terms,
                         j->base, j->coeff, j->target, j->v0, j->state, scratch);
}

void cuda_lps(struct device *dev, struct mat head, struct mat values, struct mat base,
              struct mat coeff, const int *target, int v0, struct lps_state s)
{
    struct mat plain = {.type = head.type == DT_BF16 ? DT_BF16 : DT_F32}; /* after head_rows() */
    struct tile_job j = {.dev = dev,
                         .head = head,
                         .values = values,
                         .base = base,
                         .coeff = coeff,
                         .v0 = v0,
                         .state = s,
                         .split = splits(dev, plain, values)};

    if (empty(head) || empty(coeff) || !lps_open(dev))
        return;
    j.target = cuda_stage(dev, target, (size_t)coeff.rows * sizeof(*target));
    if (!j.target || (j.split && !split_values(&j)))
        return;
    if (lps_can_fuse(&j))
        lps_fused(&j);
    else
        lps_by_tiles(&j);
}
