/* The list of editing methods, and the parameters that only one of them has.
 *
 * To add a method, add a line here and a file in core/edit/editors/. A line X(ID, name, word) makes
 * the constant METHOD_ID and the word of the parameter edit.method, and expects `editor_name` in
 * that file. The order is that of the words; recordings hold its numbers, so new lines come last.
 *
 * A parameter of one method is a line X(ID, ...) of EDITOR_PARAMS: its id, then a row as in
 * params_table.c. Its name begins with the method's, and `affects` contains PARAM_ADDED_LATER. Such
 * parameters come last wherever parameters are listed. */
#ifndef CORE_BASE_EDITOR_NAMES_H
#define CORE_BASE_EDITOR_NAMES_H

#define EDITORS(X)                       \
    X(NMKE, nmke, "nmke")                \
    X(ALPHAEDIT, alphaedit, "alphaedit") \
    X(MEMIT, memit, "memit")

#define EDITOR_PARAMS(X)

#endif
