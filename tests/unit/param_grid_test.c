/* Grids of parameter values: parsing, cells, and errors that name the wrong part. */
#include "core/base/param_grid.h"

#include <string.h>

#include "tests/test.h"

static void cells_are_combinations(void)
{
    struct param_grid g;
    struct params p;
    struct err err = {0};

    CHECK(param_grid_parse(&g, "alpha_ge=.05,.1;beta_sp=.2,.3,.4", &err));
    CHECK(g.axes == 2 && g.cells == 6);
    params_default(&p);
    CHECK(param_grid_set(&g, 4, &p, &err)); /* the last axis runs fastest */
    CHECK_NEAR(p.value[P_RATIO_GE_A], 0.1, 1e-12);
    CHECK_NEAR(p.value[P_RATIO_SP_B], 0.3, 1e-12);
    CHECK(param_grid_at(&g, 4, 0) == 1 && param_grid_at(&g, 4, 1) == 1);
    CHECK(param_grid_set(&g, 0, &p, &err));
    CHECK_NEAR(p.value[P_RATIO_GE_A], 0.05, 1e-12);
    CHECK(p.source[P_RATIO_GE_A] == FROM_COMMAND_LINE);
}

static void ranges_and_words(void)
{
    struct param_grid g;
    struct params p;
    struct err err = {0};

    CHECK(param_grid_parse(&g, " beta_ge = 0.1 .. nonsense ", &err) == false);
    err = (struct err){0};
    CHECK(param_grid_parse(&g, " beta_ge=0..1/5 ; mask.mode = union, random ;", &err));
    CHECK_STR(err.text, "");
    CHECK(g.cells == 10 && g.axis[0].count == 5);
    CHECK_STR(g.axis[0].value[1], "0.25");
    params_default(&p);
    CHECK(param_grid_set(&g, 9, &p, &err));
    CHECK_NEAR(p.value[P_RATIO_GE_B], 1, 0);
    CHECK(params_choice(&p, P_MASK_MODE) == MODE_RANDOM);
    CHECK(param_grid_parse(&g, "temperature=0.01,0.1", &err));
    CHECK(param_grid_set(&g, 0, &p, &err));
    CHECK_NEAR(p.value[P_RATIO_INV_TEMP], 100, 1e-9);
}

static void refused(const char *text, const char *names)
{
    struct param_grid g;
    struct err err = {0};

    CHECK(!param_grid_parse(&g, text, &err));
    CHECK(err.kind == ERR_USAGE);
    if (!strstr(err.text, names)) {
        printf("'%s' says: %s\n", text, err.text);
        CHECK(false);
    }
}

static void what_is_wrong_is_named(void)
{
    refused("", "empty");
    refused(" ; ;", "empty");
    refused("alpha_ge", "'alpha_ge'");
    refused("=.1", "'=.1'");
    refused("alpha_gee=.1", "alpha_gee");
    refused("alpha_ge=.1,", "''");
    refused("alpha_ge=.1,x", "x");
    refused("alpha_ge=7", "out of range");
    refused("alpha_ge=.1;alpha_ge=.2", "twice");
    refused("beta_ge=0..1", "0..1");
    refused("beta_ge=0..1/1", "0..1/1");
    refused("beta_ge=0..1/99", "0..1/99");
    refused("beta_ge=0..7/3", "out of range");
    refused("beta_ge=0..1/30;beta_sp=0..1/30", "more than 512 cells");
    refused("beta_ge=0..1/64,0", "more than 64 values");
    refused("alpha_ge=.1;alpha_sp=.1;beta_ge=.1;beta_sp=.1;seed=1;mask.mass=.1;edit.lambda=1",
            "edit.lambda");
}

static const struct test tests[] = {
    {"cells are combinations", cells_are_combinations},
    {"ranges and words", ranges_and_words},
    {"what is wrong is named", what_is_wrong_is_named},
};
TEST_MAIN(tests)
