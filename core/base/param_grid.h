/* A grid of parameter values: every combination of the values of a few parameters.
 *
 *   alpha_ge=.05,.1; beta_sp=.1..0.5/5       semicolons between axes, commas between values,
 *                                            LOW..HIGH/COUNT for evenly spaced ones
 *
 * Plain data, a pure parser: thread-safe. */
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

/* Every name and value is checked against the table of parameters. ERR_USAGE names the token that
 * is wrong. */
bool param_grid_parse(struct param_grid *grid, const char *text, struct err *err);
/* The axis' place in cell 0..cells-1. The last axis runs fastest. */
int param_grid_at(const struct param_grid *grid, int cell, int axis);
/* Sets the cell's values in `p`. */
bool param_grid_set(const struct param_grid *grid, int cell, struct params *p, struct err *err);

#endif
