/* Editing methods other than NMKE against the independent implementation, on the default model,
 * with the settings of tests/reference/baselines. Tolerances are relative, and those that the
 * reference states. Most methods are compared on the first fact; BASELINES=all: all on three;
 * BASELINES=NAME: that one. */
#include "core/edit/editors/editors.h"
#include "core/edit/moments_text.h"
#include "core/eval/answer.h"
#include "tests/engine/real.h"

enum { FACTS = 3, VECTORS = 4, TEXT_TOKENS = 20480, WINDOW = 256 };

static struct real real;
static struct safetensors *file;
static json_t *all;
static struct moments *moments; /* of the layers that some row edits */

/* A method: its settings and its reference, the tolerance of its update, and the vectors that are
 * compared. */
static const struct baseline {
    const char *name, *reference;
    double update;
    enum {
        ALWAYS,
        SELDOM,
        IN_A_ROW
    } when; /* SELDOM: only with BASELINES, another row, or
               family_test, has most of it. IN_A_ROW: so too, and
               each fact on what the one before left */
    const char *vector[VECTORS];
} rows[] = {
    {"rome", "rome", 1e-3, ALWAYS, {"k", "u", "right"}},
    {"r_rome", "r_rome", 1e-3, SELDOM, {"k", "u", "right"}},
    {"rome_ee", "rome_ee", 1e-3, SELDOM, {"k", "u", "right"}},
    {"ft_l", "ft_l", 1e-2, ALWAYS, {"row_norm", "Dk"}},
    {"ft_l_eps", "ft_l_eps", 1e-2, SELDOM, {"row_norm", "Dk"}},
    {"ft_m", "ft_m", 1e-2, ALWAYS, {"row_norm", "Dk"}},
    {"memit", "memit", 1e-3, ALWAYS, {NULL}},
    {"memit_seq", "memit", 1e-3, SELDOM, {NULL}}, /* the first edit has no past keys */
    {"kn", "kn", 1e-3, ALWAYS, {"add"}},
    {"kn_ee", "kn_ee", 1e-3, SELDOM, {"add"}},
    {"pmet", "pmet", 1e-3, ALWAYS, {"z_mlp", "z_attn", "key.4", "key.8"}},
    {"ultraedit", "ultraedit", 1e-2, ALWAYS, {"mean", "std"}},
    {"ultraedit_all", "ultraedit_all", 1e-2, SELDOM, {NULL}},
    {"fine", "fine", 1e-2, ALWAYS, {NULL}},
    {"encore", "encore", 1e-3, ALWAYS, {"z"}},
    {"memit_fe", "memit_fe", 1e-3, ALWAYS, {"z"}},
    {"rect", "rect", 1e-3, SELDOM, {"row_norm"}},
    {"sphere", "sphere", 1e-3, SELDOM, {"u"}},
    {"nas", "nas", 1e-3, SELDOM, {"z"}},
    {"prune", "prune", 1e-3, SELDOM, {NULL}},
    {"evoedit", "evoedit_row", 1e-3, IN_A_ROW, {NULL}},
    {"lyaplock", "lyaplock_row", 1e-3, IN_A_ROW, {NULL}},
};

static double off(double got, double want)
{
    return fabs(got - want) / fabs(want);
}

/* Whatever was made of one fact, for comparison. */
struct made {
    struct losses losses;
    struct target target;
    struct edit_result result;
    struct score before, after;
};

/* The sums of the reference's text, for the edited layers; NULL on a fault. */
static struct moments *sums(const int *layer, int layers)
{
    struct moments_origin origin = {.window = WINDOW};
    struct err err = {0};
    struct tokens t = {0};
    size_t len;
    char *text = file_read("samples/text/wikitext2-test.txt", 1 << 24, &len, &err);
    struct moments *m = moments_new(real.dev, &origin, layers, layer, 1536, &err);
    struct moments_text *g;

    CHECK(text && m && tokenizer_encode(real.model->tokenizer, text, len, 0, &t, &err));
    g = moments_text_new(real.base, m, t.ids, TEXT_TOKENS);
    while (m->tokens < TEXT_TOKENS || !moments_text_idle(g))
        if (!moments_text_step(g, TEXT_TOKENS, &err))
            break;
    CHECK_STR(err.text, "");
    moments_text_free(g);
    tokens_free(&t);
    free(text);
    return m;
}

/* The sums, made when first needed. */
static const struct moments *the_moments(void)
{
    static const int layers[] = {4, 5, 6, 7, 8};

    if (!moments)
        moments = sums(layers, (int)(sizeof(layers) / sizeof(*layers)));
    return moments;
}

