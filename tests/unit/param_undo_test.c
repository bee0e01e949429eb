/* Steps of parameters that `untune` takes back. */
#include "views/param_undo.h"

#include "tests/test.h"

static void put(struct params *p, enum param id, double value)
{
    p->value[id] = value;
    p->source[id] = FROM_COMMAND_LINE;
}

static bool is(const struct params *p, enum param id, double value)
{
    return p->value[id] >= value && p->value[id] <= value;
}

static void steps_of_a_second_are_one(void)
{
    struct param_undo t;
    struct params p;
    char what[160];

    params_default(&p);
    param_undo_start(&t, &p);
    CHECK(!param_undo_back(&t, &p, what));
    put(&p, P_RATIO_GE_A, 0.11);
    param_undo_note(&t, &p, 10);
    put(&p, P_RATIO_GE_A, 0.12);
    param_undo_note(&t, &p, 10.4);
    param_undo_note(&t, &p, 10.5); /* nothing changed: no step */
    put(&p, P_RATIO_SP_B, 0.5);
    param_undo_note(&t, &p, 10.6);
    put(&p, P_RATIO_SP_B, 0.6);
    param_undo_note(&t, &p, 12);
    CHECK(param_undo_back(&t, &p, what) && is(&p, P_RATIO_SP_B, 0.5));
    CHECK_STR(what, "ratio.sp.b is 0.5, was 0.6");
    CHECK(param_undo_back(&t, &p, what) && is(&p, P_RATIO_SP_B, 0.2));
    CHECK(is(&p, P_RATIO_GE_A, 0.12));
    CHECK(param_undo_back(&t, &p, what) && is(&p, P_RATIO_GE_A, 0.1));
    CHECK(p.source[P_RATIO_GE_A] == FROM_DEFAULT);
    CHECK(!param_undo_back(&t, &p, what));
}

static void up_and_down_again_is_no_step(void)
{
    struct param_undo t;
    struct params p;
    char what[160];

    params_default(&p);
    param_undo_start(&t, &p);
    put(&p, P_RATIO_GE_A, 0.11);
    param_undo_note(&t, &p, 10);
    put(&p, P_RATIO_SP_B, 0.5);
    param_undo_note(&t, &p, 20);
    put(&p, P_RATIO_SP_B, 0.2);
    param_undo_note(&t, &p, 20.5);
    put(&p, P_RATIO_SP_B, 0.3); /* a step of its own again */
    param_undo_note(&t, &p, 20.6);
    CHECK(param_undo_back(&t, &p, what));
    CHECK_STR(what, "ratio.sp.b is 0.2, was 0.3");
    CHECK(param_undo_back(&t, &p, what));
    CHECK_STR(what, "ratio.ge.a is 0.1, was 0.11");
    CHECK(!param_undo_back(&t, &p, what));
}

/* As the knob shows it, and not the inverse that is stored. */
static void the_temperature_is_called_as_on_its_knob(void)
{
    struct param_undo t;
    struct params p;
    char what[160];

    params_default(&p);
    param_undo_start(&t, &p);
    put(&p, P_RATIO_INV_TEMP, 30 / 1.1);
    param_undo_note(&t, &p, 1);
    CHECK(param_undo_back(&t, &p, what));
    CHECK_STR(what, "τ is 0.033, was 0.037");
}

static void many_at_once_and_layers_come_back_whole(void)
{
    struct param_undo t;
    struct params p;
    char what[160];

    params_default(&p);
    param_undo_start(&t, &p);
    p.layer[4] = 1;
    p.layer_count = 1;
    put(&p, P_MASK_MODE, MODE_RANDOM);
    param_undo_note(&t, &p, 1);
    put(&p, P_MASK_MODE, MODE_NONE);
    param_undo_note(&t, &p, 1.1); /* another change than the last, so a step of its own */
    CHECK(param_undo_back(&t, &p, what) && is(&p, P_MASK_MODE, MODE_RANDOM));
    CHECK(param_undo_back(&t, &p, what) && !p.layer_count && is(&p, P_MASK_MODE, MODE_UNION));
    CHECK_STR(what, "mask.mode is union, was random; edit.layers is auto, was 4");
    for (int i = 0; i < 3 * PARAM_UNDO_STEPS; i++) {
        put(&p, P_SEED, i + 1);
        param_undo_note(&t, &p, 10 * i);
    }
    for (int i = 0; i < PARAM_UNDO_STEPS; i++)
        CHECK(param_undo_back(&t, &p, what));
    CHECK(!param_undo_back(&t, &p, what) && is(&p, P_SEED, 2 * PARAM_UNDO_STEPS));
}

static const struct test tests[] = {
    {"steps of a second are one", steps_of_a_second_are_one},
    {"up and down again is no step", up_and_down_again_is_no_step},
    {"the temperature is called as on its knob", the_temperature_is_called_as_on_its_knob},
    {"many at once and layers come back whole", many_at_once_and_layers_come_back_whole},
};
TEST_MAIN(tests)
