/* The list of editing methods, generated from core/base/editor_names.h. */
#include "core/edit/editors/editors.h"

#define DECLARE(id, name) extern const struct editor_ops editor_##name;
EDITORS(DECLARE)
#undef DECLARE

const struct editor_ops *editor_by_method(int method)
{
#define ENTRY(id, name) [METHOD_##id] = &editor_##name,
    static const struct editor_ops *const editors[] = {EDITORS(ENTRY)};
#undef ENTRY

    return editors[method];
}

const struct editor_ops *editor_of(const struct params *p)
{
    return editor_by_method(params_choice(p, P_EDIT_METHOD));
}
