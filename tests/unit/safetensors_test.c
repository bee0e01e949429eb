/* The safetensors container: written files are read back, damaged ones are refused. */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/model/safetensors.h"
#include "tests/folder.h"

static char folder[64];

static char *in_folder(const char *name)
{
    return xasprintf("%s/%s", folder, name);
}

/* A file in memory: length, header, `data` bytes of zeros. */
static struct buf file_of(const char *header, size_t data)
{
    struct buf b = {0};
    uint64_t len = strlen(header);

    for (int i = 0; i < 8; i++)
        buf_add(&b, &(unsigned char){(unsigned char)(len >> 8 * i)}, 1);
    buf_puts(&b, header);
    for (size_t i = 0; i < data; i++)
        buf_add(&b, "", 1);
    return b;
}

static void round_trip(void)
{
    const double wide[] = {1e-300, 2, -3};
    const float single[] = {1.5f, -2.25f};
    const uint16_t brain[] = {0x3f80, 0xc000};
    const int64_t whole[] = {-7};
    const struct st_tensor tensors[] = {
        {.name = "b.bytes", .type = ST_U8, .ndim = 1, .dim = {3}, .data = "\1\2\377"},
        {.name = "wide", .type = ST_F64, .ndim = 2, .dim = {1, 3}, .data = wide},
        {.name = "single", .type = ST_F32, .ndim = 1, .dim = {2}, .data = single, .bytes = 8},
        {.name = "brain \"\\\xc3\xa9", .type = ST_BF16, .ndim = 1, .dim = {2}, .data = brain},
        {.name = "scalar", .type = ST_I64, .data = whole},
        {.name = "nothing", .type = ST_F32, .ndim = 2, .dim = {0, 4}},
    };
    const struct st_meta meta[] = {{"tool", "test"}, {"run", "{\"a\":1}\n"}};
    char *path = in_folder("round.safetensors");
    struct err err = {0};
    const struct st_tensor *t;
    struct safetensors *st;
    double got[3];
    float few[3];

    CHECK(safetensors_save(path, tensors, 6, meta, 2, &err));
    CHECK(safetensors_save(path, tensors, 6, meta, 2, &err)); /* overwrites an old file */
    st = safetensors_open(path, &err);
    CHECK_STR(err.text, "");
    free(path);
    if (!st)
        return;
    CHECK(safetensors_count(st) == 6);
    CHECK_STR(safetensors_at(st, 0)->name, "scalar"); /* the official order: I64 before F64 */
    CHECK_STR(safetensors_at(st, 1)->name, "wide");
    CHECK_STR(safetensors_meta(st, "tool"), "test");
    CHECK_STR(safetensors_meta(st, "run"), "{\"a\":1}\n");
    CHECK_STR(safetensors_meta(st, "format"), "pt");
    CHECK(!safetensors_meta(st, "absent") && !safetensors_tensor(st, "absent"));
    t = safetensors_tensor(st, "wide");
    CHECK(t && t->ndim == 2 && t->dim[1] == 3 && t->bytes == 24);
    st_tensor_doubles(t, got);
    CHECK(!memcmp(got, wide, sizeof(wide)));
    st_tensor_doubles(safetensors_tensor(st, "b.bytes"), got);
    CHECK(got[2] == 255);
    st_tensor_doubles(safetensors_tensor(st, "scalar"), got);
    CHECK(got[0] == -7);
    st_tensor_floats(safetensors_tensor(st, "brain \"\\\xc3\xa9"), few);
    CHECK(few[0] == 1 && few[1] == -2);
    st_tensor_floats(safetensors_tensor(st, "single"), few);
    CHECK(few[1] == -2.25f);
    st_tensor_floats(safetensors_tensor(st, "wide"), few);
    CHECK(few[2] == -3);
    CHECK(st_tensor_elements(safetensors_tensor(st, "nothing")) == 0);
    safetensors_close(st);
}

static void refuses_to_write(void)
{
    const float one = 1;
    const struct st_tensor twice[] = {{.name = "a", .type = ST_F32, .data = &one},
                                      {.name = "a", .type = ST_F32, .data = &one}};
    const struct st_tensor wrong = {.name = "a", .type = ST_F32, .data = &one, .bytes = 3};
    const struct st_tensor name = {.name = "\xff", .type = ST_F32, .data = &one};
    char *path = in_folder("none.safetensors"), *deep = in_folder("no/such/x");
    struct err err = {0};

    CHECK(!safetensors_save(path, twice, 2, NULL, 0, &err) && strstr(err.text, "twice"));
    CHECK(err.kind == ERR_FORMAT);
    CHECK(!safetensors_save(path, &wrong, 1, NULL, 0, NULL));
    CHECK(!safetensors_save(path, &name, 1, NULL, 0, NULL));
    CHECK(!safetensors_save(path, NULL, 0, &(struct st_meta){"k", "\xff"}, 1, NULL));
    CHECK(!file_exists(path));
    err = (struct err){0};
    CHECK(!safetensors_save(deep, twice, 1, NULL, 0, &err) && err.kind == ERR_IO);
    CHECK(safetensors_save(path, NULL, 0, NULL, 0, NULL));
    free(path);
    free(deep);
}

