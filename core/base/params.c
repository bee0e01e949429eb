/* Parses, checks and prints parameter values. Everything specific to one parameter is in its row of
 * params_table.c; this file knows only the four kinds (number, integer, choice, layer list). */
#include "core/base/params.h"

#include <ctype.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/closest_name.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"

enum { MAX_NAME = 64, MAX_WORDS = 32, MAX_WORD = 16 }; /* words of a choice, and their bytes */
_Static_assert((int)METHODS <= (int)MAX_WORDS, "edit.method has a word for each method");

/* Names that set several rows at once. */
static const struct {
    const char *name;
    int count;
    enum param id[3];
} groups[] = {
    {"alpha", 2, {P_RATIO_GE_A, P_RATIO_SP_A}},
    {"beta", 2, {P_RATIO_GE_B, P_RATIO_SP_B}},
    {"gamma", 2, {P_RATIO_GE_GAMMA, P_RATIO_SP_GAMMA}},
};

void params_default(struct params *p)
{
    memset(p, 0, sizeof(*p));
    for (int i = 0; i < PARAM_COUNT; i++)
        p->value[i] = param_info((enum param)i)->def;
}

/* Stores a value unless the present one has a higher source. */
static void value_set(struct params *p, enum param id, double value, enum param_source from)
{
    if (from < p->source[id])
        return;
    p->value[id] = value;
    p->source[id] = (unsigned char)from;
}

void params_official(struct params *p, enum param_source from)
{
    static const struct {
        enum param id;
        double value;
    } quirks[] = {
        {P_ATTR_STRATEGY, 0 /* lps */},
        {P_ATTR_AMPLIFY, 30},
        {P_ATTR_TARGET, TARGET_PRED},
        {P_ATTR_POSITION, POSITION_PADDED_LAST},
        {P_ATTR_NORM, NORM_FIXED_FINAL},
        {P_ATTR_CLAMP, 1e-8},
        {P_ATTR_EPS, 1e-6},
        {P_ATTR_PREFIXES, 5},
        {P_SCORE_GE_TEST, GE_ZSCORE},
        {P_SCORE_SP_INPUT, SP_RAW},
        {P_RATIO_INV_TEMP, 30},
        {P_RATIO_SP_DIST, DIST_L1},
        {P_RATIO_SCALE, SCALE_RAW},
        {P_RATIO_GE_A, 0.1},
        {P_RATIO_GE_B, 0.3},
        {P_RATIO_GE_GAMMA, 3},
        {P_RATIO_SP_A, 0.1},
        {P_RATIO_SP_B, 0.3},
        {P_RATIO_SP_GAMMA, 2},
        {P_SELECT_RULE, RULE_QUANTILE_GE},
        {P_MASK_MODE, MODE_UNION},
        {P_MASK_PLACE, PLACE_POST},
        {P_MASK_COMPENSATE, COMPENSATE_NONE},
        {P_MASK_SHARE, 0},
        {P_EDIT_PASSES, 1},
        {P_EDIT_WD_POWER, 1},
        {P_EDIT_V_STOP, 0.05},
        {P_EDIT_V_LOSS_LAYER, -1},
        {P_EDIT_NULL_THRESHOLD, 0.02},
        {P_EDIT_LOOKUP, LOOKUP_PREFIX},
    };

    for (size_t i = 0; i < sizeof(quirks) / sizeof(*quirks); i++)
        value_set(p, quirks[i].id, quirks[i].value, from);
}

bool param_is_auto(const struct params *p, enum param id)
{
    const struct param_info *info = param_info(id);

    return info->kind == PARAM_NUMBER && *info->words && !(p->value[id] > 0);
}

const char *params_text(const struct params *p, enum param id)
{
    return p->text[(int)param_info(id)->low];
}

