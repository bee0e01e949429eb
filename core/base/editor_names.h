/* The list of editing methods, and the parameters that only one of them has.
 *
 * To add a method, add a line here and a file in core/edit/editors/. A line X(ID, name) makes the
 * constant METHOD_ID, the word `name` of the parameter edit.method, and expects `editor_name` in
 * that file. The order is that of the words.
 *
 * A parameter of one method is a line X(ID, ...) of EDITOR_PARAMS: its id, then a row as in
 * params_table.c. Its name begins with the method's, and `affects` contains PARAM_ADDED_LATER. Such
 * parameters come last wherever parameters are listed. For example:
 *   X(P_FT_LR, "ft.lr", "", PARAM_NUMBER, 1e-4, 1e-8, 1, "", "", "", "learning rate of ft",
 *     AFFECTS_SOLVE | PARAM_ADDED_LATER) */
#ifndef CORE_BASE_EDITOR_NAMES_H
#define CORE_BASE_EDITOR_NAMES_H

#define EDITORS(X)          \
    X(NMKE, nmke)           \
    X(ALPHAEDIT, alphaedit) \
    X(MEMIT, memit)

#define EDITOR_PARAMS(X)

#endif
