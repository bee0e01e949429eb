#include "core/model/chat.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"

#define KNOWN           "one of ChatML, Llama 3, Gemma, Mistral"
#define TEMPLATE_LIMIT  ((size_t)1 << 20)
#define CONFIG_LIMIT    ((size_t)64 << 20)
#define LLAMA_KNOWLEDGE "Cutting Knowledge Date: December 2023\nToday Date: "
/* What the templates say where the caller names no date: the same prompt every day. */
#define LLAMA_DATE      "26 Jul 2024"

struct chat_family {
    const char *name;
    const char *mark; /* only templates of this family hold it */
    const char *stop;
    const char *system[2], *user[2]; /* before and after a message; system NULL: no such turn */
    const char *answer;              /* what begins the model's turn */
    bool trims;                      /* messages lose blanks at both ends */
};

enum { CHATML, LLAMA3, GEMMA, MISTRAL, FAMILIES };

static const struct chat_family families[FAMILIES] = {
    [CHATML] = {"ChatML",
                "<|im_start|>",
                "<|im_end|>",
                {"<|im_start|>system\n", "<|im_end|>\n"},
                {"<|im_start|>user\n", "<|im_end|>\n"},
                "<|im_start|>assistant\n",
                false},
    [LLAMA3] = {"Llama 3",
                "<|start_header_id|>",
                "<|eot_id|>",
                {"<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>"},
                {"<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"},
                "<|start_header_id|>assistant<|end_header_id|>\n\n",
                true},
    [GEMMA] = {"Gemma",
               "<start_of_turn>",
               "<end_of_turn>",
               {NULL, NULL},
               {"<start_of_turn>user\n", "<end_of_turn>\n"},
               "<start_of_turn>model\n",
               true},
    [MISTRAL] = {"Mistral", "[INST]", "</s>", {NULL, NULL}, {"[INST]", "[/INST]"}, "", false},
};

/* What only templates outside the four hold, though they share a family's tokens. */
static const struct {
    const char *mark, *why;
} others[] = {
    {"<<SYS>>", "Llama 2's"},
    {"[SYSTEM_PROMPT]", "Mistral's with a system prompt of its own"},
    {"<|im_middle|>", "Kimi's"},
    {"<|channel|>", "one with channels"},
};

/* The template with the escapes of its string literals undone. */
static char *plain(const char *template, size_t len)
{
    struct buf out = {0};

    for (size_t i = 0; i < len && template[i]; i++) {
        bool escape = template[i] == '\\' && i + 1 < len && strchr("n'\"\\", template[i + 1]);
        char c = escape ? template[++i] : template[i];

        buf_add(&out, escape && c == 'n' ? "\n" : &c, 1);
    }
    return buf_take(&out);
}

/* ChatML's default system message stands in the template between the turn's tokens, as one
 * literal: a message the template puts together has quotes and plus signs there. */
static char *own_system(const char *text, const struct chat_family *f)
{
    const char *at = text;

    while (f->system[0] && (at = strstr(at, f->system[0]))) {
        const char *begin = at + strlen(f->system[0]), *end = strstr(begin, "<|im_end|>");

        if (end && end > begin && !memchr(begin, '{', (size_t)(end - begin)) &&
            !memchr(begin, '+', (size_t)(end - begin)))
            return xasprintf("%.*s", (int)(end - begin), begin);
        at = begin;
    }
    return NULL;
}

/* The first line of a template says enough to know it by. */
static bool unknown(const char *text, struct err *err)
{
    return err_set(err, ERR_MODEL, "the chat template of this model is not " KNOWN ": %.60s",
                   *text ? text : "(empty)");
}

bool chat_parse(struct chat *c, const char *template, size_t len, struct err *err)
{
    char *text = plain(template, len);
    bool ok = true;

    *c = (struct chat){0};
    for (int i = 0; i < FAMILIES && !c->family; i++)
        if (strstr(text, families[i].mark))
            c->family = &families[i];
    for (size_t i = 0; c->family && ok && i < sizeof(others) / sizeof(*others); i++)
        if (strstr(text, others[i].mark))
            ok = err_set(err, ERR_MODEL, "the chat template of this model is %s, not " KNOWN,
                         others[i].why);
    c->dated = c->family == &families[LLAMA3] && strstr(text, "Cutting Knowledge Date");
    if (ok && c->family && !c->dated && strstr(text, "strftime"))
        ok = err_set(err, ERR_MODEL,
                     "the chat template of this model writes today's date into its %s prompt",
                     c->family->name);
    if (ok && !c->family)
        ok = unknown(text, err);
    if (ok) {
        c->system = own_system(text, c->family);
        c->bos = strstr(text, "bos_token") || strstr(text, "<|begin_of_text|>");
        c->system_in_user = c->family == &families[GEMMA] && strstr(text, "'system'") &&
                            !strstr(text, "System role not supported");
        c->spaces[0] = strstr(text, "[INST] ");
        c->spaces[1] = strstr(text, " [/INST]");
        c->thinks = strstr(text, "<|im_start|>assistant\n<think>\n");
    } else {
        c->family = NULL;
    }
    free(text);
    return ok;
}

void chat_free(struct chat *c)
{
    free(c->system);
    *c = (struct chat){0};
}

const char *chat_name(const struct chat *c)
{
    return c->family->name;
}