bool param_same(const struct params *a, const struct params *b, enum param p)
{
    if (param_info(p)->kind == PARAM_LAYERS)
        return a->layer_count == b->layer_count && !memcmp(a->layer, b->layer, sizeof(a->layer));
    if (param_info(p)->kind == PARAM_TEXT)
        return !strcmp(params_text(a, p), params_text(b, p));
    return a->value[p] <= b->value[p] && a->value[p] >= b->value[p];
}

bool params_same(const struct params *a, const struct params *b, unsigned affects)
{
    for (int i = 0; i < PARAM_COUNT; i++)
        if (param_info((enum param)i)->affects & affects && !param_same(a, b, (enum param)i))
            return false;
    return true;
}

static const char *nearest_name(const char *name)
{
    struct closest_name near = closest_name_of(name);

    for (int i = 0; i < PARAM_COUNT; i++) {
        const struct param_info *info = param_info((enum param)i);
        const char *last = strrchr(info->name, '.');

        closest_name_try(&near, info->name);
        closest_name_try(&near, info->alias);
        /* The last part alone is compared too: "rule" suggests select.rule. */
        if (last && name_distance(name, last + 1) < near.distance) {
            near.distance = name_distance(name, last + 1);
            near.name = info->name;
        }
    }
    for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
        closest_name_try(&near, groups[i].name);
    return near.name;
}

/* Copies the i-th of the space-separated words to `word`; false after the last. */
static bool word_at(const char *words, int i, char word[MAX_NAME])
{
    size_t n;

    while (i-- > 0) {
        words += strcspn(words, " ");
        words += strspn(words, " ");
    }
    n = strcspn(words, " ");
    if (!n || n >= MAX_NAME)
        return false;
    memcpy(word, words, n);
    word[n] = '\0';
    return true;
}

/* Here and below, `name` is the name as the user wrote it, possibly an alias, for messages. */
static bool choice_parse(const struct param_info *info, const char *name, const char *text,
                         double *value, struct err *err)
{
    struct closest_name near = closest_name_of(text);
    char word[MAX_NAME], nearest[MAX_NAME] = "";

    for (int i = 0; word_at(info->words, i, word); i++) {
        int before = near.distance;

        if (!strcmp(text, word)) {
            *value = i;
            return true;
        }
        closest_name_try(&near, word);
        if (near.distance < before)
            memcpy(nearest, word, sizeof(nearest));
    }
    return err_set(err, ERR_USAGE, "%s: '%.60s' is not one of: %s%s%s%s", name, text, info->words,
                   *nearest ? "; nearest is '" : "", nearest, *nearest ? "'" : "");
}

/* The shortest text that strtod() reads back to the same value. */
static void number_show(double value, char text[40])
{
    if (fabs(value) < 1e10 && !(floor(value) < value)) { /* 30, not 3e+01 */
        snprintf(text, 40, "%.0f", value);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, 40, "%.*g", digits, value);
        if (!(strtod(text, NULL) < value || strtod(text, NULL) > value))
            return;
    }
}

/* `word` is accepted as well, by the caller; "": none is. */
static bool number_text(const char *name, const char *text, const char *word, double *value,
                        struct err *err)
{
    char *end;

    *value = strtod(text, &end);
    if (end == text || *end || !isfinite(*value))
        return *word ? err_set(err, ERR_USAGE, "%s: '%.60s' is neither a number nor %s", name, text,
                               word)
                     : err_set(err, ERR_USAGE, "%s: '%.60s' is not a number", name, text);
    return true;
}

/* Whether the row allows the value. The error names the nearest allowed one. */
static bool number_check(const struct param_info *info, const char *name, double value,
                         struct err *err)
{
    char got[40], low[40], high[40];

    number_show(value, got);
    number_show(info->low, low);
    number_show(info->high, high);
    if (value < info->low || value > info->high)
        return err_set(err, ERR_USAGE, "%s = %s is out of range %s to %s; nearest is %s", name, got,
                       low, high, value < info->low ? low : high);
    if (info->kind == PARAM_INTEGER && (floor(value) < value)) {
        number_show(floor(value + 0.5), low);
        return err_set(err, ERR_USAGE, "%s = %s must be a whole number; nearest is %s", name, got,
                       low);
    }
    return true;
}

