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
    X(MEMIT, memit, "memit")             \
    X(ROME, rome, "rome")                \
    X(R_ROME, r_rome, "r-rome")

#define EDITOR_PARAMS(X)                                                                     \
    X(P_ROME_LAYER, "rome.layer", "", PARAM_INTEGER, -1, -1, PARAM_MAX_LAYERS - 1, "", "l",  \
      "layer", "rome, r-rome: the layer that is edited; -1 = the middle one of edit.layers", \
      AFFECTS_TARGET | AFFECTS_SOLVE | AFFECTS_STATISTICS | PARAM_ADDED_LATER)               \
    X(P_ROME_CLAMP, "rome.clamp", "", PARAM_NUMBER, 4, 1e-3, 1000, "", "", "",               \
      "rome, r-rome: largest |delta| of the target, in units of the FFN's output",           \
      AFFECTS_TARGET | PARAM_ADDED_LATER)                                                    \
    X(P_ROME_WD, "rome.wd", "", PARAM_NUMBER, 1e-3, 0, 1000, "", "", "",                     \
      "rome, r-rome: weight of |delta| / |h|^2 in the target's loss, h the FFN's output",    \
      AFFECTS_TARGET | PARAM_ADDED_LATER)

#endif
