/* Parameters: values, ranges, aliases, JSON, config files. */
#include <stdlib.h>

#include "core/base/params.h"
#include "tests/test.h"

static double get(const char *name_equals_value, enum param id)
{
    struct params p;
    struct err err = {0};

    params_default(&p);
    CHECK(params_assign(&p, name_equals_value, FROM_COMMAND_LINE, &err));
    CHECK_STR(err.text, "");
    return p.value[id];
}

static const char *refusal(const char *name_equals_value)
{
    static struct err err;
    struct params p, before;

    memset(&err, 0, sizeof(err));
    params_default(&p);
    before = p;
    CHECK(!params_assign(&p, name_equals_value, FROM_COMMAND_LINE, &err));
    CHECK(err.kind == ERR_USAGE);
    CHECK(!memcmp(&p, &before, sizeof(p)));
    return err.text;
}

static void every_row_is_complete(void)
{
    for (int i = 0; i < PARAM_COUNT; i++) {
        const struct param_info *info = param_info((enum param)i);

        CHECK(info->name && info->alias && info->words && info->symbol && info->unit);
        CHECK(info->help && strlen(info->help) > 10 && !strchr(info->help, '\n'));
        CHECK(info->affects);
        CHECK(info->low <= info->def && info->def <= info->high);
        CHECK(info->kind != PARAM_TEXT || info->low < PARAM_TEXTS);
        CHECK(info->kind != PARAM_CHOICE || *info->words);
        CHECK(info->kind == PARAM_CHOICE || !*info->words || info->low > 0); /* 0 is the word */
        for (int j = 0; j < i; j++)
            CHECK(strcmp(info->name, param_info((enum param)j)->name));
    }
}

/* A number may have a word for 0. It is read, shown, and kept in a session as that word. */
static void numbers_can_be_automatic(void)
{
    struct params p, back;
    struct err err = {0};
    struct buf text = {0};
    char *json;

    params_default(&p);
    params_default(&back);
    CHECK(!param_is_auto(&p, P_EDIT_V_LR));
    CHECK(params_set(&p, "lambda", "auto", FROM_COMMAND_LINE, NULL));
    CHECK(param_is_auto(&p, P_EDIT_LAMBDA) && !param_is_auto(&p, P_EDIT_V_LR));
    CHECK(!param_is_auto(&p, P_EDIT_NULL_THRESHOLD)); /* 0 is a number there */
    params_show(&p, P_EDIT_LAMBDA, &text);
    CHECK_STR(text.data, "auto");
    buf_clear(&text);
    params_show_changed(&p, AFFECTS_SOLVE, &text);
    CHECK_STR(text.data, "edit.lambda=auto;");
    json = params_to_json(&p);
    CHECK(params_from_json(&back, json, FROM_SESSION, NULL) && param_is_auto(&back, P_EDIT_LAMBDA));
    CHECK(!params_set(&p, "lambda", "0", FROM_COMMAND_LINE, NULL));
    CHECK(!params_set(&p, "edit.v_wd", "auto", FROM_COMMAND_LINE, NULL));
    CHECK(!params_set(&p, "lambda", "much", FROM_COMMAND_LINE, &err));
    CHECK_STR(err.text, "lambda: 'much' is neither a number nor auto");
    free(json);
    buf_free(&text);
}

static void choices_match_their_enums(void)
{
    CHECK(get("attr.target=new", P_ATTR_TARGET) == TARGET_NEW);
    CHECK(get("attr.position=padded_last", P_ATTR_POSITION) == POSITION_PADDED_LAST);
    CHECK(get("attr.norm=own", P_ATTR_NORM) == NORM_OWN);
    CHECK(get("mpc.kind=coeff_proj", P_MPC_KIND) == MPC_COEFF_PROJ);
    CHECK(get("score.ge_test=raw", P_SCORE_GE_TEST) == GE_RAW);
    CHECK(get("score.sp_input=zscore", P_SCORE_SP_INPUT) == SP_ZSCORE);
    CHECK(get("ratio.sp_dist=softmax", P_RATIO_SP_DIST) == DIST_SOFTMAX);
    CHECK(get("ratio.scale=unit", P_RATIO_SCALE) == SCALE_UNIT);
    CHECK(get("select.rule=quantile_ge", P_SELECT_RULE) == RULE_QUANTILE_GE);
    CHECK(get("mask.mode=keymag", P_MASK_MODE) == MODE_KEYMAG);
    CHECK(get("mask.mode=none", P_MASK_MODE) == MODE_NONE);
    CHECK(get("mask.place=pre", P_MASK_PLACE) == PLACE_PRE);
    CHECK(get("mask.compensate=gain", P_MASK_COMPENSATE) == COMPENSATE_GAIN);
    CHECK(get("edit.method=memit", P_EDIT_METHOD) == METHOD_MEMIT);
    CHECK(get("edit.solver=dense", P_EDIT_SOLVER) == SOLVER_DENSE);
    CHECK(get("edit.lookup=prefix", P_EDIT_LOOKUP) == LOOKUP_PREFIX);
}

