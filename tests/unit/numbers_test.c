/* Numbers that are not finite: found wherever they are, of every stored type; a model with one in
 * any of its tensors stops and names it; sorts, selections and pictures hold for them. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/float_order.h"
#include "core/base/mem.h"
#include "core/base/params.h"
#include "core/base/rng.h"
#include "core/device/finite.h"
#include "core/edit/attribution.h"
#include "core/edit/delta.h"
#include "core/edit/mask.h"
#include "core/model/finite_weights.h"
#include "core/model/generate.h"
#include "tests/engine/architectures.h"
#include "tests/test.h"
#include "tui/box.h"
#include "tui/heatmap.h"

static const float none[] = {NAN, INFINITY, -INFINITY};

static void the_first_is_found(void)
{
    enum { N = 1500 };
    float *x = xcalloc(N, sizeof(*x));
    double *y = xcalloc(N, sizeof(*y));

    for (int i = 0; i < N; i++)
        y[i] = (double)(x[i] = i % 2 ? 3.4e38f : -1e-45f); /* large and denormal are numbers */
    CHECK(not_finite(x, N) == -1 && not_finite_doubles(y, N) == -1 && not_finite(x, 0) == -1);
    for (int at = 0; at < N; at += 37)
        for (int k = 0; k < 3; k++) {
            float was = x[at];

            x[at] = none[k];
            y[at] = (double)none[k];
            CHECK(not_finite(x, N) == at && not_finite(x, (size_t)at) == -1);
            CHECK(not_finite_doubles(y, N) == at && not_finite_doubles(y, (size_t)at) == -1);
            x[at] = was;
            y[at] = (double)was;
        }
    CHECK_STR(not_finite_name((double)none[0]), "nan");
    CHECK_STR(not_finite_name((double)none[1]), "inf");
    CHECK_STR(not_finite_name((double)none[2]), "-inf");
    free(x);
    free(y);
}

/* Against the numbers themselves, on bytes drawn at random: a scale in 32 is none then. */
static void stored_types_as_their_floats(void)
{
    enum { N = 256 * 12 };
    unsigned char *bytes = xmalloc(4 * N + 1);
    float *x = xmalloc(N * sizeof(*x));
    uint64_t rng = 5;

    for (int type = 0; type < DT_COUNT; type++)
        for (int round = 0; type != DT_F64 && round < 40; round++) {
            long want, n = dtype_block(type) * (1 + (long)rng_below(&rng, N / dtype_block(type)));
            int skip = round % 2; /* at any address */

            for (size_t i = 0; i < 4 * N; i++)
                bytes[i] = (unsigned char)rng_below(&rng, 256);
            dtype_to_float(type, bytes + skip, x, n);
            for (want = 0; want < n && isfinite(x[want]); want++)
                ;
            CHECK(dtype_not_finite(type, bytes + skip, n) == (want < n ? want : -1));
        }
    free(bytes);
    free(x);
}

/* --- a model with a bad number in it --------------------------------------------------- */

/* Writes a NaN or an infinity of the tensor's type into an element, a block's scale of quantised
 * types: into this process's copy of the mapped page. */
static bool spoil(const struct tensor *t, uint64_t *rng)
{
    static const uint16_t half[] = {0x7e00, 0x7c00, 0xfc00}, brain[] = {0x7fc0, 0x7f80, 0xff80};
    long size = dtype_block(t->type), place;
    size_t step = dtype_block_bytes(t->type), page = (size_t)sysconf(_SC_PAGESIZE);
    long rows = t->stride && t->transposed ? t->dim[1] : 1;
    long blocks = (rows > 1 ? t->dim[0] : (long)(t->bytes / step));
    int k = (int)rng_below(rng, 3);
    char *at;

    place = (long)rng_below(rng, (uint32_t)blocks) +
            (rows > 1 ? (long)rng_below(rng, (uint32_t)rows) * t->stride : 0);
    at = (char *)(size_t)t->data + (size_t)place * step;
    if (size == 256)
        at += t->type == DT_Q6_K ? 208 : t->type == DT_Q2_K ? 80 : t->type == DT_Q3_K ? 108 : 0;
    if (mprotect((char *)((uintptr_t)at & ~(uintptr_t)(page - 1)), 2 * page,
                 PROT_READ | PROT_WRITE) &&
        mprotect((char *)((uintptr_t)at & ~(uintptr_t)(page - 1)), page, PROT_READ | PROT_WRITE))
        return false;
    if (t->type == DT_F32)
        memcpy(at, &none[k], 4);
    else
        memcpy(at, t->type == DT_BF16 ? &brain[k] : &half[k], 2);
    return true;
}

/* The model says something, or why not. */
static bool asked(struct weights *w, struct device *dev, long long memory, struct err *err)
{
    struct model *m = model_of(w, NULL, dev, memory, NULL, err);
    struct model_state *v = m ? state_new(m, 1) : NULL;
    const int ids[] = {3, 5, 7}, wanted[] = {4, 6};
    const struct generate_options o = {.target = wanted, .targets = 2};
    struct generated g = {0};
    bool ok = m && generate(&g, v, ids, 3, &o, NULL, err);

    generated_free(&g);
    state_free(v);
    model_close(m);
    return ok;
}

