/* Wires the folders together. The only file that knows them all. */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "--version")) {
        puts("editscope 0.1.0");
        return 0;
    }
    fputs("usage: editscope [options] [SESSION] | editscope COMMAND [options]\n", stderr);
    return 2;
}
