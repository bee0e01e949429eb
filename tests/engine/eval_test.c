/* The judge: scores and probes against one plain forward pass for each token; and all jobs that say
 * whether a fact holds agree. */
#include "core/edit/editor.h"
#include "core/edit/unicode_match.h"
#include "core/eval/measure_ask.h"
#include "core/eval/probe.h"
#include "core/model/chat.h"
#include "core/model/hook_codebook.h"
#include "tests/engine/small.h"

#define SPEAKS "tests/data/architectures/llama3" /* of bytes, and says such as can be printed */

enum { VOCAB_MOST = 1024, LONG = 256 };

static struct device *dev;
static struct model *model;
static struct model_state *base, *moved; /* moved: other weights */

/* --- brute force ------------------------------------------------------------------------ */

/* Logits after the ids, from a pass of their own over all of them. */
static void plain_logits(const struct model_state *s, const int *ids, int n, float *logits)
{
    const struct model *m = s->model;
    struct batch batch = batch_new(&ids, &n, NULL, 1, 0);
    struct forward *f = forward_new(m, n);
    struct kv_cache *c = kv_cache_new(m, n);
    struct mat x = mat_new(dev, DT_F32, n, m->config->hidden);
    struct mat out = mat_new(dev, DT_F32, 1, m->head.rows);

    CHECK(forward_run(f, s, &batch, c, x, NULL, NULL, NULL));
    forward_logits(f, mat_rows(x, n - 1, 1), out);
    device_fetch(dev, logits, out, "logits");
    CHECK(device_sync(dev, NULL));
    mat_free(dev, &x);
    mat_free(dev, &out);
    kv_cache_free(c, dev);
    forward_free(f);
    batch_free(&batch);
}

static int plain_argmax(const float *logits, int n)
{
    int best = 0;

    for (int i = 1; i < n; i++)
        best = logits[i] > logits[best] ? i : best;
    return best;
}

static struct score plain_score(const struct model_state *s, const int *prompt, int n,
                                const int *answer, int count)
{
    int vocab = s->model->head.rows, ids[LONG], right = 0;
    struct score out = {.p = 1};
    float logits[VOCAB_MOST];

    memcpy(ids, prompt, (size_t)n * sizeof(int));
    for (int i = 0; i < count; i++) {
        double sum = 0;

        plain_logits(s, ids, n + i, logits);
        for (int k = 0; k < vocab; k++)
            sum += exp((double)logits[k] - (double)logits[answer[i]]);
        out.p *= 1 / sum;
        out.p_first = i ? out.p_first : 1 / sum;
        right += plain_argmax(logits, vocab) == answer[i];
        ids[n + i] = answer[i];
    }
    out.accuracy = (double)right / count;
    out.right = right == count;
    return out;
}

static int ids_of(const char *words, unsigned flags, int *ids)
{
    struct tokens t = {0};
    int n;

    CHECK(tokenizer_encode(model->tokenizer, words, strlen(words), flags, &t, NULL));
    n = t.count;
    if (n)
        memcpy(ids, t.ids, (size_t)n * sizeof(int));
    tokens_free(&t);
    return n;
}

static struct score plain_text(const struct model_state *s, const char *prompt, const char *answer)
{
    int a[LONG], b[LONG], n = ids_of(prompt, ENCODE_BOS, a),
                          count = ids_of(answer, ENCODE_CONTINUES, b);

    return plain_score(s, a, n, b, count);
}

static int ids_of_one(const char *word)
{
    int id[LONG];

    CHECK(ids_of(word, ENCODE_CONTINUES, id) == 1);
    return id[0];
}

static void ids_text(const int *ids, int count, char out[LONG])
{
    char *words = tokens_text(model, ids, count);

    snprintf(out, LONG, "%s", words);
    free(words);
}

/* What a state says by itself, `count` tokens: bytes that can be printed. */
static void plain_words(const struct model_state *s, const char *prompt, int count, char *out)
{
    int ids[LONG], n = ids_of(prompt, ENCODE_BOS, ids);
    float logits[VOCAB_MOST];

    for (int i = 0; i < count; i++) {
        plain_logits(s, ids, n + i, logits);
        ids[n + i] = plain_argmax(logits, s->model->head.rows);
    }
    ids_text(ids + n, count, out);
}