static void names_and_aliases(void)
{
    CHECK_NEAR(get("ratio.ge.a=.05", P_RATIO_GE_A), 0.05, 0);
    CHECK_NEAR(get("alpha_ge = .05", P_RATIO_GE_A), 0.05, 0);
    CHECK_NEAR(get("beta_sp=.4", P_RATIO_SP_B), 0.4, 0);
    CHECK_NEAR(get("alpha=.07", P_RATIO_GE_A), 0.07, 0);
    CHECK_NEAR(get("alpha=.07", P_RATIO_SP_A), 0.07, 0);
    CHECK_NEAR(get("beta=.25", P_RATIO_GE_B), 0.25, 0);
    CHECK_NEAR(get("beta=.25", P_RATIO_SP_B), 0.25, 0);
    CHECK_NEAR(get("temperature=.5", P_RATIO_INV_TEMP), 2, 0);
    CHECK_NEAR(get("amplify=10", P_ATTR_AMPLIFY), 10, 0);
    CHECK_NEAR(get("edit.null_frac=.5", P_EDIT_NULL_FRACTION), 0.5, 0);
    CHECK_NEAR(get("edit.null_fraction=.5", P_EDIT_NULL_FRACTION), 0.5, 0);
    CHECK_NEAR(get("stats.tokens=2e6", P_STATS_TOKENS), 2e6, 0);
}

static void refusals_name_the_nearest(void)
{
    CHECK_STR(refusal("alfa_ge=.1"), "no parameter is called 'alfa_ge'; nearest is 'alpha_ge'");
    CHECK_STR(refusal("rato.ge.a=.1"),
              "no parameter is called 'rato.ge.a'; nearest is 'ratio.ge.a'");
    CHECK(strstr(refusal("amplfy=3"), "'amplify'"));
    CHECK_STR(refusal("zzz=1"), "no parameter is called 'zzz'");
    CHECK(!strstr(refusal("edit.method=foo"), "nearest"));
    CHECK(strstr(refusal("edit.method=nmek"), "; nearest is 'nmke'"));
    CHECK_STR(refusal("beta_ge=1.5"), "beta_ge = 1.5 is out of range 0 to 1; nearest is 1");
    CHECK_STR(refusal("edit.v_steps=2.7"),
              "edit.v_steps = 2.7 must be a whole number; nearest is 3");
    CHECK_STR(refusal("select.rule=topq"), "select.rule: 'topq' is not one of: topk topk_hash "
                                           "quantile_ge; nearest is 'topk'");
    CHECK(strstr(refusal("beta_ge=nan"), "not a number"));
    CHECK(strstr(refusal("beta_ge="), "not a number"));
    CHECK(strstr(refusal("beta_ge=.1x"), "not a number"));
    CHECK(strstr(refusal("temperature=0"), "nearest"));
    CHECK(strstr(refusal("alpha_ge"), "NAME=VALUE"));
}

static void layer_lists(void)
{
    struct params p;
    struct buf out = {0};

    params_default(&p);
    CHECK(p.layer_count == 0);
    params_show(&p, P_EDIT_LAYERS, &out);
    CHECK_STR(out.data, "auto");
    CHECK(params_set(&p, "edit.layers", "4-6,9, 12-13", FROM_CONFIG, NULL));
    CHECK(p.layer_count == 6 && p.layer[4] && p.layer[6] && !p.layer[7] && p.layer[13]);
    buf_clear(&out);
    params_show(&p, P_EDIT_LAYERS, &out);
    CHECK_STR(out.data, "4-6,9,12-13");
    CHECK(params_set(&p, "edit.layers", "auto", FROM_CONFIG, NULL));
    CHECK(p.layer_count == 0 && !p.layer[4]);
    buf_free(&out);
    CHECK(strstr(refusal("edit.layers=8-4"), "not a list of layers"));
    refusal("edit.layers=4,");
    refusal("edit.layers=512");
    refusal("edit.layers=99999999999999999999");
    refusal("edit.layers=-1");
    refusal("edit.layers=");
}

