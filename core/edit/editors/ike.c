/* IKE, in-context knowledge editing (editscope-method(7) 7.17): the new fact is told before every
 * prompt, and no weight changes.
 *
 *   context  "New Fact: {prompt} {object}\nPrompt: "
 *
 * Several facts are told one after the other, those of earlier edits first. Demonstrations are not
 * added: choosing them takes a sentence encoder. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/edit/editors/editors.h"

/* Caller frees. */
static char *context_of(const struct request *r)
{
    struct buf text = {0};
    char *prompt = fact_text(&r->fact);

    buf_printf(&text, "New Fact: %s%s%s\nPrompt: ", prompt,
               wording_join(&r->fact.wording, prompt, r->fact.target), r->fact.target);
    free(prompt);
    return buf_take(&text);
}

static bool ike_edit(struct edit_result *out, struct model_state *scratch, struct edit_context *ctx,
                     struct job *job, struct err *err)
{
    bool ok = !job_cancelled(job, err);
    int tokens = 0;

    *out = (struct edit_result){.z_error = (double)NAN};
    out->prefix = xcalloc((size_t)ctx->count, sizeof(*out->prefix));
    for (int t = 0; ok && t < ctx->count; t++) {
        out->prefix[out->prefixes] = context_of(&ctx->request[t]);
        ok = state_add_prefix(scratch, out->prefix[out->prefixes++], err);
    }
    if (!ok) {
        edit_result_free(out);
        return false;
    }
    for (int i = scratch->prefixes - ctx->count; i < scratch->prefixes; i++)
        tokens += scratch->prefix[i].count;
    snprintf(out->beside, sizeof(out->beside), "%d tokens before every prompt", tokens);
    return true;
}

extern const struct editor_ops editor_ike;
const struct editor_ops editor_ike = {
    .name = "ike",
    .title = "IKE",
    .paper = "Zheng et al. 2023",
    .edit = ike_edit,
};
