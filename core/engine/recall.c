/* What a session stores of one edit, as EV_RECALLED: from the journal's record of it, and for what
 * older versions did not store, from the change itself. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/engine/event_fields.h"
#include "core/engine/internal.h"

/* ---- the journal's JSON of metrics ---- */

char *metrics_put_edit(char *metrics, const struct edit_report *a,
                       const struct mask_override *force, int forces)
{
    json_t *o = json_loads(metrics, 0, NULL), *list = json_array();
    struct buf report = {0};

    fields_write(&edit_report_fields, a, false, EXACT, &report);
    json_object_set_new(o, "report", json_loads(report.data, 0, NULL));
    for (int i = 0; i < forces; i++)
        json_array_append_new(list,
                              json_pack("[i,i,b]", force[i].layer, force[i].neuron, force[i].in));
    json_object_set_new(o, "forced", list);
    free(metrics);
    metrics = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
    buf_free(&report);
    json_decref(o);
    return metrics;
}

static void forces_read(struct recalled_edit *x, const json_t *list)
{
    size_t n = json_array_size(list);

    x->force = xcalloc(n + 1, sizeof(*x->force));
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_array_get(list, i);

        x->force[x->forces++] =
            (struct mask_override){.layer = (int)json_integer_value(json_array_get(one, 0)),
                                   .neuron = (int)json_integer_value(json_array_get(one, 1)),
                                   .in = json_is_true(json_array_get(one, 2))};
    }
}

static char *text_of(const json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));

    return text ? xstrdup(text) : NULL;
}

/* ---- the change itself ---- */

static double delta_norm(const struct delta *d)
{
    size_t n = delta_values(d);
    double sum = 0;

    if (d->kind == DELTA_LOW_RANK) {
        float *x = delta_masked_x(d);

        sum = low_rank_norm(d->r, x, d->rank, d->rows, d->cols);
        free(x);
        return sum;
    }
    for (size_t i = 0; i < n; i++)
        sum += (double)d->r[i] * (double)d->r[i];
    return sqrt(sum);
}

/* How many columns it changes. */
static int delta_columns(const struct delta *d)
{
    int n = 0;

    if (d->kind == DELTA_COLUMNS)
        return d->rank;
    for (int j = 0; d->weight && j < d->cols; j++)
        n += d->weight[j] > 0;
    return d->weight ? n : d->cols;
}

/* A row per matrix that it changes once: its size and norm. Of one that it changes in several steps
 * only the layer is known. */
static bool change_read(struct session *s, struct recalled_edit *x, struct err *err)
{
    static const double no = (double)NAN;
    struct edit_record rec = {.id = x->edit};
    struct edit_report *a = &x->report;
    bool ok = session_load_change(s, &rec, err);

    for (int i = 0; ok && i < rec.deltas; i++) {
        const struct delta *d = &rec.delta[i];
        struct layer_report *l = a->layers ? &a->layer[a->layers - 1] : NULL;

        if (l && l->layer == d->layer) {
            l->kept = 0;
            l->delta_norm = no;
        } else if (a->layers < (int)(sizeof(a->layer) / sizeof(*a->layer))) {
            l = &a->layer[a->layers++];
            *l = layer_report_keyless(d->layer, delta_columns(d));
            l->delta_norm = delta_norm(d);
        }
    }
    edit_record_free(&rec);
    return ok;
}

/* ---- the record ---- */

/* Numbers of the first fact that metrics of every version have, where there is no report. */
static void report_complete(struct recalled_edit *x, const struct history_entry *e)
{
    struct edit_report *a = &x->report;

    a->p_before = e->p_before;
    a->p_after = e->p_after;
    memcpy(a->p_target, e->fact[0].p_target, sizeof(a->p_target));
    a->facts = e->facts;
    for (int i = 0; i < e->facts; i++)
        a->held += e->success || e->fact[i].outcome == OUTCOME_HELD;
    a->z_error = (double)NAN;
    utf8_copy(a->generated, sizeof(a->generated), x->said_after ? x->said_after : "");
}

