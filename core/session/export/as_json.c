/* Exporter "json": the session's journal as JSON (editscope-json(7)): facts, parameters, every
 * step, and the hashes of all values. The values themselves are in the session and in a
 * delta file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/digest.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/session/export/export.h"

/* A text as valid UTF-8; null for NULL. */
static json_t *json_text(const char *text)
{
    struct buf clean = {0};
    json_t *o;

    if (!text)
        return json_null();
    utf8_clean(&clean, text, strlen(text));
    o = json_string(clean.data ? clean.data : "");
    buf_free(&clean);
    return o;
}

/* Parses JSON that the session keeps as text; null if it is not JSON. */
static json_t *json_parsed(const char *text)
{
    json_t *o = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;

    return o ? o : json_null();
}

/* SHA-256 of bytes; null for NULL. */
static json_t *json_hash(const void *bytes, size_t n)
{
    char hex[65];

    if (!bytes)
        return json_null();
    sha256_of(bytes, n, hex);
    return json_string(hex);
}

/* A delta's shape and the hashes of its values. "kept": how many columns the mask or the delta
 * selects. */
static json_t *delta_json(const struct delta *d)
{
    size_t rank = (size_t)d->rank, cols = (size_t)d->cols;
    json_t *o = json_object(), *columns = d->column ? json_array() : json_null();
    int selected = d->kind == DELTA_COLUMNS ? d->rank : 0;

    for (int j = 0; d->kind != DELTA_COLUMNS && j < d->cols; j++)
        selected += !d->weight || d->weight[j] != 0.0F;
    for (int t = 0; d->column && t < d->rank; t++)
        json_array_append_new(columns, json_integer(d->column[t]));
    json_object_set_new(o, "layer", json_integer(d->layer));
    json_object_set_new(o, "matrix", json_string(matrix_name(d->matrix)));
    json_object_set_new(o, "kind", json_string(delta_kind_name(d->kind)));
    json_object_set_new(o, "rank", json_integer(d->rank));
    json_object_set_new(o, "rows", json_integer(d->rows));
    json_object_set_new(o, "cols", json_integer(d->cols));
    json_object_set_new(o, "kept", json_integer(selected));
    json_object_set_new(o, "scale", json_real(d->kind == DELTA_LOW_RANK ? d->scale : 1));
    json_object_set_new(o, "columns", columns);
    json_object_set_new(o, "r_sha256", json_hash(d->r, delta_values(d) * sizeof(float)));
    json_object_set_new(o, "x_sha256", json_hash(d->x, rank * cols * sizeof(float)));
    json_object_set_new(o, "mask_sha256", json_hash(d->weight, cols * sizeof(float)));
    json_object_set_new(o, "key_sha256", json_hash(d->key, rank * cols * sizeof(float)));
    return o;
}

static json_t *hook_json(const struct hook_data *h)
{
    json_t *o = json_object();

    json_object_set_new(o, "name", json_text(h->name));
    json_object_set_new(o, "params", json_parsed(h->params));
    json_object_set_new(o, "blob_sha256", json_hash(h->blob, h->bytes));
    return o;
}

static json_t *facts_json(const struct edit_record *e)
{
    json_t *list = json_array();

    for (int i = 0; i < e->requests; i++) {
        struct fact fact = e->facts[i]; /* shallow copy */
        char *text;

        if (!fact.wording.join) /* recorded by version 0.1.0, which always joined with a blank */
            fact.wording.join = JOIN_BLANK;
        text = fact_to_json(&fact);

        json_array_append_new(list, json_parsed(text));
        free(text);
    }
    return list;
}

/* Adds what the edit left: deltas, hooks, prefixes and z, with their hashes. */
static bool add_change(struct session *s, const struct edit_record *e, json_t *o, struct err *err)
{
    struct edit_record rec = {.id = e->id};
    json_t *deltas = json_array(), *hooks = json_array(), *prefixes = json_array();
    float *z = NULL;
    int requests = 0, width = 0;
    bool ok =
        session_load_change(s, &rec, err) && session_load_z(s, e->id, &z, &requests, &width, err);

    for (int i = 0; i < rec.deltas; i++)
        json_array_append_new(deltas, delta_json(&rec.delta[i]));
    for (int i = 0; i < rec.hooks; i++)
        json_array_append_new(hooks, hook_json(&rec.hook[i]));
    for (int i = 0; i < rec.prefixes; i++)
        json_array_append_new(prefixes, json_text(rec.prefix[i]));
    json_object_set_new(o, "deltas", deltas);
    json_object_set_new(o, "hooks", hooks);
    json_object_set_new(o, "prefixes", prefixes);
    json_object_set_new(o, "z_sha256",
                        json_hash(z, (size_t)requests * (size_t)width * sizeof(float)));
    edit_record_free(&rec);
    free(z);
    return ok;
}

