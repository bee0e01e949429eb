/* The list of editing methods, generated from core/base/editor_names.h. */
#include "core/edit/editors/editors.h"

#include <string.h>

#define DECLARE(id, name, ...) extern const struct editor_ops editor_##name;
EDITORS(DECLARE)
#undef DECLARE

const struct editor_ops *editor_by_method(int method)
{
#define ENTRY(id, name, ...) [METHOD_##id] = &editor_##name,
    static const struct editor_ops *const editors[] = {EDITORS(ENTRY)};
#undef ENTRY

    return editors[method];
}

const struct editor_ops *editor_of(const struct params *p)
{
    return editor_by_method(params_choice(p, P_EDIT_METHOD));
}

bool editor_takes_mask(const struct params *p)
{
    const struct editor_ops *e = editor_of(p);

    return e->needs & NEEDS_SCORES ||
           (params_choice(p, P_MASK_METHODS) == MASKS_ALL && (e->solve || e->needs & MAY_MASK));
}

bool editor_has_mask(const struct params *p)
{
    return editor_takes_mask(p) && params_choice(p, P_MASK_MODE) != MODE_NONE;
}

/* The one layer of a method that edits one. */
static int one_layer(const struct params *p, const struct editor_ops *e, int layers,
                     const int *named, int count)
{
    if (p->value[e->layer] >= 0)
        return (int)p->value[e->layer];
    if (e->depth > 0 && p->layer_count != 1)
        return (int)(e->depth * layers);
    return named[(count - 1) / 2];
}

int editor_own_layers(const struct params *p, int layers, const int *named, int count, int *layer)
{
    const struct editor_ops *e = editor_of(p);

    if (e->layers)
        return e->layers(p, layers, layer);
    if (!e->layer || count < 1)
        return 0;
    layer[0] = one_layer(p, e, layers, named, count);
    return 1;
}

int editor_layer_at(int of_32, int layers)
{
    return (2 * of_32 * layers + 31) / 64;
}

bool editor_layers(const struct params *p, const struct model_config *config, int *layer,
                   int *count, struct err *err)
{
    int own[PARAM_MAX_LAYERS], n;

    if (!named_layers(p, config, layer, count, err))
        return false;
    n = editor_own_layers(p, config->layers, layer, *count, own);
    if (n == 1 && own[0] >= config->layers)
        return err_set(err, ERR_USAGE, "%s: layer %d; %s has layers 0 to %d",
                       param_info(editor_of(p)->layer)->name, own[0], config->name,
                       config->layers - 1);
    if (n) {
        memcpy(layer, own, (size_t)n * sizeof(int));
        *count = n;
    }
    return true;
}
