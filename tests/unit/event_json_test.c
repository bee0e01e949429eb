/* Every kind of event, filled with random values, written as JSON and read again. */
#include "core/record/event_json.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/base/base64.h"
#include "core/base/mem.h"
#include "core/device/dtype.h"
#include "core/engine/float16.h"
#include "tests/test.h"

static uint64_t seed = 1;

static unsigned chance(unsigned n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

static void chance_text(char *out, size_t size)
{
    static const char *const some[] = {"", " Paris", "\xff\xfe raw", "\"q\" \\ \n \033[31m",
                                       "ä→日"};

    snprintf(out, size, "%s", some[chance(5)]);
}

static void fill(const struct struct_fields *table, char *base);

static void fill_one(const struct field_info *f, char *at)
{
    char text[64];
    union {
        uint64_t bits;
        double x;
    } any = {(uint64_t)chance(1u << 31) << 33 ^ (uint64_t)chance(1u << 31) << 11 ^ chance(2048)};

    chance_text(text, sizeof(text));
    switch (f->type) {
    case FIELD_INT:
        *(int *)at =
            f->most && f->store == STORE_ONE ? f->low + (int)chance(3) : (int)chance(99) - 9;
        break;
    case FIELD_UNSIGNED:
        *(unsigned *)at = chance(1000);
        break;
    case FIELD_LONG:
        *(long *)at = (long)chance(1u << 31) * 1000;
        break;
    case FIELD_BOOL:
        *(bool *)at = chance(2);
        break;
    case FIELD_DOUBLE:
        *(double *)at = !isfinite(any.x)                       ? 0.1
                        : chance(9) || f->store == STORE_OWNED ? any.x /* log p: numbers */
                                                               : (double)INFINITY;
        break;
    case FIELD_FLOAT:
        *(float *)at = (float)chance(1000) / 7;
        break;
    case FIELD_TEXT:
        *(char **)at = f->optional && chance(2) ? NULL : xstrdup(text);
        break;
    case FIELD_CHARS:
        snprintf(at, f->size, "%s", text);
        break;
    case FIELD_PART:
        fill(f->part, at);
        break;
    case FIELD_PARAMS:
        params_default((struct params *)(void *)at);
        ((struct params *)(void *)at)->value[P_RATIO_GE_A] = 0.17;
        break;
    case FIELD_METRICS:
        for (int i = 0; i < metric_count; i++)
            ((struct measured *)(void *)at)[i] = (struct measured){
                .part = metric_table[i].show == METRIC_YES ? chance(2) : chance(1000) / 7.0,
                .whole = metric_table[i].whole_key ? 1 + chance(9) : 1,
                .before = metric_table[i].has_before ? chance(1000) / 7.0 : 0};
        break;
    }
}

static void fill(const struct struct_fields *table, char *base)
{
    for (const struct field_info *f = table->field; f < table->field + table->fields; f++) {
        size_t n = f->store == STORE_FIXED ? (size_t)f->most : 1;
        char *at = base + f->offset;

        for (int i = 0; i < 2; i++)
            if (f->count[i] != NO_COUNT) {
                int count;

                memcpy(&count, base + f->count[i], sizeof(count));
                n = f->store == STORE_FIXED ? (size_t)count : n * (size_t)count;
            }
        if (f->store == STORE_OWNED) {
            char *items = f->optional && chance(2) ? NULL : xcalloc(n + 1, f->size);

            memcpy(at, &items, sizeof(items));
            at = items;
        }
        for (size_t i = 0; at && i < n; i++)
            fill_one(f, at + i * f->size);
    }
}

/* A random event that its reader accepts. */
static struct event made_up(enum event_kind kind)
{
    struct event ev = {.kind = kind, .job = chance(5), .id = chance(3)};
    const struct struct_fields *table = event_fields(kind);

    if (table) {
        ev.progress = xcalloc(1, table->size);
        fill(table, (char *)ev.progress);
    }
    if (kind == EV_LAYER)
        ev.attribution->refs = 1;
    if (kind == EV_FAILED)
        err_set(&ev.err, ERR_LIMIT, "too \"large\"");
    return ev;
}

static bool lookup_fits(const struct prompt_info *p)
{
    return p->lookup < (p->tokens ? p->tokens : 1);
}

static bool fitting(const struct event *ev)
{
    switch (ev->kind) {
    case EV_PROMPT:
        return lookup_fits(ev->prompt);
    case EV_SIDES:
        return lookup_fits(&ev->sides->before.prompt) && lookup_fits(&ev->sides->after.prompt);
    case EV_LAYER:
        return ev->attribution->rows > 0 && ev->attribution->neurons > 0 &&
               ev->attribution->layer < ev->attribution->layers;
    case EV_MODEL:
        return ev->model->layers > 0 && ev->model->neurons > 0;
    case EV_TRACE:
        return ev->trace->done <= ev->trace->layers;
    case EV_HISTORY: /* its time must be before the year 10000 */
        for (int i = 0; i < ev->history->count; i++)
            if (!(ev->history->entry[i].when >= 0 && ev->history->entry[i].when < 253402300800))
                return false;
        return true;
    default:
        return true;
    }
}

/* Version 0.1.0 wrote no facts of an edit: reading makes the first one from the entry. */
static bool of_today(const struct event *ev)
{
    bool ok = true;

    for (int i = 0; ev->kind == EV_HISTORY && i < ev->history->count; i++)
        ok = ok && ev->history->entry[i].facts > 0;
    return ok;
}

static bool parse(const char *text, struct event *ev, struct err *err)
{
    json_t *line = json_loads(text, 0, NULL);
    bool ok = event_read(line, ev, err);

    json_decref(line);
    return ok;
}

static void every_event_comes_back(void)
{
    for (int kind = 1; kind <= EV_STOPPED; kind++)
        for (int turn = 0; turn < 60; turn++) {
            struct event ev = made_up((enum event_kind)kind), back;
            struct buf first = {0}, second = {0};
            struct err err = {0};
            bool good = fitting(&ev);

            buf_puts(&first, "{");
            event_write(&ev, false, &first);
            buf_puts(&first, "}");
            CHECK(parse(first.data, &back, &err) == good);
            if (good) {
                CHECK_STR(err.text, "");
                buf_puts(&second, "{");
                event_write(&back, false, &second);
                buf_puts(&second, "}");
                if (of_today(&ev))
                    CHECK_STR(second.data, first.data);
                event_free(&back);
            }
            event_free(&ev);
            buf_free(&first);
            buf_free(&second);
        }
}

/* Bytes of a struct that are in no field must be padding: a member without a row fails here. */
static void no_field_is_left_out(void)
{
    for (int kind = 1; kind <= EV_STOPPED; kind++) {
        const struct struct_fields *table = event_fields((enum event_kind)kind);
        char *seen;
        size_t gap = 0;

        if (!table)
            continue;
        seen = xcalloc(1, table->size);
        for (const struct field_info *f = table->field; f < table->field + table->fields; f++)
            memset(seen + f->offset, 1,
                   f->store == STORE_OWNED   ? sizeof(void *)
                   : f->store == STORE_FIXED ? f->size * (size_t)f->most
                                             : f->size);
        if (kind == EV_LAYER)
            memset(seen, 1, sizeof(atomic_int)); /* refs */
        for (size_t i = 0; i < table->size; i++) {
            gap = seen[i] ? 0 : gap + 1;
            if (gap == 8)
                printf("%s: bytes before %zu are in no field\n", table->name, i + 1);
            CHECK(gap < 8);
        }
        free(seen);
    }
}

static void contradictions_are_refused(void)
{
    static const char *const bad[] = {
        "{}",
        "{\"event\":\"nothing\"}",
        "{\"event\":\"look\"}",
        "{\"event\":\"look\",\"what\":{\"tokens\":3}}",
        "{\"event\":\"look\",\"what\":{\"tokens\":2,\"token\":[{}]}}",
        "{\"event\":\"look\",\"what\":{\"tokens\":1,\"token\":[{}],\"lookup\":1}}",
        "{\"event\":\"look\",\"what\":{\"tokens\":-1,\"token\":[]}}",
        "{\"event\":\"look\",\"job\":-1,\"what\":{}}",
        "{\"event\":\"look\",\"job\":1.5,\"what\":{}}",
        "{\"event\":\"applied\",\"what\":{\"layers\":65}}",
        "{\"event\":\"preview\",\"what\":{\"layers\":65}}",
        ("{\"event\":\"layer\",\"what\":{\"layers\":2,\"rows\":1,\"neurons\":2,\"score\":\"f32:"
         "AAAA\"}}"),
        "{\"event\":\"layer\",\"what\":{\"layers\":2,\"rows\":4194304,\"neurons\":4194304}}",
        "{\"event\":\"layer\",\"what\":{\"layers\":2,\"rows\":0,\"neurons\":4}}",
        "{\"event\":\"model\",\"what\":{\"layers\":1000000000,\"neurons\":1}}",
        "{\"event\":\"history\",\"what\":{\"count\":1,\"entry\":[{\"note\":7}]}}",
        "{\"event\":\"history\",\"what\":{\"count\":1,\"entry\":[{\"note\":{\"b64\":\"AAAA\"}}]}}",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct event ev;
        struct err err = {0};

        CHECK(!parse(bad[i], &ev, &err));
        CHECK(err.kind == ERR_FORMAT && ev.progress == NULL);
        if (err.kind != ERR_FORMAT)
            printf("accepted: %s\n", bad[i]);
    }
}

static float float_of_half(unsigned h)
{
    uint16_t half = (uint16_t)h;
    float x;

    dtype_to_float(DT_F16, &half, &x, 1);
    return x;
}

static void halves_are_the_nearest(void)
{
    int wrong = 0;

    for (unsigned h = 0; h < 0x7c00; h++) {
        float x = float_of_half(h), next = float_of_half(h + 1);

        wrong += half_of_float(x, 10) != h;
        wrong += half_of_float(-x, 10) != (h | 0x8000);
        if (h + 1 < 0x7c00)
            wrong += half_of_float(x + (next - x) * 0.4f, 10) != h;
    }
    CHECK(wrong == 0);
    CHECK(half_of_float(INFINITY, 10) == 0x7c00 && half_of_float(1e30f, 10) == 0x7bff);
    CHECK(half_of_float(-1e30f, 2) == 0xfb00 && half_of_float(65504, 10) == 0x7bff);
    CHECK((half_of_float(0.3f, 2) & 0xff) == 0);
    CHECK_NEAR((double)float_of_half(half_of_float(0.3f, 2)), 0.3, 0.3 / 8);
}

static void small_recordings_keep_scores_exact(void)
{
    struct event ev = {.kind = EV_LAYER}, back = {0};
    struct buf text = {0};
    struct err err = {0};

    ev.attribution = attribution_new(3, 2, 5, true);
    ev.attribution->layers = 9;
    for (int i = 0; i < 10; i++) {
        ev.attribution->score[i] = ev.attribution->slope[i] = 1.0f / (float)(i + 3);
        ev.attribution->activation[i] = -1.0f / (float)(i + 3);
    }
    buf_puts(&text, "{");
    event_write(&ev, true, &text);
    buf_puts(&text, "}");
    CHECK(parse(text.data, &back, &err));
    CHECK_STR(err.text, "");
    for (int i = 0; back.attribution && i < 10; i++) {
        float x = 1.0f / (float)(i + 3);

        CHECK(back.attribution->score[i] == x);
        CHECK_NEAR((double)back.attribution->activation[i], (double)-x, 5e-4 * (double)x);
        CHECK_NEAR((double)back.attribution->slope[i], (double)x, (double)x / 8);
    }
    event_free(&back);
    event_free(&ev);
    buf_free(&text);
}

/* Recordings to be given to others have names of files, not their folders. */
static void small_recordings_keep_no_folders(void)
{
    static const enum event_kind kinds[] = {EV_MODEL, EV_STATE, EV_EXPORT};

    for (int small = 0; small < 2; small++)
        for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
            struct event ev = {.kind = kinds[i]};
            struct buf text = {0};

            ev.progress = xcalloc(1, event_fields(ev.kind)->size);
            if (ev.kind == EV_MODEL)
                snprintf(ev.model->path, sizeof(ev.model->path), "/home/me/tiny.gguf");
            else if (ev.kind == EV_STATE)
                snprintf(ev.state->session, sizeof(ev.state->session), "/home/me/tiny.gguf");
            else
                ev.export->path = xstrdup("/home/me/tiny.gguf");
            event_write(&ev, small, &text);
            CHECK(strstr(text.data, "tiny.gguf") != NULL);
            CHECK((strstr(text.data, "/home/me") != NULL) == !small);
            event_free(&ev);
            buf_free(&text);
        }
}

