/* The facts of a session's active edits, and their probes: what drift and diff ask of older states.
 *
 * When a later edit gives the same prompt another object, the earlier fact is superseded: from that
 * state on it is no longer expected to hold. Probes need questions to the base model, so they are
 * made when a fact is first asked, and kept. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/internal.h"

void session_facts_free(struct session_facts *s)
{
    for (int i = 0; i < s->facts; i++) {
        free(s->fact[i].text);
        probes_free(&s->fact[i].probes);
    }
    free(s->fact);
    edit_records_free(s->edits, s->count);
    *s = (struct session_facts){0};
}

/* A fact is superseded by the first later edit with the same prompt. */
static void facts_supersede(struct session_facts *s)
{
    for (int i = 0; i < s->facts; i++) {
        s->fact[i].superseded = s->count;
        for (int j = i + 1; j < s->facts && s->fact[i].superseded == s->count; j++)
            if (!strcmp(s->fact[i].text, s->fact[j].text))
                s->fact[i].superseded = s->fact[j].index;
    }
}

bool session_facts_load(struct engine *e, struct session_facts *s, struct err *err)
{
    int total = 0;

    *s = (struct session_facts){0};
    if (!session_edits(e->open->journal, false, &s->edits, &s->count, err))
        return false;
    for (int n = 0; n < s->count; n++)
        total += s->edits[n].requests;
    s->fact = xcalloc((size_t)total + 1, sizeof(*s->fact));
    for (int n = 0; n < s->count; n++)
        for (int i = 0; i < s->edits[n].requests; i++) {
            struct edited_fact *a = &s->fact[s->facts++];

            *a = (struct edited_fact){.fact = &s->edits[n].facts[i], .index = n};
            a->text = fact_text(a->fact);
            a->text = a->text ? a->text : xstrdup("");
        }
    facts_supersede(s);
    return true;
}

bool edited_fact_probes(struct engine *e, const struct session_facts *s, struct edited_fact *a,
                        unsigned kinds, struct err *err)
{
    const struct params p = edit_params(s->edits[a->index].params_json);

    if (!a->has_probes)
        a->has_probes = probes_of(&a->probes, e->base, a->fact, &p, kinds, &e->job, err);
    return a->has_probes;
}

struct overwritten_fact *overwritten_add(struct overwritten *out, const struct session_facts *s,
                                         const struct edited_fact *a)
{
    struct overwritten_fact *lost;

    out->fact = xrealloc(out->fact, (size_t)(out->lost + 1) * sizeof(*out->fact));
    lost = &out->fact[out->lost++];
    *lost = (struct overwritten_fact){.edit = s->edits[a->index].id,
                                      .subject = xstrdup(a->fact->subject),
                                      .prompt = xstrdup(a->fact->prompt),
                                      .target = xstrdup(a->fact->target)};
    return lost;
}
