/* A grid of parameter values for a sweep: every combination of the values of a few parameters.
 *
 *   alpha_ge=.05,.1; beta_sp=.1..0.5/5       semicolons separate axes, commas separate values,
 *                                            LOW..HIGH/COUNT means evenly spaced values
 *
 * This text has 2 * 5 = 10 cells. Cells are numbered with the last axis fastest:
 *
 *   cell      0    1    2    3    4    5    6  ...
 *   alpha_ge .05  .05  .05  .05  .05  .1   .1
 *   beta_sp  .1   .2   .3   .4   .5   .1   .2
 *
 * Plain data without pointers. Any thread. */
#ifndef CORE_BASE_PARAM_GRID_H
#define CORE_BASE_PARAM_GRID_H

#include "core/base/params.h"

enum { PARAM_GRID_AXES = 6, PARAM_GRID_VALUES = 64, PARAM_GRID_CELLS = 512 };

struct param_grid_axis {
    char name[40]; /* as typed: a parameter's name or alias */
    int count;
    char value[PARAM_GRID_VALUES][24]; /* as params_set() takes them */
};

struct param_grid {
    int axes, cells;
    struct param_grid_axis axis[PARAM_GRID_AXES];
};

/* Reads the text and checks every name and value against the parameter table. ERR_USAGE names the
 * part that is wrong. */
bool param_grid_parse(struct param_grid *grid, const char *text, struct err *err);
/* The index of the value that `axis` has in a cell. */
int param_grid_at(const struct param_grid *grid, int cell, int axis);
/* Sets the values of a cell in `p`. */
bool param_grid_set(const struct param_grid *grid, int cell, struct params *p, struct err *err);

#endif
