/* Time to re-mask every layer of an 8 B model after a knob moved: 32 layers x 14336 neurons x 6
 * rows, one thread. Usage: mask_bench [ROUNDS]. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/base/params.h"
#include "core/base/rng.h"
#include "core/edit/mask.h"

enum { LAYERS = 32, ROWS = 6, NEURONS = 14336 };

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Mostly small shifts shared by the rows, a few of several nats: what real layers look like. */
static struct attribution *made_up(int layer, double spread)
{
    struct attribution *a = attribution_new(layer, ROWS, NEURONS, false);
    uint64_t seed = (uint64_t)layer;

    for (int i = 0; i < NEURONS; i++) {
        double u = 2 * rng_unit(&seed) - 1, common = spread * u * u * u * u * u;

        for (int b = 0; b < ROWS; b++)
            a->score[b * NEURONS + i] = (float)(common + 0.02 * (2 * rng_unit(&seed) - 1));
    }
    return a;
}

static void measure(struct attribution *const *a, const char *what, int rounds)
{
    struct params p;
    double best = 1e9;

    params_default(&p);
    if (*what)
        params_assign(&p, what, FROM_COMMAND_LINE, NULL);
    for (int r = 0; r < rounds; r++) {
        double start = now(), took;

        for (int l = 0; l < LAYERS; l++)
            mask_free(mask_build(a[l], &p));
        took = now() - start;
        best = took < best ? took : best;
    }
    printf("%-26s %6.2f ms\n", *what ? what : "default", 1e3 * best);
}

int main(int argc, char **argv)
{
    static const char *const settings[] = {
        "",
        "temperature=1",
        "temperature=1000",
        "select.rule=topk_hash",
        "select.rule=quantile_ge",
        "ratio.sp_dist=softmax",
        "mask.mode=soft",
        "mask.mode=random",
        "mask.mode=keymag",
    };
    struct attribution *a[LAYERS];
    int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 10;

    for (int l = 0; l < LAYERS; l++)
        a[l] = made_up(l, 3);
    for (size_t s = 0; s < sizeof(settings) / sizeof(*settings); s++)
        measure(a, settings[s], rounds);
    for (int l = 0; l < LAYERS; l++)
        attribution_unref(a[l]);
    return 0;
}
