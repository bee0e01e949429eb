/* F-learning is what it is made of, to the bit: fine-tuning on the old object, a part of it taken
 * out, fine-tuning on the new object from there. On the default model, with few steps. */
#include "core/edit/editors/editors.h"
#include "tests/engine/real.h"

static struct real real;

static struct params of_method(int method)
{
    struct params p;

    params_default(&p);
    p.value[P_EDIT_METHOD] = method;
    p.value[P_FT_LAYER] = 27;
    p.value[P_FT_STEPS] = 3;
    p.value[P_FT_STOP] = 0;
    p.value[P_FT_FORGET] = 0.25;
    return p;
}

/* The request with the given object as the new one, and Paris as the old one. */
static struct request request_of(const struct params *p, const char *object)
{
    struct fact f = golden_fact(0);
    struct request r;
    struct err err = {0};

    free(f.target);
    f.target = xstrdup(object);
    free(f.old);
    f.old = xstrdup("Paris");
    CHECK(request_build(&r, &f, &real.prefixes, real.model, p, &err));
    CHECK_STR(err.text, "");
    fact_free(&f);
    return r;
}

static struct edit_result edit(struct model_state *s, int method, const char *object)
{
    struct params p = of_method(method);
    struct request r = request_of(&p, object);
    struct edit_context ctx = {.request = &r, .count = 1, .params = &p, .layers = 1};
    struct edit_result out = {0};
    struct err err = {0};

    ctx.layer[0] = 27;
    CHECK(editor_of(&p)->edit(&out, s, &ctx, NULL, &err));
    CHECK_STR(err.text, "");
    request_free(&r);
    return out;
}

static bool same_delta(const struct delta *a, const struct delta *b)
{
    return delta_values(a) == delta_values(b) &&
           !memcmp(a->r, b->r, delta_values(a) * sizeof(*a->r));
}

static void it_forgets_then_learns(void)
{
    struct model_state *one = state_copy(real.base, 2), *two = state_copy(real.base, 3);
    struct model_state *aside = state_copy(real.base, 4);
    struct edit_result all = edit(one, METHOD_F_LEARNING, "Rome");
    struct edit_result old = edit(aside, METHOD_FT_M, "Paris"), learnt;

    CHECK(all.deltas == 2 && old.deltas == 1);
    for (size_t i = 0; i < delta_values(&old.delta[0]); i++)
        old.delta[0].r[i] *= -0.25F;
    CHECK(same_delta(&all.delta[0], &old.delta[0]));
    delta_apply(two, &old.delta[0]);
    learnt = edit(two, METHOD_FT_M, "Rome");
    CHECK(same_delta(&all.delta[1], &learnt.delta[0]));
    edit_result_free(&all);
    edit_result_free(&old);
    edit_result_free(&learnt);
    state_free(one);
    state_free(two);
    state_free(aside);
}

static void a_fact_without_an_old_object(void)
{
    struct params p = of_method(METHOD_F_LEARNING);
    struct request r = real_request(&real, 0, &p);
    struct edit_context ctx = {.request = &r, .count = 1, .params = &p, .layers = 1};
    struct model_state *s = state_copy(real.base, 2);
    struct edit_result out;
    struct err err = {0};

    ctx.layer[0] = 27;
    CHECK(!editor_of(&p)->edit(&out, s, &ctx, NULL, &err));
    CHECK(err.kind == ERR_USAGE &&
          strstr(err.text, "\"Eiffel Tower\" names none; give --old (:old)"));
    state_free(s);
    request_free(&r);
}

static const struct test tests[] = {{"it forgets, then learns", it_forgets_then_learns},
                                    {"a fact without an old object", a_fact_without_an_old_object}};

int main(void)
{
    return real_main(&real, tests, sizeof(tests) / sizeof(*tests));
}