/* Layers and neurons of an event, at any depth, must exist in the recorded model. */
static void events_of_another_model_are_refused(void)
{
    static const struct {
        const char *text;
        bool fits;
    } row[] = {
        {"{\"event\":\"neuron\",\"what\":{\"layer\":5,\"neuron\":9}}", true},
        {"{\"event\":\"neuron\",\"what\":{\"layer\":6}}", false},
        {"{\"event\":\"neuron\",\"what\":{\"neuron\":10}}", false},
        {"{\"event\":\"state\",\"what\":{\"edited_count\":2,\"edited_layers\":[1,6]}}", false},
        {"{\"event\":\"commit\",\"what\":{\"layers\":1,\"layer\":[{\"layer\":5}]}}", true},
        {"{\"event\":\"commit\",\"what\":{\"layers\":1,\"layer\":[{\"layer\":6}]}}", false},
        {"{\"event\":\"diff\",\"what\":{\"layers\":1,\"layer\":[{\"layer\":6}]}}", false},
        {"{\"event\":\"tried\",\"what\":{\"applied\":{\"layers\":1,\"layer\":[{\"layer\":6}]}}}",
         false},
        {"{\"event\":\"look\",\"what\":{}}", true},
        {"{\"event\":\"look\",\"what\":{\"layers\":6}}", true},
        {"{\"event\":\"look\",\"what\":{\"layers\":5}}", false},
        {"{\"event\":\"trace\",\"what\":{}}", false},
        {"{\"event\":\"meta\",\"what\":{\"layers\":6,\"neurons\":11}}", false},
    };
    int layers = 0, neurons = 0;
    struct err err = {0};
    struct event ev;

    CHECK(parse("{\"event\":\"model\",\"what\":{\"layers\":6,\"neurons\":10}}", &ev, &err));
    CHECK(event_valid(&ev, &layers, &neurons) && layers == 6 && neurons == 10);
    event_free(&ev);
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        CHECK(parse(row[i].text, &ev, &err));
        CHECK_STR(err.text, "");
        CHECK(event_valid(&ev, &layers, &neurons) == row[i].fits);
        event_free(&ev);
    }
}