static void same_score(const struct score *a, const struct score *b)
{
    CHECK_NEAR(a->p, b->p, 1e-5 * (b->p + 1e-3));
    CHECK_NEAR(a->p_first, b->p_first, 1e-5 * (b->p_first + 1e-3));
    CHECK_NEAR(a->accuracy, b->accuracy, 1e-9);
    CHECK(a->right == b->right);
}

/* --- scores ----------------------------------------------------------------------------- */

static const struct wording plain = {JOIN_NONE, ASK_PLAIN, MARKUP_TEXT};

static void scores_are_products(void)
{
    static const char prompt[] = "One day there came Lily";
    char own[LONG], half[LONG];
    const char *answer[] = {"park", "a", own, half};

    plain_words(base, prompt, 8, own);
    CHECK(strlen(own) == 8);
    memcpy(half, own, sizeof(half));
    half[6] = half[6] == 'q' ? 'z' : 'q'; /* right up to there */
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 2; k++) {
            const struct model_state *s = k ? moved : base;
            struct score want = plain_text(s, prompt, answer[i]), got;
            struct continuation c;
            struct answered a;

            CHECK(continuation_of(&c, model, &plain, prompt, answer[i], NULL));
            CHECK(c.count == (int)strlen(answer[i]));
            CHECK(answer_score(&got, s, &c, NULL, NULL));
            same_score(&got, &want);
            CHECK(answer_prompt(&a, s, &c, 6, NULL, NULL)); /* words beside change no bit of it */
            CHECK_NEAR(a.score.p, got.p, 0);
            CHECK(a.score.right == got.right && !isfinite(a.p_other));
            answered_free(&a);
            c.other = ids_of_one("a");
            CHECK(answer_prompt(&a, s, &c, 0, NULL, NULL));
            CHECK_NEAR(a.p_other, plain_text(s, prompt, "a").p, 1e-5);
            answered_free(&a);
            continuation_free(&c);
        }
    CHECK(plain_text(base, prompt, own).right);
    CHECK(!plain_text(base, prompt, half).right && plain_text(base, prompt, half).accuracy > 0.7);
}

static void what_is_not_there_is_said(void)
{
    struct continuation c;
    struct score s;
    struct err err = {0};
    struct job job = {.cancel = true};

    CHECK(!continuation_of(&c, model, &plain, "A", "", &err) && err.kind == ERR_USAGE);
    err = (struct err){0};
    CHECK(continuation_of(&c, model, &plain, "A", NULL, &err));
    CHECK(answer_score(&s, base, &c, NULL, &err) && isnan(s.p) && !s.right);
    CHECK(!answer_score(&s, base, &c, &job, &err) && err.kind == ERR_CANCELLED);
    continuation_free(&c);
    CHECK(answer_begins(" \n Rome, Italy", "Rome") && !answer_begins("Paris", "Rome"));
}

/* --- probes ----------------------------------------------------------------------------- */

static struct fact fact_with_probes(const char *known)
{
    struct fact f = {.subject = xstrdup("Lily"),
                     .prompt = xstrdup("One day there came {}"),
                     .target = xstrdup("park"),
                     .old = xstrdup("shop"),
                     .rephrase = xstrdup("Each day there came Lily"),
                     .question = xstrdup("Where did Lily go?"),
                     .wording = plain};

    f.paraphrase = xcalloc(1, sizeof(char *));
    f.paraphrase[f.paraphrases++] = xstrdup("There came {}");
    f.portability = xcalloc(1, sizeof(struct probe));
    f.portability[f.portabilities++] =
        (struct probe){.prompt = xstrdup("In the park was a"), .answer = xstrdup("big")};
    f.locality = xcalloc(3, sizeof(struct probe));
    f.locality[f.localities++] =
        (struct probe){.prompt = xstrdup("Once upon a time"), .answer = xstrdup(known)};
    f.locality[f.localities++] =
        (struct probe){.prompt = xstrdup("Once upon a time"), .answer = xstrdup("zzz")};
    f.locality[f.localities++] = (struct probe){.prompt = xstrdup("The dog was"), .answer = NULL};
    return f;
}

