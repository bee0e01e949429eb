/* Makes stamps (stamp.h) and compares them. */
#include "core/engine/stamp.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/digest.h"
#include "core/base/utf8.h"

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
    unsigned differs = 0;

    differs |= strcmp(a->fact, b->fact) != 0 ? STAMP_FACT : 0;
    differs |= strcmp(a->object, b->object) != 0 ? STAMP_OBJECT : 0;
    differs |= strcmp(a->scores, b->scores) != 0 ? STAMP_SCORES : 0;
    differs |= strcmp(a->edit, b->edit) != 0 ? STAMP_EDIT : 0;
    differs |= strcmp(a->state, b->state) != 0 ? STAMP_STATE : 0;
    return differs & parts;
}
