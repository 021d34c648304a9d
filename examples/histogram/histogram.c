// Histogram counts the bytes of its standard input, and writes what it found to a file.
//
//   clang --target=wasm32-wasi -O2 -o histogram.wasm histogram.c   (Debian: clang lld wasi-libc libclang-rt-dev-wasm32)
//   moot run histogram.wasm --as histogram < book.txt
#include <stdio.h>

int main(void) {
  static unsigned char buffer[64 << 10];
  unsigned long count[256] = {0};
  size_t n;
  while ((n = fread(buffer, 1, sizeof buffer, stdin)) > 0)
    for (size_t i = 0; i < n; i++)
      count[buffer[i]]++;
  FILE *out = fopen("histogram.txt", "w"); // a relative path: below /out
  if (!out) {
    perror("histogram.txt");
    return 1;
  }
  for (int b = 0; b < 256; b++)
    if (count[b])
      fprintf(out, "%02x %lu\n", b, count[b]);
  return fclose(out) ? 1 : 0;
}
