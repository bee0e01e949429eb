/* The key of a command: everything its answer depends on, apart from the weights, as one text.
 *
 * The recorder writes the key with each posted command ("about"), the player compares keys to find
 * the recorded answer to a command of now. What goes in is said by the KEY_ bits of the command's
 * row in ENGINE_COMMANDS: facts and text always; parameters as a 64-bit FNV-1a hash. For example
 * "The Eiffel Tower is in > Rome #9ae16a3b2f90404f".
 *
 * Keys of old recordings must still match, so nothing may change what they come out as: a parameter
 * that was added later counts only when it is not at its default. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/record/event_json.h"

static uint64_t hash_bytes(uint64_t h, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u; /* FNV-1a */
    return h;
}

static const uint64_t fnv = /* offset basis of FNV-1a */
    0xcbf29ce484222325u;

/* Parameters that affect any of `affects` (AFFECTS_ bits). One that was added after 0.1.0 is
 * hashed, with its name, only when it is not at its default: older recordings do not have it. */
static uint64_t hash_params(uint64_t h, const struct params *p, unsigned affects)
{
    for (int i = 0; i < PARAM_COUNT; i++) {
        const struct param_info *info = param_info((enum param)i);
        bool later = info->affects & PARAM_ADDED_LATER;

        if (!(info->affects & affects))
            continue;
        if (later && !(p->value[i] < info->def || p->value[i] > info->def))
            continue;
        if (later)
            h = hash_bytes(h, info->name, strlen(info->name));
        h = hash_bytes(h, &p->value[i], sizeof(p->value[i]));
    }
    return h;
}

/* Parameters of an edit, and its layers. */
static uint64_t hash_edit_params(uint64_t h, const struct params *p)
{
    h = hash_params(h, p, AFFECTS_EDIT);
    for (int i = 0; i < PARAM_MAX_LAYERS; i++)
        if (p->layer[i])
            h = hash_bytes(h, &i, sizeof(i));
    return h;
}

/* KEY_EDIT: parameters, overrides of the mask, variants. */
static uint64_t command_edit_hash(const struct command *cmd)
{
    uint64_t h = hash_edit_params(fnv, &cmd->params);

    for (int i = 0; i < cmd->mask_override_count; i++) {
        const struct mask_override *f = &cmd->mask_overrides[i];
        const int all[3] = {f->layer, f->neuron, f->in};

        h = hash_bytes(h, all, sizeof(all));
    }
    for (int i = 0; i < cmd->variant_count; i++)
        h = hash_edit_params(h, &cmd->variants[i]);
    return h;
}

/* Interventions of a query; 0: none. */
static uint64_t interventions_hash(const struct command *cmd)
{
    uint64_t h = fnv;

    for (int i = 0; i < cmd->intervention_count; i++) {
        const struct intervention *c = &cmd->interventions[i];
        const int all[3] = {c->layer, c->neuron, c->scale};

        h = hash_bytes(hash_bytes(h, all, sizeof(all)), &c->value, sizeof(c->value));
    }
    return cmd->intervention_count ? h : 0;
}

static void put_facts(const struct command *cmd, struct buf *out)
{
    for (int i = 0; i < cmd->count; i++) {
        char *text = fact_text(&cmd->facts[i]);

        buf_printf(out, "%s%s > %s", i ? "; " : "", text,
                   cmd->facts[i].target ? cmd->facts[i].target : "");
        free(text);
    }
}

/* The wording, if it is not the usual one: keys of recordings that are older than the choice of
 * wording say nothing about it. */
static void put_wording(const struct command *cmd, struct buf *out)
{
    static const struct wording usual = {JOIN_AUTO, ASK_PLAIN, MARKUP_TEXT};
    struct wording w = cmd->count ? cmd->facts[0].wording : (struct wording){0};
    char text[48];

    wording_set_defaults(&w, &cmd->params);
    wording_write(&w, text);
    if (memcmp(&w, &usual, sizeof(w)) != 0)
        buf_printf(out, " %s", text);
}

char *command_key(const struct command *cmd)
{
    unsigned flags = command_traits[cmd->kind].flags;
    struct buf out = {0};

    put_facts(cmd, &out);
    if (cmd->text)
        buf_printf(&out, "%s", cmd->text);
    if (flags & KEY_SCORES)
        buf_printf(&out, " #%016llx",
                   (unsigned long long)hash_params(fnv, &cmd->params, AFFECTS_SCORES));
    if (flags & KEY_EDIT)
        buf_printf(&out, " #%016llx", (unsigned long long)command_edit_hash(cmd));
    if (flags & KEY_STATES)
        buf_printf(&out, " state %u edit %d%s #%llx", cmd->states, cmd->edit,
                   cmd->chat ? " chat" : "", (unsigned long long)interventions_hash(cmd));
    if (flags & KEY_NEURON)
        buf_printf(&out, "L%dN%d", cmd->layer, cmd->neuron);
    if (flags & KEY_RANGE)
        buf_printf(&out, "%d to %d", cmd->from, cmd->edit);
    if (flags & KEY_EXPECT)
        buf_printf(&out, " expect %s", cmd->expect ? cmd->expect : "");
    if (flags & KEY_EXPORT)
        buf_printf(&out, " as %s %s rank %d edit %d state %u", cmd->export ? cmd->export : "",
                   cmd->dtype ? cmd->dtype : "", cmd->rank, cmd->edit, cmd->states);
    if (flags & KEY_NUMBER)
        buf_printf(&out, " %d", cmd->edit);
    if (flags & KEY_START && (cmd->edit || cmd->states))
        buf_printf(&out, " on edit %d state %u", cmd->edit, cmd->states);
    if (cmd->idle) /* the other layers of a map; the edited ones have the key of the whole */
        buf_puts(&out, " idle");
    put_wording(cmd, &out);
    return buf_take(&out);
}
