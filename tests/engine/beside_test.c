/* Edits that leave the weights as they are, against the independent implementation, on the default
 * model: IKE's text before every prompt, GRACE's keys and values, WISE's side matrix, MEMOIR's
 * memory (these two: three facts to the end with BASELINES=wise, memoir or all). Numbers:
 * beside.json and beside.safetensors of tests/data/goldens/baselines. */
#include "core/edit/editors/editors.h"
#include "core/eval/answer.h"
#include "core/model/route.h"
#include "tests/engine/real.h"

enum { FACTS = 3 };

static struct real real;
static struct safetensors *file;
static json_t *all;

static double off(double got, double want)
{
    return fabs(got - want) / fabs(want);
}

/* p of the first token, and the mean over all tokens of the new object. */
static void answer_agrees(const struct score *s, int targets, json_t *want)
{
    CHECK(off(s->p_first, number_of(want, "first")) < 1e-3);
    CHECK(off(pow(s->p, 1.0 / targets), number_of(want, "seq")) < 1e-3);
}

/* One fact, edited. */
struct made {
    struct losses losses;
    struct request request;
    struct model_state *scratch;
    struct edit_result result;
    struct score after;
};

/* The first five losses against column 0 of `hist`: the first within 1e-3, the others within
 * `rest`. The largest difference. */
static double first_losses(const struct made *m, json_t *hist, double rest)
{
    double most = 0;

    for (int i = 0; i < 5 && i < m->losses.steps; i++) {
        double d = off(m->losses.loss[i],
                       json_number_value(json_array_get(json_array_get(hist, (size_t)i), 0)));

        CHECK(d < (i ? rest : 1e-3));
        most = fmax(most, d);
    }
    return most;
}

/* Edits fact n of the goldens; what the base says is as in `want`. */
static bool make(struct made *m, const struct params *p, int n, json_t *want)
{
    struct edit_context ctx = {.request = &m->request,
                               .count = 1,
                               .params = p,
                               .on_step = losses_add,
                               .on_step_ctx = &m->losses};
    struct score before;
    struct continuation asked;
    struct err err = {0};
    int layer[PARAM_MAX_LAYERS];
    bool ok;

    *m = (struct made){.request = real_request(&real, n, p), .scratch = state_copy(real.base, 2)};
    asked = continuation_of_request(&m->request);
    ok = editor_layers(p, real.model->config, layer, &ctx.layers, &err);
    memcpy(ctx.layer, layer, (size_t)ctx.layers * sizeof(int));
    ok = ok && editor_of(p)->edit(&m->result, m->scratch, &ctx, NULL, &err) &&
         answer_score(&before, real.base, &asked, NULL, &err) &&
         answer_score(&m->after, m->scratch, &asked, NULL, &err);
    CHECK_STR(err.text, "");
    CHECK(!m->result.deltas && *m->result.beside);
    if (ok)
        answer_agrees(&before, m->request.targets, json_object_get(want, "before"));
    return ok;
}

static void made_free(struct made *m)
{
    edit_result_free(&m->result);
    state_free(m->scratch);
    request_free(&m->request);
}

static void ike_is_as_the_reference(void)
{
    struct params p = real_settings("ike");

    for (int fact = 0; fact < FACTS; fact++) {
        json_t *want = json_array_get(json_object_get(all, "ike"), (size_t)fact);
        struct prompt prompt;
        struct made m;

        make(&m, &p, fact, want);
        answer_agrees(&m.after, m.request.targets, json_object_get(want, "after"));
        CHECK(m.result.prefixes == 1);
        prompt = state_prompt(m.scratch, m.request.row[0].id, m.request.row[0].count);
        CHECK(prompt.count == (int)number_of(want, "tokens"));
        prompt_free(&prompt);
        made_free(&m);
    }
}

/* The first six demonstrations of the file. One whose subject is the fact's is left out; more than
 * there are is an error. */
