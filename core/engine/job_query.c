/* Commands that only ask: how the model reads a prompt (job_inspect), what it answers (job_query),
 * what a neuron promotes (job_neuron). They run in the middle of longer work (engine.c), so each is
 * kept short or streams its answer. Also notices about special tokens in texts and facts. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/utf8.h"
#include "core/engine/internal.h"
#include "core/model/chat.h"
#include "core/model/finite_weights.h"
#include "core/model/generate.h"
#include "core/model/lens.h"
#include "core/model/route.h"

enum { NEXT = 10, NEURON_TOKENS = 12 }; /* next tokens; tokens shown of a neuron */

void shown_token_of(const struct engine *e, int id, struct shown_token *w)
{
    struct buf piece = {0};

    *w = (struct shown_token){.id = id};
    tokenizer_piece(e->model->tokenizer, id, &piece);
    utf8_encode_nul(&piece);
    utf8_copy(w->text, sizeof(w->text), piece.data ? piece.data : "");
    buf_free(&piece);
}

/* The k most probable next tokens. Caller frees. */
static struct shown_token *next_tokens(const struct engine *e, const float *logits, int k,
                                       int *count)
{
    int vocab = e->model->head.rows, *index = xcalloc((size_t)k + 1, sizeof(int));
    double lse = log_sum_exp(logits, vocab);
    struct shown_token *w = xcalloc((size_t)k + 1, sizeof(*w));

    *count = top_k(logits, vocab, k, index);
    for (int i = 0; i < *count; i++) {
        shown_token_of(e, index[i], &w[i]);
        w[i].logit = (double)logits[index[i]];
        w[i].p = exp(w[i].logit - lse);
    }
    free(index);
    return w;
}

struct shown_token *shown_tokens_of(const struct engine *e, const int *id, int count)
{
    struct shown_token *w = xcalloc((size_t)count + 1, sizeof(*w));

    for (int i = 0; i < count; i++)
        shown_token_of(e, id[i], &w[i]);
    return w;
}

struct shown_token *prompt_shown_tokens(const struct engine *e, const struct request *r)
{
    const struct row *row = &r->row[0];
    struct shown_token *w = shown_tokens_of(e, row->id, row->count);

    for (int i = row->first; i >= 0 && i <= row->last; i++)
        w[i].subject = true;
    return w;
}

bool prompt_read(struct engine *e, const struct request *r, const struct model_state *view,
                 struct prompt_info *info, struct err *err)
{
    const struct row *row = &r->row[0];
    struct lens_readout l;
    struct score score;
    int old = r->old; /* not from edited weights: they may say the new object already */

    if (old < 0 && !state_same(e->base, view) && !old_token(e, r, &old, err))
        return false;
    if (!lens_readout(&l, view, row->id, row->count, r->target, r->targets, old, &e->job, err))
        return false;
    info->next = next_tokens(e, l.logits, NEXT, &info->nexts);
    info->rank = token_rank(l.logits, e->model->head.rows, r->target[0]);
    info->old = info->next[0];
    if (l.old != info->old.id)
        shown_token_of(e, l.old, &info->old);
    score = score_of(l.logp, NULL, r->targets);
    info->p_target = score.p;
    info->p_first = score.p_first;
    info->layers = l.layers;
    info->rank_old = l.rank_old;
    info->rank_new = l.rank_new;
    l.rank_old = l.rank_new = NULL;
    lens_readout_free(&l);
    return true;
}

/* The tokens of the prompt so far, if the fact is not complete yet. */
static void inspect_partial(struct engine *e, const struct fact *fact, struct prompt_info *info)
{
    struct tokens t = {0};
    char *text = fact_text(fact);

    if (text && tokenizer_encode(e->model->tokenizer, text, strlen(text), 0, &t, NULL)) {
        info->token = shown_tokens_of(e, t.ids, t.count);
        info->tokens = t.count;
    }
    info->lookup = -1;
    tokens_free(&t);
    free(text);
}

