// Paths writes files by relative and absolute paths, and copies standard input.
//
//	clang --target=wasm32-wasi -Os -s -o paths_c.wasm paths.c
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int put(const char *path, const char *text) {
  FILE *f = fopen(path, "w");
  if (!f) {
    perror(path);
    return 1;
  }
  fputs(text, f);
  return fclose(f);
}

int main(void) {
  char line[100];
  if (mkdir("made", 0700) || put("relative", "relative\n") || put("./made/below", "below\n") || put("/out/absolute", "absolute\n"))
    return 1;
  if (chdir("made") || put("after", "after\n") || rename("../relative", "/out/renamed"))
    return 2;
  while (fgets(line, sizeof line, stdin))
    fputs(line, stdout);
  return 0;
}