static json_t *edit_json(struct session *s, const struct edit_record *e, struct err *err)
{
    json_t *o = json_object();

    json_object_set_new(o, "edit", json_integer(e->id));
    json_object_set_new(o, "active", json_boolean(e->active));
    json_object_set_new(o, "when", json_real(e->when));
    json_object_set_new(o, "facts", facts_json(e));
    json_object_set_new(o, "parameters", json_parsed(e->params_json));
    json_object_set_new(o, "metrics", json_parsed(e->metrics_json));
    json_object_set_new(o, "lambda", json_real(e->lambda));
    json_object_set_new(o, "projector", json_text(*e->projector ? e->projector : NULL));
    json_object_set_new(o, "draft", json_boolean(e->draft));
    json_object_set_new(o, "moment_tokens", json_integer(e->moment_tokens));
    json_object_set_new(o, "hash", json_text(e->hash));
    json_object_set_new(o, "checksum", json_text(*e->checksum ? e->checksum : NULL));
    json_object_set_new(o, "note", json_text(e->note));
    if (add_change(s, e, o, err))
        return o;
    json_decref(o);
    return NULL;
}

static bool add_journal(struct session *s, json_t *root, struct err *err)
{
    struct journal_row *rows = NULL;
    json_t *list = json_array();
    int count = 0;
    bool ok = session_log(s, &rows, &count, err);

    for (int i = 0; ok && i < count; i++) {
        json_t *o = json_object();

        json_object_set_new(o, "seq", json_integer(rows[i].seq));
        json_object_set_new(o, "when", json_real(rows[i].when));
        json_object_set_new(o, "op", json_string(journal_op_name(rows[i].op)));
        json_object_set_new(o, "edit", rows[i].edit ? json_integer(rows[i].edit) : json_null());
        json_object_set_new(o, "state", json_text(rows[i].state));
        json_object_set_new(o, "checksum", json_text(*rows[i].checksum ? rows[i].checksum : NULL));
        json_array_append_new(list, o);
    }
    free(rows);
    json_object_set_new(root, "journal", list);
    return ok;
}

static bool add_edits(struct session *s, json_t *root, struct err *err)
{
    struct edit_record *edits = NULL;
    json_t *list = json_array();
    int count = 0;
    bool ok = session_edits(s, true, &edits, &count, err);

    for (int i = 0; ok && i < count; i++) {
        json_t *o = edit_json(s, &edits[i], err);

        ok = o && !json_array_append_new(list, o);
    }
    edit_records_free(edits, count);
    json_object_set_new(root, "edits", list);
    return ok;
}

static json_t *setting_json(struct session *s, const char *name)
{
    char *text = session_get(s, name, NULL);
    json_t *o = json_text(text);

    free(text);
    return o;
}

/* export_ops.write */
static bool write_json(const struct export_source *s, const struct export_options *options,
                       struct staging_dir *staging, struct export_result *r, struct err *err)
{
    const char *slash = strrchr(staging->target, '/');
    struct session_status status;
    json_t *root, *base;
    char *text = NULL;
    bool ok;

    if (options->rank || options->dtype)
        return err_set(err, ERR_USAGE, "--as json takes neither --rank nor --dtype");
    if (s->until)
        return err_set(err, ERR_USAGE, "--as json writes the whole journal and takes no --state");
    if (!session_status(s->session, &status, err))
        return false;
    root = json_object();
    base = json_object();
    json_object_set_new(root, "schema", json_integer(1));
    json_object_set_new(root, "kind", json_string("editscope-session"));
    json_object_set_new(root, "tool", json_string(s->tool));
    json_object_set_new(base, "name", json_text(s->name));
    json_object_set_new(base, "identity", json_text(s->identity));
    json_object_set_new(base, "path", setting_json(s->session, SESSION_MODEL_PATH));
    json_object_set_new(root, "base", base);
    json_object_set_new(root, "prefixes", setting_json(s->session, SESSION_PREFIXES));
    json_object_set_new(root, "state", json_text(status.state));
    json_object_set_new(root, "checksum", json_text(*status.checksum ? status.checksum : NULL));
    ok = add_edits(s->session, root, err) && add_journal(s->session, root, err);
    if (ok)
        text = json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    ok = ok && (text || err_set(err, ERR_LIMIT, "not enough memory for the journal")) &&
         staging_put(staging, slash + 1, text, strlen(text), err);
    free(text);
    json_decref(root);
    snprintf(r->dtype, sizeof(r->dtype), "%s", "none");
    return ok;
}

const struct export_ops export_json = {
    "json", HOLDS_ALL, false, true, "the session's journal, with hashes", write_json, NULL};
