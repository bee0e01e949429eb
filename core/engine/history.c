/* The journal as EV_HISTORY: every edit with its facts, and how each did right after the edit. Also
 * the JSON of metrics in the journal that this is read from (editscope-session(5)), and what
 * screens and commands read out of a history. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/edit/fact_status.h"
#include "core/engine/internal.h"

/* Reads [before, after] of a metric; NAN for what is missing. */
static void pair_of(const json_t *o, const char *name, double out[2])
{
    const json_t *list = json_object_get(o, name);

    for (size_t k = 0; k < 2; k++) {
        const json_t *v = json_array_get(list, k);

        out[k] = json_is_number(v) ? json_number_value(v) : (double)NAN;
    }
}

/* JSON has no NaN: it is written as null. */
static json_t *json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static void put_pair(json_t *o, const char *name, const double p[2])
{
    json_t *list = json_array();

    json_array_append_new(list, json_number(p[0]));
    json_array_append_new(list, json_number(p[1]));
    json_object_set_new(o, name, list);
}

/* The metrics of one fact. `made`: by an edit of this session, not from a delta file. */
static void put_fact(json_t *o, const struct commit_report *f, bool made)
{
    json_object_set_new(o, "success", json_boolean(f->success));
    put_pair(o, "p_target", f->p_target);
    put_pair(o, "p_first", f->p_first);
    if (!made)
        return;
    put_pair(o, "log_odds", f->log_odds);
    json_object_set_new(o, "rewrite_acc", json_number(f->rewrite_acc));
    if (utf8_valid(f->generated[0], strlen(f->generated[0]), NULL))
        json_object_set_new(o, "said_before", json_string(f->generated[0]));
    if (utf8_valid(f->generated[1], strlen(f->generated[1]), NULL))
        json_object_set_new(o, "said_after", json_string(f->generated[1]));
}

char *metrics_json(const struct commit_report *fact, int count, const struct edit_report *a)
{
    json_t *o = json_object(), *facts = json_array();
    bool success = true;
    char *text;

    put_fact(o, &fact[0], a != NULL);
    for (int i = 0; i < count; i++) {
        json_t *one = json_object();

        put_fact(one, &fact[i], a != NULL);
        json_array_append_new(facts, one);
        success = success && fact[i].success;
    }
    json_object_set_new(o, "success", json_boolean(success));
    json_object_set_new(o, "facts", facts);
    json_object_set_new(o, "kept", json_integer(a && a->layers ? a->layer[0].kept : 0));
    if (a) {
        json_object_set_new(o, "z_error", json_number(a->z_error));
        json_object_set_new(o, "seconds", json_number(fact[0].seconds_total));
        json_object_set_new(o, "gain_mask", json_number(a->layers ? a->layer[0].gain_mask : 0.0));
    }
    text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(o);
    return text;
}

bool edit_params_read(struct params *p, const char *json)
{
    params_default(p);
    if (json && params_from_json(p, json, FROM_SESSION, NULL))
        return true;
    params_default(p);
    return false;
}

struct params edit_params(const char *json)
{
    struct params p;

    edit_params_read(&p, json);
    return p;
}

/* Metrics of fact i of n. Version 0.1.0 kept numbers of the first fact only, and whether all held.
 */
static void fact_metrics(struct history_fact *f, const json_t *metrics, int i, int n)
{
    const json_t *own = json_array_get(json_object_get(metrics, "facts"), (size_t)i);
    const json_t *from = own ? own : i ? NULL : metrics, *success;

    pair_of(from, "p_target", f->p_target);
    pair_of(from, "p_first", f->p_first);
    success = json_object_get(own ? own : metrics, "success");
    if (json_is_true(success))
        f->outcome = OUTCOME_HELD;
    else if (json_is_false(success) && (own || n == 1))
        f->outcome = OUTCOME_FAILED;
}

