/* SPDX-License-Identifier: Apache-2.0 */
/* banned.h -- functions that do not compile in src/: the build includes this file first.
 *
 * Each is a trap that has a better way next to it: text.h for strings that grow, snprintf
 * for those that do not, number.h for numbers, proc.h for programs, the reentrant form of
 * what keeps hidden state.  The system's own headers come first, since they may name these
 * functions; whoever calls one afterwards is told which it was. */
#ifndef BANNED_H
#define BANNED_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <alloca.h>
#endif

#define banned(name) name##_is_banned_in_firn_see_banned_h

#undef strcpy
#define strcpy(...) banned(strcpy)
#undef strncpy
#define strncpy(...) banned(strncpy)
#undef stpcpy
#define stpcpy(...) banned(stpcpy)
#undef strcat
#define strcat(...) banned(strcat)
#undef strncat
#define strncat(...) banned(strncat)
#undef sprintf
#define sprintf(...) banned(sprintf)
#undef vsprintf
#define vsprintf(...) banned(vsprintf)
#undef gets
#define gets(...) banned(gets)
#undef strtok
#define strtok(...) banned(strtok)
#undef atoi
#define atoi(...) banned(atoi)
#undef atol
#define atol(...) banned(atol)
#undef atoll
#define atoll(...) banned(atoll)
#undef atof
#define atof(...) banned(atof)
#undef strtol
#define strtol(...) banned(strtol)
#undef strtoll
#define strtoll(...) banned(strtoll)
#undef strtoul
#define strtoul(...) banned(strtoul)
#undef strtoull
#define strtoull(...) banned(strtoull)
#undef strtod
#define strtod(...) banned(strtod)
#undef system
#define system(...) banned(system)
#undef popen
#define popen(...) banned(popen)
#undef localtime
#define localtime(...) banned(localtime)
#undef gmtime
#define gmtime(...) banned(gmtime)
#undef ctime
#define ctime(...) banned(ctime)
#undef asctime
#define asctime(...) banned(asctime)
#undef alloca
#define alloca(...) banned(alloca)
#undef mktemp
#define mktemp(...) banned(mktemp)
#undef tmpnam
#define tmpnam(...) banned(tmpnam)

#endif
