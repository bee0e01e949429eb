/* Recognises chat templates and writes prompts in their forms (editscope-formats(7) 6).
 *
 * An instruction-tuned model expects a question inside markers. "Who wrote Emma?" for a ChatML
 * model (SmolLM2-Instruct, Qwen) is
 *
 *    <|im_start|>system
 *    You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>
 *    <|im_start|>user
 *    Who wrote Emma?<|im_end|>
 *    <|im_start|>assistant
 *
 * The model's files say so by a Jinja template: tokenizer.chat_template of a GGUF file;
 * chat_template.jinja or chat_template of tokenizer_config.json in a folder. This program does not
 * run templates. It recognises one of six families by a marker that only that family has, writes
 * the family's form from the table below, and reads from the template's text what differs between
 * the models of a family: the default system message, spaces, new lines, a date, trimming. A model
 * without a template is recognised by its special tokens. Every other template is refused by name:
 * an answer to a prompt in the wrong form would look like a finding about the model. */
#include "core/model/chat.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"

#define KNOWN           "one of ChatML, Llama 2, Llama 3, Gemma, Mistral, Zephyr"
#define TEMPLATE_LIMIT  ((size_t)1 << 20)
#define CONFIG_LIMIT    ((size_t)64 << 20)
#define LLAMA_KNOWLEDGE "Cutting Knowledge Date: December 2023\nToday Date: "
/* The date that the templates write if the caller gives none, so that prompts do not change. */
#define LLAMA_DATE      "26 Jul 2024"

struct chat_family {
    const char *name;
    const char *mark;                /* text that only templates of this family contain */
    const char *stop;                /* the token that ends a turn; NULL: EOS */
    const char *system[2], *user[2]; /* before and after a message; system NULL: no such turn */
    const char *answer;              /* begins the model's turn */
    bool trims;                      /* messages lose white space at both ends */
};

enum { CHATML, LLAMA3, GEMMA, LLAMA2, MISTRAL, ZEPHYR, FAMILIES };

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
    [LLAMA2] = {"Llama 2", "<<SYS>>", NULL, {NULL, NULL}, {"[INST]", "[/INST]"}, "", false},
    [MISTRAL] = {"Mistral", "[INST]", NULL, {NULL, NULL}, {"[INST]", "[/INST]"}, "", false},
    [ZEPHYR] = {"Zephyr",
                "<|user|>",
                NULL,
                {"<|system|>\n", ""},
                {"<|user|>\n", ""},
                "<|assistant|>",
                false},
};

/* Markers of templates that are none of the six, although they use a family's tokens. */
static const struct {
    const char *mark, *why;
} unsupported[] = {
    {"[SYSTEM_PROMPT]", "Mistral's with a system prompt of its own"},
    {"<|im_middle|>", "Kimi's"},
    {"<|channel|>", "one with channels"},
    {"<|end|>", "Phi's"},
    {"[gMASK]", "ChatGLM's"},
};

/* The template with \n, \', \" and \\ of its string literals replaced by the characters. `quotes`:
 * also replaces " by ', so that expressions can be compared. Caller frees. */
static char *unescape_template(const char *template, size_t len, bool quotes)
{
    struct buf out = {0};

    for (size_t i = 0; i < len && template[i]; i++) {
        bool escape = template[i] == '\\' && i + 1 < len && strchr("n'\"\\", template[i + 1]);
        char c = escape ? template[++i] : template[i];

        buf_add(&out, escape && c == 'n' ? "\n" : quotes && c == '"' ? "'" : &c, 1);
    }
    return buf_take(&out);
}

/* ChatML's default system message: the literal text between the markers of a system turn. Text with
 * '{' or '+' is skipped: there the template inserts the caller's message. Caller frees; NULL: none.
 */
static char *default_system(const char *text, const struct chat_family *f)
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

/* Quotes the start of the template, which is enough to recognise it. */
static bool err_unknown_template(const char *text, struct err *err)
{
    return err_set(err, ERR_MODEL, "the chat template of this model is not " KNOWN ": %.60s",
                   *text ? text : "(empty)");
}

