/* The judge: makes the probes of a fact once, against the base, and asks any state each of them
 * (editscope-method(7) 9.2).
 *
 *   kind         prompt                      expected          passed when
 *   fact         the fact's own              new object        right, and p(target) >= accept.p_min
 *   rephrase     rephrases, 2 paraphrases    new object        right
 *   question     "Q: question\nA:"           new object        right
 *   chat         the question as a chat turn new object        said as whole words in 24 tokens
 *   portability  its own                     its own answer    right
 *   locality     a neighbour                 the base's answer right: still what the base says; or
 *                                                              said as whole words in 6 tokens
 *
 * "Right" means that each token of the expected answer is the argmax, with the prompt and the
 * answer's earlier tokens before it (teacher forcing). That is EasyEdit's accuracy, of the whole
 * answer. It needs one pass a probe and no generation, and two states that agree on these tokens
 * get the same verdict. In the chat form the object stands somewhere in a sentence, so there the
 * state generates and the text is searched.
 *
 * A locality probe asks whether the edit changed a neighbour, not whether the neighbour is true. So
 * what is expected is what the base says: the stated answer if the base gives it, else its first
 * three tokens. A base that says "the city of Barcelona" gives "Barcelona", too: then a state keeps
 * it that has it among its first words, whatever stands before it.
 *
 * Two callers that ask the same probe of the same state get the same verdict: commit, preview,
 * scoreboard, Compare, Sweep, drift, diff, export and apply have no rule of their own. */
#include "core/eval/probe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/unicode_match.h"
#include "core/model/chat.h"

enum { ANSWER_TOKENS = 6, CHAT_TOKENS = 24, LOCAL_TOKENS = 3 };

const char *probe_word(enum probe_kind kind)
{
    static const char *const word[] = {
        [PROBE_REPHRASE] = "rephrase",
        [PROBE_LOCALITY] = "locality",
        [PROBE_PORTABILITY] = "portability",
        [PROBE_QUESTION] = "question",
        [PROBE_CHAT] = "chat",
        [PROBE_FACT] = "fact",
    };

    return word[kind];
}

const char *probe_label(enum probe_kind kind)
{
    return kind == PROBE_LOCALITY      ? "neighbour"
           : kind == PROBE_PORTABILITY ? "follows"
                                       : probe_word(kind);
}

const char *probe_not_asked(const struct probe_result *p, char out[80])
{
    snprintf(out, 80, "not asked: longer than the model's context of %d tokens", p->context);
    return out;
}

/* The arguments of all functions that add probes. */
struct probe_builder {
    struct probes *out;
    struct job *job;
    struct err *err;
};

static struct probe_case *probe_add(struct probe_builder *m, enum probe_kind kind,
                                    const char *prompt)
{
    struct probes *p = m->out;
    struct probe_case *c;

    p->probe = xrealloc(p->probe, (size_t)(p->count + 1) * sizeof(*p->probe));
    c = &p->probe[p->count++];
    *c = (struct probe_case){.kind = kind,
                             .prompt = xstrdup(prompt),
                             .wording = m->out->fact->wording,
                             .known = true,
                             .tokens = {.stop = -1, .other = -1}};
    if (kind == PROBE_QUESTION)
        c->wording.form = ASK_PLAIN;
    return c;
}

/* Whether the state has room for the prompt, its answer, and `more` tokens that it says. */
static bool has_room(const struct model_state *s, const struct continuation *c, int more)
{
    int further = c->count > more ? c->count : more;

    return further <= state_room(s, c->prompt, c->prompt_count);
}

/* A state may have a text before every prompt. The fact's own prompt is asked in any case: who asks
 * it needs the error. */
static bool probe_has_room(const struct probe_case *c, const struct model_state *s)
{
    return c->kind == PROBE_FACT ||
           has_room(s, &c->tokens, c->kind == PROBE_CHAT ? CHAT_TOKENS : ANSWER_TOKENS);
}

/* Notes a probe that the model has no room for; nobody asks it. */
static bool probe_fits(const struct probes *p, struct probe_case *c)
{
    if (!probe_has_room(c, p->base)) {
        c->context = p->base->model->config->context;
        c->known = false;
    }
    return !c->context;
}

/* A probe with a given answer. */
static bool add_given(struct probe_builder *m, enum probe_kind kind, const char *prompt,
                      const char *answer)
{
    struct probe_case *c = probe_add(m, kind, prompt);

    c->expected = xstrdup(answer);
    if (!continuation_of(&c->tokens, m->out->base->model, &c->wording, prompt, answer, m->err))
        return false;
    probe_fits(m->out, c);
    return true;
}

/* A neighbour with its stated answer. It is known if the base gives this answer: at once, or as
 * whole words within the first tokens that it says. */
