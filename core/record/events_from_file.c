/* Makes the lines of a recording from a RUN file or a session. */
#include "core/record/events_from_file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file_type.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/engine/internal.h"
#include "core/model/safetensors.h"
#include "core/record/event_json.h"
#include "core/record/recording.h"

static void put(struct buf *out, enum event_kind kind, unsigned id, void *what)
{
    struct event ev = {.kind = kind, .id = id};

    ev.progress = what; /* one pointer, whatever it is */
    buf_puts(out, "{\"t\":0,");
    event_write(&ev, false, out);
    buf_puts(out, "}\n");
    event_free(&ev);
}

/* The fact of the run, where the file says it and it is one; files of 0.1.0 have the prompts alone.
 */
static void put_fact(struct buf *out, const json_t *meta)
{
    char *text = json_dumps(json_object_get(meta, "fact"), JSON_COMPACT);
    struct fact fact = {0};

    if (text && fact_from_json(&fact, text, strlen(text), NULL))
        buf_printf(out, ",\"fact\":%s", text);
    fact_free(&fact);
    free(text);
}

static void put_head(struct buf *out, const char *params, const json_t *meta)
{
    buf_puts(out, "{\"schema\":1,\"recording\":\"editscope\"");
    if (meta)
        put_fact(out, meta);
    if (params)
        buf_printf(out, ",\"params\":%s", params);
    buf_puts(out, "}\n");
}

static void copy_text(char *to, size_t size, const json_t *from)
{
    const char *text = json_string_value(from);

    utf8_copy(to, size, text ? text : "");
}

static int number(const json_t *o, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(o, name));

    return n < 0 || n > INT_MAX ? 0 : (int)n;
}

/* Model, state and rows from the run's `meta` record. */
static void put_meta(struct buf *out, const json_t *meta)
{
    const json_t *rows = json_object_get(meta, "rows"), *order = json_object_get(meta, "order");
    struct model_info *m = xcalloc(1, sizeof(*m));
    struct state_info *s = xcalloc(1, sizeof(*s));
    struct attribution_header *r = xcalloc(1, sizeof(*r));

    copy_text(m->name, sizeof(m->name), json_object_get(meta, "model"));
    copy_text(m->device, sizeof(m->device), json_object_get(meta, "device"));
    copy_text(s->base, sizeof(s->base), json_object_get(meta, "model_sha256"));
    m->layers = r->layers = number(meta, "layers");
    m->neurons = r->neurons = number(meta, "M");
    s->readonly = true;
    snprintf(s->state, sizeof(s->state), "run");
    r->rows = (int)json_array_size(rows);
    r->prompt = xcalloc((size_t)r->rows + 1, sizeof(*r->prompt));
    r->target = xcalloc((size_t)r->rows + 1, sizeof(*r->target));
    for (int i = 0; i < r->rows; i++) {
        const json_t *row = json_array_get(rows, (size_t)i);
        const char *prompt = json_string_value(json_object_get(row, "prompt"));

        r->prompt[i] = xstrdup(prompt ? prompt : "");
        r->target[i].id = number(row, "target_id");
        copy_text(r->target[i].text, sizeof(r->target[i].text), json_object_get(row, "target"));
    }
    r->order_count = (int)json_array_size(order);
    r->order = xcalloc((size_t)r->order_count + 1, sizeof(*r->order));
    for (int i = 0; i < r->order_count; i++)
        r->order[i] = (int)json_integer_value(json_array_get(order, (size_t)i));
    put(out, EV_MODEL, 0, m);
    put(out, EV_STATE, 0, s);
    put(out, EV_HEADER, 0, r);
}

static const struct st_tensor *of_layer(const struct safetensors *st, const char *stem, int layer)
{
    char name[48];

    snprintf(name, sizeof(name), "%s.%d", stem, layer);
    return safetensors_tensor(st, name);
}

static bool put_layer(struct buf *out, const struct safetensors *st, const json_t *meta, int layer,
                      struct err *err)
{
    const struct st_tensor *score = of_layer(st, "scores", layer),
                           *activation = of_layer(st, "activation", layer),
                           *key = of_layer(st, "key", layer);
    const json_t *params = json_object_get(meta, "parameters");
    int neurons = number(meta, "M");
    struct attribution *a;

    if (!score)
        return true; /* not computed */
    if (score->ndim != 2 || score->dim[1] != neurons || score->dim[0] < 1 ||
        score->dim[0] > 1 << 16 || !activation ||
        st_tensor_elements(activation) != st_tensor_elements(score))
        return err_set(err, ERR_FORMAT, "layer %d: scores and activations are not [N, %d]", layer,
                       neurons);
    a = attribution_new(layer, (int)score->dim[0], neurons, false);
    a->id = 1;
    a->layers = number(meta, "layers");
    a->amplify = json_number_value(json_object_get(params, "attr.amplify"));
    st_tensor_floats(score, a->score);
    st_tensor_floats(activation, a->activation);
    if (key && key->ndim == 2 && key->dim[1] == neurons && key->dim[0] > 0 &&
        key->dim[0] <= 1 << 16) {
        a->keys = (int)key->dim[0];
        a->key = xmalloc((size_t)a->keys * (size_t)neurons * sizeof(float));
        st_tensor_floats(key, a->key);
    }
    if (!attribution_is_finite(a, err)) {
        attribution_unref(a);
        return false;
    }
    put(out, EV_LAYER, 0, a);
    return true;
}