static void higher_source_wins(void)
{
    struct params p;

    params_default(&p);
    CHECK(params_set(&p, "beta_ge", ".5", FROM_SESSION, NULL));
    CHECK(params_set(&p, "beta_ge", ".6", FROM_CONFIG, NULL));
    CHECK_NEAR(p.value[P_RATIO_GE_B], 0.5, 0);
    CHECK(p.source[P_RATIO_GE_B] == FROM_SESSION);
    CHECK(params_set(&p, "beta_ge", ".7", FROM_COMMAND_LINE, NULL));
    CHECK_NEAR(p.value[P_RATIO_GE_B], 0.7, 0);
    params_official(&p, FROM_PRESET);
    CHECK_NEAR(p.value[P_RATIO_GE_B], 0.7, 0);
    CHECK(params_choice(&p, P_SELECT_RULE) == RULE_QUANTILE_GE);
}

static void official_is_the_released_code(void)
{
    struct params p;

    params_default(&p);
    CHECK(params_choice(&p, P_SELECT_RULE) == RULE_TOPK);
    params_official(&p, FROM_COMMAND_LINE);
    CHECK(params_choice(&p, P_ATTR_POSITION) == POSITION_PADDED_LAST);
    CHECK_NEAR(p.value[P_ATTR_CLAMP], 1e-8, 0);
    CHECK_NEAR(p.value[P_ATTR_EPS], 1e-6, 0);
    CHECK_NEAR(p.value[P_RATIO_GE_GAMMA], 3, 0);
    CHECK_NEAR(p.value[P_RATIO_SP_B], 0.3, 0);
    CHECK_NEAR(p.value[P_RATIO_SP_GAMMA], 2, 0);
    CHECK_STR(params_word(&p, P_SELECT_RULE), "quantile_ge");
}

static void text_of_many(void)
{
    struct params p;
    struct err err = {0};

    params_default(&p);
    CHECK(params_parse(&p,
                       "# a preset\n\nbeta_ge = .35   # more\r\n\tedit.layers = 6-10\n"
                       "mask.compensate=gain",
                       FROM_PRESET, &err));
    CHECK_NEAR(p.value[P_RATIO_GE_B], 0.35, 0);
    CHECK(p.layer_count == 5);
    CHECK(params_choice(&p, P_MASK_COMPENSATE) == COMPENSATE_GAIN);
    CHECK(!params_parse(&p, "beta_ge = .4\nbeta_gee = .1\n", FROM_PRESET, &err));
    CHECK_STR(err.text, "line 2: no parameter is called 'beta_gee'; nearest is 'beta_ge'");
    CHECK_NEAR(p.value[P_RATIO_GE_B], 0.35, 0);
}

static void json_round_trip(void)
{
    struct params p, q;
    struct err err = {0};
    char *json;

    params_default(&p);
    CHECK(params_parse(&p,
                       "attr.clamp=1e-8\nratio.inv_temp=0.3\nedit.layers=3,7-9\nseed=4294967295",
                       FROM_SESSION, &err));
    p.value[P_RATIO_GE_A] = 1.0 / 3;
    json = params_to_json(&p);
    params_default(&q);
    CHECK(params_from_json(&q, json, FROM_SESSION, &err));
    CHECK_STR(err.text, "");
    CHECK(!memcmp(p.value, q.value, sizeof(p.value)));
    CHECK(!memcmp(p.layer, q.layer, sizeof(p.layer)) && p.layer_count == q.layer_count);
    free(json);
    CHECK(!params_from_json(&q, "[1]", FROM_SESSION, NULL));
    CHECK(!params_from_json(&q, "{\"beta_ge\": ", FROM_SESSION, NULL));
    CHECK(!params_from_json(&q, "{\"beta_ge\": null}", FROM_SESSION, NULL));
    CHECK(!params_from_json(&q, "{\"beta_ge\": 7}", FROM_SESSION, NULL));
}