static bool add_stated(struct probe_builder *m, const struct probe *p)
{
    const struct model_state *base = m->out->base;
    struct probe_case *c;
    struct score s;
    char *said;

    if (!add_given(m, PROBE_LOCALITY, p->prompt, p->answer))
        return false;
    c = &m->out->probe[m->out->count - 1];
    if (c->context)
        return true;
    if (!answer_score(&s, base, &c->tokens, m->job, m->err))
        return false;
    if (s.right)
        return true;
    said = answer_words(base, &c->wording, p->prompt, ANSWER_TOKENS, m->job, m->err);
    c->known = c->within = said && unicode_contains_word(said, p->answer);
    free(said);
    return said != NULL;
}

/* A neighbour. If the base does not give the stated answer, an edit cannot preserve it: then what
 * the base says instead is expected. */
static bool add_locality(struct probe_builder *m, const struct probe *p)
{
    bool ok = !p->answer || add_stated(m, p);
    struct probe_case *c =
        p->answer ? &m->out->probe[m->out->count - 1] : probe_add(m, PROBE_LOCALITY, p->prompt);
    char *said;

    if (!ok)
        return false;
    if (!p->answer) {
        if (!continuation_of(&c->tokens, m->out->base->model, &c->wording, p->prompt, NULL, m->err))
            return false;
        c->expected = xstrdup("");
        probe_fits(m->out, c);
    }
    if (c->context || (p->answer && c->known))
        return true;
    free(c->expected);
    c->expected = NULL;
    continuation_free(&c->tokens);
    if (!continuation_greedy(&c->tokens, m->out->base, &c->wording, p->prompt, LOCAL_TOKENS, m->job,
                             m->err))
        return false;
    said = tokens_text(m->out->base->model, c->tokens.token, c->tokens.count);
    c->expected = xstrdup(said + strspn(said, " \n"));
    free(said);
    return true;
}

static bool add_rephrases(struct probe_builder *m, const struct params *p)
{
    const struct fact *f = m->out->fact;
    int count;
    char **text = fact_rephrases(f, p, &count);
    bool ok = true;

    for (int i = 0; ok && i < count; i++)
        ok = add_given(m, PROBE_REPHRASE, text[i], f->target);
    texts_free(text, count);
    return ok;
}

static bool add_question(struct probe_builder *m)
{
    char *qa;
    bool ok;

    if (!m->out->fact->question)
        return true;
    qa = xasprintf("Q: %s\nA:", m->out->fact->question);
    ok = add_given(m, PROBE_QUESTION, qa, m->out->fact->target);
    free(qa);
    return ok;
}

/* A fact without a question is asked as "Complete: PROMPT". A model without a chat form that we
 * know has no such probe. */
static bool add_chat(struct probe_builder *m)
{
    const struct fact *f = m->out->fact;
    char *text = fact_text(f);
    char *question = f->question ? xstrdup(f->question) : xasprintf("Complete: %s", text);
    struct tokens t = {0};
    struct err none = {0};
    int stop = -1;

    if (chat_encode(m->out->base->model, question, NULL, &t, &stop, &none)) {
        struct probe_case *c = probe_add(m, PROBE_CHAT, question);
        size_t n = (size_t)t.count * sizeof(int);

        c->expected = xstrdup(f->target);
        c->tokens.stop = stop;
        c->tokens.prompt_count = t.count;
        c->tokens.prompt = memcpy(xmalloc(n + 1), t.ids, n);
        probe_fits(m->out, c);
    }
    tokens_free(&t);
    free(question);
    free(text);
    return true;
}

static bool add_fact(struct probe_builder *m)
{
    char *text = fact_text(m->out->fact);
    bool ok = add_given(m, PROBE_FACT, text ? text : "", m->out->fact->target);

    free(text);
    return ok;
}

bool probes_of(struct probes *out, const struct model_state *base, const struct fact *fact,
               const struct params *p, unsigned kinds, struct job *job, struct err *err)
{
    struct probe_builder m = {out, job, err};
    bool ok;

    *out = (struct probes){.fact = fact, .base = base, .accept = p->value[P_ACCEPT_P_MIN]};
    ok = (!(kinds & PROBES_FACT) || add_fact(&m)) &&
         (!(kinds & PROBES_REPHRASE) || add_rephrases(&m, p)) &&
         (!(kinds & PROBES_QUESTION) || add_question(&m)) &&
         (!(kinds & PROBES_CHAT) || add_chat(&m));
    for (int i = 0; ok && kinds & PROBES_PORTABILITY && i < fact->portabilities; i++)
        ok = !fact->portability[i].answer ||
             add_given(&m, PROBE_PORTABILITY, fact->portability[i].prompt,
                       fact->portability[i].answer);
    for (int i = 0; ok && kinds & PROBES_LOCALITY && i < fact->localities; i++)
        ok = add_locality(&m, &fact->locality[i]);
    return ok;
}

/* Drops the last probe. */
static void probe_drop(struct probes *p)
{
    struct probe_case *c = &p->probe[--p->count];

    free(c->prompt);
    free(c->expected);
    continuation_free(&c->tokens);
}

void probes_free(struct probes *p)
{
    while (p->count)
        probe_drop(p);
    free(p->probe);
    free(p->old);
    *p = (struct probes){0};
}