bool job_inspect(struct engine *e, struct command *cmd, struct err *err)
{
    struct prompt_info *info;
    struct request r;
    struct err problem = {0};
    struct event ev = {.kind = EV_PROMPT, .job = e->job_id};
    bool ok = true;

    if (!cmd->count)
        return err_set(err, ERR_USAGE, "no fact: give subject, prompt and new object");
    if (bus_waiting(e->bus, CMD_INSPECT)) /* a newer one waits */
        return true;
    e->newest_inspect = e->job_id;
    info = xcalloc(1, sizeof(*info));
    info->job = e->job_id;
    if (!request_build(&r, &cmd->facts[0], &e->open->prefixes, e->model, &cmd->params, &problem)) {
        utf8_copy(info->problem, sizeof(info->problem), problem.text);
        inspect_partial(e, &cmd->facts[0], info);
    } else {
        info->token = prompt_shown_tokens(e, &r);
        info->tokens = r.row[0].count;
        info->lookup = r.row[0].lookup;
        notice_of(e, &r, info->note);
        info->target = shown_tokens_of(e, r.target, r.targets);
        info->targets = r.targets;
        ok = prompt_read(e, &r, e->open->edited, info, &problem);
        if (!ok && problem.kind == ERR_USAGE) { /* too long for the model */
            utf8_copy(info->problem, sizeof(info->problem), problem.text);
            ok = true;
        } else if (!ok) {
            err_pass(err, &problem);
        }
        request_free(&r);
    }
    ev.prompt = info;
    if (ok && e->newest_inspect == ev.job)
        bus_emit(e->bus, ev);
    else
        event_free(&ev);
    return ok;
}

void notice_text(struct engine *e, const struct wording *w, const char *text)
{
    struct notice *n = xcalloc(1, sizeof(*n));

    special_tokens_notice(w, e->model->tokenizer, text, n->text);
    if (*n->text)
        engine_emit(e, EV_NOTICE, n);
    else
        free(n);
}

void notice_of(const struct engine *e, const struct request *r, char out[NOTICE])
{
    char *prompt = fact_text(&r->fact), *text;

    text = xasprintf("%s\n%s", prompt, r->fact.target);
    special_tokens_notice(&r->fact.wording, e->model->tokenizer, text, out);
    free(text);
    free(prompt);
}

void notice_lines(struct engine *e, struct buf *lines)
{
    char *rest = lines->data;

    for (char *line; rest && (line = strsep(&rest, "\n"));) {
        struct notice *n;

        if (!*line)
            continue;
        n = xcalloc(1, sizeof(*n));
        utf8_copy(n->text, sizeof(n->text), line);
        engine_emit(e, EV_NOTICE, n);
    }
    buf_free(lines);
}

void notice_facts(struct engine *e, const struct request *request, int count)
{
    char last[NOTICE] = "";

    for (int i = 0; i < count; i++) {
        struct notice *n = xcalloc(1, sizeof(*n));

        notice_of(e, &request[i], n->text);
        if (*n->text && strcmp(n->text, last) != 0) {
            memcpy(last, n->text, sizeof(last));
            engine_emit(e, EV_NOTICE, n);
        } else {
            free(n);
        }
    }
}

/* An answer while it is generated. */
struct stream {
    struct engine *e;
    struct answer base; /* the members that every partial answer repeats; owns nothing */
    const char *prompt;
    char *plain;            /* answer.plain */
    struct decoder decoder; /* holds back the bytes of an incomplete character */
    struct buf text;
};

/* After each token: EV_ANSWER with the text so far, `partial`. */
static void stream_token(void *ctx, int id)
{
    struct stream *s = ctx;
    struct answer *a;

    decoder_put(&s->decoder, id, &s->text);
    utf8_encode_nul(&s->text);
    a = xcalloc(1, sizeof(*a));
    *a = s->base;
    a->partial = true;
    a->prompt = xstrdup(s->prompt);
    a->completion = xstrdup(s->text.data ? s->text.data : "");
    a->plain = s->plain ? xstrdup(s->plain) : NULL;
    engine_emit(s->e, EV_ANSWER, a);
}

