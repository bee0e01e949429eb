/* Makes the lines of a recording from a RUN file or a session, so that `view` can show them by the
 * player, without the model. A RUN file becomes model, state, header, one event a layer; a session
 * becomes model (as far as its edits show it), state, history. A page of `:export` holds its lines.
 * All lines have time 0. */
#include "core/record/events_from_file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/file_type.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/engine/internal.h"
#include "core/model/safetensors.h"
#include "core/model/weights.h"
#include "core/record/event_json.h"
#include "core/record/recording.h"

enum { PAGE_MOST = 1 << 29, LAYERS_MOST = 4096, NEURONS_MOST = 1 << 22 };

/* One line with this event. Takes `what`. */
static void put_event(struct buf *out, enum event_kind kind, unsigned id, void *what)
{
    struct event ev = {.kind = kind, .id = id};

    ev.progress = what; /* any member of the union: all are one pointer */
    buf_puts(out, "{\"t\":0,");
    event_write(&ev, false, out);
    buf_puts(out, "}\n");
    event_free(&ev);
}

/* The fact of the run, if the file has a valid one; files of 0.1.0 have only the prompts. */
static void put_fact(struct buf *out, const json_t *meta)
{
    char *text = json_dumps(json_object_get(meta, "fact"), JSON_COMPACT);
    struct fact fact = {0};

    if (text && fact_from_json(&fact, text, strlen(text), NULL))
        buf_printf(out, ",\"fact\":%s", text);
    fact_free(&fact);
    free(text);
}

/* The last active edit of a session. */
static void put_last_fact(struct buf *out, struct session *s)
{
    struct edit_record last;
    char *text;

    if (session_last_edit(s, &last, NULL) && last.id) {
        text = fact_to_json(&last.facts[0]);
        buf_printf(out, ",\"fact\":%s", text);
        free(text);
    }
    edit_record_free(&last);
}

/* The first line of a recording, with the parameters and the fact of a run (meta) or session. */
static void put_head(struct buf *out, const char *params, const json_t *meta, struct session *s)
{
    buf_puts(out, "{\"schema\":1,\"recording\":\"editscope\"");
    if (meta)
        put_fact(out, meta);
    else
        put_last_fact(out, s);
    if (params)
        buf_printf(out, ",\"params\":%s", params);
    buf_puts(out, "}\n");
}

static void copy_text(char *to, size_t size, const json_t *from)
{
    const char *text = json_string_value(from);

    utf8_copy(to, size, text ? text : "");
}

static int json_int(const json_t *o, const char *name)
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
    m->layers = r->layers = json_int(meta, "layers");
    m->neurons = r->neurons = json_int(meta, "M");
    s->readonly = true;
    snprintf(s->state, sizeof(s->state), "run");
    r->rows = (int)json_array_size(rows);
    r->prompt = xcalloc((size_t)r->rows + 1, sizeof(*r->prompt));
    r->target = xcalloc((size_t)r->rows + 1, sizeof(*r->target));
    for (int i = 0; i < r->rows; i++) {
        const json_t *row = json_array_get(rows, (size_t)i);
        const char *prompt = json_string_value(json_object_get(row, "prompt"));

        r->prompt[i] = xstrdup(prompt ? prompt : "");
        r->target[i].id = json_int(row, "target_id");
        copy_text(r->target[i].text, sizeof(r->target[i].text), json_object_get(row, "target"));
    }
    r->order_count = (int)json_array_size(order);
    r->order = xcalloc((size_t)r->order_count + 1, sizeof(*r->order));
    for (int i = 0; i < r->order_count; i++)
        r->order[i] = (int)json_integer_value(json_array_get(order, (size_t)i));
    put_event(out, EV_MODEL, 0, m);
    put_event(out, EV_STATE, 0, s);
    put_event(out, EV_HEADER, 0, r);
}

/* Tensor STEM.LAYER, or NULL. */
static const struct st_tensor *layer_tensor(const struct safetensors *st, const char *stem,
                                            int layer)
{
    char name[48];

    snprintf(name, sizeof(name), "%s.%d", stem, layer);
    return safetensors_tensor(st, name);
}

/* EV_LAYER from tensors scores [rows, M], activation [rows, M] and key [keys, M]. */
static bool put_layer(struct buf *out, const struct safetensors *st, const json_t *meta, int layer,
                      struct err *err)
{
    const struct st_tensor *score = layer_tensor(st, "scores", layer),
                           *activation = layer_tensor(st, "activation", layer),
                           *key = layer_tensor(st, "key", layer);
    const json_t *params = json_object_get(meta, "parameters");
    int neurons = json_int(meta, "M");
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
    a->layers = json_int(meta, "layers");
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
    put_event(out, EV_LAYER, 0, a);
    return true;
}

static bool run_lines(const struct safetensors *st, struct buf *out, struct err *err)
{
    const char *text = safetensors_meta(st, "run");
    json_t *records = text ? json_loads(text, 0, NULL) : NULL;
    const json_t *meta = json_array_get(records, 0);
    int layers = json_int(meta, "layers"), neurons = json_int(meta, "M");
    char *params = json_dumps(json_object_get(meta, "parameters"), JSON_COMPACT);
    bool ok = layers > 0 && layers <= LAYERS_MOST && neurons > 0 && neurons <= NEURONS_MOST;

    if (!ok)
        err_set(err, ERR_FORMAT, "not a RUN file: `editscope attribute -o FILE` writes one");
    if (ok) {
        put_head(out, params, meta, NULL);
        put_meta(out, meta);
    }
    for (int layer = 0; ok && layer < layers; layer++)
        ok = put_layer(out, st, meta, layer, err);
    if (ok)
        put_event(out, EV_ATTRIBUTED, 1, NULL);
    free(params);
    json_decref(records);
    return ok;
}

