/* The scoreboard of a fact: is what was written also said in other words, as a question, in the
 * chat form; do neighbours still get their old answers; does what follows from the fact follow.
 * Every probe is asked of the base and of the edited weights (or the preview, where one stands), so
 * that what the base could not do either is not blamed on the edit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/alike.h"
#include "core/engine/inside.h"
#include "core/model/chat.h"
#include "core/model/generate.h"

enum { SAID = 6, CHAT_SAID = 24, MORE_REPHRASES = 2 };

struct board {
    struct engine *e;
    const struct model_state *view[2]; /* before, after */
    const struct fact *fact;
    struct wording wording; /* of the prompt asked last */
    char *old; /* the object the base gives to the fact's own prompt; NULL: not known */
    struct probed *out;
    struct err *err;
};

/* What one view says to a prompt, and how it likes an answer. */
struct heard {
    char *said;
    double p_first, p_target;
    bool top;
};

static bool ask(struct board *b, const struct model_state *view, const struct tokens *prompt,
                const struct tokens *answer, int tokens, int stop, struct heard *out)
{
    struct engine *e = b->e;
    struct generate_options o = {.tokens = tokens, .stop = {stop}, .stops = stop >= 0};
    struct generated g = {0};
    double sum = 0;
    bool ok;

    if (answer) {
        o.want = answer->ids;
        o.wants = answer->count;
    }
    *out = (struct heard){.p_first = (double)NAN, .p_target = (double)NAN, .top = o.wants > 0};
    ok = generate(&g, view, prompt->ids, prompt->count, &o, &e->job, b->err);
    if (ok) {
        for (int i = 0; i < o.wants; i++) {
            out->top = out->top && g.top[i];
            sum += g.logp[i];
        }
        if (o.wants) {
            out->p_first = exp(g.logp[0]);
            out->p_target = exp(sum);
        }
        out->said = text_of_ids(e, g.id, g.count);
    }
    generated_free(&g);
    return ok;
}

/* A prompt in the fact's own wording; a question with "A:" behind it is plain text always. */
static bool prompt_tokens(struct board *b, enum probe_kind kind, const char *prompt,
                          struct asking *a)
{
    b->wording = b->fact->wording;
    if (kind == PROBE_QUESTION)
        b->wording.form = ASK_PLAIN;
    return asked_prompt(a, &b->wording, b->e->model, prompt, b->err);
}

/* An answer as tokens that continue the prompt asked last. */
static bool answer_tokens(struct board *b, const struct asking *a, const char *answer,
                          struct tokens *t)
{
    return asked_answer(a, &b->wording, b->e->model, answer, t, b->err);
}

/* The first words of an answer: up to the end of a clause. Caller frees. */
static char *first_words(const char *said)
{
    size_t skip = strspn(said, " \n"), n = strcspn(said + skip, ".,;:\n");

    return xasprintf("%.*s", (int)n, said + skip);
}

/* Takes over what was heard. */
static struct probe_result *probe_new(struct board *b, enum probe_kind kind, const char *prompt,
                                      const char *expected, struct heard heard[2])
{
    struct probed *out = b->out;
    struct probe_result *r;

    out->probe = xrealloc(out->probe, (size_t)(out->probes + 1) * sizeof(*out->probe));
    r = &out->probe[out->probes++];
    *r = (struct probe_result){.kind = kind, .prompt = xstrdup(prompt), .known = true};
    r->expected = xstrdup(expected);
    for (int i = 0; i < 2; i++) {
        r->said[i] = heard[i].said;
        r->p[i] = heard[i].p_first;
        r->p_target[i] = heard[i].p_target;
        r->ok[i] = heard[i].top;
        heard[i].said = NULL;
    }
    return r;
}

/* Of both views. */
static bool ask_both(struct board *b, const struct tokens *prompt, const struct tokens *answer,
                     int tokens, int stop, struct heard heard[2])
{
    return ask(b, b->view[0], prompt, answer, tokens, stop, &heard[0]) &&
           ask(b, b->view[1], prompt, answer, tokens, stop, &heard[1]);
}

static void heard_free(struct heard heard[2])
{
    free(heard[0].said);
    free(heard[1].said);
}

/* Whether the base gives the old object here: if not, the question is not one it understands. */
static bool base_understands(struct board *b, const struct asking *a, bool *known)
{
    struct tokens old = {0};
    struct heard h = {0};
    bool ok = true;

    *known = true;
    if (b->old && *b->old) {
        ok = answer_tokens(b, a, b->old, &old) && ask(b, b->view[0], &a->tokens, &old, 1, -1, &h);
        *known = h.top;
    }
    tokens_free(&old);
    free(h.said);
    return ok;
}

/* A prompt whose right answer is the new object. */
static bool follows(struct board *b, enum probe_kind kind, const char *prompt, const char *expected,
                    bool same_object)
{
    struct tokens answer = {0};
    struct heard heard[2] = {{0}};
    struct asking a;
    bool known = true;
    bool ok = prompt_tokens(b, kind, prompt, &a) && answer_tokens(b, &a, expected, &answer) &&
              ask_both(b, &a.tokens, &answer, SAID, a.stop, heard) &&
              (!same_object || base_understands(b, &a, &known));

    if (ok) {
        struct probe_result *r = probe_new(b, kind, prompt, expected, heard);

        r->known = known || r->ok[1];
    }
    heard_free(heard);
    asked_free(&a);
    tokens_free(&answer);
    return ok;
}

/* A prompt whose answer must stay: the given one where the base knows it, else what the base says
 * (and then the probe is grey if no answer was given to hold it against). */