static bool err_unusual_template(const struct chat_family *f, struct err *err)
{
    return err_set(err, ERR_MODEL,
                   "the chat template of this model is of the %s family, but builds a message in a "
                   "way that is not supported",
                   f->name);
}

/* The number of new lines that the template writes after an expression whose last operand ends at
 * `at`: as literals (" + '\n'"), or as a line end after "}}" that no "{%-" removes. */
static int count_newlines(const char *at)
{
    static const char literal[] = " + '\n'";
    int count = 0;

    for (; !strncmp(at, literal, sizeof(literal) - 1); at += sizeof(literal) - 1)
        count++;
    at += strspn(at, " ");
    if (strncmp(at, "}}\n", 3) != 0)
        return count;
    at += 3 + strspn(at + 3, " \n");
    return count + (strncmp(at, "{%-", 3) != 0 && strncmp(at, "{{-", 3) != 0);
}

/* Zephyr: each turn ends with the end-of-text token, and most often a new line. */
static bool read_zephyr(struct chat *c, const char *text, struct err *err)
{
    static const char user[] = "'<|user|>\n' + message['content'] + eos_token";
    static const char answer[] = "'<|assistant|>'", broken[] = "'<|assistant|>\n' }}";
    const char *turn = strstr(text, user), *one = strstr(text, answer), *two = strstr(text, broken);

    if (!turn || (!one && !two))
        return err_unusual_template(c->family, err);
    c->turn_newlines = count_newlines(turn + sizeof(user) - 1);
    c->answer_newlines = two ? 1 + count_newlines(two + sizeof(broken) - 4)
                             : count_newlines(one + sizeof(answer) - 1);
    c->no_system = !strstr(text, "'<|system|>\n' + message['content'] + eos_token");
    return true;
}

static void put_newlines(struct buf *out, int count)
{
    for (int i = 0; i < count; i++)
        buf_puts(out, "\n");
}

/* Llama 2: the system message is part of the first user turn, between <<SYS>> and <</SYS>>. */
static bool read_llama2(struct chat *c, const char *text, struct err *err)
{
    const char *own = "set system_message = '";

    if (!strstr(text, "'<<SYS>>\n' + system_message + '\n<</SYS>>\n\n' + message['content']") ||
        !strstr(text, "INST] ' + content"))
        return err_unusual_template(c->family, err);
    c->trims = strstr(text, "INST] ' + content.strip()") ||
               strstr(text, "INST] ' + content | trim") || strstr(text, "INST] ' + content|trim");
    own = strstr(text, own) ? strstr(text, own) + strlen(own) : NULL;
    if (own && strstr(text, "elif true == true") && strchr(own, '\''))
        c->system = xasprintf("%.*s", (int)(strchr(own, '\'') - own), own);
    return true;
}

/* Reads what differs between the models of a family. `text` has only ' as quotation marks. */
static bool read_variants(struct chat *c, const char *text, struct err *err)
{
    c->trims = c->family->trims;
    c->spaces[0] = strstr(text, "' [INST]");
    c->spaces[1] = strstr(text, "[INST] ");
    c->spaces[2] = strstr(text, " [/INST]");
    c->spaces[3] = strstr(text, "[/INST] '");
    if (c->family == &families[MISTRAL])
        c->system_in_user = strstr(text, "system_message + '\n\n' + message");
    if (c->family == &families[GEMMA])
        c->system_in_user = strstr(text, "'system'") && !strstr(text, "System role not supported");
    if (c->family == &families[LLAMA2])
        c->system_in_user = true;
    return (c->family != &families[LLAMA2] || read_llama2(c, text, err)) &&
           (c->family != &families[ZEPHYR] || read_zephyr(c, text, err));
}

