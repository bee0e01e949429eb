/* What a user did: a key, a paste, a click or a turn of the wheel. Knows no terminal library;
 * term.c turns what curses reads into these. */
#ifndef TUI_KEY_H
#define TUI_KEY_H

#include <stdbool.h>
#include <stdint.h>

enum { /* codes above all characters; below 0x110000 a code is a character, control ones too */
       K_UP = 0x200000,
       K_DOWN,
       K_LEFT,
       K_RIGHT,
       K_PAGE_UP,
       K_PAGE_DOWN,
       K_HOME,
       K_END,
       K_DELETE,
       K_BACK_TAB,
       K_PASTE, /* `paste` holds the text */
       K_CLICK, /* y, x */
       K_WHEEL_UP,
       K_WHEEL_DOWN,
       K_RESIZE,
       K_ALT_ENTER,
       K_F0 = 0x200100, /* F1 is K_F0 + 1 */
       K_ENTER = '\r',
       K_ESCAPE = 27,
       K_TAB = '\t',
       K_ERASE = 127,
};

struct key {
    int32_t code;
    int y, x;          /* of the mouse */
    const char *paste; /* valid until the next key is read */
    double at;         /* when it was pressed, in seconds; 0 in recordings */
};

static inline int32_t key_ctrl(char letter)
{
    return letter & 0x1f;
}

/* The code of a key's name: "k", "C-d", "up", "F5", "esc", "space", "hash" (#). Names are those of
 * actions.h and of the section [keys] of a config file. Returns -1 for anything else. */
int32_t key_parse(const char *name);
/* For error messages: the name most like this one. Returns out. */
const char *key_nearest(const char *name, char out[32]);
/* For error messages: all names that are not a character. */
const char *key_names(void);
/* The name of a code, the inverse of key_parse(). Returns out. */
const char *key_show(char out[16], int32_t code);

#endif
