/* Edits that leave the weights as they are, against the independent implementation, on the default
 * model: IKE's text before every prompt. Numbers: tests/data/goldens/baselines/beside.json. */
#include "core/edit/editors/editors.h"
#include "core/eval/answer.h"
#include "tests/engine/real.h"

enum { FACTS = 3 };

static struct real real;
static json_t *all;

static double off(double got, double want)
{
    return fabs(got - want) / fabs(want);
}

static struct params settings(const char *name)
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

/* p of the first token, and the mean over all tokens of the new object. */
static void answer_agrees(const struct score *s, int targets, json_t *want)
{
    CHECK(off(s->p_first, number_of(want, "first")) < 1e-3);
    CHECK(off(pow(s->p, 1.0 / targets), number_of(want, "seq")) < 1e-3);
}

static void ike_is_as_the_reference(void)
{
    struct params p = settings("ike");

    for (int fact = 0; fact < FACTS; fact++) {
        json_t *want = json_array_get(json_object_get(all, "ike"), (size_t)fact);
        struct request r = real_request(&real, fact, &p);
        const struct continuation asked = continuation_of_request(&r);
        struct edit_context ctx = {.request = &r, .count = 1, .params = &p};
        struct model_state *scratch = state_copy(real.base, 2);
        struct edit_result result = {0};
        struct score before, after;
        struct prompt prompt;
        struct err err = {0};

        CHECK(editor_of(&p)->edit(&result, scratch, &ctx, NULL, &err) &&
              answer_score(&before, real.base, &asked, NULL, &err) &&
              answer_score(&after, scratch, &asked, NULL, &err));
        CHECK_STR(err.text, "");
        CHECK(!result.deltas && result.prefixes == 1 && *result.beside);
        answer_agrees(&before, r.targets, json_object_get(want, "before"));
        answer_agrees(&after, r.targets, json_object_get(want, "after"));
        prompt = state_prompt(scratch, r.row[0].id, r.row[0].count);
        CHECK(prompt.count == (int)number_of(want, "tokens"));
        prompt_free(&prompt);
        edit_result_free(&result);
        state_free(scratch);
        request_free(&r);
    }
}

static const struct test tests[] = {{"IKE is as the reference", ike_is_as_the_reference}};

int main(void)
{
    int status;

    all = golden_json("baselines/beside.json");
    status = real_main(&real, tests, sizeof(tests) / sizeof(*tests));
    json_decref(all);
    return status;
}