static bool recognise_family(struct chat *c, const char *text, struct err *err)
{
    for (int i = 0; i < FAMILIES && !c->family; i++)
        if (strstr(text, families[i].mark))
            c->family = &families[i];
    if (!c->family)
        return err_unknown_template(text, err);
    for (size_t i = 0; i < sizeof(unsupported) / sizeof(*unsupported); i++)
        if (strstr(text, unsupported[i].mark))
            return err_set(err, ERR_MODEL, "the chat template of this model is %s, not " KNOWN,
                           unsupported[i].why);
    c->has_date = c->family == &families[LLAMA3] && strstr(text, "Cutting Knowledge Date");
    if (!c->has_date && strstr(text, "strftime"))
        return err_set(err, ERR_MODEL,
                       "the chat template of this model writes today's date into its %s prompt, "
                       "which is not supported",
                       c->family->name);
    return true;
}

bool chat_parse(struct chat *c, const char *template, size_t len, struct err *err)
{
    char *text = unescape_template(template, len, false),
         *alike = unescape_template(template, len, true);
    bool ok;

    *c = (struct chat){0};
    ok = recognise_family(c, text, err);
    if (ok) {
        c->system = default_system(text, c->family);
        c->bos = strstr(text, "bos_token") || strstr(text, "<|begin_of_text|>");
        c->starts_thinking = strstr(text, "<|im_start|>assistant\n<think>\n");
        ok = read_variants(c, alike, err);
    }
    if (!ok)
        chat_free(c);
    free(text);
    free(alike);
    return ok;
}