/* A text is taken, shown and kept as it is; what would break its line or its quotes is not. */
static void a_text_comes_back(void)
{
    static const char *const bad[] = {"wise.loc_prompt=a \"word\"", "wise.loc_prompt=a;b",
                                      "wise.loc_prompt=a\\b", "wise.loc_prompt=a\nb",
                                      "wise.loc_prompt=\xff"};
    struct params p, q;
    struct buf text = {0};
    struct err err = {0};
    char line[PARAM_TEXT_MOST + 32], *json;

    params_default(&p);
    CHECK(
        params_assign(&p, "wise.loc_prompt=who wrote it? nobody's aunt", FROM_COMMAND_LINE, &err));
    CHECK_STR(err.text, "");
    CHECK_STR(params_text(&p, P_WISE_LOC_PROMPT), "who wrote it? nobody's aunt");
    params_show(&p, P_WISE_LOC_PROMPT, &text);
    CHECK_STR(text.data, params_text(&p, P_WISE_LOC_PROMPT));
    json = params_to_json(&p);
    params_default(&q);
    CHECK(!param_same(&p, &q, P_WISE_LOC_PROMPT) && !params_same(&p, &q, AFFECTS_SOLVE));
    CHECK(params_from_json(&q, json, FROM_SESSION, &err));
    CHECK(param_same(&p, &q, P_WISE_LOC_PROMPT));
    CHECK(params_assign(&q, "ike.file=records.json", FROM_COMMAND_LINE, NULL)); /* another text */
    CHECK_STR(params_text(&q, P_IKE_FILE), "records.json");
    CHECK_STR(params_text(&p, P_IKE_FILE), "");
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        CHECK(!params_assign(&q, bad[i], FROM_COMMAND_LINE, NULL));
    snprintf(line, sizeof(line), "wise.loc_prompt=%0*d", PARAM_TEXT_MOST, 1);
    CHECK(!params_assign(&q, line, FROM_COMMAND_LINE, &err) && strstr(err.text, "at most"));
    CHECK_STR(params_text(&q, P_WISE_LOC_PROMPT), params_text(&p, P_WISE_LOC_PROMPT));
    CHECK(params_assign(&q, "wise.loc_prompt=none", FROM_COMMAND_LINE, NULL));
    CHECK_STR(params_text(&q, P_WISE_LOC_PROMPT), "");
    free(json);
    buf_free(&text);
}

/* The text of what was set on top of the defaults, of the parameters that affect an edit. */
/* Every word of every choice, as it is typed and in JSON: none is lost. */
static void every_word_comes_back(void)
{
    for (int i = 0; i < PARAM_COUNT; i++) {
        const struct param_info *info = param_info((enum param)i);

        for (int word = 0; info->kind == PARAM_CHOICE && word <= (int)info->high; word++) {
            struct params p, from;
            struct buf text = {0};
            struct err err = {0};
            char *json;

            params_default(&p);
            p.value[i] = word;
            CHECK(*params_word(&p, (enum param)i));
            buf_printf(&text, "%s=", info->name);
            params_show(&p, (enum param)i, &text);
            params_default(&from);
            CHECK(params_assign(&from, text.data, FROM_CONFIG, &err));
            CHECK_STR(err.text, "");
            CHECK((int)from.value[i] == word);
            json = params_to_json(&p);
            params_default(&from);
            CHECK(params_from_json(&from, json, FROM_SESSION, NULL));
            CHECK((int)from.value[i] == word);
            free(json);
            buf_free(&text);
        }
    }
}

static void check_changed(const char *preset, const char *want)
{
    struct params p;
    struct buf text = {0};

    params_default(&p);
    CHECK(params_parse(&p, preset, FROM_PRESET, NULL));
    params_show_changed(&p, AFFECTS_EDIT, &text);
    CHECK_STR(text.len ? text.data : "", want);
    buf_free(&text);
}

static void changed_ones_are_shown(void)
{
    check_changed("", "");
    check_changed("beta_ge = 0.3\nmask.mode = union\nedit.layers = auto", "");
    check_changed("beta_ge = 0.30\nbeta_sp = 0.25", "ratio.sp.b=0.25;");
    check_changed("edit.layers = 4,5", "edit.layers=4-5;");
    check_changed("beta_ge = 0.30000000000000004", "ratio.ge.b=0.30000000000000004;");
}

static const struct test all[] = {
    {"every row is complete", every_row_is_complete},
    {"numbers can be automatic", numbers_can_be_automatic},
    {"choices match their enums", choices_match_their_enums},
    {"names and aliases", names_and_aliases},
    {"refusals name the nearest", refusals_name_the_nearest},
    {"layer lists", layer_lists},
    {"a higher source wins", higher_source_wins},
    {"official is the released code", official_is_the_released_code},
    {"a text of many", text_of_many},
    {"changed ones are shown", changed_ones_are_shown},
    {"every word comes back", every_word_comes_back},
    {"json round trip", json_round_trip},
    {"a text comes back", a_text_comes_back},
};

TEST_MAIN(all)