/* What the engine prepares for edits by a method: layers and solvers. End with edits_end(). */
static bool edits_begin(struct edit_context *ctx, struct nullspace **space, const struct params *p,
                        struct err *err)
{
    const struct editor_ops *editor = editor_of(p);
    struct nullspace_rule rule = {.threshold = p->value[P_EDIT_NULL_THRESHOLD],
                                  .fraction = p->value[P_EDIT_NULL_FRACTION]};
    int layer[PARAM_MAX_LAYERS];
    bool ok;

    *ctx = (struct edit_context){.solve = editor->solve,
                                 .keys = editor->keys,
                                 .residual = editor->residual,
                                 .count = 1,
                                 .params = p,
                                 .unprojected = !(editor->needs & NEEDS_NULL_SPACE),
                                 .on_step = losses_add};
    ok = editor_layers(p, real.model->config, layer, &ctx->layers, err);
    memcpy(ctx->layer, layer, (size_t)ctx->layers * sizeof(int));
    for (int i = 0; ok && editor->needs & NEEDS_MOMENTS && i < ctx->layers; i++)
        for (int k = 0; k < the_moments()->layers; k++)
            if (moments->layer[k] == ctx->layer[i]) {
                space[i] = ctx->unprojected ? nullspace_none(moments, k, err)
                                            : nullspace_new(moments, k, rule, NULL, err);
                ctx->solver[i] = solver_new(space[i], p->value[P_EDIT_LAMBDA], err);
            }
    return ok;
}

static void edits_end(struct edit_context *ctx, struct nullspace **space)
{
    for (int i = 0; i < ctx->layers; i++) {
        solver_free(ctx->solver[i]);
        nullspace_free(space[i]);
    }
}

/* Target and edit of one fact, from a state to what it becomes. */
static bool make(struct made *out, struct model_state *state, struct edit_context *ctx,
                 const struct request *r, struct err *err)
{
    const struct editor_ops *editor = editor_of(ctx->params);
    const struct continuation asked = continuation_of_request(r);
    bool ok = answer_score(&out->before, state, &asked, NULL, err);

    ctx->request = r;
    ctx->on_step_ctx = &out->losses;
    if (ok && editor->needs & NEEDS_TARGET)
        ok = target_optimise(&out->target, state, r, edit_target_layer(ctx), editor->target,
                             ctx->params, losses_add, &out->losses, NULL, err);
    ctx->z = out->target.z;
    ok = ok && editor->edit(&out->result, state, ctx, NULL, err) &&
         answer_score(&out->after, state, &asked, NULL, err);
    edit_context_free(ctx);
    return ok;
}

static double length(const float *x, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sqrt(sum);
}

/* [n] of the target, or the key of one layer, where the name is one of these; else NULL. */
static const float *vector_at(const struct made *m, const char *name)
{
    if (!strcmp(name, "z_mlp") || !strcmp(name, "z"))
        return m->target.z;
    if (!strcmp(name, "z_attn"))
        return m->target.attention;
    for (int t = 0; !strncmp(name, "key.", 4) && t < m->result.deltas; t++)
        if (m->result.delta[t].layer == (int)strtol(name + 4, NULL, 10))
            return m->result.delta[t].key;
    return NULL;
}

/* What UltraEdit's edit keeps for later ones, as a normaliser; NULL: it is of another method. */
static struct normaliser *normaliser_of(const struct edit_result *r)
{
    struct normaliser *n;

    if (!r->numbers)
        return NULL;
    n = normaliser_new((r->numbers_count - 1) / 2);
    CHECK(normaliser_add_numbers(n, r->numbers, r->numbers_count));
    return n;
}

/* Mean or deviation of a normaliser. Caller frees. */
static float *normaliser_vector(const struct normaliser *n, bool deviation)
{
    float *out = xcalloc((size_t)n->width, sizeof(*out));

    for (int i = 0; i < n->width; i++)
        out[i] = (float)(deviation ? normaliser_deviation(n, i) : n->mean[i]);
    return out;
}

