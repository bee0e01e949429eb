/* What tests on the default model begin with: device, model, its base view, the goldens' prefixes
 * and small readers of the reference files. */
#ifndef TESTS_ENGINE_REAL_H
#define TESTS_ENGINE_REAL_H

#include "core/edit/target.h"
#include "core/model/safetensors.h"
#include "tests/engine/golden.h"

struct real {
    struct device *dev;
    struct model *model;
    struct model_state *base;
    struct prefixes prefixes;
};

/* The loss of each step of an edit. */
struct losses {
    double loss[64];
    int steps;
};

/* For edit_context.on_step; ctx is a struct losses. */
static inline void losses_add(void *ctx, const struct target_step *s)
{
    struct losses *l = ctx;

    if (l->steps < (int)(sizeof(l->loss) / sizeof(*l->loss)))
        l->loss[l->steps++] = s->loss;
}

static inline bool real_open(struct real *r)
{
    r->model = golden_model(&r->dev);
    if (!r->model || !prefixes_load(&r->prefixes, "tests/data/goldens/prefixes.txt", NULL))
        return false;
    r->base = state_new(r->model, 1);
    return true;
}

static inline void real_close(struct real *r)
{
    prefixes_free(&r->prefixes);
    state_free(r->base);
    model_close(r->model);
    device_close(r->dev);
}

/* Runs the tests on the default model. */
static inline int real_main(struct real *r, const struct test *tests, int count)
{
    int status = 1;

    if (real_open(r)) {
        status = test_main(tests, count);
        real_close(r);
    }
    return status;
}

static inline struct request real_request(const struct real *r, int n, const struct params *p)
{
    struct fact fact = golden_fact(n);
    struct request q;
    struct err err = {0};

    CHECK(request_build(&q, &fact, &r->prefixes, r->model, p, &err));
    CHECK_STR(err.text, "");
    fact_free(&fact);
    return q;
}

static inline void set(struct params *p, const char *name, const char *value)
{
    struct err err = {0};

    CHECK(params_set(p, name, value, FROM_COMMAND_LINE, &err));
    CHECK_STR(err.text, "");
}

/* The parameters of tests/reference/baselines/NAME.conf. */
static inline struct params real_settings(const char *name)
{
    char path[256];
    struct params p;
    struct err err = {0};
    char *text;

    snprintf(path, sizeof(path), "tests/reference/baselines/%s.conf", name);
    text = file_read_text(path, 1 << 16, NULL, &err);
    params_default(&p);
    CHECK(text && params_parse(&p, text, FROM_CONFIG, &err));
    CHECK_STR(err.text, "");
    free(text);
    return p;
}

/* A tensor of a reference file as floats. Caller frees; NULL (and a failure) if it is not there. */
static inline float *tensor_floats(struct safetensors *file, const char *name, size_t *n)
{
    const struct st_tensor *t = file ? safetensors_tensor(file, name) : NULL;
    float *x;

    CHECK(t != NULL);
    if (!t)
        return NULL;
    *n = (size_t)st_tensor_elements(t);
    x = xmalloc(*n * sizeof(float));
    st_tensor_floats(t, x);
    return x;
}

static inline double number_of(json_t *o, const char *key)
{
    json_t *v = json_object_get(o, key);

    CHECK(json_is_number(v));
    return json_number_value(v);
}

/* A matrix of the device as dense floats on the host. Caller frees. */
static inline float *fetch(struct device *dev, struct mat m)
{
    float *host = xmalloc((size_t)m.rows * (size_t)m.cols * sizeof(float));
    struct mat copy = mat_new(dev, DT_F32, m.rows, m.cols);
    struct err err = {0};

    device_copy(dev, m, copy);
    device_download(dev, host, copy);
    CHECK(device_sync(dev, &err));
    mat_free(dev, &copy);
    return host;
}

#endif