/* The shape of the model as the session has it; of a session of 0.1.0 that of the model's file, if
 * it is where it was. False: neither. */
static bool model_shape(struct session *s, const char *name, struct model_info *m)
{
    char *shape = session_get(s, SESSION_BASE_SHAPE, NULL);
    char *path = shape ? NULL : session_get(s, SESSION_MODEL_PATH, NULL);
    struct weights *w = path && file_exists(path) ? weights_open(path, NULL) : NULL;
    const struct model_config *c = w ? weights_config(w) : NULL;
    int layers = 0, neurons = 0, hidden = 0;
    bool ok;

    if (shape)
        sscanf(shape, "%9d %9d %9d", &layers, &neurons, &hidden);
    else if (c && name && !strcmp(c->name, name))
        layers = c->layers, neurons = c->ffn, hidden = c->hidden;
    ok = layers > 0 && layers <= LAYERS_MOST && neurons > 0 && neurons <= NEURONS_MOST;
    m->layers = ok ? layers : 1;
    m->neurons = ok ? neurons : 1;
    m->hidden = ok ? hidden : 0;
    weights_close(w);
    free(path);
    free(shape);
    return ok;
}

/* The model of a session. Where its shape is not known, the highest edited layer is taken as the
 * last, and widths are those of the deltas. */
static void put_edited_model(struct buf *out, struct session *s, struct state_info *state,
                             const struct history *h)
{
    struct model_info *m = xcalloc(1, sizeof(*m));
    char *name = session_get(s, SESSION_BASE_NAME, NULL);
    bool known = model_shape(s, name, m);
    struct delta *delta = NULL;
    int count = 0;

    utf8_copy(m->name, sizeof(m->name), name ? name : "model not at hand");
    if (h->count && session_load_deltas(s, h->entry[0].edit, &delta, &count, NULL))
        for (int i = 0; i < count; i++) {
            m->layers = delta[i].layer >= m->layers ? delta[i].layer + 1 : m->layers;
            if (state->edited_count < 64)
                state->edited_layers[state->edited_count++] = delta[i].layer;
            if (known || delta[i].matrix != MATRIX_DOWN)
                continue;
            m->neurons = delta[i].cols;
            m->hidden = delta[i].rows;
        }
    deltas_free(delta, count);
    free(name);
    put_event(out, EV_MODEL, 0, m);
}

/* State and history as the session file has them. NULL: failed. */
static struct history *session_history_of(struct session *s, struct state_info *state,
                                          struct err *err)
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
    struct history *h = s ? session_history_of(s, state, err) : NULL;

    session_close(s);
    return h;
}

struct history *engine_session_follow(const char *session, const struct state_info *known,
                                      struct state_info *state, struct err *err)
{
    struct session *s = session_peek(session, err);
    struct session_status status;
    struct history *h = NULL;

    if (s && session_status(s, &status, err) && strcmp(status.state, known->state) != 0)
        h = session_history_of(s, state, err);
    session_close(s);
    return h;
}

static bool session_lines(const char *path, struct buf *out, struct err *err)
{
    struct session *s = session_open(path, false, true, err);
    struct state_info *state = xcalloc(1, sizeof(*state));
    struct history *h = s ? session_history_of(s, state, err) : NULL;
    struct recalled_edit *last;
    char *params;

    if (h) {
        params = session_get(s, SESSION_PARAMETERS, NULL);
        put_head(out, params, NULL, s);
        free(params);
        put_edited_model(out, s, state, h);
        put_event(out, EV_STATE, 0, state);
        put_event(out, EV_HISTORY, 0, h);
        last = recalled_of_session(s, 0, NULL);
        if (last)
            put_event(out, EV_RECALLED, 0, last);
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
    struct recording *recording = NULL;

    if (looks == FILE_TYPE_GZIP || looks == FILE_TYPE_TEXT)
        recording = recording_open(path, &params, &fact, NULL);
    if (recording)
        fact_free(&fact);
    recording_close(recording);
    return recording != NULL;
}

/* The lines in a page that `:export FILE.html` wrote: what its script of this type holds. */
static bool page_lines(const char *path, struct buf *out, struct err *err)
{
    static const char begin[] = "<script type=\"application/x-ndjson\" id=\"editscope\">\n";
    char *text = file_read_text(path, PAGE_MOST, NULL, err);
    const char *from = text ? strstr(text, begin) : NULL;
    const char *to = from ? strstr(from, "</script>") : NULL;
    bool ok = to != NULL;

    if (ok)
        buf_add(out, from + sizeof(begin) - 1, (size_t)(to - from) - (sizeof(begin) - 1));
    else if (text)
        err_set(err, ERR_FORMAT, "%s is a web page, but none that editscope wrote", path);
    free(text);
    return ok;
}

bool events_from_file(const char *path, struct buf *out, struct err *err)
{
    enum file_type looks = file_type_of_path(path);
    struct safetensors *st;
    bool ok;

    if (looks == FILE_TYPE_SESSION)
        return session_lines(path, out, err);
    if (looks == FILE_TYPE_HTML)
        return page_lines(path, out, err);
    if (is_recording(path, looks))
        return err_set(err, ERR_FORMAT, "%s is a recording: `editscope replay` plays it", path);
    if (file_type_name(looks) && looks != FILE_TYPE_SAFETENSORS)
        return err_set(err, ERR_FORMAT,
                       "%s is %s: `view` shows sessions, RUN files of `attribute -o` and pages of "
                       ":export FILE.html; figures and tables (svg, md, csv) hold no run",
                       path, file_type_name(looks));
    st = safetensors_open(path, err);
    ok = st && (run_lines(st, out, err) || err_in(err, "%s", path));
    safetensors_close(st);
    return ok;
}