static void put_message(struct buf *out, const char *text, bool trims)
{
    size_t n = strlen(text);

    while (trims && n && strchr(" \t\r\n\f\v", text[n - 1]))
        n--;
    while (trims && n && strchr(" \t\r\n\f\v", *text)) {
        text++;
        n--;
    }
    buf_add(out, text, n);
}

bool chat_render(const struct chat *c, const char *bos, const char *system, const char *user,
                 struct buf *out, struct err *err)
{
    const struct chat_family *f = c->family;

    if (system && !f->system[0] && !c->system_in_user)
        return err_set(err, ERR_USAGE, "the %s chat form of this model has no system message",
                       f->name);
    if (c->bos)
        buf_puts(out, bos);
    if (f->system[0] && (system || c->system || c->dated)) {
        buf_puts(out, f->system[0]);
        if (c->dated)
            buf_puts(out, LLAMA_KNOWLEDGE LLAMA_DATE "\n\n");
        put_message(out, system ? system : c->system ? c->system : "", f->trims && system);
        buf_puts(out, f->system[1]);
    }
    buf_puts(out, f->user[0]);
    if (f == &families[MISTRAL] && c->spaces[0])
        buf_puts(out, " ");
    if (system && c->system_in_user) {
        put_message(out, system, false);
        buf_puts(out, "\n\n");
    }
    put_message(out, user, f->trims);
    if (f == &families[MISTRAL] && c->spaces[1])
        buf_puts(out, " ");
    buf_puts(out, f->user[1]);
    buf_puts(out, f->answer);
    if (c->thinks)
        buf_puts(out, "<think>\n");
    return true;
}

/* chat_template of a tokenizer_config.json: a text, or a list of named ones. */
static char *from_config(const char *path)
{
    size_t len;
    char *text = file_read(path, CONFIG_LIMIT, &len, NULL), *out;
    json_t *root = text ? json_loadb(text, len, 0, NULL) : NULL;
    json_t *value = json_object_get(root, "chat_template"), *one;
    const char *found = json_string_value(value);
    size_t i;

    json_array_foreach(value, i, one)
    {
        const char *name = json_string_value(json_object_get(one, "name"));

        if (!found || (name && !strcmp(name, "default")))
            found = json_string_value(json_object_get(one, "template"));
    }
    out = found && strlen(found) < TEMPLATE_LIMIT ? xstrdup(found) : NULL;
    json_decref(root);
    free(text);
    return out;
}

/* The text of the model's template; NULL: it brings none. Caller frees. */
static char *template_of(const struct weights *w)
{
    size_t len = 0;
    const char *inside = weights_meta_text(w, "tokenizer.chat_template", &len);
    char *path, *text;

    if (inside)
        return len < TEMPLATE_LIMIT ? xasprintf("%.*s", (int)len, inside) : NULL;
    if (!strcmp(weights_format(w), "gguf"))
        return NULL;
    path = xasprintf("%s/chat_template.jinja", weights_dir(w));
    text = file_exists(path) ? file_read(path, TEMPLATE_LIMIT, NULL, NULL) : NULL;
    free(path);
    if (text)
        return text;
    path = xasprintf("%s/tokenizer_config.json", weights_dir(w));
    text = file_exists(path) ? from_config(path) : NULL;
    free(path);
    return text;
}

bool chat_open(struct chat *c, const struct model *m, struct err *err)
{
    char *text = template_of(m->file);
    bool ok = true;

    *c = (struct chat){0};
    if (text) {
        ok = chat_parse(c, text, strlen(text), err);
        if (ok && c->family != &families[MISTRAL] &&
            tokenizer_find(m->tokenizer, c->family->stop) < 0) {
            ok = err_set(err, ERR_MODEL, "the chat template is %s, but the vocabulary has no %s",
                         c->family->name, c->family->stop);
            chat_free(c);
        }
        free(text);
        return ok;
    }
    for (int i = 0; i < FAMILIES && !c->family; i++)
        if (tokenizer_find(m->tokenizer, families[i].mark) >= 0 &&
            tokenizer_find(m->tokenizer, families[i].stop) >= 0)
            c->family = &families[i];
    c->bos = tokenizer_adds_bos(m->tokenizer);
    c->spaces[0] = c->spaces[1] = true;
    return c->family || err_set(err, ERR_MODEL,
                                "%s brings no chat template, and its vocabulary no tokens of " KNOWN
                                ": ask it without --chat",
                                m->config->name);
}

static bool wrap(const struct chat *c, const struct model *m, const char *user, const char *system,
                 struct buf *out, struct err *err)
{
    struct buf bos = {0};
    bool ok;

    if (tokenizer_bos(m->tokenizer) >= 0)
        tokenizer_piece(m->tokenizer, tokenizer_bos(m->tokenizer), &bos);
    ok = chat_render(c, bos.data ? bos.data : "", system, user, out, err);
    buf_free(&bos);
    return ok;
}

bool chat_encode(const struct model *m, const char *user, const char *system, struct tokens *out,
                 int *stop, struct err *err)
{
    struct buf text = {0};
    struct chat c;
    bool ok = chat_open(&c, m, err) && wrap(&c, m, user, system, &text, err) &&
              tokenizer_encode(m->tokenizer, text.data, text.len, ENCODE_SPECIALS, out, err);

    *stop = ok ? tokenizer_find(m->tokenizer, c.family->stop) : -1;
    buf_free(&text);
    chat_free(&c);
    return ok;
}
