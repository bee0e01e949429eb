/* What a run is of: made from the command, or read back from the text that its file keeps. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/base/utf8.h"
#include "views/eval.h"

enum { FACTS_MOST = 1000000, VALUES_MOST = 1 << 27 };

/* Order 0 is the file's; each other one is shuffled by the seed and its number. */
static void make_orders(struct eval *v)
{
    size_t n = (size_t)v->facts;

    v->order = xcalloc((size_t)v->orders * n + 1, sizeof(*v->order));
    v->turn = xcalloc((size_t)v->orders * n + 1, sizeof(*v->turn));
    for (int k = 0; k < v->orders; k++) {
        int *order = v->order + (size_t)k * n;
        uint64_t rng = v->seed * 1000003u + (uint64_t)k;

        for (int i = 0; i < v->facts; i++)
            order[i] = i;
        for (int i = v->facts - 1; k && i > 0; i--) {
            int j = (int)rng_below(&rng, (uint32_t)i + 1), kept = order[i];

            order[i] = order[j];
            order[j] = kept;
        }
        for (int i = 0; i < v->facts; i++)
            v->turn[(size_t)k * n + (size_t)order[i]] = i;
    }
}

static void make_values(struct eval *v)
{
    size_t metrics = (size_t)record_metric_count, facts = (size_t)v->facts;
    size_t all = metrics * (size_t)eval_sequences(v) * (size_t)eval_slots(v) * facts;

    v->base = xcalloc(metrics * facts + 1, sizeof(*v->base));
    v->value = xcalloc(all + 1, sizeof(*v->value));
    for (size_t i = 0; i < metrics * facts; i++)
        v->base[i] = (double)NAN;
    for (size_t i = 0; i < all; i++)
        v->value[i] = (double)NAN;
}

void eval_make(struct eval *v)
{
    make_orders(v);
    make_values(v);
}

void eval_free(struct eval *v)
{
    free(v->order);
    free(v->turn);
    free(v->base);
    free(v->value);
    free(v->number);
    for (int i = 0; i < v->parts; i++) {
        free(v->part[i].task);
        free(v->part[i].subtask);
    }
    free(v->part);
    v->part = NULL;
    v->parts = 0;
    v->order = v->turn = NULL;
    v->base = v->value = NULL;
    v->number = NULL;
    v->numbers = 0;
}

/* A whole number of low to high; 0 with low > 0: it is none. */
static int whole_of(const json_t *o, int low, int high)
{
    json_int_t n = json_integer_value(o);

    return json_is_integer(o) && n >= low && n <= high ? (int)n : low - 1;
}

static bool checkpoints_read(struct eval *v, const json_t *list)
{
    size_t n = json_array_size(list);

    for (size_t i = 0; i < n && n <= EVAL_CHECKPOINTS; i++) {
        int least = i ? v->checkpoint[i - 1] + 1 : 1;
        int edits = whole_of(json_array_get(list, i), least, FACTS_MOST);

        if (edits < least)
            return false;
        v->checkpoint[v->checkpoints++] = edits;
    }
    v->facts = v->checkpoints ? v->checkpoint[v->checkpoints - 1] : 0;
    return v->facts > 0;
}

static bool arms_read(struct eval *v, const json_t *list)
{
    size_t n = json_array_size(list);

    for (size_t i = 0; i < n && n <= EVAL_ARMS; i++) {
        const json_t *o = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(o, "name"));
        char *params = json_dumps(json_object_get(o, "parameters"), JSON_COMPACT);
        struct arm *arm = &v->arm[v->arms++];

        edit_params_read(&arm->params, params); /* of a newer version: only the name is shown */
        utf8_copy(arm->name, sizeof(arm->name), name ? name : "?");
        free(params);
    }
    return v->arms > 0;
}

static void protocols_read(struct eval *v, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        int n = name ? measure_name_find(measure_protocol_name, name) : -1;

        v->protocols |= n >= 0 ? 1U << n : 0;
    }
}

static bool command_read(struct eval *v, const json_t *o)
{
    double values;

    v->batch = whole_of(json_object_get(o, "batch"), 1, FACTS_MOST);
    v->orders = whole_of(json_object_get(o, "orders"), 1, EVAL_ORDERS);
    v->seed = (unsigned long long)json_integer_value(json_object_get(o, "seed"));
    protocols_read(v, json_object_get(o, "protocol"));
    if (v->batch < 1 || v->orders < 1 || !checkpoints_read(v, json_object_get(o, "edits")) ||
        !arms_read(v, json_object_get(o, "arms")))
        return false;
    values = (double)record_metric_count * eval_sequences(v) * eval_slots(v) * v->facts;
    return values <= VALUES_MOST;
}

bool eval_from_text(struct eval *v, const char *text, struct err *err)
{
    json_t *o = json_loads(text, 0, NULL);
    bool ok;

    memset(v, 0, sizeof(*v));
    ok = command_read(v, o);
    json_decref(o);
    if (!ok) {
        memset(v, 0, sizeof(*v));
        return err_set(err, ERR_FORMAT, "what the run is of is damaged, or larger than any run");
    }
    eval_make(v);
    return true;
}