/* A copy of the state with the command's interventions as a hook. NULL with err. */
static struct model_state *state_changed(const struct model_state *v, const struct command *cmd,
                                         struct err *err)
{
    struct model_state *state = state_copy(v, v->generation);
    json_t *root = json_object(), *list = json_array();
    struct hook_data data = {.name = (char *)(size_t)hook_neurons.name};
    struct hook *hook = NULL;
    bool ok = true;

    json_object_set_new(root, "change", list);
    for (int i = 0; ok && i < cmd->intervention_count; i++) {
        const struct intervention *c = &cmd->interventions[i];

        ok = isfinite(c->value) ||
             err_set(err, ERR_USAGE, "L%dN%d: the coefficient must be a finite number", c->layer,
                     c->neuron);
        if (ok)
            json_array_append_new(list, json_pack("[iisf]", c->layer, c->neuron,
                                                  c->scale ? "scale" : "set", (double)c->value));
    }
    data.params = ok && cmd->intervention_count ? json_dumps(root, 0) : NULL;
    if (data.params)
        hook = hook_open(v->model, &data, err);
    if (hook)
        state_add_hook(state, hook);
    hook_release(hook);
    free(data.params);
    json_decref(root);
    if (hook || !cmd->intervention_count)
        return state;
    state_free(state);
    return NULL;
}

/* The prompt's tokens, and in chat form the token that ends the answer. If the model has no known
 * chat form, the plain text is asked and *plain says why. */
static bool prompt_tokens(const struct engine *e, const char *prompt, struct wording *w,
                          struct prompt_tokens *a, struct generate_options *o, char **plain,
                          struct err *err)
{
    struct err why = {0};

    if (prompt_tokens_of(a, w, e->model, prompt, &why)) {
        o->stop[0] = a->stop;
        o->stops = a->stop >= 0;
        return true;
    }
    if (w->form != ASK_CHAT || why.kind != ERR_MODEL) {
        *err = why;
        return false;
    }
    *plain = xstrdup(why.text);
    w->form = ASK_PLAIN;
    return prompt_tokens_of(a, w, e->model, prompt, err);
}

/* The complete answer. Takes g's ids. */
static struct answer *answer_whole(struct engine *e, const struct stream *s,
                                   const struct command *cmd, struct generated *g)
{
    struct answer *a = xcalloc(1, sizeof(*a));

    *a = s->base;
    a->prompt = xstrdup(cmd->text);
    a->completion = tokens_text(e->model, g->id, g->count);
    a->plain = s->plain ? xstrdup(s->plain) : NULL;
    a->ids = g->id;
    a->count = g->count;
    g->id = NULL;
    a->next = next_tokens(e, g->logits, cmd->top ? cmd->top : NEXT, &a->nexts);
    return a;
}

/* Where the state sent the prompt; nothing where none of its edits chooses prompts. */
static bool answer_route(struct answer_route *out, const struct model_state *state,
                         const struct tokens *t, struct job *job, struct err *err)
{
    const int *ids = t->ids;
    struct hook_route r;

    if (!state_has_routes(state))
        return true;
    if (!state_routes(state, -1, &ids, &t->count, 1, &r, job, err))
        return false;
    if (!r.of)
        return true;
    *out = (struct answer_route){.entries = r.entries,
                                 .entry = r.entry + 1,
                                 .layer = r.layer,
                                 .routed = r.routed,
                                 .below = r.below,
                                 .value = r.value,
                                 .limit = r.limit};
    utf8_copy(out->kind, sizeof(out->kind), r.of->one);
    utf8_copy(out->measure, sizeof(out->measure), r.of->measure);
    return true;
}

