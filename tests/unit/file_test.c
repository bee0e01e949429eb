/* Text files as other programs save them (line ends, encodings), and spooled pipes. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/file_type.h"
#include "tests/test.h"

static char folder[] = "/tmp/editscope-file-XXXXXX";
static char path[64];

static void put(const char *bytes, size_t n)
{
    snprintf(path, sizeof(path), "%s/text", folder);
    CHECK(file_write(path, bytes, n, NULL));
}

#define PUT(bytes) put(bytes, sizeof(bytes) - 1)

static void reads(const char *want, bool prose)
{
    struct err err = {0};
    size_t len = 0;
    char *text = (prose ? file_read_prose : file_read_text)(path, 1000, &len, &err);

    CHECK_STR(err.text, "");
    CHECK(text && len == strlen(want));
    CHECK_STR(text, want);
    free(text);
}

static void refuses(const char *what)
{
    struct err err = {0};

    CHECK(!file_read_text(path, 1000, NULL, &err));
    CHECK(err.kind == ERR_FORMAT);
    if (!strstr(err.text, what))
        CHECK_STR(err.text, what);
}

static void lines_and_marks(void)
{
    PUT("a\r\nb\rc\n\r\n\xef\xbb\xbf");
    reads("a\nb\nc\n\n\xef\xbb\xbf", false);
    reads("a\nb\rc\n\n\xef\xbb\xbf", true);
    PUT("\xef\xbb\xbf"
        "a\r");
    reads("a\n", false);
    reads("a\r", true);
    PUT("\xef\xbb\xbf");
    reads("", false);
    PUT("\xef\xbb");
    reads("\xef\xbb", false);
    PUT("");
    reads("", false);
    PUT("\r\r\n");
    reads("\n\n", false);
    reads("\r\n", true);
}

static void other_encodings_are_named(void)
{
    PUT("\xff\xfe{\0}\0");
    refuses("UTF-16 (little-endian)");
    PUT("\xfe\xff\0{\0}");
    refuses("UTF-16 (big-endian)");
    PUT("\xff\xfe\0\0{\0\0\0");
    refuses("UTF-32");
    PUT("\0\0\xfe\xff\0\0\0{");
    refuses("UTF-32");
    PUT("{\0}\0");
    refuses("zero byte at offset 1; if it is UTF-16");
    PUT("abcd\0");
    refuses("zero byte at offset 4: not a text file");
}

/* Every text of up to five of these reads as the plain definition says. */
static void all_short_texts(void)
{
    static const char of[] = {'a', '\r', '\n'};

    for (int code = 0; code < 243; code++) {
        char text[8] = "", want[8] = "";
        int n = 0, m = 0, rest = code;

        for (int i = 0; i < 5; i++, rest /= 3)
            text[n++] = of[rest % 3];
        for (int i = 0; i < n; i++)
            if (text[i] != '\r')
                want[m++] = text[i];
            else if (text[i + 1] != '\n')
                want[m++] = '\n';
        put(text, (size_t)n);
        reads(want, false);
    }
}

/* A pipe is read once and stays: as text, as a map, and from its beginning each time. */
static void a_pipe_is_kept(void)
{
    struct file_map map;
    struct err err = {0};
    char name[32], head[4] = "";
    int ends[2], fd;

    CHECK(!pipe(ends));
    CHECK(write(ends[1], "one\r\ntwo", 8) == 8);
    close(ends[1]);
    snprintf(name, sizeof(name), "/dev/fd/%d", ends[0]);
    CHECK(!file_read(name, 100, NULL, &err)); /* not before it is kept */
    CHECK(file_spool(name, NULL));
    CHECK(file_spool(name, NULL));
    close(ends[0]);
    snprintf(path, sizeof(path), "%s", name);
    reads("one\ntwo", false);
    reads("one\ntwo", true);
    CHECK(file_peek(name, head, 3) == 3 && !strcmp(head, "one"));
    CHECK(file_map(&map, name, NULL) && map.size == 8 && !memcmp(map.data, "one\r", 4));
    file_unmap(&map);
    fd = file_open(name, NULL);
    CHECK(fd >= 0 && read(fd, head, 3) == 3 && !strcmp(head, "one"));
    close(fd);
}