/* One of the reference's vectors from the first delta. Caller frees. */
static float *vector_of(const struct delta *d, const char *name, const float *key)
{
    bool right = !strcmp(name, "right"), by_row = right || d->kind != DELTA_LOW_RANK;
    int n = by_row ? d->rows : d->cols;
    float *out = xcalloc((size_t)n, sizeof(*out));

    for (int i = 0; i < n; i++) {
        const float *row = d->r + (size_t)i * (size_t)d->cols;
        double sum = 0;

        if (!strcmp(name, "k"))
            out[i] = d->key[i];
        else if (!strcmp(name, "u"))
            out[i] = (float)((double)d->x[i] / length(d->x, n));
        else if (right)
            out[i] = (float)((double)d->r[i] * length(d->x, d->cols));
        else if (!strcmp(name, "add"))
            out[i] = d->r[i];
        else if (!strcmp(name, "row_norm"))
            out[i] = (float)length(row, d->cols);
        for (int j = 0; !strcmp(name, "Dk") && j < d->cols; j++)
            sum += (double)row[j] * (double)key[j];
        if (!strcmp(name, "Dk"))
            out[i] = (float)sum;
    }
    return out;
}

static double vectors_differ(const struct baseline *b, int fact, const struct made *m)
{
    struct normaliser *of_all = strncmp(b->name, "ultra", 5) ? NULL : normaliser_of(&m->result);
    const struct delta *d = &m->result.delta[0];
    double worst = 0;
    char name[64];
    size_t n = 0;

    for (int i = 0; i < VECTORS && b->vector[i]; i++) {
        float *want, *own = NULL, *key = NULL;
        const float *got = vector_at(m, b->vector[i]);

        if (!strcmp(b->vector[i], "Dk")) {
            snprintf(name, sizeof(name), "ft_l.fact%d.k", fact); /* the same for all of them */
            key = tensor_floats(file, name, &n);
        }
        snprintf(name, sizeof(name), "%s.fact%d.%s", b->reference, fact, b->vector[i]);
        want = tensor_floats(file, name, &n);
        if (!got)
            got = own = of_all ? normaliser_vector(of_all, !strcmp(b->vector[i], "std"))
                               : vector_of(d, b->vector[i], key);
        CHECK(want);
        if (want)
            worst = fmax(worst, relative(got, want, n));
        free(want);
        free(own);
        free(key);
    }
    normaliser_free(of_all);
    return worst;
}

static double number_in(json_t *o, const char *a, const char *b)
{
    return number_of(json_object_get(o, a), b);
}

/* The loss of each step; the first one more closely. */
static double losses_differ(const struct made *m, json_t *hist)
{
    double worst = 0;

    CHECK(m->losses.steps == (int)json_array_size(hist));
    for (int i = 0; i < m->losses.steps; i++) {
        json_t *want = json_array_get(json_array_get(hist, (size_t)i), 0);
        double d = off(m->losses.loss[i], json_number_value(want));

        CHECK(i > 0 || d < 1e-3);
        worst = fmax(worst, d);
    }
    return worst;
}

/* The share of the labels that the reference predicts, where no two tokens are as good as equal;
 * else -1. */
static double share_right(json_t *o)
{
    json_t *pred = json_object_get(o, "pred"), *label = json_object_get(o, "labels");
    size_t n = json_array_size(pred), right = 0;

    for (size_t i = 0; i < n; i++) {
        if (json_number_value(json_array_get(json_object_get(o, "margin"), i)) <= 0.05)
            return -1;
        right += json_equal(json_array_get(pred, i), json_array_get(label, i));
    }
    return (double)right / (double)n;
}

/* Of a layer, by its number alone or with the matrix. */
static json_t *layer_of(json_t *layers, int layer)
{
    static const char *const matrix[] = {"", ".mlp.gate_proj", ".mlp.up_proj"};
    json_t *o = NULL;

    for (int i = 0; !o && i < 3; i++) {
        char name[32];

        snprintf(name, sizeof(name), "%d%s", layer, matrix[i]);
        o = json_object_get(layers, name);
    }
    return o;
}

static double layers_differ(const struct edit_result *r, json_t *layers)
{
    double worst = 0;

    CHECK(r->layers == (int)json_object_size(layers));
    for (int i = 0; i < r->layers; i++) {
        const struct layer_report *l = &r->report[i];
        json_t *want = layer_of(layers, l->layer);

        worst = fmax(worst, off(l->delta_norm, number_of(want, "dW")));
        if (json_object_get(want, "n"))
            CHECK(l->kept == (int)number_of(want, "n"));
        if (json_object_get(want, "gain"))
            worst = fmax(worst, off(l->gain, number_of(want, "gain")));
        if (json_object_get(want, "gain_mask"))
            worst = fmax(worst, off(l->gain_mask, number_of(want, "gain_mask")));
        if (json_object_get(want, "res"))
            worst = fmax(worst, off(l->residual, number_of(want, "res")));
    }
    return worst;
}