/* What must be true of one probe of one state. */
static bool plain_verdict(const struct probe_case *c, const struct model_state *s, double accept)
{
    struct score score;

    if (c->kind == PROBE_LOCALITY) { /* the base's answer, token by token */
        char want[LONG], mine[LONG];

        plain_words(base, c->prompt, c->tokens.count, want);
        plain_words(s, c->prompt, c->tokens.count, mine);
        return !strcmp(want, mine);
    }
    score = plain_text(s, c->prompt, c->expected);
    return score.right && (c->kind != PROBE_FACT || score.p >= accept);
}

static void probes_are_judged(void)
{
    unsigned kinds =
        PROBES_FACT | PROBES_REPHRASE | PROBES_QUESTION | PROBES_PORTABILITY | PROBES_LOCALITY;
    static const enum probe_kind order[] = {PROBE_FACT,     PROBE_REPHRASE,    PROBE_REPHRASE,
                                            PROBE_QUESTION, PROBE_PORTABILITY, PROBE_LOCALITY,
                                            PROBE_LOCALITY, PROBE_LOCALITY};
    const struct model_state *const both[2] = {base, moved};
    char known[LONG];
    struct fact f;
    struct params p;
    struct probes probes;
    int kept = 0;

    plain_words(base, "Once upon a time", 5, known);
    f = fact_with_probes(known);
    params_default(&p);
    CHECK(probes_of(&probes, base, &f, &p, kinds | PROBES_CHAT, NULL, NULL));
    CHECK(probes.count == 8); /* no chat form here */
    for (int i = 0; i < probes.count && i < 8; i++) {
        CHECK(probes.probe[i].kind == order[i]);
        for (int k = 0; k < 2; k++) {
            struct verdict v;

            CHECK(probe_ask(&v, &probes, i, both[k], false, NULL, NULL));
            CHECK(v.ok == plain_verdict(&probes.probe[i], both[k], 0));
            CHECK(k || v.ok == (order[i] == PROBE_LOCALITY)); /* the base says what it says */
            kept += k && v.ok && order[i] == PROBE_LOCALITY;
        }
    }
    CHECK(kept < 3); /* or nothing was tried */
    /* a given answer is what is kept where the base gives it, else what the base says */
    CHECK(probes.probe[5].tokens.count == 5);
    CHECK_STR(probes.probe[5].expected, known);
    CHECK(probes.probe[6].tokens.count == 3 && strcmp(probes.probe[6].expected, "zzz") != 0);
    CHECK(probes.probe[7].tokens.count == 3);
    probes_free(&probes);
    /* paraphrases that are rows of the edit are no probes of it */
    CHECK(params_set(&p, "attr.rows", "both", FROM_CONFIG, NULL));
    CHECK(probes_of(&probes, base, &f, &p, PROBES_REPHRASE, NULL, NULL) && probes.count == 1);
    probes_free(&probes);
    fact_free(&f);
}

/* A word that the base says, but not first, within the six tokens that are looked at: found in what
 * it says to one of these prompts. */
static const char *later_word(char word[LONG], char said[LONG])
{
    static const char *const prompt[] = {
        "Once upon a time",         "The dog was", "In the park was a",
        "Each day there came Lily", "A",           "Tom has a big red"};
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    for (size_t i = 0; i < sizeof(prompt) / sizeof(*prompt); i++) {
        size_t at, length;

        plain_words(base, prompt[i], 6, said);
        at = strspn(said, letters);
        at += strcspn(said + at, letters);
        length = strspn(said + at, letters);
        snprintf(word, LONG, "%.*s", (int)length, said + at);
        if (length && !plain_text(base, prompt[i], word).right)
            return prompt[i];
    }
    return NULL;
}

/* A neighbour whose answer the base says among its first words is known, and every state keeps it
 * that says it there, too. A longer word is another one. */