static bool stays(struct board *b, const struct probe *p)
{
    struct tokens answer = {0};
    struct heard heard[2] = {{0}};
    struct asking a;
    bool ok = prompt_tokens(b, PROBE_LOCALITY, p->prompt, &a) &&
              (!p->answer || answer_tokens(b, &a, p->answer, &answer)) &&
              ask_both(b, &a.tokens, p->answer ? &answer : NULL, SAID, a.stop, heard);

    if (ok) {
        bool known = !p->answer || heard[0].top, given = known && p->answer;
        char *before = first_words(heard[0].said), *after = first_words(heard[1].said);
        struct probe_result *r =
            probe_new(b, PROBE_LOCALITY, p->prompt, given ? p->answer : before, heard);

        if (!given) {
            r->ok[0] = true;
            r->ok[1] = !strcmp(before, after);
        }
        r->known = known;
        free(before);
        free(after);
    }
    heard_free(heard);
    asked_free(&a);
    tokens_free(&answer);
    return ok;
}

/* The chat form is judged by whether the object is said at all: it stands inside a sentence. */
static bool in_chat(struct board *b, const char *question)
{
    struct tokens t = {0};
    struct heard heard[2] = {{0}};
    struct err none = {0};
    int stop = -1;
    bool ok;

    if (!chat_encode(b->e->model, question, NULL, &t, &stop, &none)) {
        tokens_free(&t);
        return true; /* a model without a known chat form has no such probe */
    }
    ok = ask_both(b, &t, NULL, CHAT_SAID, stop, heard);
    if (ok) {
        struct probe_result *r = probe_new(b, PROBE_CHAT, question, b->fact->target, heard);

        for (int i = 0; i < 2; i++)
            r->ok[i] = alike_holds(r->said[i], b->fact->target);
        r->known = r->ok[1] || !b->old || alike_holds(r->said[0], b->old);
    }
    heard_free(heard);
    tokens_free(&t);
    return ok;
}

/* The old object: given, or what the base says first to the fact's own prompt. */
static bool find_old(struct board *b)
{
    char *text = fact_text(b->fact);
    struct asking a = {0};
    struct heard h = {0};
    bool ok = true;

    if (b->fact->old)
        b->old = xstrdup(b->fact->old);
    else if ((ok = prompt_tokens(b, PROBE_FACT, text, &a) &&
                   ask(b, b->view[0], &a.tokens, NULL, SAID, a.stop, &h)))
        b->old = first_words(h.said);
    free(h.said);
    free(text);
    asked_free(&a);
    return ok;
}

/* Without a question of its own a fact is asked in the chat form to be completed. */
static char *question_of(const struct fact *f)
{
    char *text, *question;

    if (f->question)
        return xstrdup(f->question);
    text = fact_text(f);
    question = xasprintf("Complete: %s", text);
    free(text);
    return question;
}

static bool all_probes(struct board *b, bool paraphrases_are_rows)
{
    const struct fact *f = b->fact;
    char *question = question_of(f), *qa;
    int total = f->localities + f->portabilities + 4, done = 0;
    bool ok = find_old(b);

    if (ok && f->rephrase)
        ok = follows(b, PROBE_REPHRASE, f->rephrase, f->target, true);
    for (int i = 0; ok && !paraphrases_are_rows && i < f->paraphrases && i < MORE_REPHRASES; i++) {
        char *text = template_fill(f->paraphrase[i], f->subject);

        if (!f->rephrase || strcmp(text, f->rephrase) != 0)
            ok = follows(b, PROBE_REPHRASE, text, f->target, true);
        free(text);
    }
    qa = xasprintf("Q: %s\nA:", question);
    ok = ok && (!f->question || follows(b, PROBE_QUESTION, qa, f->target, true)) &&
         in_chat(b, question);
    done = 4;
    for (int i = 0; ok && i < f->portabilities; i++) {
        engine_say_progress(b->e, b->e->job_id, "scoreboard", done++, total);
        ok = !f->portability[i].answer || follows(b, PROBE_PORTABILITY, f->portability[i].prompt,
                                                  f->portability[i].answer, false);
    }
    for (int i = 0; ok && i < f->localities; i++) {
        engine_say_progress(b->e, b->e->job_id, "scoreboard", done++, total);
        ok = stays(b, &f->locality[i]);
    }
    free(qa);
    free(question);
    return ok;
}

bool job_probe(struct engine *e, struct command *cmd, struct err *err)
{
    const struct model_state *after = e->preview.view ? e->preview.view : e->open->edited;
    bool rows = strcmp(params_word(&cmd->params, P_ATTR_ROWS), "prefixes") != 0;

    if (cmd->count < 1)
        return err_set(err, ERR_USAGE, "no fact: give subject, prompt and new object");
    for (int i = 0; i < cmd->count; i++) {
        struct board b = {.e = e, .view = {e->base, after}, .fact = &cmd->facts[i], .err = err};
        struct event ev = {.kind = EV_PROBED, .job = e->job_id};
        bool ok;

        if (!fact_normalise(&cmd->facts[i], err))
            return false;
        wording_settle(&cmd->facts[i].wording, &cmd->params);
        b.out = xcalloc(1, sizeof(*b.out));
        b.out->fact = i;
        b.out->subject = xstrdup(cmd->facts[i].subject);
        ok = all_probes(&b, rows);
        free(b.old);
        ev.probed = b.out;
        if (ok)
            bus_emit(e->bus, ev);
        else
            event_free(&ev);
        if (!ok)
            return false;
    }
    return true;
}