/* Reads one "4" or "4-8" of a layer list, marks its layers, and moves *text past it. */
static bool layer_span(const char **text, unsigned char *layer)
{
    char *end;
    long first, last;

    if (!isdigit((unsigned char)**text))
        return false;
    first = last = strtol(*text, &end, 10);
    end += strspn(end, " ");
    if (*end == '-') {
        const char *from = end + 1 + strspn(end + 1, " ");

        if (!isdigit((unsigned char)*from))
            return false;
        last = strtol(from, &end, 10);
        end += strspn(end, " ");
    }
    if (first > last || last >= PARAM_MAX_LAYERS)
        return false;
    memset(layer + first, 1, (size_t)(last - first + 1));
    *text = end;
    return true;
}

const char *params_layers_name(const struct params *p)
{
    return p->layers_option ? "--layers" : "edit.layers";
}

static bool layers_set(struct params *p, const char *name, const char *text, enum param_source from,
                       struct err *err)
{
    unsigned char layer[PARAM_MAX_LAYERS] = {0};
    const char *at = text;
    int count = 0;

    if (strcmp(text, "auto")) {
        bool ok = layer_span(&at, layer);

        while (ok && *at == ',') {
            at++;
            at += strspn(at, " ");
            ok = layer_span(&at, layer);
        }
        if (!ok || *at)
            return err_set(err, ERR_USAGE,
                           "%s: '%.60s' is not a list of layers; use numbers 0 to %d, such as 4-8 "
                           "or 4,6, or auto",
                           name, text, PARAM_MAX_LAYERS - 1);
    }
    if (from < p->source[P_EDIT_LAYERS])
        return true;
    for (int i = 0; i < PARAM_MAX_LAYERS; i++)
        count += layer[i];
    memcpy(p->layer, layer, sizeof(layer));
    p->layer_count = count;
    p->layers_option = false;
    p->source[P_EDIT_LAYERS] = (unsigned char)from;
    return true;
}

/* What JSON, keys and lists of parameters hold as it is. */
static bool text_set(struct params *p, enum param id, const char *name, const char *text,
                     enum param_source from, struct err *err)
{
    if (strlen(text) >= PARAM_TEXT_MOST)
        return err_set(err, ERR_USAGE, "%s has %zu bytes; at most %d", name, strlen(text),
                       PARAM_TEXT_MOST - 1);
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || strchr("\"\\;", *c))
            return err_set(err, ERR_USAGE,
                           "%s: a line of text without quotation marks, backslashes and semicolons "
                           "is needed",
                           name);
    if (!utf8_valid(text, strlen(text), NULL))
        return err_set(err, ERR_USAGE, "%s is not UTF-8", name);
    if (from < p->source[id])
        return true;
    snprintf(p->text[(int)param_info(id)->low], PARAM_TEXT_MOST, "%s",
             strcmp(text, "none") != 0 ? text : "");
    p->source[id] = (unsigned char)from;
    return true;
}

bool params_set_id(struct params *p, enum param id, const char *name, const char *text,
                   enum param_source from, struct err *err)
{
    const struct param_info *info = param_info(id);
    double value = 0;

    if (info->kind == PARAM_LAYERS)
        return layers_set(p, name, text, from, err);
    if (info->kind == PARAM_TEXT)
        return text_set(p, id, name, text, from, err);
    if (info->kind == PARAM_CHOICE) {
        if (!choice_parse(info, name, text, &value, err))
            return false;
    } else if (*info->words && !strcmp(text, info->words)) {
        value = 0;
    } else if (!number_text(name, text, info->words, &value, err) ||
               !number_check(info, name, value, err)) {
        return false;
    }
    value_set(p, id, value, from);
    return true;
}

