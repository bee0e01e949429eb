/* The largest coefficients of each neuron, against sorting all of them; and their cache. */
#include "core/edit/top_activations.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/rng.h"
#include "tests/folder.h"

enum { M = 7, TOKENS = 90 };

static const int layer[] = {4, 5};
static struct moments about = {.origin = {.model = "model", .text = "text", .window = 30},
                               .layers = 2,
                               .neurons = M,
                               .layer = (int *)(size_t)layer};

static float heard[2][TOKENS][M];

static struct top_activations *filled(void)
{
    struct top_activations *c = top_activations_new(&about);
    uint64_t rng = 3;

    for (int l = 0; l < 2; l++)
        for (int t = 0; t < TOKENS; t++)
            for (int i = 0; i < M; i++)
                heard[l][t][i] = (float)(rng_unit(&rng) - 0.5);
    heard[0][10][2] = heard[0][50][2] = 9; /* of equals the first stays first */
    for (int t = 0; t < TOKENS; t += 30)
        for (int l = 0; l < 2; l++)
            top_activations_add(c, l, heard[l][t], 30, t);
    c->tokens = TOKENS;
    return c;
}

static void the_loudest_are_kept(void)
{
    struct top_activations *c = filled();

    for (int l = 0; l < 2; l++)
        for (int i = 0; i < M; i++)
            for (int k = 0; k < TOP_ACTIVATIONS_KEPT; k++) {
                int at = c->at[(l * M + i) * TOP_ACTIVATIONS_KEPT + k], louder = 0;
                float value = c->value[(l * M + i) * TOP_ACTIVATIONS_KEPT + k];

                CHECK(value == heard[l][at][i]);
                for (int t = 0; t < TOKENS; t++) {
                    float other = fabsf(heard[l][t][i]);

                    louder += other > fabsf(value) || (other == fabsf(value) && t < at);
                }
                CHECK(louder == k);
            }
    CHECK(c->at[2 * TOP_ACTIVATIONS_KEPT] == 10 && c->at[2 * TOP_ACTIVATIONS_KEPT + 1] == 50);
    top_activations_free(c);
}

static char *only_file(int index)
{
    char key[65], *name, *path;

    moments_key(&about, index, key);
    name = xasprintf("contexts/%s.safetensors", key);
    path = file_cache_path(name);
    free(name);
    return path;
}

static void they_come_back(void)
{
    struct top_activations *c = filled(), *back = top_activations_new(&about),
                           *none = top_activations_new(&about);
    size_t n = 2 * M * TOP_ACTIVATIONS_KEPT, len;
    struct err err = {0};
    char *path, *bytes;

    CHECK(!top_activations_load(none, &about) && none->tokens == 0);
    CHECK(top_activations_save(c, &about, &err));
    CHECK_STR(err.text, "");
    CHECK(top_activations_load(back, &about) && back->tokens == TOKENS);
    CHECK(!memcmp(back->value, c->value, n * sizeof(float)));
    CHECK(!memcmp(back->at, c->at, n * sizeof(int)));
    about.origin.window = 31; /* of other sums */
    CHECK(!top_activations_load(none, &about));
    about.origin.window = 30;
    path = only_file(1);
    bytes = file_read(path, 1 << 20, &len, &err);
    CHECK(bytes && len > 100);
    for (size_t cut = 0; bytes && cut < len; cut += 7) { /* damaged: as if there were none */
        CHECK(file_write(path, bytes, cut, &err));
        CHECK(!top_activations_load(none, &about) && none->tokens == 0);
        for (size_t i = 0; i < n; i++)
            CHECK(none->value[i] == 0);
    }
    free(bytes);
    free(path);
    top_activations_free(c);
    top_activations_free(back);
    top_activations_free(none);
}

static const struct test tests[] = {
    {"the loudest coefficients are kept, with their tokens", the_loudest_are_kept},
    {"they come back from the cache, or not at all", they_come_back},
};

static char folder[64];

FOLDER_MAIN(folder, tests)
