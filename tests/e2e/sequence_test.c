/* Edits one after the other, by `eval`, on the default model: every token that is predicted,
 * against an independent implementation (tests/data/goldens/baselines/sequential.json). Tokens are
 * equal wherever the reference's two best logits are more than .05 apart, and 98 % of all.
 *
 * Two edits of FT-M; BASELINES=all: ten edits of every method of the reference, asked
 * after each. */
#include "tests/e2e/command.h"

enum { RECORDS = 10 };

static json_t *reference;

/* An arm of --arm, from a file of tests/reference/baselines: "NAME: KEY=VALUE ...". Caller frees.
 */
static char *arm_of(const char *name)
{
    char *path = xasprintf("tests/reference/baselines/%s.conf", name);
    char *text = file_read_text(path, 1 << 16, NULL, NULL);
    struct buf out = {0};

    CHECK(text);
    buf_printf(&out, "--arm '%s:", name);
    for (const char *at = text ? text : ""; *at; at += *at == '\n') {
        size_t n = strcspn(at, "\n");

        for (size_t i = 0; *at != '#' && n && i < n; i++)
            if (at[i] != ' ')
                buf_printf(&out, "%s%c", i ? "" : " ", at[i]);
        at += n;
    }
    buf_puts(&out, "' ");
    free(text);
    free(path);
    return buf_take(&out);
}

/* What the reference predicts after so many edits of an arm; 0: before any. */
static json_t *state_of(const char *arm, int edits)
{
    json_t *list = json_object_get(json_object_get(reference, "methods"), arm);

    return edits ? json_array_get(list, (size_t)edits - 1) : json_object_get(reference, "before");
}

struct agreement {
    int tokens, equal, wrong; /* wrong: not equal, though the margin is clear */
};

/* The tokens of one `record` event. */
static void record_agrees(const json_t *o, struct agreement *a)
{
    static const char *const probe[] = {"rel", "gen", "loc"};
    int at = (int)json_integer_value(json_object_get(o, "record")) - 1, kind = 0;
    const char *arm = json_string_value(json_object_get(o, "arm"));
    json_t *state =
        state_of(arm ? arm : "", arm ? (int)json_integer_value(json_object_get(o, "edits")) : 0);
    json_t *got = json_object_get(o, "predicted"), *want, *margin;

    while (kind < 2 && strcmp(text_of(o, "probe"), probe[kind]) != 0)
        kind++;
    at += kind * RECORDS;
    want = json_array_get(json_object_get(state, "pred"), (size_t)at);
    margin = json_array_get(json_object_get(state, "margin"), (size_t)at);
    CHECK(json_array_size(want) > 0 && json_array_size(want) == json_array_size(got));
    if (kind < 2 && arm) /* of a neighbour what the base predicts is right */
        CHECK(json_equal(json_object_get(o, "labels"),
                         json_array_get(json_object_get(reference, "labels"), (size_t)at)));
    for (size_t i = 0; i < json_array_size(want); i++) {
        bool equal = json_equal(json_array_get(want, i), json_array_get(got, i));

        a->tokens++;
        a->equal += equal;
        a->wrong += !equal && json_number_value(json_array_get(margin, i)) > 0.05;
    }
}

static void predictions_agree(void)
{
    static const char *const method[] = {"ft_m", "nmke",   "alphaedit", "memit",
                                         "rome", "r_rome", "ft_l"};
    const char *wanted = getenv("BASELINES");
    bool all = wanted && !strcmp(wanted, "all");
    int methods = all ? 7 : 1, edits = all ? RECORDS : 2, records = 0;
    struct agreement a = {0};
    struct buf out = {0}, arms = {0};
    json_t *o;

    if (!model)
        SKIP("the default model is missing: run `make model`");
    for (int m = 0; m < methods; m++) {
        char *arm = arm_of(method[m]);

        buf_puts(&arms, arm);
        free(arm);
    }
    CHECK(run(&out,
              "eval -q --preset paper --prefixes tests/data/goldens/prefixes.txt --text "
              "samples/text/wikitext2-test.txt --set stats.tokens=20480 --set stats.window=256 "
              "--data tests/data/goldens/baselines/zsre10.json --edits %s --protocol teacher "
              "--no-state --json %s",
              all ? "1,2,3,4,5,6,7,8,9,10" : "1,2", arms.data) == 0);
    for (int i = 0; (o = event(&out, "record", i)); json_decref(o), i++) {
        record_agrees(o, &a);
        records++;
    }
    printf("%d edits of %d methods: %d of %d tokens as the reference, %d of them clearly not\n",
           edits, methods, a.equal, a.tokens, a.wrong);
    /* the base once; immediate, and final at every number of edits; three probes each */
    CHECK(records == 3 * (edits + methods * (edits + edits * (edits + 1) / 2)));
    CHECK(a.wrong == 0);
    CHECK(a.equal >= 0.98 * a.tokens);
    buf_free(&arms);
    buf_free(&out);
}

int main(void)
{
    static const struct test tests[] = {
        {"predictions of sequential edits agree with the reference", predictions_agree},
    };
    int failed;

    reference = json_load_file("tests/data/goldens/baselines/sequential.json", 0, NULL);
    failed = command_main(tests, 1);
    json_decref(reference);
    return failed;
}
