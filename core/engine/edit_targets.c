/* The targets of edits (editscope-method(7) 5), each optimised once for what it depends on.
 *
 * A target takes about half of the time of an edit, and no parameter of the mask or of the solve
 * moves it. So the engine keeps the last KEPT_TARGETS of them under all that they depend on
 * (target_key()), and a preview after a moved ratio, a commit after a preview, a variant of Compare
 * and an arm of `eval` take the kept one. It has the same bits as one that is made again, and its
 * steps are told again. */
#include <string.h>

#include "core/base/digest.h"
#include "core/base/mem.h"
#include "core/engine/internal.h"

enum { KEPT_TARGETS = 1024 }; /* of a hidden size of 4096, 18 MiB */

void targets_free(struct engine *e)
{
    for (int i = 0; i < e->kept_targets; i++)
        target_free(&e->target[i].target);
    free(e->target);
    e->target = NULL;
    e->kept_targets = 0;
}

static void row_tokens(const struct row *row, struct buf *text)
{
    buf_printf(text, "\n%d:", row->lookup);
    for (int i = 0; i < row->count; i++)
        buf_printf(text, " %d", row->id[i]);
}

/* What a target depends on, as a digest: parameters, the method's rule, the layer, the rows, the
 * new object, the weights. */
static void target_key(const struct engine *e, const struct request *r, int layer,
                       const struct params *p, char out[17])
{
    const struct target_rule *rule = editor_of(p)->target;
    struct buf text = {0};

    params_show_all(p, AFFECTS_TARGET, &text);
    if (rule)
        buf_printf(&text, "%d %d %d %d %d %d", rule->clamp, rule->wd, rule->of_ffn, rule->attention,
                   rule->stop, rule->count);
    buf_printf(&text, "\n%d", layer);
    for (int i = 0; i < r->rows; i++)
        row_tokens(&r->row[i], &text);
    row_tokens(&r->kl_row, &text);
    for (int i = 0; i < r->targets; i++)
        buf_printf(&text, " %d", r->target[i]);
    buf_puts(&text, "\n");
    edit_weights_name(e, p, P_Z_WEIGHTS, &text);
    sha256_name(text.data, text.len, out);
    buf_free(&text);
}

static const struct target *kept_target(const struct engine *e, const char *key)
{
    for (int i = 0; i < e->kept_targets; i++)
        if (!strcmp(e->target[i].key, key))
            return &e->target[i].target;
    return NULL;
}

/* A place for one more, the oldest one's if all are taken. */
static struct kept_target *target_place(struct engine *e)
{
    struct kept_target *place;

    if (!e->target)
        e->target = xcalloc(KEPT_TARGETS, sizeof(*e->target));
    place = &e->target[e->next_target++ % KEPT_TARGETS];
    if (e->kept_targets < KEPT_TARGETS)
        e->kept_targets++;
    target_free(&place->target);
    return place;
}

const struct target *target_of_fact(struct engine *e, const struct request *request, int layer,
                                    const struct params *p,
                                    void (*step)(void *ctx, const struct target_step *s), void *ctx,
                                    struct err *err)
{
    char key[17];
    const struct target *there;
    struct target made;
    struct kept_target *place;

    target_key(e, request, layer, p, key);
    there = kept_target(e, key);
    for (int i = 0; there && step && i < there->steps; i++)
        step(ctx, &there->trace[i]);
    if (there)
        return there;
    if (!target_optimise(&made, edit_weights(e, p, P_Z_WEIGHTS), request, layer,
                         editor_of(p)->target, p, step, ctx, &e->job, err))
        return NULL;
    place = target_place(e);
    memcpy(place->key, key, sizeof(place->key));
    place->target = made;
    return &place->target;
}