const char *answer_route_words(const struct answer *a, char out[160])
{
    const struct answer_route *r = &a->route;

    *out = '\0';
    if (r->entries)
        show_print(out, 160,
                   r->routed ? "routed to %s %d of %d at L%d: %s %.3g, %s %.3g"
                             : "not routed: the nearest is %s %d of %d at L%d, %s %.3g, "
                               "%s %.3g",
                   r->kind, r->entry, r->entries, r->layer, r->measure, r->value,
                   r->below ? "taken up to" : "taken from", r->limit);
    return out;
}

static struct wording query_wording(const struct command *cmd)
{
    struct wording w = wording_of(&cmd->params);

    w.form = cmd->chat ? ASK_CHAT : ASK_PLAIN; /* queries have their own switch for it */
    return w;
}

/* Generates the answer of one state, with its events, and notes it in the session. `edit`: it is
 * the state after this edit, with this name; 0 and "": it is not. */
static bool answer_one(struct engine *e, const struct command *cmd, const struct model_state *v,
                       unsigned state, int edit, const char *name, struct err *err)
{
    struct wording w = query_wording(cmd);
    struct stream s = {.e = e,
                       .prompt = cmd->text,
                       .base = {.state = state,
                                .edit = edit,
                                .chat = w.form == ASK_CHAT,
                                .changed = cmd->intervention_count}};
    struct generate_options o = {.tokens = cmd->tokens,
                                 .temperature = cmd->temperature,
                                 .seed = (uint64_t)cmd->params.value[P_SEED],
                                 .token = stream_token,
                                 .ctx = &s};
    struct model_state *asked = state_changed(v, cmd, err);
    struct prompt_tokens asking = {0};
    struct generated g = {0};
    struct answer *a;
    bool ok;

    utf8_copy(s.base.state_name, sizeof(s.base.state_name), name);
    decoder_begin(&s.decoder, e->model->tokenizer, DECODE_SKIP_SPECIAL);
    ok = asked && prompt_tokens(e, cmd->text, &w, &asking, &o, &s.plain, err) &&
         answer_route(&s.base.route, asked, &asking.tokens, &e->job, err) &&
         generate(&g, asked, asking.tokens.ids, asking.tokens.count, &o, &e->job, err);

    state_free(asked);
    prompt_tokens_free(&asking);
    decoder_end(&s.decoder, NULL);
    buf_free(&s.text);
    a = ok ? answer_whole(e, &s, cmd, &g) : NULL;
    free(s.plain);
    if (!ok)
        return false;
    generated_free(&g);
    if (e->open && !e->options.readonly && !cmd->intervention_count)
        session_add_query(e->open->journal, cmd->text, a->completion,
                          state == STATE_BASE      ? "base"
                          : state == STATE_PREVIEW ? "preview"
                                                   : "edited",
                          NULL);
    engine_emit(e, EV_ANSWER, a);
    return true;
}

bool job_query(struct engine *e, struct command *cmd, struct err *err)
{
    unsigned states = cmd->states ? cmd->states : STATE_BASE | STATE_EDITED;
    struct wording w = query_wording(cmd);

    if (!cmd->text || !*cmd->text)
        return err_set(err, ERR_USAGE, "an empty prompt: type a question or a text to continue");
    notice_text(e, &w, cmd->text);
    if (cmd->edit) {
        struct model_state *past = NULL;
        char name[17];
        bool ok = engine_session_rebuild(e, e->open->journal, cmd->edit, &past, err) &&
                  state_name_after(e, cmd->edit, name, err) &&
                  answer_one(e, cmd, past, STATE_EDITED, cmd->edit, name, err);

        state_free(past);
        return ok;
    }
    if ((states & STATE_PREVIEW) && !e->preview.view)
        return err_set(err, ERR_USAGE, "there is no preview: make one first");
    return (!(states & STATE_BASE) || answer_one(e, cmd, e->base, STATE_BASE, 0, "", err)) &&
           (!(states & STATE_EDITED) ||
            answer_one(e, cmd, e->open->edited, STATE_EDITED, 0, "", err)) &&
           (!(states & STATE_PREVIEW) ||
            answer_one(e, cmd, e->preview.view, STATE_PREVIEW, 0, "", err));
}