static void ike_demonstrates_as_the_reference(void)
{
    static const int kind[] = {DEMONSTRATION_COPY, DEMONSTRATION_UPDATE, DEMONSTRATION_RETAIN};
    struct params p = real_settings("ike");
    struct request r;
    struct edit_context ctx = {.request = &r, .count = 1, .params = &p};
    struct edit_result none;
    struct model_state *s = state_copy(real.base, 2);
    struct err err = {0};

    set(&p, "ike.k", "6");
    set(&p, "ike.file", "tests/data/goldens/baselines/demonstrations.json");
    for (int fact = 0; fact < FACTS; fact++) {
        json_t *want = json_array_get(json_object_get(all, "ike_k6"), (size_t)fact);
        struct prompt prompt;
        struct made m;

        make(&m, &p, fact, want);
        answer_agrees(&m.after, m.request.targets, json_object_get(want, "after"));
        prompt = state_prompt(m.scratch, m.request.row[0].id, m.request.row[0].count);
        CHECK(prompt.count == (int)number_of(want, "tokens"));
        CHECK(m.result.demonstrations == 6);
        for (int i = 0; i < m.result.demonstrations; i++)
            CHECK(m.result.demonstration[i].record == 1 + i / 3 &&
                  m.result.demonstration[i].kind == kind[i % 3]);
        CHECK(strstr(m.result.beside, "with 6 demonstrations") != NULL);
        prompt_free(&prompt);
        made_free(&m);
    }
    r = real_request(&real, 0, &p);
    set(&p, "ike.k", "7");
    CHECK(!editor_of(&p)->edit(&none, s, &ctx, NULL, &err) && err.kind == ERR_USAGE);
    CHECK(strstr(err.text, "makes 6 demonstrations and ike.k is 7") != NULL);
    free(r.fact.subject);
    r.fact.subject = xstrdup("Sambhav Asambhav");
    set(&p, "ike.k", "3");
    CHECK(editor_of(&p)->edit(&none, s, &ctx, NULL, NULL) && none.demonstration[0].record == 2);
    edit_result_free(&none);
    set(&p, "ike.file", "none");
    err = (struct err){0};
    CHECK(!editor_of(&p)->edit(&none, s, &ctx, NULL, &err) && strstr(err.text, "set ike.file"));
    request_free(&r);
    state_free(s);
}

/* The key or the value of fact n, which begins at `at` of the stored entry. */
static double vector_differs(const struct made *m, int n, const char *what, size_t at)
{
    char name[64];
    size_t count = 0;
    float *want;
    double d = 1;

    snprintf(name, sizeof(name), "grace.fact%d.%s", n, what);
    want = tensor_floats(file, name, &count);
    if (want && m->result.hooks)
        d = relative((const float *)m->result.hook[0].blob + at, want, count);
    free(want);
    return d;
}

static void grace_is_as_the_reference(void)
{
    struct params p = real_settings("grace");
    size_t neurons = (size_t)real.model->config->ffn;

    for (int fact = 0; fact < FACTS; fact++) {
        json_t *want = json_array_get(json_object_get(all, "grace"), (size_t)fact);
        json_t *hist = json_object_get(want, "hist");
        double key, value, loss;
        struct made m;

        make(&m, &p, fact, want);
        answer_agrees(&m.after, m.request.targets, json_object_get(want, "after"));
        CHECK(m.losses.steps == (int)json_array_size(hist));
        loss = first_losses(&m, hist, 2e-3);
        key = vector_differs(&m, fact, "key", 0);
        value = vector_differs(&m, fact, "value", neurons);
        printf("grace fact %d: losses %.1e, key %.1e, value %.1e\n", fact, loss, key, value);
        CHECK(key < 1e-3 && value < 1e-2);
        made_free(&m);
    }
}

/* Its losses after some steps are not reproducible (hinges at a rate of .9): the first five are,
 * and how it ends. */
