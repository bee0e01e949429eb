/* The program's version: shown by --version and doctor, recorded in exports. */
#ifndef CORE_BASE_VERSION_H
#define CORE_BASE_VERSION_H

#define EDITSCOPE_VERSION "editscope 0.1.0"

#endif