/* A fifo that nobody writes to does not hold whoever only wants to read a file. */
static void an_open_fifo_does_not_wait(void)
{
    struct err err = {0};
    char name[64];

    snprintf(name, sizeof(name), "%s/fifo", folder);
    CHECK(!mkfifo(name, 0600));
    CHECK(!file_read_text(name, 100, NULL, &err));
    CHECK(strstr(err.text, "not a regular file"));
    unlink(name);
    CHECK(file_spool(name, NULL)); /* not there: whoever reads it says so */
    CHECK(file_spool(folder, NULL));
}

/* What formats are told by their first bytes, and what only begins like them is not. */
static void looks_are_told(void)
{
    static const struct {
        const char *bytes;
        size_t n;
        enum file_type looks;
    } files[] = {
        {"", 0, FILE_TYPE_EMPTY},
        {"S", 1, FILE_TYPE_TEXT},
        {"SQLite format 3 is a text", 25, FILE_TYPE_TEXT},
        {"SQLite format 3\0\x10", 17, FILE_TYPE_SESSION},
        {"GGU", 3, FILE_TYPE_TEXT},
        {"GGUF\3\0\0\0", 8, FILE_TYPE_GGUF},
        {"\x08\0\0\0\0\0\0\0{\"a\":1}", 15, FILE_TYPE_SAFETENSORS},
        {"eight by{\"a\":1}", 15, FILE_TYPE_TEXT},
        {"\x08\0\0\0\0\0\0\0{", 9, FILE_TYPE_UNKNOWN},
        {"\x1f\x8b\x08", 3, FILE_TYPE_GZIP},
        {"PK\3\4", 4, FILE_TYPE_ZIP},
        {"\x80\2c", 3, FILE_TYPE_PICKLE},
        {"version https://git-lfs.github.com", 34, FILE_TYPE_LFS},
        {"<!doctype HTML>", 15, FILE_TYPE_HTML},
        {"<HTML>", 6, FILE_TYPE_HTML},
        {"a\0b", 3, FILE_TYPE_UNKNOWN},
    };

    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        CHECK(file_type_of_bytes(files[i].bytes, files[i].n) == files[i].looks);
        put(files[i].bytes, files[i].n);
        CHECK(file_type_of_path(path) == files[i].looks);
    }
    CHECK(file_type_of_path(folder) == FILE_TYPE_FOLDER);
    CHECK(file_type_of_path("/nowhere") == FILE_TYPE_UNKNOWN);
    for (int i = FILE_TYPE_UNKNOWN + 1; i < FILE_TYPE_COUNT; i++)
        CHECK(file_type_name((enum file_type)i));
    CHECK(!file_type_name(FILE_TYPE_UNKNOWN));
}

static void make_folder(void)
{
    CHECK(mkdtemp(folder));
}

static void remove_folder(void)
{
    snprintf(path, sizeof(path), "%s/text", folder);
    unlink(path);
    CHECK(!rmdir(folder));
}

static void whether_it_can_be_written_is_known_before(void)
{
    struct err err = {0};

    CHECK(file_writable("a-file-of-no-one", &err) && file_writable("/tmp/a-file-of-no-one", &err));
    CHECK(!file_writable("no/such/folder/x", &err));
    CHECK_STR(err.text,
              "no/such/folder/x: cannot write: no/such/folder: No such file or directory");
    err = (struct err){0};
    CHECK(!file_writable("/dev/null", &err));
    CHECK_STR(err.text, "/dev/null: not a regular file");
}

static const struct test tests[] = {
    {"whether it can be written is known before", whether_it_can_be_written_is_known_before},
    {"a folder of their own", make_folder},
    {"ends of lines, and a mark before the text", lines_and_marks},
    {"other encodings are named", other_encodings_are_named},
    {"all short texts", all_short_texts},
    {"a pipe is kept", a_pipe_is_kept},
    {"an open fifo does not wait", an_open_fifo_does_not_wait},
    {"looks are told", looks_are_told},
    {"the folder is empty again", remove_folder},
};

TEST_MAIN(tests)
