/* The default model and the reference numbers, for tests that compare with an independent
 * implementation (tests/data/goldens, see tests/reference). */
#ifndef TESTS_ENGINE_GOLDEN_H
#define TESTS_ENGINE_GOLDEN_H

#include <jansson.h>
#include <stdlib.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/edit/attribute.h"
#include "core/model/model.h"
#include "tests/test.h"

/* The model's path: $EDITSCOPE_MODEL or where `make` puts it. Caller frees; NULL: not there. */
static inline char *golden_model_path(void)
{
    const char *named = getenv("EDITSCOPE_MODEL");
    char *path = named && *named ? xstrdup(named)
                                 : file_cache_path("models/SmolLM2-135M-Instruct.Q4_1.gguf");

    if (file_exists(path))
        return path;
    free(path);
    return NULL;
}

static inline struct model *golden_model(struct device **dev)
{
    struct err err = {0};
    char *path = golden_model_path();
    struct model *m = NULL;

    *dev = device_open(&device_cpu, 0, 2, &err);
    if (path && *dev)
        m = model_open(path, *dev, 0, NULL, &err);
    if (!m)
        printf("%s\n", err.kind ? err.text : "the default model is missing: run `make model`");
    free(path);
    return m;
}

static inline json_t *golden_json(const char *name)
{
    char path[256];

    snprintf(path, sizeof(path), "tests/data/goldens/%s", name);
    return json_load_file(path, 0, NULL);
}

static inline double relative(const float *got, const float *want, size_t n)
{
    double diff = 0, norm = 0;

    for (size_t i = 0; i < n; i++) {
        diff += ((double)got[i] - (double)want[i]) * ((double)got[i] - (double)want[i]);
        norm += (double)want[i] * (double)want[i];
    }
    return norm > 0 ? sqrt(diff / norm) : sqrt(diff);
}

/* The n-th golden fact. */
static inline struct fact golden_fact(int n)
{
    json_t *all = golden_json("facts.json"), *f = json_array_get(all, (size_t)n);
    struct fact fact = {.subject = xstrdup(json_string_value(json_object_get(f, "subject"))),
                        .prompt = xstrdup(json_string_value(json_object_get(f, "prompt"))),
                        .target = xstrdup(json_string_value(json_object_get(f, "target_new")))};

    json_decref(all);
    return fact;
}

#endif