/* `temperature` is not a row: it is 1 / ratio.inv_temp. */
static bool set_temperature(struct params *p, const char *text, enum param_source from,
                            struct err *err)
{
    const struct param_info *info = param_info(P_RATIO_INV_TEMP);
    double value;

    if (!number_text("temperature", text, "", &value, err))
        return false;
    if (value < 1 / info->high || value > 1 / info->low)
        return err_set(err, ERR_USAGE, "temperature = %g is out of range %g to %g; nearest is %g",
                       value, 1 / info->high, 1 / info->low,
                       value < 1 / info->high ? 1 / info->high : 1 / info->low);
    value_set(p, P_RATIO_INV_TEMP, 1 / value, from);
    return true;
}

bool params_set(struct params *p, const char *name, const char *value, enum param_source from,
                struct err *err)
{
    const char *near;

    if (!strcmp(name, "temperature"))
        return set_temperature(p, value, from, err);
    for (int i = 0; i < PARAM_COUNT; i++) {
        const struct param_info *info = param_info((enum param)i);

        if (!strcmp(name, info->name) || (*info->alias && !strcmp(name, info->alias)))
            return params_set_id(p, (enum param)i, name, value, from, err);
    }
    for (size_t g = 0; g < sizeof(groups) / sizeof(*groups); g++) {
        struct params trial = *p;

        if (strcmp(name, groups[g].name))
            continue;
        for (int i = 0; i < groups[g].count; i++)
            if (!params_set_id(&trial, groups[g].id[i], name, value, from, err))
                return false;
        *p = trial;
        return true;
    }
    near = nearest_name(name);
    return err_set(err, ERR_USAGE, "no parameter is called '%.60s'%s%s%s", name,
                   *near ? "; nearest is '" : "", near, *near ? "'" : "");
}

bool params_assign(struct params *p, const char *name_equals_value, enum param_source from,
                   struct err *err)
{
    const char *equals = strchr(name_equals_value, '=');
    char *name, *value;
    bool ok;

    if (!equals)
        return err_set(err, ERR_USAGE, "'%.100s' is not NAME=VALUE", name_equals_value);
    name = xtrimmed(name_equals_value, (size_t)(equals - name_equals_value));
    value = xtrimmed(equals + 1, strlen(equals + 1));
    ok = params_set(p, name, value, from, err);
    free(name);
    free(value);
    return ok;
}

bool params_line(struct params *p, const struct config_line *line, enum param_source from,
                 struct err *err)
{
    char *value = xtrimmed(line->value, strcspn(line->value, "#"));
    bool ok = params_set(p, line->name, value, from, err);

    free(value);
    return ok;
}

struct reading {
    struct params params;
    enum param_source from;
};

static bool preset_line(void *ctx, const struct config_line *line, struct err *err)
{
    struct reading *r = ctx;

    return params_line(&r->params, line, r->from, err);
}

bool params_parse(struct params *p, const char *text, enum param_source from, struct err *err)
{
    struct reading r = {*p, from};
    bool ok = config_read(
        text,
        (struct config_section[]){{.name = "", .take = preset_line, .ctx = &r},
                                  {.name = "parameters", .take = preset_line, .ctx = &r},
                                  {.name = "preset"}, /* what it is for: views/cli/presets.c */
                                  {0}},
        err);

    if (ok)
        *p = r.params;
    return ok;
}

/* The list in its shortest form: "4-8,11". */
static void layers_show(const struct params *p, struct buf *out)
{
    const char *comma = "";

    if (!p->layer_count)
        buf_puts(out, "auto");
    for (int i = 0; i < PARAM_MAX_LAYERS; i++) {
        int first = i;

        if (!p->layer[i])
            continue;
        while (i + 1 < PARAM_MAX_LAYERS && p->layer[i + 1])
            i++;
        buf_printf(out, "%s%d", comma, first);
        if (i > first)
            buf_printf(out, "-%d", i);
        comma = ",";
    }
}

