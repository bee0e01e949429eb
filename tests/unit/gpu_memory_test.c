/* The memory plan, for models too large for a test: their shapes are public. */
#include "core/edit/gpu_memory.h"

#include <stdlib.h>

#include "tests/test.h"

#define GIB 1073741824.0

/* Llama 3 8B: 32 blocks of 4096 wide, 14336 neurons, 8 of 32 heads with keys, 128256 words; 8.03e9
 * parameters in bfloat16. */
static const struct model_config llama = {.layers = 32,
                                          .hidden = 4096,
                                          .ffn = 14336,
                                          .heads = 32,
                                          .kv_heads = 8,
                                          .head_dim = 128,
                                          .vocab = 128256};
static const struct model_config qwen = {.layers = 24,
                                         .hidden = 896,
                                         .ffn = 4864,
                                         .heads = 14,
                                         .kv_heads = 2,
                                         .head_dim = 64,
                                         .vocab = 151936,
                                         .tied = true};

static double parameters(const struct model_config *c)
{
    double d = c->hidden, q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;

    return c->layers * (2 * d * q + 2 * d * kv + 3 * d * c->ffn + 2 * d) +
           (c->tied ? 1 : 2) * d * c->vocab + d;
}

static struct memory_request request(const struct model_config *c, double free)
{
    double n = parameters(c);

    return (struct memory_request){
        .config = c, .weights = 2 * n, .wider = 2 * n, .edited = 5, .rows = 6, .free = free};
}

static double parts(const struct memory_plan *p)
{
    double sum = 0;

    for (int i = 0; i < MEMORY_PARTS; i++)
        sum += p->part[i];
    return sum;
}

static void an_8b_model_on_80_gb(void)
{
    CHECK_NEAR(parameters(&llama), 8.03e9, 0.01e9);
    for (int k = 0; k < PRECISION_COUNT; k++) {
        struct memory_request r = request(&llama, 79 * GIB);
        struct memory_plan p;
        struct err err = {0};

        r.precision = (enum precision)k;
        CHECK(gpu_memory_plan(&p, &r, &err));
        CHECK_STR(err.text, "");
        CHECK(p.total <= r.weights + 4 * GIB); /* moments alone would be 8.2 GB */
        CHECK(p.moments_on_host && p.spaces_on_host);
        CHECK_NEAR(parts(&p), p.total, 1);
        CHECK(p.part[MEMORY_MASTERS] >= 2 * 5 * 4.0 * 4096 * 14336);
        r.allowed = 60 * GIB; /* everything is on the device, and as float32 */
        CHECK(gpu_memory_plan(&p, &r, &err));
        CHECK(!p.moments_on_host && !p.spaces_on_host && p.total <= r.allowed);
        CHECK(p.part[MEMORY_SUMS] >= 5 * 8.0 * 14336 * 14336);
        r.allowed = 85 * GIB;
        CHECK(gpu_memory_plan(&p, &r, &err) && p.total <= 79.5 * GIB); /* no more than there is */
    }
}

static void a_small_model_has_all_of_it_there(void)
{
    struct memory_request r = request(&qwen, 15 * GIB);
    struct memory_plan p;

    CHECK_NEAR(parameters(&qwen), 0.494e9, 0.01e9);
    CHECK(gpu_memory_plan(&p, &r, NULL));
    CHECK(p.total <= r.weights + 4 * GIB);
    CHECK(!p.spaces_on_host);
    r.allowed = 12 * GIB;
    CHECK(gpu_memory_plan(&p, &r, NULL));
    CHECK(!p.spaces_on_host && !p.moments_on_host && p.part[MEMORY_FLOATS] == r.wider);
}

static void a_refusal_names_what_is_needed(void)
{
    struct memory_request r = request(&llama, 15.5 * GIB);
    struct memory_plan p;
    struct err err = {0};

    CHECK(!gpu_memory_plan(&p, &r, &err));
    CHECK(err.kind == ERR_LIMIT);
    CHECK(strstr(err.text, "weights 16.06") && strstr(err.text, "edited layers 2.35"));
    CHECK(strstr(err.text, "--device cpu") && strstr(err.text, "GB are there"));
    err = (struct err){0};
    r.free = 79 * GIB;
    r.allowed = 8 * GIB;
    CHECK(!gpu_memory_plan(&p, &r, &err));
    CHECK(strstr(err.text, "allowed by --memory") && strstr(err.text, "8.59 GB"));
}

/* A state's matrices of any kind; those that the next edit writes anyway are counted once. */
static void every_matrix_of_the_state_counts(void)
{
    static const int edited[] = {4, 5, 6, 7, 8};
    bool *held = calloc((size_t)llama.layers * MATRICES, sizeof(*held));
    struct memory_request r = request(&llama, 79 * GIB);
    struct memory_plan none, some;
    double floats = 14336.0 * 4096 * 2 + 4096.0 * 4096 + 1024.0 * 4096;

    CHECK_NEAR(plan_held(&llama, held, edited, 5), 0, 0);
    held[5 * MATRICES + MATRIX_DOWN] = true;
    CHECK_NEAR(plan_held(&llama, held, edited, 5), 0, 0);
    held[9 * MATRICES + MATRIX_DOWN] = held[5 * MATRICES + MATRIX_GATE] = true;
    held[5 * MATRICES + MATRIX_Q] = held[31 * MATRICES + MATRIX_V] = true;
    r.held = plan_held(&llama, held, edited, 5);
    CHECK_NEAR(r.held, floats, 0);
    CHECK(gpu_memory_plan(&some, &r, NULL));
    r.held = 0;
    CHECK(gpu_memory_plan(&none, &r, NULL));
    CHECK_NEAR(some.part[MEMORY_MASTERS] - none.part[MEMORY_MASTERS], 4 * floats, 1);
    free(held);
}

static const struct test tests[] = {
    {"an 8B model needs no more than its weights and 4 GiB", an_8b_model_on_80_gb},
    {"a small model has all of it on the device", a_small_model_has_all_of_it_there},
    {"a refusal names what is needed", a_refusal_names_what_is_needed},
    {"every matrix of the state counts", every_matrix_of_the_state_counts},
};

TEST_MAIN(tests)
