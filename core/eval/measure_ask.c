/* The questions of a record, and how each protocol asks them (editscope-method(7) 14.1, 14.2).
 *
 *   probe  prompt       answer that is fed           right is                       rival
 *   rel    the fact's   new object                   new object                     old object
 *   gen    a rephrase   new object                   new object                     old object
 *   loc    neighbour's  its stated answer, or three  what the base predicts, with   new object
 *                       tokens that the base says    the same answer fed
 *   port   its own      its own, each of several     its own answer
 *
 * Teacher: prompt and answer are tokenised together; the tokens after as many as the prompt alone
 * has are the labels, and the argmax is taken before each of them. That is EasyEdit's protocol
 * token by token, also where a token joins the two texts (`merged`).
 *
 * Routed: the state is not asked, but where it sends the prompt (core/model/route.h). Left out for
 * states with edits that send prompts nowhere.
 *
 * Generated: greedy from the prompt alone, at most 50 tokens, up to the first full stop or new
 * line. */
#include "core/eval/measure_ask.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/model/route.h"

enum { GENERATED_TOKENS = 50, LOCAL_TOKENS = 3 };

void measure_list_free(struct measure_list *list)
{
    measures_free(list->measure, list->count);
    *list = (struct measure_list){0};
}

/* One question of a record; texts are borrowed. */
struct question {
    int probe, place;
    const char *prompt, *answer, *rival; /* the last two may be NULL */
    char *const *also;                   /* [alsos] other answers that are right */
    int alsos;
};

static const char *question_answer(const struct question *q, int alias)
{
    return alias ? q->also[alias - 1] : q->answer;
}

/* What all questions of a record share. */
struct asking {
    struct measure_list *out;
    const struct model_state *state;
    const struct fact *fact;
    unsigned protocols;
    const struct measure_list *base;
    struct job *job;
    struct err *err;
};

static struct measure *measure_add(const struct asking *a, const struct question *q, int alias,
                                   enum measure_protocol protocol)
{
    struct measure_list *list = a->out;
    struct measure *m;

    list->measure = xrealloc(list->measure, (size_t)(list->count + 1) * sizeof(*list->measure));
    m = &list->measure[list->count++];
    *m = (struct measure){.probe = q->probe,
                          .place = q->place,
                          .alias = alias,
                          .protocol = (int)protocol,
                          .logp = (double)NAN,
                          .rival = (double)NAN};
    return m;
}

/* What the base was measured to say to the same question; NULL: `state` is the base, or it was not
 * asked. */
static const struct measure *measure_of_base(const struct asking *a, const struct question *q,
                                             enum measure_protocol protocol)
{
    for (int i = 0; a->base && i < a->base->count; i++) {
        const struct measure *m = &a->base->measure[i];

        if (m->probe == q->probe && m->place == q->place && m->protocol == (int)protocol)
            return m;
    }
    return NULL;
}

static int *ids_copy(const int *id, int count)
{
    int *out = xcalloc((size_t)count + 1, sizeof(*out));

    if (count)
        memcpy(out, id, (size_t)count * sizeof(*out));
    return out;
}

/* ---- teacher forcing ---- */

/* Tokenises prompt and answer together. c->count is 0 where the answer has no token of its own. */
static bool joint_tokens(struct continuation *c, const struct asking *a, const char *prompt,
                         const char *answer, bool *merged)
{
    const struct model *m = a->state->model;
    const struct wording *w = &a->fact->wording;
    struct prompt_tokens alone;
    struct tokens all = {0};
    char *whole;
    bool ok;

    *c = (struct continuation){.stop = -1, .other = -1};
    if (!prompt_tokens_of(&alone, w, m, prompt, a->err))
        return false;
    whole = xasprintf("%s%s%s", alone.text, wording_join(w, alone.text, answer), answer);
    ok = tokenizer_encode(m->tokenizer, whole, strlen(whole), alone.flags, &all, a->err);
    if (ok) {
        int n = alone.tokens.count;

        c->prompt_count = n < all.count ? n : all.count;
        c->count = all.count - c->prompt_count;
        c->prompt = ids_copy(all.ids, c->prompt_count);
        c->token = ids_copy(all.ids + c->prompt_count, c->count);
        *merged = n > all.count || memcmp(all.ids, alone.tokens.ids, (size_t)n * sizeof(int)) != 0;
    }
    free(whole);
    tokens_free(&all);
    prompt_tokens_free(&alone);
    return ok;
}