static void every_command_has_its_name(void)
{
    for (int kind = 1; kind <= CMD_QUIT; kind++) {
        const struct command_traits *t = &command_traits[kind];

        CHECK(command_of_name(t->name) == (enum command_kind)kind);
        CHECK(!(t->flags & WRITES) || (t->flags & NOT_RECORDED));
        CHECK(!(t->flags & UNASKED) || !*t->busy);
    }
    CHECK(command_of_name("") == CMD_NONE && command_of_name("nothing") == CMD_NONE);
}

static void base64_is_the_standard_one(void)
{
    static const char *const pair[][2] = {{"", ""},
                                          {"f", "Zg=="},
                                          {"fo", "Zm8="},
                                          {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg=="},
                                          {"fooba", "Zm9vYmE="},
                                          {"foobar", "Zm9vYmFy"}};
    static const char *const bad[] = {"Zm9*", " Zm9", "Zm9\n", "Zm=v", "====", "Zm9", "Z==="};

    for (size_t i = 0; i < sizeof(pair) / sizeof(*pair); i++) { /* RFC 4648, section 10 */
        struct buf out = {0};
        size_t n = strlen(pair[i][1]);
        char back[8] = "";

        buf_puts(&out, "");
        base64_put(&out, pair[i][0], strlen(pair[i][0]));
        CHECK_STR(out.data, pair[i][1]);
        CHECK(base64_size(pair[i][1], n) == strlen(pair[i][0]));
        CHECK(base64_get(back, pair[i][1], n));
        CHECK_STR(back, pair[i][0]);
        buf_free(&out);
    }
    CHECK(base64_size("abc", 3) == (size_t)-1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        CHECK(!base64_get((char[8]){0}, bad[i], strlen(bad[i])));
    for (size_t n = 760; n < 1600; n += 7) { /* more than one block of the decoder */
        unsigned char bytes[1600], back[1600];
        struct buf out = {0};

        for (size_t i = 0; i < n; i++)
            bytes[i] = (unsigned char)(i * i + n);
        base64_put(&out, bytes, n);
        CHECK(base64_size(out.data, out.len) == n && base64_get(back, out.data, out.len));
        CHECK(!memcmp(bytes, back, n));
        buf_free(&out);
    }
}

/* Keys in recordings of 0.1.0: a change of the parameter table must not change them. */
static void keys_of_old_recordings_stay(void)
{
    char subject[] = "Angola", prompt[] = "{} is in", target[] = "Asia";
    struct fact fact = {.subject = subject, .prompt = prompt, .target = target};
    struct command cmd = {.kind = CMD_ATTRIBUTE, .facts = &fact, .count = 1};
    struct mask_override force = {.layer = 4, .neuron = 7, .in = true};
    struct params variant[2];
    static const struct {
        const char *set;
        bool official;
        enum command_kind kind;
        const char *key;
    } row[] = {
        {"seed=0", false, CMD_ATTRIBUTE, "5eb02e94bfd5880f"},
        {"attr.amplify=31", false, CMD_ATTRIBUTE, "85e2a4c5ef698266"},
        {"mask.mode=general", false, CMD_ATTRIBUTE, "5eb02e94bfd5880f"},
        {"seed=0", true, CMD_ATTRIBUTE, "b0eee28ffedf55d9"},
        {"seed=0", false, CMD_ESTIMATE, "3ac3f5f9b4209d76"},
        {"seed=7", false, CMD_ESTIMATE, "3b082df9b45ac96a"},
        {"seed=0", true, CMD_ESTIMATE, "41e121673a290dae"},
        {"edit.layers=4-6,9", true, CMD_COMMIT, "ca8c7489c9bdf5d2"},
        {"edit.method=memit", false, CMD_PREVIEW, "d15af7b9e60082b6"},
        {"accept.p_min=0.5", false, CMD_PREVIEW, "5fc654a64e6323d7"},
        {"stats.tokens=3000", false, CMD_VARIANTS, "73abbba4c5ba9ad4"},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        char *key;

        params_default(&cmd.params);
        variant[0] = variant[1] = cmd.params;
        CHECK(params_assign(&variant[1], "mask.mode=none", FROM_COMMAND_LINE, NULL));
        if (row[i].official)
            params_official(&cmd.params, FROM_PRESET);
        CHECK(params_assign(&cmd.params, row[i].set, FROM_COMMAND_LINE, NULL));
        cmd.kind = row[i].kind;
        cmd.mask_overrides = &force;
        cmd.mask_override_count = cmd.kind == CMD_COMMIT;
        cmd.variants = variant;
        cmd.variant_count = cmd.kind == CMD_VARIANTS ? 2 : 0;
        key = command_key(&cmd);
        CHECK_STR(strchr(key, '#') + 1, row[i].key);
        free(key);
    }
}

static const struct test tests[] = {
    {"keys of old recordings stay", keys_of_old_recordings_stay},
    {"every event comes back", every_event_comes_back},
    {"no field is left out", no_field_is_left_out},
    {"contradictions are refused", contradictions_are_refused},
    {"every command has its name", every_command_has_its_name},
    {"small recordings keep no folders", small_recordings_keep_no_folders},
    {"events of another model are refused", events_of_another_model_are_refused},
    {"halves are the nearest", halves_are_the_nearest},
    {"small recordings keep scores exact", small_recordings_keep_scores_exact},
    {"base64 is the standard one", base64_is_the_standard_one},
};
TEST_MAIN(tests)