static void an_answer_may_come_within_the_first_words(void)
{
    const struct model_state *const both[2] = {base, moved};
    char word[LONG], said[LONG];
    const char *prompt = later_word(word, said);
    struct probe spare[2] = {{.prompt = (char *)(size_t)prompt},
                             {.prompt = (char *)(size_t)prompt, .answer = word}};
    struct fact f = fact_with_probes("x");
    struct params p;
    struct probes probes;
    int asked = 0;

    CHECK(prompt != NULL);
    params_default(&p);
    free(f.locality[0].prompt);
    free(f.locality[0].answer);
    free(f.locality[1].prompt);
    free(f.locality[1].answer);
    f.locality[0] = (struct probe){.prompt = xstrdup(prompt), .answer = xstrdup(word)};
    f.locality[1] = (struct probe){.prompt = xstrdup(prompt), .answer = xasprintf("%sx", word)};
    CHECK(probes_of(&probes, base, &f, &p, PROBES_LOCALITY, NULL, NULL) && probes.count == 3);
    CHECK(probes.probe[0].known && !probes.probe[1].known);
    CHECK_STR(probes.probe[0].expected, word);
    for (int k = 0; k < 2; k++) {
        char mine[LONG];
        struct verdict v;

        plain_words(both[k], prompt, 6, mine);
        for (int words = 0; words < 2; words++) {
            CHECK(probe_ask(&v, &probes, 0, both[k], words, NULL, NULL));
            CHECK(v.ok == unicode_contains_word(mine, word) && (k || v.ok));
            free(v.said);
        }
    }
    CHECK(probes_add_known(&probes, spare, 2, 1, &asked, NULL, NULL));
    CHECK(asked == 2 && probes.count == 4 && probes.probe[3].known);
    probes_free(&probes);
    fact_free(&f);
}

/* A probe that the model has no room for is noted and not asked; the others are. */
static void long_probes_are_not_asked(void)
{
    const struct model_state *const both[2] = {base, moved};
    const int context = model->config->context;
    char *far = xcalloc((size_t)context + 32, 1), known[LONG];
    struct params p;
    struct probes probes;
    struct fact f;
    int unasked = 0;

    plain_words(base, "Once upon a time", 5, known);
    f = fact_with_probes(known);
    CHECK(f.localities == 3);
    for (int i = 0; i < context + 8; i++)
        far[i] = i % 2 ? ' ' : 'a';
    free(f.rephrase);
    free(f.locality[2].prompt);
    f.rephrase = xstrdup(far);
    f.locality[2].prompt = xstrdup(far);
    params_default(&p);
    CHECK(probes_of(&probes, base, &f, &p, PROBES_REPHRASE | PROBES_LOCALITY, NULL, NULL));
    for (int i = 0; i < probes.count; i++) {
        struct probe_result r = {0}, silent = {0};
        bool is_long = !strcmp(probes.probe[i].prompt, far);
        char why[80];

        CHECK(probe_compare(&r, &probes, i, both, true, NULL, NULL));
        CHECK(r.context == (is_long ? context : 0));
        CHECK(!r.said[0] == is_long && !r.said[1] == is_long);
        CHECK(!is_long || (!r.known && !r.ok[1] && strstr(probe_not_asked(&r, why), "longer")));
        CHECK(probe_compare(&silent, &probes, i, both, false, NULL, NULL)); /* the same verdict */
        CHECK(!silent.said[0] && !silent.said[1] && silent.ok[1] == r.ok[1]);
        CHECK(silent.known == r.known && silent.context == r.context);
        free(silent.prompt);
        free(silent.expected);
        unasked += is_long;
        free(r.prompt);
        free(r.expected);
        free(r.said[0]);
        free(r.said[1]);
    }
    CHECK(unasked == 2 && probes.count > 3);
    probes_free(&probes);
    free(far);
    fact_free(&f);
}

static void a_fact_needs_its_probability(void)
{
    static const char prompt[] = "One day there came Lily";
    char own[LONG];
    struct fact f = fact_with_probes("x");
    struct params p;
    struct score s;

    plain_words(base, prompt, 5, own);
    free(f.target);
    f.target = xstrdup(own);
    s = plain_text(base, prompt, own);
    CHECK(s.right && s.p < 1);
    params_default(&p);
    for (int above = 0; above < 2; above++) {
        struct probes probes;
        struct probe_result r = {0};
        const struct model_state *const state[2] = {base, base};

        p.value[P_ACCEPT_P_MIN] = above ? 1.001 * s.p : 0.999 * s.p;
        CHECK(probes_of(&probes, base, &f, &p, PROBES_FACT, NULL, NULL));
        CHECK(probe_compare(&r, &probes, 0, state, true, NULL, NULL));
        CHECK(r.ok[0] == !above && r.ok[1] == !above && r.known);
        CHECK_NEAR(r.p_target[0], s.p, 1e-5);
        CHECK_NEAR(r.p[0], s.p_first, 1e-5);
        free(r.prompt);
        free(r.expected);
        free(r.said[0]);
        free(r.said[1]);
        probes_free(&probes);
    }
    fact_free(&f);
}