static bool metrics_read(struct session *s, const struct edit_record *rec,
                         const struct history_entry *e, struct recalled_edit *x, struct err *err)
{
    json_t *o = rec->metrics_json ? json_loads(rec->metrics_json, 0, NULL) : NULL;
    const json_t *report = json_object_get(o, "report"),
                 *first = json_array_get(json_object_get(o, "facts"), 0), *accuracy;
    bool ok = true;

    first = first ? first : o;
    accuracy = json_object_get(first, "rewrite_acc");
    x->accuracy = json_is_number(accuracy) ? json_number_value(accuracy) : (double)NAN;
    x->said_before = text_of(first, "said_before");
    x->said_after = text_of(first, "said_after");
    forces_read(x, json_object_get(o, "forced"));
    x->measured = report && fields_read(&edit_report_fields, report, &x->report, NULL);
    if (!x->measured) {
        report_complete(x, e);
        ok = change_read(s, x, err);
    }
    json_decref(o);
    x->report.edit = rec->id;
    x->report.moment_tokens = rec->moment_tokens;
    x->report.draft = rec->draft;
    memcpy(x->report.checksum, rec->checksum, sizeof(x->report.checksum));
    return ok;
}

/* The state that the edit was made on, and whether today's edits up to it are others. */
static bool states_read(struct session *s, const struct history_entry *e, struct recalled_edit *x,
                        char made_on[17], struct err *err)
{
    struct journal_row *row = NULL;
    int rows = 0;
    bool ok = session_log(s, &row, &rows, err);

    memcpy(x->after, e->state, sizeof(x->after));
    *made_on = '\0';
    for (int i = 0; ok && i < rows; i++)
        if (row[i].op == JOURNAL_EDIT && row[i].edit == e->edit) {
            utf8_copy(made_on, 17, i ? row[i - 1].name : "");
            x->others = *e->state && strcmp(e->state, row[i].name) != 0;
            break;
        }
    free(row);
    return ok;
}

static bool edit_recall(struct session *s, const struct edit_record *rec,
                        const struct history_entry *e, struct recalled_edit *x, struct err *err)
{
    struct params p;
    bool readable = edit_params_read(&p, rec->params_json);
    struct buf changed = {0};
    char made_on[17];

    *x = (struct recalled_edit){.edit = rec->id,
                                .active = rec->active,
                                .when = rec->when,
                                .facts = rec->requests,
                                .subject = xstrdup(rec->facts[0].subject),
                                .prompt = xstrdup(rec->facts[0].prompt),
                                .target = xstrdup(rec->facts[0].target),
                                .old = xstrdup(rec->facts[0].old),
                                .lambda = rec->lambda};
    x->parameters = readable ? xstrdup(rec->params_json) : NULL;
    memcpy(x->projector, rec->projector, sizeof(x->projector));
    params_show_changed(&p, AFFECTS_EDIT, &changed);
    x->changed = changed.data ? buf_take(&changed) : xstrdup("");
    if (!metrics_read(s, rec, e, x, err) || !states_read(s, e, x, made_on, err))
        return false;
    x->stamp = stamp_of(&(struct stamp_source){.facts = rec->facts,
                                               .count = rec->requests,
                                               .params = &p,
                                               .mask_overrides = x->force,
                                               .mask_override_count = x->forces,
                                               .state = made_on});
    return true;
}

struct recalled_edit *recalled_of_session(struct session *s, int edit, struct err *err)
{
    struct history *h = history_of_session(s, err);
    struct event ev = {.kind = EV_RECALLED}, old = {.kind = EV_HISTORY, .history = h};
    struct edit_record *edits = NULL;
    int count = 0, at = -1;
    bool ok = h && session_edits(s, true, &edits, &count, err);

    for (int i = 0; ok && i < count && i < h->count; i++)
        at = (edit ? edits[i].id == edit : edits[i].active) ? i : at;
    if (ok && at < 0)
        ok = edit ? err_set(err, ERR_USAGE, "no edit %d in this session; see `editscope log`", edit)
                  : err_set(err, ERR_USAGE, "no edit is active in this session");
    if (ok) {
        ev.recalled = xcalloc(1, sizeof(*ev.recalled));
        ok = edit_recall(s, &edits[at], &h->entry[at], ev.recalled, err);
    }
    edit_records_free(edits, count);
    event_free(&old);
    if (!ok)
        event_free(&ev);
    return ev.recalled;
}

struct recalled_edit *engine_session_recall(const char *session, int edit, struct err *err)
{
    struct session *s = session_open(session, false, true, err);
    struct recalled_edit *x = s ? recalled_of_session(s, edit, err) : NULL;

    session_close(s);
    return x;
}

bool job_recall(struct engine *e, struct command *cmd, struct err *err)
{
    struct recalled_edit *x = recalled_of_session(e->open->journal, cmd->edit, err);

    if (x)
        engine_emit(e, EV_RECALLED, x);
    return x != NULL;
}