/* The tokens with the largest logits, the largest first. `sign` -1: the logits were negated, and
 * are given back as they were. */
static int tokens_of_logits(struct engine *e, const float *logits, int vocab, double sign,
                            struct shown_token out[NEURON_TOKENS])
{
    int index[NEURON_TOKENS], n = top_k(logits, vocab, NEURON_TOKENS, index);

    for (int i = 0; i < n; i++) {
        shown_token_of(e, index[i], &out[i]);
        out[i].logit = sign * (double)logits[index[i]];
    }
    return n;
}

/* EV_NEURON from the projections of its value vector [vocab], which it changes. */
static void emit_neuron(struct engine *e, int layer, int neuron, float *logits, int vocab)
{
    struct neuron_info *info = xcalloc(1, sizeof(*info));

    info->layer = layer;
    info->neuron = neuron;
    info->count = tokens_of_logits(e, logits, vocab, 1, info->promotes);
    for (int j = 0; j < vocab; j++)
        logits[j] = -logits[j];
    tokens_of_logits(e, logits, vocab, -1, info->suppresses);
    edit_stats_top_activations(e, info);
    engine_emit(e, EV_NEURON, info);
}

/* editscope-method(7) 10.2: logits = W_U (g * v), with v the neuron's column of the down
 * projection, g the final norm's gain, W_U the head. All n neurons go through the head in one
 * product. */
bool emit_neurons(struct engine *e, int layer, const int *neuron, int n, struct err *err)
{
    const struct model *m = e->model;
    int d = m->config->hidden, vocab = m->head.rows;
    struct mat down = mat_new(m->dev, DT_F32, d, m->config->ffn), v = mat_new(m->dev, DT_F32, n, d),
               logits = mat_new(m->dev, DT_F32, n, vocab);
    float *host = xmalloc((size_t)n * (size_t)vocab * sizeof(float));
    bool ok;

    model_check_layer(m, m->config->layers);
    model_check_layer(m, layer);
    device_copy(m->dev, state_matrix(e->open->edited, layer, MATRIX_DOWN), down);
    for (int i = 0; i < n; i++) {
        struct mat row = mat_rows(v, i, 1), column = {row.data, DT_F32, d, 1, 1};

        device_copy(m->dev, mat_cols(down, neuron[i], 1), column);
        lens_contribution(m, layer, column);
    }
    device_scale_cols(m->dev, v, m->final_norm.gain, v);
    device_gemm(m->dev, 1, v, false, m->head, true, 0, logits);
    device_fetch(m->dev, host, logits, "L%d: projections of its neurons (a column a token)", layer);
    ok = device_sync(m->dev, err);
    for (int i = 0; ok && i < n; i++)
        emit_neuron(e, layer, neuron[i], host + (size_t)i * (size_t)vocab, vocab);
    free(host);
    mat_free(m->dev, &down);
    mat_free(m->dev, &v);
    mat_free(m->dev, &logits);
    return ok;
}

bool job_neuron(struct engine *e, struct command *cmd, struct err *err)
{
    const struct model_config *c = e->model->config;

    if (cmd->layer < 0 || cmd->layer >= c->layers || cmd->neuron < 0 || cmd->neuron >= c->ffn)
        return err_set(err, ERR_USAGE, "no neuron L%dN%d: layers 0 to %d, neurons 0 to %d",
                       cmd->layer, cmd->neuron, c->layers - 1, c->ffn - 1);
    return emit_neurons(e, cmd->layer, &cmd->neuron, 1, err);
}
