/* The rows behind each view, as a table for export. */
#ifndef VIEWS_SHEETS_H
#define VIEWS_SHEETS_H

#include "core/base/table.h"
#include "views/desk.h"

/* Fills a table of the view's name. false: it shows no table, or nothing is in it yet. */
bool sheet_of(struct table *table, const char *view, const struct desk *d);

#endif
