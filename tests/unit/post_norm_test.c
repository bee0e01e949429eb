/* How layers with norms behind their FFNs share what is wanted, against general least squares
 * (tests/reference/post_norm.py). */
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/edit/post_norm.h"
#include "core/model/safetensors.h"
#include "tests/test.h"

static struct safetensors *golden;

/* A golden tensor [cases, width] as floats. Caller frees. */
static float *golden_rows(const char *name, int *cases, int *width)
{
    const struct st_tensor *t = safetensors_tensor(golden, name);
    float *x;

    CHECK(t && t->ndim == 2);
    if (!t)
        exit(1);
    *cases = (int)t->dim[0];
    *width = (int)t->dim[1];
    x = xmalloc((size_t)st_tensor_elements(t) * sizeof(*x));
    st_tensor_floats(t, x);
    return x;
}

static double length_of(const float *x, int d)
{
    double sum = 0;

    for (int j = 0; j < d; j++)
        sum += (double)x[j] * (double)x[j];
    return sqrt(sum);
}

enum { LAYERS = 3, WIDTH = 24 };

/* Norms with the gains [layers][WIDTH]. */
static void norms_make(struct post_norm *n, int layers, const float *gain, double eps)
{
    for (int k = 0; k < layers; k++) {
        n[k] = (struct post_norm){.width = WIDTH, .eps = eps};
        n[k].gain = xcalloc(WIDTH, sizeof(*n[k].gain));
        for (int j = 0; j < WIDTH; j++)
            n[k].gain[j] = (double)gain[k * WIDTH + j];
    }
}

static void norms_free(struct post_norm *n, int layers)
{
    for (int k = 0; k < layers; k++)
        post_norm_free(&n[k]);
}

static void a_layer_takes_its_part(void)
{
    int cases, width;
    float *gain = golden_rows("gain", &cases, &width), *y = golden_rows("y", &cases, &width);
    float *share = golden_rows("left", &cases, &width),
          *want = golden_rows("change", &cases, &width);
    float *eps = golden_rows("eps", &cases, &width), *most = golden_rows("most", &cases, &width);
    float *layers = golden_rows("layers", &cases, &width), sum[WIDTH];

    for (int i = 0; i < cases; i++) {
        int n = (int)layers[i], at = i * WIDTH;
        struct post_norm norm[LAYERS];
        double size = length_of(y + at, WIDTH), apart = 0;

        norms_make(norm, n, gain + i * LAYERS * WIDTH, (double)eps[i]);
        post_norm_turn(norm, n, y + at, (double)most[i], share + at);
        for (int j = 0; j < WIDTH; j++) {
            sum[j] = y[at + j] + share[at + j];
            apart = fmax(apart, fabs((double)share[at + j] - (double)want[at + j]));
        }
        if (!(apart <= 1e-5 * size))
            printf("    case %d: %.1e apart\n", i, apart / size);
        CHECK(apart <= 1e-5 * size);
        CHECK_NEAR(length_of(sum, WIDTH), size, 1e-6 * size);
        norms_free(norm, n);
    }
    free(gain);
    free(y);
    free(share);
    free(want);
    free(eps);
    free(most);
    free(layers);
}

/* Alone, or as the last, a layer turns its sum into the direction of z. */
static void the_last_layer_turns_to_z(void)
{
    int cases, width;
    float *gain = golden_rows("gain", &cases, &width), *y = golden_rows("y", &cases, &width);
    float z[WIDTH], share[WIDTH];
    struct post_norm n;
    double to[WIDTH], from[WIDTH], ratio;

    norms_make(&n, 1, gain, 1e-6);
    for (int j = 0; j < WIDTH; j++)
        z[j] = 0.3F * y[j] + 0.2F * (float)(j % 5 - 2);
    post_norm_apply(&n, z, to);
    post_norm_apply(&n, y, from);
    for (int j = 0; j < WIDTH; j++)
        share[j] = (float)(to[j] - from[j]);
    post_norm_turn(&n, 1, y, post_norm_way(&n, y, z), share);
    ratio = length_of(y, WIDTH) / length_of(z, WIDTH);
    for (int j = 0; j < WIDTH; j++)
        CHECK_NEAR((double)(y[j] + share[j]), ratio * (double)z[j], 1e-5);
    norms_free(&n, 1);
    free(gain);
    free(y);
}

/* A sum of zeros has no length: it stays, and nothing is divided by 0. */
static void zeros_stay(void)
{
    float gain[WIDTH] = {1, 2, 0, -3}, y[WIDTH] = {0}, share[WIDTH] = {1, 1, 1, 1};
    struct post_norm n;

    norms_make(&n, 1, gain, 1e-6);
    post_norm_turn(&n, 1, y, 1, share);
    for (int j = 0; j < WIDTH; j++)
        CHECK(share[j] == 0);
    norms_free(&n, 1);
}

static const struct test tests[] = {
    {"a layer takes its part", a_layer_takes_its_part},
    {"the last layer turns to z", the_last_layer_turns_to_z},
    {"a sum of zeros stays", zeros_stay},
};

int main(void)
{
    struct err err = {0};
    int status;

    golden = safetensors_open("tests/data/goldens/post_norm.safetensors", &err);
    CHECK_STR(err.text, "");
    if (!golden)
        return 1;
    status = test_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
    safetensors_close(golden);
    return status;
}