/* In the chat form the object is a word of what is said: here its first, and a longer one. */
static void chat_holds_the_object(void)
{
    struct model *chat = model_open("tests/data/field/chat", dev, 0, NULL, NULL);
    struct model_state *s = state_new(chat, 3);
    struct fact f = fact_with_probes("x");
    struct continuation c = {.other = -1};
    struct tokens t = {0};
    struct answered a;
    struct params p;
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t first;
    int length;

    CHECK(chat && chat_encode(chat, f.question, NULL, &t, &c.stop, NULL));
    c.prompt = t.ids;
    c.prompt_count = t.count;
    CHECK(answer_prompt(&a, s, &c, 24, NULL, NULL));
    params_default(&p);
    first = strcspn(a.said, letters);
    length = (int)strspn(a.said + first, letters);
    CHECK(length > 0);
    for (int k = 0; k < 2; k++) {
        struct probes probes;
        struct verdict v;

        free(f.target);
        f.target = xasprintf("%.*s%s", length, a.said + first, k ? "x" : "");
        CHECK(probes_of(&probes, s, &f, &p, PROBES_CHAT, NULL, NULL) && probes.count == 1);
        CHECK(probe_ask(&v, &probes, 0, s, true, NULL, NULL));
        CHECK_STR(v.said, a.said);
        CHECK(v.ok == !k);
        free(v.said);
        probes_free(&probes);
    }
    answered_free(&a);
    tokens_free(&t);
    fact_free(&f);
    state_free(s);
    model_close(chat);
}

/* --- one judge -------------------------------------------------------------------------- */

/* What each job says of the same fact and the same states. */
struct said {
    int held;           /* -1: not said */
    double p[2];        /* p(target), before and after */
    int kept, rephrase; /* -1 */
    int near, rephrases;
};

static void count_probes(struct said *s, const struct probe_result *r, int n)
{
    *s = (struct said){.held = -1};
    for (int i = 0; i < n; i++) {
        s->near += r[i].kind == PROBE_LOCALITY && r[i].known;
        s->kept += r[i].kind == PROBE_LOCALITY && r[i].known && r[i].ok[1];
        s->rephrases += r[i].kind == PROBE_REPHRASE;
        s->rephrase += r[i].kind == PROBE_REPHRASE && r[i].ok[1];
        if (r[i].kind == PROBE_FACT) {
            s->held = r[i].ok[1];
            memcpy(s->p, r[i].p_target, sizeof(s->p));
        }
    }
}

static struct said take(struct engine *e, struct command c)
{
    struct said s = {.held = -1, .kept = -1, .rephrase = -1};
    unsigned job = engine_post(e, &c);
    struct event ev;
    bool over = false;

    while (!over && next_event(e, &ev)) {
        if (ev.job != job) {
            event_free(&ev);
            continue;
        }
        if (ev.kind == EV_PREVIEW || ev.kind == EV_COMMIT) {
            s.held = ev.edit_report->held;
            memcpy(s.p, ev.edit_report->p_target, sizeof(s.p));
        } else if (ev.kind == EV_COMMITTED) {
            CHECK(ev.commit_report->success == (s.held == 1));
            CHECK_NEAR(ev.commit_report->p_target[1], s.p[1], 0);
        } else if (ev.kind == EV_VARIANT) {
            const struct measured *m = ev.variant->metric, *p = &m[metric_find("p(target)")];
            const struct measured *near = &m[metric_find("neighbours")],
                                  *other = &m[metric_find("rephrase")];

            s = (struct said){m[metric_find("holds")].part > 0,
                              {p->before, p->part},
                              (int)near->part,
                              (int)other->part,
                              (int)near->whole,
                              (int)other->whole};
        } else if (ev.kind == EV_PROBES) {
            count_probes(&s, ev.probes->probe, ev.probes->probes);
        } else if (ev.kind == EV_DIFF) {
            count_probes(&s, ev.diff->probe, ev.diff->probes);
        } else if (ev.kind == EV_DRIFT) {
            s.held = ev.drift->point[0].held;
            s.kept = ev.drift->point[0].stayed;
            s.near = ev.drift->point[0].others;
        }
        over = ev.kind == EV_DONE || ev.kind == EV_FAILED;
        CHECK(ev.kind != EV_FAILED);
        event_free(&ev);
    }
    return s;
}