/* How the edit was made, as far as this version can read it. */
static void entry_method(struct history_entry *x, const char *json)
{
    struct params p;

    if (!edit_params_read(&p, json))
        return;
    utf8_copy(x->method, sizeof(x->method), editor_of(&p)->name);
    x->masked = editor_has_mask(&p);
}

static void entry_of(struct history_entry *x, const struct edit_record *r)
{
    json_t *metrics = r->metrics_json ? json_loads(r->metrics_json, 0, NULL) : NULL;
    double p[2];

    pair_of(metrics, "p_first", p);
    *x = (struct history_entry){
        .edit = r->id,
        .active = r->active,
        .redoable = r->redoable,
        .when = r->when,
        .draft = r->draft,
        .subject = xstrdup(r->facts[0].subject),
        .prompt = xstrdup(r->facts[0].prompt),
        .target = xstrdup(r->facts[0].target),
        .old = xstrdup(r->facts[0].old),
        .note = xstrdup(r->note),
        .p_before = p[0],
        .p_after = p[1],
        .success = json_is_true(json_object_get(metrics, "success")),
        .kept = (int)json_integer_value(json_object_get(metrics, "kept")),
        .facts = r->requests,
        .fact = xcalloc((size_t)r->requests + 1, sizeof(*x->fact)),
    };
    memcpy(x->checksum, r->checksum, sizeof(x->checksum));
    for (int i = 0; i < r->requests; i++) {
        x->fact[i] = (struct history_fact){.subject = xstrdup(r->facts[i].subject),
                                           .prompt = xstrdup(r->facts[i].prompt),
                                           .target = xstrdup(r->facts[i].target),
                                           .old = xstrdup(r->facts[i].old)};
        fact_metrics(&x->fact[i], metrics, i, r->requests);
    }
    json_decref(metrics);
}

struct history *history_of_session(struct session *session, struct err *err)
{
    struct edit_record *edits = NULL;
    struct history *h = NULL;
    char(*name)[17];
    int count = 0;

    if (!session_edits(session, true, &edits, &count, err))
        return NULL;
    name = xcalloc((size_t)count + 1, sizeof(*name));
    if (session_state_names(session, edits, count, name, err)) {
        h = xcalloc(1, sizeof(*h));
        h->count = count;
        h->entry = xcalloc((size_t)count + 1, sizeof(*h->entry));
        memcpy(h->base_state, name[0], sizeof(h->base_state));
    }
    for (int i = 0; h && i < count; i++) {
        const char *params = edits[i].params_json, *before = i ? edits[i - 1].params_json : NULL;
        struct history_entry *x = &h->entry[i];

        entry_of(x, &edits[i]);
        if (params && before && !strcmp(params, before)) { /* nearly always; reading takes time */
            memcpy(x->method, x[-1].method, sizeof(x->method));
            x->masked = x[-1].masked;
        } else {
            entry_method(x, params);
        }
        if (edits[i].active)
            memcpy(h->entry[i].state, name[i + 1], sizeof(h->entry[i].state));
    }
    free(name);
    edit_records_free(edits, count);
    return h;
}

/* p(target) if it is known, else p(first). */
static struct p_change p_change_of(const double target[2], const double first[2])
{
    if (isnan(target[1]) && !isnan(first[1]))
        return (struct p_change){"p(first)", first[0], first[1]};
    return (struct p_change){"p(target)", target[0], target[1]};
}

struct p_change report_p_change(const struct edit_report *a)
{
    const double first[2] = {a->p_before, a->p_after}, none[2] = {(double)NAN, (double)NAN};

    return p_change_of(a->facts ? a->p_target : none, first);
}

bool report_writes(const struct edit_report *a)
{
    for (int i = 0; i < a->layers; i++)
        if (!(a->layer[i].delta_norm <= 0)) /* a norm that is not known counts */
            return true;
    return *a->beside;
}

struct used_values report_used(const struct edit_report *a)
{
    struct used_values u = {.compensated = 0};

