/* The program's version, in the one place where it stands. */
#ifndef CORE_BASE_VERSION_H
#define CORE_BASE_VERSION_H

#define EDITSCOPE_VERSION "editscope 0.1.0"

#endif