static void every_tensor_is_named(void)
{
    struct device *dev = device_open(&device_cpu, 0, 1, NULL);
    uint64_t rng = 11;
    int tried = 0;

    for (int f = 0; f < FILES; f++) {
        char *path = xasprintf(FOLDER "%s", files[f]);
        int tensors = 1;

        for (int i = -1; i < tensors; i++) /* -1: as it is */
            for (int stored = 0; stored < 2; stored++) {
                struct err err = {0};
                struct weights *w = weights_open(path, &err);
                const struct tensor *t = w && i >= 0 ? weights_at(w, i) : NULL;
                char *name = t ? xasprintf("tensor %s", t->origin) : xstrdup("");
                bool ok;

                CHECK_STR(err.text, "");
                tensors = w ? weights_count(w) : 0;
                CHECK(!t || spoil(t, &rng));
                ok = asked(w, dev, stored ? -1 : 0, &err);
                CHECK(ok == !t && (ok || err.kind == ERR_FORMAT) && strstr(err.text, name));
                if (ok != !t || !strstr(err.text, name))
                    printf("%s %s: %s\n", path, name, err.text);
                free(name);
                tried++;
            }
        free(path);
    }
    CHECK(tried > 500);
    device_close(dev);
}

/* --- sorts, selections, pictures ------------------------------------------------------- */

static void the_highest_leave_none_out_but_nan(void)
{
    uint64_t rng = 2;

    for (int round = 0; round < 3000; round++) {
        float x[24];
        int n = (int)rng_below(&rng, 25), k = (int)rng_below(&rng, 28), index[32], found,
            numbers = 0;

        for (int i = 0; i < n; i++) {
            unsigned draw = rng_below(&rng, 8);

            x[i] = draw < 3 ? none[draw] : (float)rng_below(&rng, 5);
            numbers += !isnan(x[i]);
        }
        for (int i = 0; i < 32; i++)
            index[i] = -7;
        found = top_k(x, n, k, index);
        CHECK(found == (k < numbers ? k : numbers));
        for (int i = 0; i < found; i++) {
            int better = 0;

            for (int j = 0; j < n; j++)
                better += x[j] > x[index[i]] || (x[j] == x[index[i]] && j < index[i]);
            CHECK(!isnan(x[index[i]]) && better == i);
        }
        CHECK(index[found] == -7);
    }
}

static void the_order_is_total(void)
{
    const double x[] = {(double)NAN, -(double)INFINITY, -1, 0, 1e-320, 2, (double)INFINITY};
    const int n = sizeof(x) / sizeof(*x);

    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            CHECK((number_order(x[i], x[j]) > 0) == (i > j) &&
                  (number_order(x[i], x[j]) < 0) == (i < j));
    CHECK_NEAR(clamped((double)NAN, -2, 3), -2, 0);
    CHECK_NEAR(clamped((double)INFINITY, -2, 3), 3, 0);
    CHECK_NEAR(clamped(0.5, 0, 1), 0.5, 0);
}

static void masks_and_maps_hold(void)
{
    uint64_t rng = 9;
    struct params p;

    params_default(&p);
    for (int round = 0; round < 200; round++) {
        struct attribution *a = attribution_new(1, 3, 37, false);
        struct err err = {0};
        struct mask *m;
        float clip;

        for (int i = 0; i < 3 * 37; i++) {
            unsigned draw = rng_below(&rng, 9);

            a->score[i] = draw < 3 ? none[draw] : (float)rng_unit(&rng) * (draw == 3 ? 3e38f : 1);
        }
        CHECK(attribution_is_finite(a, &err) == (not_finite(a->score, 3 * 37) < 0));
        CHECK(err.kind == ERR_NONE || !strncmp(err.text, "layer 1: the score of neuron ", 29));
        m = mask_build(a, &p);
        CHECK(m->selected >= 0 && m->selected <= 37 && isfinite(m->general.rho));
        clip = (float)heat_clip(a->score, 3 * 37, 0.99);
        CHECK(isfinite(clip) && clip >= 0);
        for (int i = 0; i < 3 * 37; i++)
            for (int s = 0; s < SCALE_COUNT; s++) {
                int level =
                    heat_level((double)a->score[i], (double)clip, (enum heat_scale)s, a->score, 37);

                CHECK(level >= 0 && level < RAMP_LEVELS);
                level = heat_level_signed((double)a->score[i], (double)none[i % 3],
                                          (enum heat_scale)s, a->score, 37);
                CHECK(level >= 0 && level < RAMP_LEVELS);
            }
        mask_free(m);
        attribution_unref(a);
    }
    CHECK_STR(bar_glyph((double)NAN), " ");
    CHECK_STR(bar_glyph((double)INFINITY), "█");
    CHECK_STR(bar_glyph(-(double)INFINITY), " ");
}

static void deltas_are_named(void)
{
    float r[2 * 3] = {0}, x[2 * 4] = {0}, weight[4] = {0}, key[2 * 4] = {0};
    struct delta d = {.layer = 6, .rank = 2, .rows = 3, .cols = 4, .r = r, .x = x, .scale = 1};
    float *const part[] = {r, x, weight, key};
    const char *const says[] = {"r (delta_u), row 0, column 2", "x (delta_v), row 0, column 2",
                                "mask, row 0, column 2", "key, row 0, column 2"};

    d.weight = weight;
    d.key = key;
    CHECK(delta_check(&d, NULL));
    for (int k = 0; k < 4; k++) {
        struct err err = {0};

        part[k][2] = none[k % 3];
        CHECK(!delta_check(&d, &err) && err.kind == ERR_FORMAT && strstr(err.text, says[k]) &&
              !strncmp(err.text, "layer 6: ", 9));
        part[k][2] = 0;
    }
    d.scale = (double)NAN;
    CHECK(!delta_check(&d, NULL));
}

static const struct test tests[] = {
    {"the first that is none is found", the_first_is_found},
    {"stored types are as their floats", stored_types_as_their_floats},
    {"every tensor of every model is named", every_tensor_is_named},
    {"the highest leave none out but NaN", the_highest_leave_none_out_but_nan},
    {"the order is total", the_order_is_total},
    {"masks and maps hold", masks_and_maps_hold},
    {"deltas are named", deltas_are_named},
};
TEST_MAIN(tests)