static void wise_is_as_the_reference(void)
{
    const char *wanted = getenv("BASELINES");
    bool every = wanted && (!strcmp(wanted, "all") || !strcmp(wanted, "wise"));

    for (int fact = 0; fact < (every ? FACTS : 1); fact++) {
        json_t *want = json_array_get(json_object_get(all, "wise"), (size_t)fact);
        json_t *hist = json_object_get(want, "hist"), *params;
        struct params p = real_settings("wise");
        double loss, square = 0, threshold;
        struct made m;

        set(&p, "wise.loc_prompt", json_string_value(json_object_get(want, "loc")));
        if (!every)
            set(&p, "wise.steps", "5");
        make(&m, &p, fact, want);
        CHECK(m.losses.steps == (every ? (int)number_of(want, "steps") : 5) && m.result.hooks == 1);
        loss = first_losses(&m, hist, 1e-2);
        CHECK(m.result.hook[0].bytes == (size_t)number_of(want, "mask_on") * sizeof(float));
        for (size_t i = 0; i < m.result.hook[0].bytes / sizeof(float); i++) {
            double x = (double)((const float *)m.result.hook[0].blob)[i];

            square += x * x;
        }
        params = json_loads(m.result.hook[0].params, 0, NULL);
        threshold = number_of(params, "threshold");
        json_decref(params);
        printf("wise fact %d: losses %.1e; update %.4g, reference %.4g; threshold %.4g, reference "
               "%.4g; p %.4g, reference %.4g; %s\n",
               fact, loss, sqrt(square), number_of(want, "dW"), threshold,
               number_of(want, "threshold"), m.after.p_first,
               number_of(json_object_get(want, "after"), "first"), m.result.beside);
        CHECK(!strstr(m.result.beside, "routed"));
        if (every) {
            CHECK(off(sqrt(square), number_of(want, "dW")) < 5e-2);
            CHECK(off(threshold, number_of(want, "threshold")) < 5e-2);
            CHECK(m.after.right);
        }
        made_free(&m);
    }
}

/* Masks of the three facts' prompts overlap as the reference's do, within two neurons. */
static void overlaps_agree(const struct model_state *s, const struct params *p, json_t *want)
{
    double two = 2 / number_of(want, "active") + 1e-9;

    for (int n = 0; n < FACTS; n++) {
        struct request r = real_request(&real, n, p);
        const int *ids = r.row[0].id;
        struct hook_route route = {0};
        double other =
            json_number_value(json_array_get(json_object_get(want, "overlap"), (size_t)n));

        CHECK(state_routes(s, 25, &ids, &r.row[0].count, 1, &route, NULL, NULL));
        CHECK_NEAR(route.value, other, two);
        CHECK(route.routed == (other >= 0.6));
        request_free(&r);
    }
}

static void memoir_is_as_the_reference(void)
{
    const char *wanted = getenv("BASELINES");
    bool every = wanted && (!strcmp(wanted, "all") || !strcmp(wanted, "memoir"));

    for (int fact = 0; fact < (every ? FACTS : 1); fact++) {
        json_t *want = json_array_get(json_object_get(all, "memoir"), (size_t)fact);
        struct params p = real_settings("memoir");
        size_t active = (size_t)number_of(want, "active"), floats;
        double loss, square = 0, sum = 0;
        const float *blob;
        struct made m;

        if (!every)
            set(&p, "memoir.steps", "5");
        make(&m, &p, fact, want);
        CHECK(m.losses.steps == (every ? (int)number_of(want, "steps") : 5) && m.result.hooks == 1);
        loss = first_losses(&m, json_object_get(want, "hist"), 2e-3);
        blob = m.result.hook[0].blob;
        floats = m.result.hook[0].bytes / sizeof(float);
        for (size_t i = 0; i < active; i++)
            sum += ((const int *)m.result.hook[0].blob)[i];
        for (size_t i = active + (size_t)real.model->config->ffn; i < floats; i++)
            square += (double)blob[i] * (double)blob[i];
        CHECK(off(sum, number_of(want, "mask_sum")) < 1e-3);
        overlaps_agree(m.scratch, &p, want);
        printf("memoir fact %d: losses %.1e; update %.4g, reference %.4g; %s\n", fact, loss,
               sqrt(square), number_of(want, "dW"), m.result.beside);
        if (every) {
            CHECK(off(sqrt(square), number_of(want, "dW")) < 1e-2);
            CHECK(off(m.after.p_first, number_of(json_object_get(want, "after"), "first")) < 1e-2);
            CHECK(m.after.right);
        }
        made_free(&m);
    }
}

static const struct test tests[] = {
    {"IKE is as the reference", ike_is_as_the_reference},
    {"IKE demonstrates as the reference", ike_demonstrates_as_the_reference},
    {"GRACE is as the reference", grace_is_as_the_reference},
    {"WISE is as the reference", wise_is_as_the_reference},
    {"MEMOIR is as the reference", memoir_is_as_the_reference}};

int main(void)
{
    struct err err = {0};
    int status;

    all = golden_json("baselines/beside.json");
    file = safetensors_open("tests/data/goldens/baselines/beside.safetensors", &err);
    status = real_main(&real, tests, sizeof(tests) / sizeof(*tests));
    safetensors_close(file);
    json_decref(all);
    return status;
}
