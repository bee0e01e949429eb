/* The box that K opens: the terms of the pane with the focus, from views/glossary.h. It lies over
 * the view, so that the labels can be seen beside their words. */
#ifndef VIEWS_SHELL_TERMS_H
#define VIEWS_SHELL_TERMS_H

#include <stdint.h>

#include "tui/surface.h"
#include "views/view.h"

struct terms {
    bool open, all; /* all: of every pane */
    int top;        /* rows it is scrolled by */
};

/* The name of the view, or of its pane with the focus. */
const char *view_place(const struct view *v);
int terms_count(const char *place); /* how many terms stand there */
/* A key while the box is open: scrolls or closes it. False: the box has closed, and the key is for
 * the view. */
bool terms_key(struct terms *t, int32_t code, enum action action);
/* Scrolls back what was scrolled past the end. */
void terms_fit(struct terms *t, const char *place, struct rect area);
/* In the middle of the area. */
void terms_draw(const struct ui_state *d, const struct terms *t, const char *place,
                struct surface *s, struct rect area);

#endif