/* Whether the report names the neuron, or its layer's list is full. */
static bool neuron_reported(const struct edit_result *r, int layer, int neuron)
{
    for (int l = 0; l < r->layers; l++)
        for (int i = 0; r->report[l].layer == layer && i < r->report[l].chosen; i++)
            if (r->report[l].chosen_neuron[i].neuron == neuron || i == REPORT_CHOSEN - 1)
                return true;
    return false;
}

/* The changed neurons, where the reference names them. */
static bool neurons_agree(const struct edit_result *r, json_t *want)
{
    size_t at = 0;

    for (int i = 0; want && i < r->deltas; i++)
        for (int t = 0; t < r->delta[i].rank; t++) {
            json_t *o = json_array_get(want, at++);

            if (json_integer_value(json_array_get(o, 0)) != r->delta[i].layer ||
                json_integer_value(json_array_get(o, 1)) != r->delta[i].column[t] ||
                !neuron_reported(r, r->delta[i].layer, r->delta[i].column[t]))
                return false;
        }
    return at == json_array_size(want);
}

/* The n-th golden fact, with the old object that the reference gives. */
static struct request request_of(int n, json_t *want, const struct params *p)
{
    const char *old = json_string_value(json_object_get(want, "old"));
    struct fact fact = golden_fact(n);
    struct request r;
    struct err err = {0};

    fact.old = old ? xstrdup(old) : NULL;
    CHECK(request_build(&r, &fact, &real.prefixes, real.model, p, &err));
    CHECK_STR(err.text, "");
    fact_free(&fact);
    return r;
}

/* A made edit against the reference's numbers of it. */
static void made_agrees(const struct baseline *b, int fact, const struct made *m, json_t *want)
{
    double loss = losses_differ(m, json_object_get(want, "hist"));
    double update = layers_differ(&m->result, json_object_get(want, "layers"));
    double vectors = vectors_differ(b, fact, m), share = share_right(want);
    double n = (double)json_array_size(json_object_get(want, "labels"));

    printf("%-8s fact %d: losses %.1e, update %.1e, vectors %.1e; p %.4g, reference %.4g\n",
           b->name, fact, loss, update, vectors, m->after.p_first,
           number_in(want, "after", "first"));
    CHECK(neurons_agree(&m->result, json_object_get(want, "neurons")));
    CHECK(loss < 2e-3);
    CHECK(update < b->update);
    CHECK(vectors < b->update);
    CHECK(off(m->before.p_first, number_in(want, "before", "first")) < 1e-3);
    CHECK(off(pow(m->before.p, 1 / n), number_in(want, "before", "seq")) < 1e-3);
    CHECK(off(m->after.p_first, number_in(want, "after", "first")) < 1e-2);
    CHECK(off(pow(m->after.p, 1 / n), number_in(want, "after", "seq")) < 1e-2);
    CHECK(share < 0 || fabs(m->after.accuracy - share) < 1e-9);
}

/* What edits in a row leave for those after them, besides keys. */
struct left_behind {
    struct edit_note note[FACTS];
    int notes, edit[FACTS];
};

/* Gives a context copies of the notes, which it frees, and says whose the past keys are. */
static void take_notes(struct edit_context *ctx, const struct left_behind *l)
{
    ctx->note = xcalloc(FACTS, sizeof(*ctx->note));
    ctx->notes = l->notes;
    for (int n = 0; n < l->notes; n++) {
        ctx->note[n] = l->note[n];
        ctx->note[n].value = xmalloc((size_t)l->note[n].count * sizeof(double));
        memcpy(ctx->note[n].value, l->note[n].value, (size_t)l->note[n].count * sizeof(double));
    }
    for (int i = 0; i < ctx->layers; i++) {
        ctx->owner[i] = l->edit;
        ctx->owners[i] = l->notes;
    }
}

static void leave_note(struct left_behind *l, struct edit_result *r)
{
    l->edit[l->notes] = l->notes + 1;
    l->note[l->notes] =
        (struct edit_note){.edit = l->notes + 1, .value = r->numbers, .count = r->numbers_count};
    l->notes++;
    r->numbers = NULL;
}

/* Facts of a row: each by itself, or one after the other, on the weights that the one before left.
 */