/* The tokens of a neighbour without a stated answer: three that the base says. */
static bool base_tokens(struct continuation *c, const struct asking *a, const struct question *q,
                        const struct measure *base)
{
    if (!base)
        return continuation_greedy(c, a->state, &a->fact->wording, q->prompt, LOCAL_TOKENS, a->job,
                                   a->err);
    if (!continuation_of(c, a->state->model, &a->fact->wording, q->prompt, NULL, a->err))
        return false;
    free(c->token);
    c->token = ids_copy(base->label, base->labels);
    c->count = base->labels;
    return true;
}

/* Whether the model has room for it, and there is something to score. */
static bool can_be_scored(const struct asking *a, const struct continuation *c)
{
    return c->count && c->prompt_count &&
           c->count <= state_room(a->state, c->prompt, c->prompt_count);
}

static bool score(const struct asking *a, const struct continuation *c, struct generated *g)
{
    struct generate_options o = {.target = c->token, .targets = c->count};

    return generate(g, a->state, c->prompt, c->prompt_count, &o, a->job, a->err);
}

static double sum_of(const double *x, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

/* The other object after the same prompt. */
static bool ask_rival(const struct asking *a, const struct question *q, struct measure *m)
{
    struct continuation c;
    struct generated g = {0};
    bool merged, ok;

    if (!q->rival)
        return true;
    if (!joint_tokens(&c, a, q->prompt, q->rival, &merged))
        return false;
    ok = true;
    if (can_be_scored(a, &c)) {
        ok = score(a, &c, &g);
        m->rivals = ok ? c.count : 0;
        m->rival_right = ok;
        for (int i = 0; ok && i < c.count; i++)
            m->rival_right = m->rival_right && g.top[i];
        m->rival = ok ? sum_of(g.logp, c.count) : m->rival;
        generated_free(&g);
    }
    continuation_free(&c);
    return ok;
}

/* With one of the question's answers fed. */
static bool ask_teacher(const struct asking *a, const struct question *q, int alias)
{
    const struct measure *base = measure_of_base(a, q, PROTOCOL_TEACHER);
    const char *answer = question_answer(q, alias);
    struct continuation c;
    struct generated g;
    struct measure *m;
    bool merged = false, ok;

    if (!(answer ? joint_tokens(&c, a, q->prompt, answer, &merged) : base_tokens(&c, a, q, base)))
        return false;
    if (!can_be_scored(a, &c)) {
        continuation_free(&c);
        return true;
    }
    ok = score(a, &c, &g);
    if (ok) {
        bool kept = q->probe == MEASURE_LOC && base;

        m = measure_add(a, q, alias, PROTOCOL_TEACHER);
        m->predicted = ids_copy(g.argmax, c.count);
        m->predicteds = m->answers = c.count;
        m->labels = kept ? base->predicteds : c.count;
        m->label = kept ? ids_copy(base->predicted, base->predicteds) : ids_copy(c.token, c.count);
        m->said = tokens_text(a->state->model, m->predicted, m->predicteds);
        m->wanted = tokens_text(a->state->model, m->label, m->labels);
        m->logp = sum_of(g.logp, c.count);
        m->merged = merged;
        generated_free(&g);
        ok = ask_rival(a, q, m);
    }
    continuation_free(&c);
    return ok;
}

/* ---- generation ---- */

/* Watches a text for its first full stop or new line. */
struct sentence {
    struct decoder decoder;
    struct buf text;
    bool over;
};

static size_t sentence_length(const char *text)
{
    return strcspn(text, ".\n");
}

static void take_token(void *ctx, int id)
{
    struct sentence *s = ctx;

    decoder_put(&s->decoder, id, &s->text);
    s->over = s->text.data && s->text.data[sentence_length(s->text.data)];
}

/* The text of the tokens up to the end of its sentence, without blanks around it. Caller frees. */
static char *sentence_of(const struct model *m, const int *id, int count)
{
    char *text = tokens_text(m, id, count), *out;
    const char *begin = text + strspn(text, " \t\r");
    size_t n = sentence_length(begin);

    while (n && strchr(" \t\r", begin[n - 1]))
        n--;
    out = xasprintf("%.*s", (int)n, begin);
    free(text);
    return out;
}

static bool ask_generated(const struct asking *a, const struct question *q,
                          enum measure_protocol protocol)
{
    const struct model *model = a->state->model;
    const struct measure *base = measure_of_base(a, q, protocol);
    struct generate_options o = {.tokens = GENERATED_TOKENS, .token = take_token};
    struct wording w = a->fact->wording;
    struct prompt_tokens asked;
    struct sentence s = {0};
    struct generated g = {0};
    struct err why = {0};
    int room;
    bool ok;

    if (protocol == PROTOCOL_CHAT)
        w.form = ASK_CHAT;
    if (!prompt_tokens_of(&asked, &w, model, q->prompt, &why))
        return why.kind == ERR_MODEL || err_pass(a->err, &why); /* it has no chat form */
    room = state_room(a->state, asked.tokens.ids, asked.tokens.count);
    if (room < 1) {
        prompt_tokens_free(&asked);
        return true;
    }
    o.tokens = room < o.tokens ? room : o.tokens;
    o.stop[0] = asked.stop;
    o.stops = asked.stop >= 0;
    o.ctx = &s;
    o.enough = &s.over;
    decoder_begin(&s.decoder, model->tokenizer, DECODE_SKIP_SPECIAL);
    ok = generate(&g, a->state, asked.tokens.ids, asked.tokens.count, &o, a->job, a->err);
    decoder_end(&s.decoder, NULL);
    buf_free(&s.text);
    prompt_tokens_free(&asked);
    for (int i = 0; ok && i <= q->alsos; i++) {
        const char *answer = question_answer(q, i);
        struct measure *m = measure_add(a, q, i, protocol);

        m->predicted = ids_copy(g.id, g.count);
        m->predicteds = g.count;
        m->said = sentence_of(model, g.id, g.count);
        m->wanted = q->probe == MEASURE_LOC ? xstrdup(base ? base->said : m->said)
                                            : xstrdup(answer ? answer : "");
    }
    generated_free(&g);
    return ok;
}

/* ---- where a state sends the prompt ---- */

static bool ask_routed(const struct asking *a, const struct question *q)
{
    bool routes = state_has_routes(a->state), ok = true;
    struct hook_route route = {0};
    struct prompt_tokens asked;
    struct measure *m;

    if (!routes && a->base)
        return true;
    if (!prompt_tokens_of(&asked, &a->fact->wording, a->state->model, q->prompt, a->err))
        return false;
    if (state_room(a->state, asked.tokens.ids, asked.tokens.count) < 0) {
        prompt_tokens_free(&asked);
        return true;
    }
    if (routes) {
        const int *ids = asked.tokens.ids;

        ok = state_routes(a->state, -1, &ids, &asked.tokens.count, 1, &route, a->job, a->err);
    }
    if (ok) {
        const int yes = 1, is = route.routed;

        m = measure_add(a, q, 0, PROTOCOL_ROUTED);
        m->predicted = ids_copy(&is, 1);
        m->label = ids_copy(&yes, 1);
        m->predicteds = m->labels = 1;
    }
    prompt_tokens_free(&asked);
    return ok;
}

/* ---- the questions ---- */

static bool ask(const struct asking *a, struct question q)
{
    bool ok = !job_cancelled(a->job, a->err);

    for (int i = 0; ok && a->protocols & 1U << PROTOCOL_TEACHER && i <= q.alsos; i++)
        ok = ask_teacher(a, &q, i);
    return ok &&
           (!(a->protocols & 1U << PROTOCOL_GENERATED) ||
            ask_generated(a, &q, PROTOCOL_GENERATED)) &&
           (!(a->protocols & 1U << PROTOCOL_CHAT) || ask_generated(a, &q, PROTOCOL_CHAT)) &&
           (!(a->protocols & 1U << PROTOCOL_ROUTED) || ask_routed(a, &q));
}

bool measure_ask(struct measure_list *out, const struct model_state *state, const struct fact *fact,
                 unsigned protocols, const struct measure_list *base, struct job *job,
                 struct err *err)
{
    const struct asking a = {out, state, fact, protocols, base, job, err};
    char *text = fact_text(fact);
    struct question of_fact = {
        .probe = MEASURE_REL, .prompt = text, .answer = fact->target, .rival = fact->old};
    bool ok = ask(&a, of_fact);

    of_fact.probe = MEASURE_GEN;
    for (int i = fact->rephrase ? 0 : 1; ok && i <= fact->mores; i++) {
        of_fact.place = i;
        of_fact.prompt = i ? fact->more[i - 1] : fact->rephrase;
        ok = ask(&a, of_fact);
    }
    for (int i = 0; ok && i < fact->localities; i++) {
        const struct probe *p = &fact->locality[i];

        ok = ask(&a, (struct question){.probe = MEASURE_LOC,
                                       .place = i,
                                       .prompt = p->prompt,
                                       .answer = p->answer,
                                       .rival = p->answer ? fact->target : NULL});
    }
    for (int i = 0; ok && i < fact->portabilities; i++) {
        const struct probe *p = &fact->portability[i];

        ok = !p->answer || ask(&a, (struct question){.probe = MEASURE_PORT,
                                                     .place = i,
                                                     .prompt = p->prompt,
                                                     .answer = p->answer,
                                                     .also = p->also,
                                                     .alsos = p->alsos});
    }
    free(text);
    return ok;
}