bool probes_know_neighbour(const struct probes *p)
{
    for (int i = 0; i < p->count; i++)
        if (p->probe[i].kind == PROBE_LOCALITY && p->probe[i].known)
            return true;
    return false;
}

bool probes_add_known(struct probes *p, const struct probe *from, int count, int want, int *asked,
                      struct job *job, struct err *err)
{
    struct probe_builder m = {p, job, err};
    int found = 0;

    for (*asked = 0; *asked < count && found < want; ++*asked) {
        if (!from[*asked].answer)
            continue;
        if (!add_stated(&m, &from[*asked]))
            return false;
        if (p->probe[p->count - 1].known)
            found++;
        else
            probe_drop(p);
    }
    return true;
}

bool fact_holds(const struct score *s, double accept)
{
    return s->right && s->p >= accept;
}

static bool probe_passes(const struct probe_case *c, const struct answered *a, double accept)
{
    if (c->kind == PROBE_CHAT || c->within)
        return unicode_contains_word(a->said, c->expected);
    return c->kind == PROBE_FACT ? fact_holds(&a->score, accept) : a->score.right;
}

bool probe_ask(struct verdict *out, const struct probes *p, int i, const struct model_state *view,
               bool words, struct job *job, struct err *err)
{
    const struct probe_case *c = &p->probe[i];
    bool chat = c->kind == PROBE_CHAT;
    struct answered a = {0};

    *out = (struct verdict){0};
    if (job_cancelled(job, err))
        return false;
    if (!answer_prompt(&a, view, &c->tokens,
                       chat                 ? CHAT_TOKENS
                       : words || c->within ? ANSWER_TOKENS
                                            : 0,
                       job, err))
        return false;
    out->score = a.score;
    out->ok = probe_passes(c, &a, p->accept);
    if (words) {
        out->said = a.said;
        a.said = NULL;
    }
    answered_free(&a);
    return true;
}

/* An answer up to the end of its first clause. Caller frees. */
static char *first_words(const char *said)
{
    size_t skip = strspn(said, " \n"), n = strcspn(said + skip, ".,;:\n");

    return xasprintf("%.*s", (int)n, said + skip);
}

/* p->old: the fact's old object, or the first clause that the base says to the fact's own prompt.
 */
static bool find_old_object(struct probes *p, struct job *job, struct err *err)
{
    char *text, *said;

    if (p->old || p->fact->old) {
        p->old = p->old ? p->old : xstrdup(p->fact->old);
        return true;
    }
    text = fact_text(p->fact);
    said = answer_words(p->base, &p->fact->wording, text, ANSWER_TOKENS, job, err);
    p->old = said ? first_words(said) : NULL;
    free(said);
    free(text);
    return p->old != NULL;
}

/* Whether the base gives the old object to probe i (editscope-method(7) 9.3). If not, the base does
 * not know the answer in this form, and the edit is not to blame. Neighbours: see add_locality().
 * Other kinds of probes are known. */
static bool base_understands(bool *known, struct probes *p, int i, struct job *job, struct err *err)
{
    const struct probe_case *c = &p->probe[i];
    struct continuation old;
    struct verdict v;
    struct score s = {0};
    bool ok;

    *known = c->known;
    if (c->kind != PROBE_REPHRASE && c->kind != PROBE_QUESTION && c->kind != PROBE_CHAT)
        return true;
    if (!find_old_object(p, job, err))
        return false;
    if (!*p->old)
        return true;
    if (c->kind == PROBE_CHAT) {
        ok = probe_ask(&v, p, i, p->base, true, job, err);
        *known = ok && unicode_contains_word(v.said, p->old);
        free(v.said);
        return ok;
    }
    ok = continuation_of(&old, p->base->model, &c->wording, c->prompt, p->old, err) &&
         (!has_room(p->base, &old, 0) || answer_score(&s, p->base, &old, job, err));
    *known = s.right;
    continuation_free(&old);
    return ok;
}

bool probe_compare(struct probe_result *out, struct probes *p, int i,
                   const struct model_state *const state[2], bool words, struct job *job,
                   struct err *err)
{
    const struct probe_case *c = &p->probe[i];

    out->kind = c->kind;
    out->prompt = xstrdup(c->prompt);
    out->expected = xstrdup(c->expected);
    out->known = c->known;
    out->context = c->context;
    if (!probe_has_room(c, state[0]) || !probe_has_room(c, state[1])) {
        out->context = p->base->model->config->context;
        out->known = false;
    }
    for (int k = 0; k < 2; k++) {
        struct verdict v;

        if (out->context) {
            out->p[k] = out->p_target[k] = (double)NAN;
            continue;
        }
        if (!probe_ask(&v, p, i, state[k], words, job, err))
            return false;
        out->said[k] = v.said;
        out->p[k] = v.score.p_first;
        out->p_target[k] = v.score.p;
        out->ok[k] = v.ok;
    }
    /* a probe that is passed is known */
    return out->ok[1] || out->context || base_understands(&out->known, p, i, job, err);
}
