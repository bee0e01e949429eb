/* The editors, in the order of edit.method's words, and the parameters that only one of them has.
 *
 * To add an editor: a line here and its file in core/edit/editors/. X(ID, name): METHOD_ID, the
 * word `name`, and editor_name of that file. A parameter of its own is a line of EDITOR_PARAMS: its
 * id, then a row as in params_table.c, named after its editor and PARAM_ADDED_LATER; it stands
 * behind all others wherever parameters are listed. */
#ifndef CORE_BASE_EDITOR_NAMES_H
#define CORE_BASE_EDITOR_NAMES_H

#define EDITORS(X)          \
    X(NMKE, nmke)           \
    X(ALPHAEDIT, alphaedit) \
    X(MEMIT, memit)

#define EDITOR_PARAMS(X)

#endif
