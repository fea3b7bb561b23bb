/* Hides libraries from a program: for the dynamic loader, those named in HIDDEN_LIBRARIES (with spaces between) lie
 * nowhere. It is loaded by LD_AUDIT, for the loader's own opening of files goes by no function that LD_PRELOAD reaches. */

#define _GNU_SOURCE
#include <link.h>
#include <stdlib.h>
#include <string.h>

unsigned int la_version(unsigned int version) { return version; }

char *la_objsearch(const char *path, uintptr_t *cookie, unsigned int flag) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *hidden = getenv("HIDDEN_LIBRARIES");
  size_t length = strlen(name);

  (void)cookie;
  if (flag == LA_SER_ORIG) /* what was asked for; without it the loader could not say what is missing */
    return (char *)path;
  for (const char *at = hidden; at && (at = strstr(at, name)); at += length)
    if ((at == hidden || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
      return NULL;
  return (char *)path;
}