void params_show(const struct params *p, enum param id, struct buf *out)
{
    char text[40];

    switch (param_info(id)->kind) {
    case PARAM_LAYERS:
        layers_show(p, out);
        break;
    case PARAM_CHOICE:
        buf_puts(out, params_word(p, id));
        break;
    case PARAM_TEXT:
        buf_puts(out, *params_text(p, id) ? params_text(p, id) : "none");
        break;
    case PARAM_INTEGER:
        buf_printf(out, "%.0f", p->value[id]);
        break;
    case PARAM_NUMBER:
        number_show(p->value[id], text);
        buf_puts(out, param_is_auto(p, id) ? param_info(id)->words : text);
        break;
    }
}

static void param_show_named(const struct params *p, enum param id, struct buf *out)
{
    buf_printf(out, "%s=", param_info(id)->name);
    params_show(p, id, out);
    buf_puts(out, ";");
}

void params_show_all(const struct params *p, unsigned affects, struct buf *out)
{
    for (int i = 0; i < PARAM_COUNT; i++)
        if (param_info((enum param)i)->affects & affects)
            param_show_named(p, (enum param)i, out);
}

void params_show_changed(const struct params *p, unsigned affects, struct buf *out)
{
    struct params usual;

    params_default(&usual);
    for (int i = 0; i < PARAM_COUNT; i++)
        if (param_info((enum param)i)->affects & affects && !param_same(p, &usual, (enum param)i))
            param_show_named(p, (enum param)i, out);
}

/* The words of all choices as C strings, for params_word(). A row has them in one text. */
static char pool[PARAM_COUNT][MAX_WORDS][MAX_WORD];

static void pool_fill(void)
{
    char word[MAX_NAME];

    for (int i = 0; i < PARAM_COUNT; i++)
        for (int w = 0; w < MAX_WORDS && word_at(param_info((enum param)i)->words, w, word); w++)
            snprintf(pool[i][w], MAX_WORD, "%.*s", MAX_WORD - 1, word);
}

const char *params_word(const struct params *p, enum param id)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int index = params_choice(p, id);

    pthread_once(&once, pool_fill);
    return index >= 0 && index < MAX_WORDS ? pool[id][index] : "";
}

char *params_to_json(const struct params *p)
{
    struct buf out = {0};

    for (int i = 0; i < PARAM_COUNT; i++) {
        const struct param_info *info = param_info((enum param)i);
        bool word = info->kind == PARAM_CHOICE || info->kind == PARAM_LAYERS ||
                    info->kind == PARAM_TEXT || param_is_auto(p, (enum param)i);
        const char *quote = word ? "\"" : "";

        buf_printf(&out, "%s\"%s\": %s", i ? ", " : "{", info->name, quote);
        params_show(p, (enum param)i, &out);
        buf_puts(&out, quote);
    }
    buf_puts(&out, "}");
    return buf_take(&out);
}

static bool set_from_json(struct params *p, const char *name, const json_t *value,
                          enum param_source from, struct err *err)
{
    char text[40];

    if (json_is_string(value))
        return params_set(p, name, json_string_value(value), from, err);
    if (!json_is_number(value))
        return err_set(err, ERR_FORMAT, "parameter '%.60s' is neither a number nor a word", name);
    number_show(json_number_value(value), text);
    return params_set(p, name, text, from, err);
}

bool params_from_json(struct params *p, const char *json, enum param_source from, struct err *err)
{
    struct params trial = *p;
    json_error_t where;
    json_t *root = json_loads(json, JSON_REJECT_DUPLICATES, &where), *value;
    const char *name;
    bool ok = true;

    if (!json_is_object(root)) {
        json_decref(root);
        return err_set(err, ERR_FORMAT, "parameters are not one JSON object%s%s", root ? "" : ": ",
                       root ? "" : where.text);
    }
    json_object_foreach(root, name, value)
    {
        ok = set_from_json(&trial, name, value, from, err);
        if (!ok)
            break;
    }
    json_decref(root);
    if (ok)
        *p = trial;
    return ok;
}
