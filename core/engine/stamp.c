/* Makes stamps (stamp.h) and compares them. */
#include "core/engine/stamp.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/digest.h"
#include "core/base/utf8.h"
#include "core/edit/editors/editors.h"

/* Frees the text. */
static void stamp_key(struct buf *text, char out[17])
{
    sha256_name(text->data, text->len, out);
    buf_free(text);
}

/* A text with its length, so that two lists of texts never run into each other. */
static void add_text(struct buf *out, const char *text)
{
    buf_printf(out, "%zu:%s", text ? strlen(text) : 0, text ? text : "");
}

static void add_fact(struct buf *out, const struct fact *fact, const struct params *params)
{
    struct wording wording = fact->wording;
    char words[48];

    add_text(out, fact->subject);
    add_text(out, fact->prompt);
    for (int i = 0; i < fact->paraphrases; i++)
        add_text(out, fact->paraphrase[i]);
    wording_set_defaults(&wording, params);
    wording_write(&wording, words);
    add_text(out, words);
}

static void add_objects(struct buf *out, const struct stamp_source *from)
{
    for (int i = 0; i < from->count; i++)
        if (from->facts[i].subject) {
            add_text(out, from->facts[i].target);
            add_text(out, from->facts[i].old);
        }
}

/* The keys of the new and of the old objects, for what depends on one of them. */
static void stamp_objects(const struct stamp_source *from, struct stamp *out)
{
    for (int old = 0; old < 2; old++) {
        struct buf text = {0};

        for (int i = 0; i < from->count; i++)
            if (from->facts[i].subject)
                add_text(&text, old ? from->facts[i].old : from->facts[i].target);
        if (text.len)
            stamp_key(&text, old ? out->old : out->target);
    }
}

/* Whether an edit with these parameters depends on the old object: its method edits by it, or its
 * masks are of scores that explain it. */
static bool edits_by_old(const struct params *p)
{
    return editor_of(p)->needs & NEEDS_OLD ||
           (editor_has_mask(p) && params_choice(p, P_ATTR_TARGET) == TARGET_OLD);
}

struct stamp stamp_of(const struct stamp_source *from)
{
    struct params params = *from->params;
    struct stamp out = {0};
    struct buf text = {0};

    for (int i = 0; i < from->count; i++)
        if (from->facts[i].subject)
            add_fact(&text, &from->facts[i], from->params);
    if (text.len)
        stamp_key(&text, out.fact);
    add_objects(&text, from);
    if (text.len)
        stamp_key(&text, out.object);
    stamp_objects(from, &out);
    out.by_old = edits_by_old(from->params);
    params.value[P_ATTR_AMPLIFY] = param_info(P_ATTR_AMPLIFY)->def;
    params_show_changed(&params, AFFECTS_SCORES, &text);
    if (params_choice(from->params, P_ATTR_TARGET))
        add_objects(&text, from);
    stamp_key(&text, out.scores);
    params_show_changed(from->params, AFFECTS_EDIT, &text);
    for (int i = 0; i < from->mask_override_count; i++)
        buf_printf(&text, "L%dN%d%c", from->mask_overrides[i].layer, from->mask_overrides[i].neuron,
                   from->mask_overrides[i].in ? '+' : '-');
    stamp_key(&text, out.edit);
    utf8_copy(out.state, sizeof(out.state), from->state ? from->state : "");
    return out;
}

unsigned stamp_differs(const struct stamp *a, const struct stamp *b, unsigned parts)
{
    bool apart = *a->target && *b->target;
    bool old = apart && strcmp(a->old, b->old) != 0;
    unsigned differs = old ? STAMP_OLD : 0;

    differs |= strcmp(a->fact, b->fact) != 0 ? STAMP_FACT : 0;
    if (apart ? strcmp(a->target, b->target) : strcmp(a->object, b->object))
        differs |= STAMP_OBJECT;
    differs |= strcmp(a->scores, b->scores) != 0 ? STAMP_SCORES : 0;
    if (strcmp(a->edit, b->edit) != 0 || (old && a->by_old && b->by_old))
        differs |= STAMP_EDIT;
    differs |= strcmp(a->state, b->state) != 0 ? STAMP_STATE : 0;
    return differs & parts;
}