static void facts_agree(const struct baseline *b, int facts)
{
    struct params p = real_settings(b->name);
    struct nullspace *space[EDIT_MAX_LAYERS] = {0};
    struct model_state *state = state_copy(real.base, 2);
    struct left_behind left = {.notes = 0};
    struct edit_context ctx;
    struct err err = {0};
    bool ok = edits_begin(&ctx, space, &p, &err);

    for (int fact = 0; ok && fact < facts; fact++) {
        json_t *want = json_array_get(json_object_get(all, b->reference), (size_t)fact);
        struct request r = request_of(fact, want, &p);
        struct made *m = xcalloc(1, sizeof(*m));

        take_notes(&ctx, &left);
        ok = make(m, state, &ctx, &r, &err) &&
             (b->when != IN_A_ROW || edit_remember(&m->result, &ctx, &err));
        if (ok)
            made_agrees(b, fact, m, want);
        if (ok && b->when == IN_A_ROW)
            leave_note(&left, &m->result);
        if (b->when != IN_A_ROW) {
            state_free(state);
            state = state_copy(real.base, 2);
        }
        edit_result_free(&m->result);
        target_free(&m->target);
        free(m);
        request_free(&r);
    }
    CHECK_STR(err.text, "");
    for (int n = 0; n < left.notes; n++)
        free(left.note[n].value);
    edits_end(&ctx, space);
    state_free(state);
}

static void baselines_agree(void)
{
    const char *wanted = getenv("BASELINES");
    bool every = wanted && *wanted, one = every && strcmp(wanted, "all") != 0;

    CHECK(all && file);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        int facts = every ? FACTS : !rows[i].when;

        if (!one || !strcmp(wanted, rows[i].name))
            facts_agree(&rows[i], facts);
    }
    moments_free(moments);
}

/* The n-th record of the sequence of ZsRE. */
static struct request record_of(json_t *records, int n, const struct params *p)
{
    json_t *o = json_array_get(records, (size_t)n);
    struct fact fact = {.subject = xstrdup(json_string_value(json_object_get(o, "subject"))),
                        .prompt = xstrdup(json_string_value(json_object_get(o, "src"))),
                        .target = xstrdup(json_string_value(json_object_get(o, "alt")))};
    struct request r;
    struct err err = {0};

    CHECK(request_build(&r, &fact, &real.prefixes, real.model, p, &err));
    CHECK_STR(err.text, "");
    fact_free(&fact);
    return r;
}

/* UltraEdit's second edit is normalised by what the first one left, too. */
static void normalised_in_a_row(void)
{
    json_t *records = json_load_file("tests/data/facts/mend_zsre.json", 0, NULL);
    struct params p = real_settings("ultraedit");
    const struct editor_ops *editor = editor_of(&p);
    struct model_state *state = state_copy(real.base, 3);
    struct normaliser *past = NULL;
    struct err err = {0};

    for (int t = 0; t < 2; t++) {
        json_t *want = json_array_get(json_object_get(all, "ultraedit_row"), (size_t)t);
        struct made *m = xcalloc(1, sizeof(*m));
        struct request r = record_of(records, t, &p);
        struct edit_context ctx = {.request = &r,
                                   .count = 1,
                                   .params = &p,
                                   .past = past,
                                   .on_step = losses_add,
                                   .on_step_ctx = &m->losses};
        int layer[PARAM_MAX_LAYERS];

        CHECK(editor_layers(&p, real.model->config, layer, &ctx.layers, &err));
        memcpy(ctx.layer, layer, (size_t)ctx.layers * sizeof(int));
        if (editor->edit(&m->result, state, &ctx, NULL, &err)) {
            double loss = losses_differ(m, json_object_get(want, "hist"));
            double update = layers_differ(&m->result, json_object_get(want, "layers"));

            printf("edit %d in a row: loss %.1e, update %.1e\n", t + 1, loss, update);
            CHECK(loss < 1e-3 && update < 1e-2);
            past = normaliser_of(&m->result);
        }
        CHECK_STR(err.text, "");
        edit_result_free(&m->result);
        edit_context_free(&ctx);
        request_free(&r);
        free(m);
    }
    normaliser_free(past);
    state_free(state);
    json_decref(records);
}

static const struct test tests[] = {
    {"editing methods agree with the reference", baselines_agree},
    {"UltraEdit normalises over edits", normalised_in_a_row},
};

int main(void)
{
    struct err err = {0};
    int status;

    all = golden_json("baselines/facts.json");
    file = safetensors_open("tests/data/goldens/baselines/tensors.safetensors", &err);
    status = real_main(&real, tests, (int)(sizeof(tests) / sizeof(*tests)));
    safetensors_close(file);
    json_decref(all);
    return status;
}