void chat_free(struct chat *c)
{
    free(c->system);
    *c = (struct chat){0};
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

/* The system turn, if the family has one and there is a message or a date. */
static void put_system(const struct chat *c, const char *eos, const char *system, struct buf *out)
{
    const struct chat_family *f = c->family;

    if (!f->system[0] || (!system && !c->system && !c->has_date))
        return;
    buf_puts(out, f->system[0]);
    if (c->has_date)
        buf_puts(out, LLAMA_KNOWLEDGE LLAMA_DATE "\n\n");
    put_message(out, system ? system : c->system ? c->system : "", f->trims && system);
    buf_puts(out, f->system[1]);
    if (f == &families[ZEPHYR]) {
        buf_puts(out, eos);
        put_newlines(out, c->turn_newlines);
    }
}

/* The user's text, after the system message if the family puts that into the user turn. Llama 2
 * trims the two together. */
static void put_user(const struct chat *c, const char *system, const char *user, struct buf *out)
{
    bool marked = c->family == &families[LLAMA2];
    struct buf both = {0};

    if (c->system_in_user && !system)
        system = c->system;
    if (!c->system_in_user || !system) {
        put_message(out, user, c->trims);
        return;
    }
    buf_printf(marked ? &both : out, "%s%s%s\n\n", marked ? "<<SYS>>\n" : "", system,
               marked ? "\n<</SYS>>" : "");
    put_message(marked ? &both : out, user, c->trims && !marked);
    if (marked)
        put_message(out, both.data, c->trims);
    buf_free(&both);
}

bool chat_render(const struct chat *c, const char *bos, const char *eos, const char *system,
                 const char *user, struct buf *out, struct err *err)
{
    const struct chat_family *f = c->family;
    bool inst = f == &families[MISTRAL] || f == &families[LLAMA2];

    if (system && (c->no_system || (!f->system[0] && !c->system_in_user)))
        return err_set(err, ERR_USAGE, "the %s chat form of this model has no system message",
                       f->name);
    if (c->bos)
        buf_puts(out, bos);
    put_system(c, eos, system, out);
    buf_printf(out, "%s%s%s", inst && c->spaces[0] ? " " : "", f->user[0],
               inst && c->spaces[1] ? " " : "");
    put_user(c, system, user, out);
    buf_printf(out, "%s%s%s", inst && c->spaces[2] ? " " : "", f->user[1],
               inst && c->spaces[3] ? " " : "");
    if (f == &families[ZEPHYR]) {
        buf_puts(out, eos);
        put_newlines(out, c->turn_newlines);
    }
    buf_puts(out, f->answer);
    put_newlines(out, c->answer_newlines);
    buf_puts(out, c->starts_thinking ? "<think>\n" : "");
    return true;
}

/* chat_template of a tokenizer_config.json: a text, or a list of {name, template} of which the one
 * named "default" is used. Caller frees; NULL: none. */
static char *template_from_config(const char *path)
{
    size_t len;
    char *text = file_read_text(path, CONFIG_LIMIT, &len, NULL), *out;
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

/* The text of the model's template. Caller frees; NULL: it has none. */
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
    text = file_exists(path) ? file_read_text(path, TEMPLATE_LIMIT, NULL, NULL) : NULL;
    free(path);
    if (text)
        return text;
    path = xasprintf("%s/tokenizer_config.json", weights_dir(w));
    text = file_exists(path) ? template_from_config(path) : NULL;
    free(path);
    return text;
}

/* Finds the chat form of a model. ERR_MODEL: neither a template nor known special tokens, or a
 * template that is not supported. */
static bool chat_open(struct chat *c, const struct model *m, struct err *err)
{
    char *text = template_of(m->file);
    bool ok = true;

    *c = (struct chat){0};
    if (text) {
        ok = chat_parse(c, text, strlen(text), err);
        if (ok && c->family->stop && tokenizer_find(m->tokenizer, c->family->stop) < 0) {
            ok = err_set(err, ERR_MODEL, "the chat template is %s, but the vocabulary has no %s",
                         c->family->name, c->family->stop);
            chat_free(c);
        }
        free(text);
        return ok;
    }
    for (int i = 0; i < FAMILIES && !c->family; i++)
        if (families[i].stop && tokenizer_find(m->tokenizer, families[i].mark) >= 0 &&
            tokenizer_find(m->tokenizer, families[i].stop) >= 0)
            c->family = &families[i];
    if (!c->family && tokenizer_find(m->tokenizer, families[MISTRAL].mark) >= 0)
        c->family = &families[MISTRAL];
    c->trims = c->family && c->family->trims;
    c->bos = tokenizer_adds_bos(m->tokenizer);
    c->spaces[1] = c->spaces[2] = true;
    return c->family ||
           err_set(err, ERR_MODEL,
                   "%s has no chat template, and its vocabulary has no tokens of a known one",
                   m->config->name);
}

static char *token_text(const struct tokenizer *t, int id)
{
    struct buf text = {0};

    if (id >= 0)
        tokenizer_piece(t, id, &text);
    return buf_take(&text);
}

/* Finds the user's text by rendering the prompt once more with the text "\x01": that character is
 * where the user's text begins. If the form trims leading white space, *at lies before that by its
 * length, so that offsets into `user` still add up. */
static bool find_user_text(const struct chat *c, const char *bos, const char *eos,
                           const char *system, const char *user, const char *text, long *at,
                           struct err *err)
{
    struct buf other = {0};
    bool ok = chat_render(c, bos, eos, system, "\x01", &other, err);

    if (ok) {
        long place = (long)strcspn(other.data, "\x01"), lead = (long)strspn(user, " \t\r\n\f\v");

        *at = lead && !strncmp(text + place, user, (size_t)lead) ? place : place - lead;
    }
    buf_free(&other);
    return ok;
}

bool chat_text(const struct model *m, const char *user, const char *system, struct buf *out,
               long *at, int *stop, struct err *err)
{
    char *bos = token_text(m->tokenizer, tokenizer_bos(m->tokenizer));
    char *eos = token_text(m->tokenizer, tokenizer_eos(m->tokenizer));
    struct chat c;
    bool ok = chat_open(&c, m, err) && chat_render(&c, bos, eos, system, user, out, err) &&
              find_user_text(&c, bos, eos, system, user, out->data, at, err);

    *stop = ok && c.family->stop ? tokenizer_find(m->tokenizer, c.family->stop) : -1;
    chat_free(&c);
    free(bos);
    free(eos);
    return ok;
}

bool chat_encode(const struct model *m, const char *user, const char *system, struct tokens *out,
                 int *stop, struct err *err)
{
    struct buf text = {0};
    long at;
    bool ok = chat_text(m, user, system, &text, &at, stop, err) &&
              tokenizer_encode(m->tokenizer, text.data, text.len, ENCODE_SPECIALS, out, err);

    buf_free(&text);
    return ok;
}
