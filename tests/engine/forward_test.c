/* The forward pass against transformers' on the default model (tests/data/goldens). */
#include "core/model/generate.h"

#include "core/base/file.h"
#include "tests/engine/golden.h"

static struct device *dev;
static struct model *model;
static struct model_state *base;

static void next_tokens_agree(void)
{
    json_t *all = golden_json("reference.json"), *p;
    size_t i;

    CHECK(model);
    json_array_foreach(json_object_get(all, "forward"), i, p)
    {
        const char *prompt = json_string_value(json_object_get(p, "prompt"));
        json_t *ids = json_object_get(p, "ids"), *top = json_object_get(p, "top_ids");
        json_t *logits = json_object_get(p, "top_logits"),
               *greedy = json_object_get(p, "greedy_ids");
        struct generate_options o = {.tokens = (int)json_array_size(greedy)};
        struct tokens t = {0};
        struct generated g;
        struct err err = {0};
        int best[10];
        double mean = 0;

        CHECK(tokenizer_encode(model->tokenizer, prompt, strlen(prompt), ENCODE_BOS, &t, &err));
        CHECK(t.count == (int)json_array_size(ids));
        for (int j = 0; j < t.count; j++)
            CHECK(t.ids[j] == json_integer_value(json_array_get(ids, (size_t)j)));
        if (!generate(&g, base, t.ids, t.count, &o, NULL, &err)) {
            CHECK_STR(err.text, "");
            continue;
        }
        CHECK(top_k(g.logits, model->head.rows, 10, best) == 10);
        for (int j = 0; j < 10; j++) {
            CHECK(best[j] == json_integer_value(json_array_get(top, (size_t)j)));
            CHECK_NEAR((double)g.logits[best[j]],
                       json_number_value(json_array_get(logits, (size_t)j)), 2e-3);
        }
        CHECK_NEAR(log_sum_exp(g.logits, model->head.rows),
                   json_number_value(json_object_get(p, "lse")), 2e-3);
        for (int j = 0; j < model->head.rows; j++)
            mean += (double)g.logits[j] / model->head.rows;
        CHECK_NEAR(mean, json_number_value(json_object_get(p, "mean_logit")), 2e-3);
        for (int j = 0; j < g.count; j++)
            CHECK(g.id[j] == json_integer_value(json_array_get(greedy, (size_t)j)));
        /* the reference keeps the end-of-text token it stopped at */
        CHECK(g.count == o.tokens || (g.count == o.tokens - 1 &&
                                      json_integer_value(json_array_get(greedy, (size_t)g.count)) ==
                                          tokenizer_eos(model->tokenizer)));
        generated_free(&g);
        tokens_free(&t);
    }
    json_decref(all);
}

struct norms {
    float *norm; /* [layers] of the last position's block output */
    int last;
};

static void take_norm(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct norms *n = ctx;
    float row[576];
    double sum = 0;

    if (site != TAP_BLOCK_OUT)
        return;
    device_download(dev, row, mat_rows(x, n->last, 1));
    for (int j = 0; j < 576; j++)
        sum += (double)row[j] * (double)row[j];
    n->norm[layer] = (float)sqrt(sum);
}

static void residual_norms_agree(void)
{
    json_t *all = golden_json("reference.json"), *p;
    size_t i;

    json_array_foreach(json_object_get(all, "forward"), i, p)
    {
        json_t *ids = json_object_get(p, "ids"), *want = json_object_get(p, "hidden_norm");
        int n = (int)json_array_size(ids), id[64];
        const int *row = id;
        float norm[30];
        struct norms norms = {norm, n - 1};
        struct tap tap = {take_norm, &norms};
        struct batch batch;
        struct forward *f = forward_new(model, n);
        struct kv_cache *cache = kv_cache_new(model, n);
        struct mat x = mat_new(dev, DT_F32, n, 576);

        for (int j = 0; j < n && j < 64; j++)
            id[j] = (int)json_integer_value(json_array_get(ids, (size_t)j));
        batch = batch_new(&row, &n, NULL, 1, 0);
        CHECK(forward_run(f, base, &batch, cache, x, &tap, NULL, NULL));
        for (size_t l = 0; l + 1 < json_array_size(want); l++) {
            double w = json_number_value(json_array_get(want, l + 1));

            CHECK_NEAR((double)norm[l], w, 1e-3 * w);
        }
        mat_free(dev, &x);
        kv_cache_free(cache, dev);
        forward_free(f);
        batch_free(&batch);
    }
    json_decref(all);
}

static const struct test tests[] = {
    {"ids, top-10 logits and greedy continuations", next_tokens_agree},
    {"residual norms of every block", residual_norms_agree},
};

int main(void)
{
    int status;

    model = golden_model(&dev);
    if (!model)
        return 1;
    base = state_new(model, 1);
    printf("model ready in %.3f s\n", model->load_seconds);
    status = test_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
    state_free(base);
    model_close(model);
    device_close(dev);
    return status;
}
