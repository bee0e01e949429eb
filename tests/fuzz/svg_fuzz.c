/* Text from anywhere as a figure: no byte of it becomes markup, none is forbidden in XML. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "tui/svg.h"
#include "tui/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count(const struct buf *text, char what)
{
    size_t n = 0;

    for (size_t i = 0; i < text->len; i++)
        n += text->data[i] == what;
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = memcpy(xcalloc(size + 1, 1), data, size);
    struct surface *s = surface_new(3, 40);
    struct theme theme;
    struct buf out = {0};

    theme_default(&theme);
    surface_text(s, (struct rect){0, 0, 3, 40}, 0, 0, ROLE_TEXT, text);
    svg_surface(s, &theme, size % 2, text, &out);
    if (!utf8_valid(out.data, out.len, NULL) || count(&out, '<') != count(&out, '>'))
        abort();
    for (size_t i = 0; i < out.len; i++)
        if ((unsigned char)out.data[i] < 0x20 && out.data[i] != '\n')
            abort();
    buf_free(&out);
    surface_free(s);
    free(text);
    return 0;
}