    for (int i = 0; i < a->layers; i++) {
        double lambda = a->layer[i].lambda;

        u.lambda[0] = i ? fmin(u.lambda[0], lambda) : lambda;
        u.lambda[1] = fmax(u.lambda[1], lambda);
        u.compensated += a->layer[i].scale > 1;
    }
    return u;
}

struct p_change history_p_change(const struct history_fact *f)
{
    return p_change_of(f->p_target, f->p_first);
}

bool history_kept_shown(const struct history_entry *e)
{
    return e->masked || !*e->method;
}

int history_held(const struct history_entry *e)
{
    int held = 0;

    for (int i = 0; i < e->facts; i++) {
        if (e->fact[i].outcome == OUTCOME_UNKNOWN)
            return -1;
        held += e->fact[i].outcome == OUTCOME_HELD;
    }
    return held;
}

struct fact_edits history_of_fact(const struct history *h, const struct fact *fact)
{
    struct fact_edits out = {0};
    char *question = h ? fact_question(fact->subject, fact->prompt) : NULL;

    for (int i = 0; h && i < h->count; i++) {
        const struct history_entry *e = &h->entry[i];

        for (int k = 0; e->active && k < e->facts; k++) {
            char *other = fact_question(e->fact[k].subject, e->fact[k].prompt);

            if (!strcmp(question, other)) {
                out.first = out.first ? out.first : e->edit;
                out.last = e->edit;
                out.fact = &e->fact[k];
            }
            free(other);
        }
    }
    free(question);
    out.same = out.fact && fact->target && !strcmp(out.fact->target, fact->target);
    return out;
}

void history_find_rewritten(struct history *h)
{
    struct fact *fact;
    struct fact_status *status;
    struct history_fact **from;
    int *edit, n = 0;

    for (int i = 0; i < h->count; i++)
        n += h->entry[i].facts;
    fact = xcalloc((size_t)n + 1, sizeof(struct fact));
    status = xcalloc((size_t)n + 1, sizeof(*status));
    from = xcalloc((size_t)n + 1, sizeof(*from));
    edit = xcalloc((size_t)n + 1, sizeof(*edit));
    n = 0;
    for (int i = 0; i < h->count; i++)
        for (int k = 0; h->entry[i].active && k < h->entry[i].facts; k++, n++) {
            from[n] = &h->entry[i].fact[k];
            fact[n] = (struct fact){
                .subject = from[n]->subject, .prompt = from[n]->prompt, .target = from[n]->target};
            edit[n] = h->entry[i].edit;
        }
    facts_status(fact, 0, n, NULL, 0, status);
    for (int i = 0; i < n; i++)
        for (int e = status[i].rewrites_earlier; e != NO_FACT; e = status[e].repeats)
            from[e]->rewritten = edit[i];
    free(fact);
    free(status);
    free(from);
    free(edit);
}

char *history_redo_refused(const struct history *h)
{
    for (int i = h ? h->count - 1 : -1; i >= 0; i--)
        if (!h->entry[i].active && !h->entry[i].redoable)
            return xasprintf(EDIT_GONE_WORDS, h->entry[i].edit);
    return xstrdup("there is nothing to redo");
}

int history_edit_before(const struct history *h, int edit)
{
    int before = 0;

    for (int i = 0; h && i < h->count && h->entry[i].edit < edit; i++)
        before = h->entry[i].active ? h->entry[i].edit : before;
    return before;
}

char *history_words(const struct history_entry *e, const char *arrow)
{
    struct buf out = {0};
    int held = history_held(e);

    buf_printf(&out, "%s%s%s", e->subject, arrow, e->target);
    if (e->facts > 1)
        buf_printf(&out, " and %d more", e->facts - 1);
    if (e->facts > 1 && held >= 0)
        buf_printf(&out, " (%d of %d held)", held, e->facts);
    return buf_take(&out);
}
