/* What a user did: a key, a paste or a click. Independent of any terminal library. */
#ifndef TUI_KEY_H
#define TUI_KEY_H

#include <stdbool.h>
#include <stdint.h>

enum { /* codes above all characters; below 0x110000 a code is a character, control ones too */
       KEY_UP_ARROW = 0x200000,
       KEY_DOWN_ARROW,
       KEY_LEFT_ARROW,
       KEY_RIGHT_ARROW,
       KEY_PAGE_UP,
       KEY_PAGE_DOWN,
       KEY_HOME_,
       KEY_END_,
       KEY_DELETE,
       KEY_BACK_TAB,
       KEY_PASTE, /* `paste` holds the text */
       KEY_CLICK, /* y, x */
       KEY_WHEEL_UP,
       KEY_WHEEL_DOWN,
       KEY_RESIZED,
       KEY_F0 = 0x200100, /* F1 is KEY_F0 + 1 */
       KEY_ENTER_ = '\r',
       KEY_ESCAPE = 27,
       KEY_TAB_ = '\t',
       KEY_ERASE = 127,
};

struct key {
    int32_t code;
    int y, x;          /* of the mouse */
    const char *paste; /* valid until the next key is read */
};

static inline int32_t key_ctrl(char letter)
{
    return letter & 0x1f;
}

/* "k", "C-d", "up", "F5", "esc", "space": as in the table of actions and the keymap. -1: no key. */
int32_t key_parse(const char *name);
/* The same backwards, NUL-terminated. */
const char *key_name(char out[16], int32_t code);

#endif