static bool run_lines(const struct safetensors *st, struct buf *out, struct err *err)
{
    const char *text = safetensors_meta(st, "run");
    json_t *records = text ? json_loads(text, 0, NULL) : NULL;
    const json_t *meta = json_array_get(records, 0);
    int layers = number(meta, "layers"), neurons = number(meta, "M");
    char *params = json_dumps(json_object_get(meta, "parameters"), JSON_COMPACT);
    bool ok = layers > 0 && layers <= 4096 && neurons > 0 && neurons <= 1 << 22;

    if (!ok)
        err_set(err, ERR_FORMAT, "not a RUN file: `editscope attribute -o FILE` writes one");
    if (ok) {
        put_head(out, params, meta);
        put_meta(out, meta);
    }
    for (int layer = 0; ok && layer < layers; layer++)
        ok = put_layer(out, st, meta, layer, err);
    if (ok)
        put(out, EV_ATTRIBUTED, 1, NULL);
    free(params);
    json_decref(records);
    return ok;
}

/* As much of the model as the edits show: the edited layers and their width. */
static void put_edited_model(struct buf *out, struct session *s, struct state_info *state,
                             const struct history *h)
{
    struct model_info *m = xcalloc(1, sizeof(*m));
    char *name = session_get(s, SESSION_BASE_NAME, NULL);
    struct delta *delta = NULL;
    int count = 0;

    utf8_copy(m->name, sizeof(m->name), name ? name : "model not at hand");
    m->layers = m->neurons = 1;
    if (h->count && session_load_deltas(s, h->entry[0].edit, &delta, &count, NULL))
        for (int i = 0; i < count; i++) {
            m->layers = delta[i].layer >= m->layers ? delta[i].layer + 1 : m->layers;
            if (state->edited_count < 64)
                state->edited_layers[state->edited_count++] = delta[i].layer;
            if (delta[i].matrix != MATRIX_DOWN)
                continue;
            m->neurons = delta[i].cols;
            m->hidden = delta[i].rows;
        }
    deltas_free(delta, count);
    free(name);
    put(out, EV_MODEL, 0, m);
}

/* What a session's file tells by itself. NULL: failed. */
static struct history *past(struct session *s, struct state_info *state, struct err *err)
{
    struct session_status status;

    if (!session_status(s, &status, err))
        return NULL;
    *state = (struct state_info){.edits = status.edits, .readonly = true};
    utf8_copy(state->state, sizeof(state->state), status.state);
    utf8_copy(state->checksum, sizeof(state->checksum), status.checksum);
    utf8_copy(state->session, sizeof(state->session), session_path(s));
    return history_of_session(s, err);
}

struct history *engine_session_history(const char *session, struct state_info *state,
                                       struct err *err)
{
    struct session *s = session_open(session, false, true, err);
    struct history *h = s ? past(s, state, err) : NULL;

    session_close(s);
    return h;
}

static bool session_lines(const char *path, struct buf *out, struct err *err)
{
    struct session *s = session_open(path, false, true, err);
    struct state_info *state = xcalloc(1, sizeof(*state));
    struct history *h = s ? past(s, state, err) : NULL;
    char *params;

    if (h) {
        params = session_get(s, SESSION_PARAMETERS, NULL);
        put_head(out, params, NULL);
        free(params);
        put_edited_model(out, s, state, h);
        put(out, EV_STATE, 0, state);
        put(out, EV_HISTORY, 0, h);
    } else {
        free(state);
    }
    session_close(s);
    return h != NULL;
}

static bool is_recording(const char *path, enum file_type looks)
{
    struct params params;
    struct fact fact;
    struct recording *reel = NULL;

    if (looks == FILE_TYPE_GZIP || looks == FILE_TYPE_TEXT)
        reel = recording_open(path, &params, &fact, NULL);
    if (reel)
        fact_free(&fact);
    recording_close(reel);
    return reel != NULL;
}

bool events_from_file(const char *path, struct buf *out, struct err *err)
{
    enum file_type looks = file_type_of_path(path);
    struct safetensors *st;
    bool ok;

    if (looks == FILE_TYPE_SESSION)
        return session_lines(path, out, err);
    if (is_recording(path, looks))
        return err_set(err, ERR_FORMAT, "%s is a recording: `editscope replay` plays it", path);
    if (file_type_name(looks) && looks != FILE_TYPE_SAFETENSORS)
        return err_set(err, ERR_FORMAT,
                       "%s is %s: `view` shows sessions, and RUN files of `attribute -o`", path,
                       file_type_name(looks));
    st = safetensors_open(path, err);
    ok = st && (run_lines(st, out, err) || err_in(err, "%s", path));
    safetensors_close(st);
    return ok;
}
