/* The list of editing methods, generated from core/base/editor_names.h. */
#include "core/edit/editors/editors.h"

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

int editor_layer(const struct params *p, int layers, const int *named, int count)
{
    const struct editor_ops *e = editor_of(p);

    if (!e->layer || count < 1)
        return -1;
    if (p->value[e->layer] >= 0)
        return (int)p->value[e->layer];
    if (e->depth > 0 && p->layer_count != 1)
        return (int)(e->depth * layers);
    return named[(count - 1) / 2];
}

bool editor_layers(const struct params *p, const struct model_config *config, int *layer,
                   int *count, struct err *err)
{
    int own;

    if (!named_layers(p, config, layer, count, err))
        return false;
    own = editor_layer(p, config->layers, layer, *count);
    if (own >= config->layers)
        return err_set(err, ERR_USAGE, "%s: layer %d; %s has layers 0 to %d",
                       param_info(editor_of(p)->layer)->name, own, config->name,
                       config->layers - 1);
    if (own >= 0) {
        layer[0] = own;
        *count = 1;
    }
    return true;
}