static struct command about(enum command_kind kind, double accept)
{
    struct command c = command(kind, NULL, NULL);

    c.facts = xcalloc(1, sizeof(*c.facts));
    c.facts[0] = fact_with_probes("zzz");
    c.count = 1;
    c.params.value[P_EDIT_METHOD] = METHOD_ALPHAEDIT;
    c.params.value[P_EDIT_LAMBDA] = 1e-6;
    c.params.value[P_EDIT_V_STEPS] = 60;
    c.params.value[P_ATTR_PREFIXES] = 0;
    c.params.value[P_ACCEPT_P_MIN] = accept;
    CHECK(params_set(&c.params, "stats.window", "64", FROM_CONFIG, NULL));
    CHECK(params_set(&c.params, "edit.layers", "1", FROM_CONFIG, NULL));
    CHECK(params_set(&c.params, "edit.v_clamp", "50", FROM_CONFIG, NULL));
    CHECK(params_set(&c.params, "edit.v_wd", "0", FROM_CONFIG, NULL));
    CHECK(params_set(&c.params, "edit.v_kl", "0", FROM_CONFIG, NULL));
    free(c.facts[0].target);
    c.facts[0].target = xstrdup("a");
    if (kind == CMD_VARIANTS) {
        c.variants = xcalloc(1, sizeof(*c.variants));
        c.variants[0] = c.params;
        c.variant_count = 1;
    }
    return c;
}

/* For p(target) just below what the edit gives, and just above. */
static void all_say_the_same(double accept, struct said *first)
{
    struct engine *e = start(SPEAKS, &device_cpu, NULL, false);
    struct said tried, preview, commit, board, drift, diff;
    struct command c;

    wait_until_open(e);
    tried = take(e, about(CMD_VARIANTS, accept));
    preview = take(e, about(CMD_PREVIEW, accept));
    commit = take(e, about(CMD_COMMIT, accept));
    board = take(e, about(CMD_PROBE, accept));
    drift = take(e, command(CMD_DRIFT, NULL, NULL));
    c = command(CMD_DIFF, NULL, NULL);
    c.edit = 1;
    diff = take(e, c);

    CHECK(tried.held == preview.held && preview.held == commit.held);
    CHECK(commit.held == drift.held && drift.held == diff.held);
    for (int k = 0; k < 2; k++) {
        CHECK_NEAR(tried.p[k], commit.p[k], 0);
        CHECK_NEAR(preview.p[k], commit.p[k], 0);
        CHECK_NEAR(diff.p[k], commit.p[k], 0);
    }
    CHECK(tried.near == 1 && board.near == 1 && drift.near == 1 && diff.near == 1);
    CHECK(tried.kept == board.kept && board.kept == drift.kept && drift.kept == diff.kept);
    CHECK(tried.rephrases == 2 && board.rephrases == 2 && diff.rephrases == 1);
    CHECK(tried.rephrase == board.rephrase && diff.rephrase <= board.rephrase);
    *first = commit;
    engine_stop(e);
}

static void one_judge(void)
{
    struct said s;

    all_say_the_same(0, &s);
    printf("p(target) %.3g to %.3g, %s\n", s.p[0], s.p[1], s.held ? "holds" : "does not hold");
    all_say_the_same(s.p[1] * 1.001, &s);
    CHECK(!s.held);
    all_say_the_same(s.p[1] * 0.999, &s);
    CHECK(s.held); /* the edit is strong enough for the test to mean something */
}

/* A codebook that takes every prompt, then one that takes none: of a run's records, and of an
 * edit's report. The base sends nothing; of a state with weights alone nothing is said. */