#define T(shape, offsets) "{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static void refuses_to_read(void)
{
    static const struct {
        const char *header;
        size_t data;
        const char *why;
    } cases[] = {
        {"", 0, "begin with {"},
        {" {}", 0, "begin with {"},
        {"[]", 0, "begin with {"},
        {"{", 0, "damaged"},
        {"{} x", 0, "damaged"},
        {"{\"a\":" T("[1]", "[0,4]") ",\"\\u0061\":" T("[1]", "[0,4]") "}", 4, "damaged"},
        {"{\"\":" T("[1]", "[0,4]") "}", 4, "name"},
        {"{\"a\\u001b\":" T("[1]", "[0,4]") "}", 4, "control"},
        {"{\"__metadata__\":null}", 0, "__metadata__"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "__metadata__"},
        {"{\"a\":[\"F32\",[1],[0,4]]}", 4, "described"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "described"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4,
         "described"},
        {"{\"a\":{\"dtype\":\"f32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "'f32'"},
        {"{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "F8_E4M3"},
        {"{\"a\":{\"dtype\":7,\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "dtype"},
        {"{\"a\":" T("[1.0]", "[0,4]") "}", 4, "dimension"},
        {"{\"a\":" T("[-1]", "[0,4]") "}", 4, "negative"},
        {"{\"a\":" T("4", "[0,4]") "}", 4, "shape"},
        {"{\"a\":" T("[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4, "shape"},
        {"{\"a\":" T("[9223372036854775807,2]", "[0,4]") "}", 4, "too many elements"},
        {"{\"a\":" T("[9223372036854775807]", "[0,4]") "}", 4, "too large"},
        {"{\"a\":" T("[1]", "[0,4,8]") "}", 4, "pair"},
        {"{\"a\":" T("[1]", "[0.0,4]") "}", 4, "pair"},
        {"{\"a\":" T("[1]", "[4,0]") "}", 4, "offsets"},
        {"{\"a\":" T("[1]", "[-4,0]") "}", 4, "negative"},
        {"{\"a\":" T("[1]", "[-0,4]") "}", 4, "negative"},
        {"{\"a\":" T("[1]", "[0,8]") "}", 8, "8 bytes"},
        {"{\"a\":" T("[1]", "[4,8]") "}", 4, "offsets"},
        {"{\"a\":" T("[1]", "[4,8]") "}", 8, "hole"},
        {"{\"a\":" T("[2]", "[0,8]") ",\"b\":" T("[1]", "[4,8]") "}", 8, "overlaps"},
        {"{\"a\":" T("[2]", "[0,8]") ",\"b\":" T("[0]", "[4,4]") "}", 8, "overlaps"},
        {"{\"a\":" T("[1]", "[0,4]") "}", 5, "5 bytes"},
        {"{}", 1, "1 bytes"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct buf b = file_of(cases[i].header, cases[i].data);
        struct err err = {0};
        struct safetensors *st = safetensors_parse(b.data, b.len, &err);

        if (st || err.kind != ERR_FORMAT || !strstr(err.text, cases[i].why))
            printf("case %zu: %s\n", i, err.text);
        CHECK(!st && err.kind == ERR_FORMAT && strstr(err.text, cases[i].why));
        safetensors_close(st);
        buf_free(&b);
    }
}

static void legal_oddities(void)
{
    static const struct {
        const char *header;
        size_t data;
    } cases[] = {
        {"{}", 0},
        {"{}   \n", 0},
        {"{\"__metadata__\":{}}", 0},
        {"{\"-\\\"-\":" T("[1]", "[0,4]") "}", 4},
        {"{\"a\":" T("[]", "[0,4]") "}", 4},
        {"{\"a\":" T("[0,7]", "[0,0]") "}", 0},
        {"{\"b\":" T("[1]", "[4,8]") ",\"a\":" T("[1]", "[0,4]") ",\"c\":" T("[0]", "[4,4]") "}",
         8},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct buf b = file_of(cases[i].header, cases[i].data);
        struct err err = {0};
        struct safetensors *st = safetensors_parse(b.data, b.len, &err);

        CHECK_STR(err.text, "");
        CHECK(st);
        safetensors_close(st);
        buf_free(&b);
    }
}

static void cut_at_every_length(void)
{
    struct buf b = file_of("{\"a\":" T("[2]", "[0,8]") ",\"__metadata__\":{\"k\":\"v\"}}  ", 8);

    for (size_t n = 0; n <= b.len; n++) {
        char *exact = memcpy(xmalloc(n ? n : 1), b.data, n);
        struct err err = {0};
        struct safetensors *st = safetensors_parse(exact, n, &err);

        CHECK((st != NULL) == (n == b.len));
        CHECK(st || (err.kind == ERR_FORMAT && !strchr(err.text, '\n')));
        safetensors_close(st);
        free(exact);
    }
    buf_free(&b);
}

static void files_that_are_none(void)
{
    char *path = in_folder("empty");
    struct err err = {0};

    CHECK(!safetensors_open("/no/such/file", &err) && err.kind == ERR_IO);
    err = (struct err){0};
    CHECK(file_write(path, "", 0, NULL));
    CHECK(!safetensors_open(path, &err) && err.kind == ERR_FORMAT && strstr(err.text, path));
    free(path);
}

static const struct test tests[] = {
    {"round trip", round_trip},
    {"refuses to write", refuses_to_write},
    {"refuses to read", refuses_to_read},
    {"legal oddities", legal_oddities},
    {"cut at every length", cut_at_every_length},
    {"files that are none", files_that_are_none},
};

FOLDER_MAIN(folder, tests)
