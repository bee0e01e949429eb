/* IKE, in-context knowledge editing (editscope-method(7) 7.17): the new fact is told before every
 * prompt, and no weight changes.
 *
 *   context  demonstrations, "New Fact: {prompt} {object}\nPrompt: "
 *   copy     "New Fact: {prompt} {object}\nPrompt: {prompt} {object}\n\n"    of another fact
 *   update   the same with its rephrase; retain: with its first neighbour and that answer
 *
 * Several facts are told one after the other, those of earlier edits first. A sentence encoder
 * would choose the demonstrations that are the most like the fact; here they are the first ones of
 * a file (ike.file), three a record, without records of the same subject. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/edit/editors/editors.h"

/* A prompt and its answer. */
static void put_answered(struct buf *text, const struct wording *w, const char *prompt,
                         const char *answer)
{
    buf_printf(text, "%s%s%s", prompt, wording_join(w, prompt, answer), answer);
}

/* "New Fact: {prompt} {object}\nPrompt: " */
static void put_fact(struct buf *text, const struct wording *w, const struct fact *f)
{
    char *prompt = fact_text(f);

    buf_puts(text, "New Fact: ");
    put_answered(text, w, prompt, f->target);
    buf_puts(text, "\nPrompt: ");
    free(prompt);
}

/* What a demonstration of this kind asks, and what it answers. Caller frees; NULL: the fact has no
 * such prompt. */
static char *shown_prompt(const struct fact *f, int kind, const char **answer)
{
    const struct probe *near = f->localities ? f->locality : NULL;

    *answer = f->target;
    if (kind == DEMONSTRATION_COPY)
        return fact_text(f);
    if (kind == DEMONSTRATION_UPDATE)
        return f->rephrase ? xstrdup(f->rephrase) : NULL;
    if (!near || !near->answer)
        return NULL;
    *answer = near->answer;
    return xstrdup(near->prompt);
}

/* Appends the demonstrations that one record makes, while fewer than k are there. */
static void put_demonstrations(struct buf *text, struct edit_result *out, const struct wording *w,
                               const struct fact *f, int record, int k)
{
    for (int kind = DEMONSTRATION_COPY; kind <= DEMONSTRATION_RETAIN; kind++) {
        const char *answer;
        char *prompt = out->demonstrations < k ? shown_prompt(f, kind, &answer) : NULL;

        if (!prompt)
            continue;
        put_fact(text, w, f);
        put_answered(text, w, prompt, answer);
        buf_puts(text, "\n\n");
        out->demonstration[out->demonstrations++] = (struct demonstration){record, kind};
        free(prompt);
    }
}

/* The first k demonstrations of the file. */
static bool demonstrations_of(struct buf *text, struct edit_result *out,
                              const struct edit_context *ctx, struct err *err)
{
    const char *path = params_text(ctx->params, P_IKE_FILE);
    const struct fact *told = &ctx->request[0].fact;
    int k = (int)ctx->params->value[P_IKE_K], count = 0;
    struct fact *facts = NULL;
    struct buf left_out = {0};

    if (!k)
        return true;
    if (!*path)
        return err_set(err, ERR_USAGE,
                       "ike.k is %d, and no file has demonstrations: set ike.file, or ike.k=0", k);
    if (!facts_load_usable(path, &facts, &count, &left_out, err))
        return err_in(err, "ike.file");
    for (int i = 0; i < count; i++) {
        if (strcmp(facts[i].subject, told->subject) != 0)
            put_demonstrations(text, out, &told->wording, &facts[i],
                               facts[i].record ? facts[i].record : i + 1, k);
        fact_free(&facts[i]);
    }
    free(facts);
    buf_free(&left_out);
    return out->demonstrations == k ||
           err_set(err, ERR_USAGE, "%s makes %d demonstrations and ike.k is %d; lower it", path,
                   out->demonstrations, k);
}

static bool ike_edit(struct edit_result *out, struct model_state *scratch, struct edit_context *ctx,
                     struct job *job, struct err *err)
{
    bool ok = !job_cancelled(job, err);
    struct buf text = {0};
    int tokens = 0;

    *out = (struct edit_result){.z_error = (double)NAN};
    out->prefix = xcalloc((size_t)ctx->count, sizeof(*out->prefix));
    ok = ok && demonstrations_of(&text, out, ctx, err);
    for (int t = 0; ok && t < ctx->count; t++) {
        put_fact(&text, &ctx->request[t].fact.wording, &ctx->request[t].fact);
        out->prefix[out->prefixes] = buf_take(&text);
        ok = state_add_prefix(scratch, out->prefix[out->prefixes++], err);
    }
    buf_free(&text);
    if (!ok) {
        edit_result_free(out);
        return false;
    }
    for (int i = scratch->prefixes - ctx->count; i < scratch->prefixes; i++)
        tokens += scratch->prefix[i].count;
    snprintf(out->beside, sizeof(out->beside), "%d tokens before every prompt", tokens);
    if (out->demonstrations)
        snprintf(out->beside, sizeof(out->beside),
                 "%d tokens before every prompt, with %d demonstration%s", tokens,
                 out->demonstrations, out->demonstrations == 1 ? "" : "s");
    return true;
}

extern const struct editor_ops editor_ike;
const struct editor_ops editor_ike = {
    .name = "ike",
    .title = "IKE",
    .paper = "Zheng et al. 2023",
    .keeps = "a text before every prompt",
    .edit = ike_edit,
};