static void routes_are_counted(void)
{
    const struct model_config *c = model->config;
    float *zero = xcalloc((size_t)(c->ffn + c->hidden), sizeof(*zero));
    struct fact f = fact_with_probes("x");
    struct params p;
    struct request request = {.fact = f};
    struct edit_context ctx = {.request = &request, .count = 1, .params = &p, .layer = {1}};
    struct measure_list first = {0};
    const int label = 5;

    params_default(&p);
    CHECK(measure_ask(&first, base, &f, 1 << PROTOCOL_ROUTED, NULL, NULL, NULL));
    CHECK(first.count > 3);
    for (int takes = 0; takes < 2; takes++) {
        struct hook_data data =
            codebook_entry(model, 1, takes ? 1e6 : 0, &label, 1, zero, zero + c->ffn);
        struct hook *hook = hook_open(model, &data, NULL);
        struct model_state *s = state_copy(base, 3);
        struct edit_result r = {.hook = &data, .hooks = 1};
        struct measure_list list = {0};
        const struct route_report *told = &r.routes;

        CHECK(measure_ask(&list, moved, &f, 1 << PROTOCOL_ROUTED, &first, NULL, NULL) &&
              !list.count);
        state_add_hook(s, hook);
        CHECK(measure_ask(&list, s, &f, 1 << PROTOCOL_ROUTED, &first, NULL, NULL));
        CHECK(list.count == first.count);
        for (int i = 0; i < list.count; i++)
            CHECK(list.measure[i].predicted[0] == takes && first.measure[i].predicted[0] == 0);
        CHECK(edit_routes(&r, s, &ctx, NULL, NULL) && told->limit == (takes ? 1e6 : 0));
        CHECK(told->rephrases == 1 + f.paraphrases && told->neighbours == f.localities);
        CHECK(told->rephrases_routed == (takes ? told->rephrases : 0));
        CHECK(told->neighbours_routed == (takes ? told->neighbours : 0));
        CHECK(told->rephrase > 0 && told->neighbour > 0);
        CHECK(strstr(r.beside, takes ? "; routed: 2 of 2 rephrases (nearest "
                                     : "; routed: 0 of 2 rephrases (nearest ") != NULL);
        measure_list_free(&list);
        state_free(s);
        hook_release(hook);
        hook_data_free(&data);
    }
    measure_list_free(&first);
    free(zero);
    fact_free(&f);
}

/* --- */

static void with_the_model(void (*test)(void))
{
    struct err err = {0};
    struct mat w;

    dev = device_open(&device_cpu, 0, 2, &err);
    model = dev ? model_open(SPEAKS, dev, 0, NULL, &err) : NULL;
    CHECK_STR(err.text, "");
    base = state_new(model, 1);
    moved = state_copy(base, 2);
    w = state_writable(moved, 1, MATRIX_DOWN);
    device_fill(dev, mat_cols(w, 0, w.cols / 2), 0.5);
    test();
    state_free(moved);
    state_free(base);
    model_close(model);
    device_close(dev);
}

static void test_scores(void)
{
    with_the_model(scores_are_products);
}

static void test_nothing(void)
{
    with_the_model(what_is_not_there_is_said);
}

static void test_probes(void)
{
    with_the_model(probes_are_judged);
}

static void test_within(void)
{
    with_the_model(an_answer_may_come_within_the_first_words);
}

static void test_long(void)
{
    with_the_model(long_probes_are_not_asked);
}

static void test_acceptance(void)
{
    with_the_model(a_fact_needs_its_probability);
}

static void test_chat(void)
{
    with_the_model(chat_holds_the_object);
}

static void test_routes(void)
{
    with_the_model(routes_are_counted);
}

static const struct test tests[] = {
    {"scores are products over the tokens", test_scores},
    {"what is not there is said", test_nothing},
    {"probes are judged, a rule a kind", test_probes},
    {"an answer may come within the first words", test_within},
    {"a probe longer than the context is not asked", test_long},
    {"a fact needs its probability", test_acceptance},
    {"the chat form holds the object", test_chat},
    {"prompts that are sent somewhere are counted", test_routes},
    {"all jobs say the same", one_judge},
};

int main(void)
{
    return small_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
